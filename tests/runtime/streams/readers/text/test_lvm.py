"""LabVIEW measurement files: every way to write the x column, segments, decimal commas, damage."""

import datetime as dt

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import read

N, RATE = 3000, 25600.0
X = np.round(np.random.default_rng(0).normal(size=(2, 3 * N)), 6)
COLUMNS = {
    "No": ["X_Value", "ax", "ay"],
    "One": ["X_Value", "ax", "ay"],
    "Multi": ["X_Value", "ax", "X_Value", "ay"],
}


def lvm(
    path,
    *,
    columns="No",
    decimal=".",
    separator="\t",
    starts=("08:00:00.25",),
    x0=0.0,
    comments=True,
    units="g",
    day="2026/03/01",
    delta=1 / RATE,
    dimension="Time",
):
    def text(value, form=".6f"):
        return f"{value:{form}}".replace(".", decimal)

    lines = [
        ["LabVIEW Measurement"], ["Writer_Version", "2"], ["Reader_Version", "2"],
        ["Separator", "Tab" if separator == "\t" else "Comma"], ["Decimal_Separator", decimal],
        ["Multi_Headings", "Yes"], ["X_Columns", columns], ["Time_Pref", "Relative"],
        ["Operator", "hans"], ["Date", day], ["Time", "08:00:00" + decimal + "25"],
        ["***End_of_Header***"], [""],
    ]  # fmt: skip
    for segment, start in enumerate(starts):
        lines += [
            ["Channels", "2", "", ""],
            ["Samples", str(N), str(N), ""],
            ["Date", day, day, ""],
            ["Time", *[start.replace(".", decimal)] * 2, ""],
            ["Y_Unit_Label", units, units, ""],
            ["X_Dimension", dimension, dimension, ""],
            ["X0", *[text(x0 * segment, ".16E")] * 2, ""],
            ["Delta_X", *[text(delta, ".6E")] * 2, ""],
            ["***End_of_Header***", "", "", ""],
            COLUMNS[columns] + (["Comment"] if comments else []),
        ]
        for i in range(N):
            a, b = (text(each) for each in X[:, segment * N + i])
            t = text(x0 * segment + i * delta, ".7f")
            row = {"No": ["", a, b], "One": [t, a, b], "Multi": [t, a, t, b]}[columns]
            lines.append([*row, "begin"] if comments and i == 0 else row)
        lines.append([""])
    path.write_text("".join(separator.join(line) + "\r\n" for line in lines), newline="")


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize(("decimal", "separator"), [(".", "\t"), (",", "\t"), (".", ",")])
@pytest.mark.parametrize("comments", [True, False])
@pytest.mark.parametrize("name", ["x.lvm", "x.txt"])
def test_a_segment(tmp_path, columns, decimal, separator, comments, name):
    path = tmp_path / name
    lvm(path, columns=columns, decimal=decimal, separator=separator, comments=comments)
    source, got, chunks = read(path)
    assert (source.kind, source.channel_names) == ("LVM", ("ax", "ay"))
    assert source.rate_hz == pytest.approx(RATE, rel=1e-6)
    assert source.unit == "g"
    assert source.start == dt.datetime(2026, 3, 1, 8, 0, 0, 250_000)
    np.testing.assert_allclose(got, X[:, :N])
    assert [chunk.gap_before for chunk in chunks] == [0] * len(chunks)
    assert source.warnings == []
    np.testing.assert_allclose(read(path, "ay")[1], X[1:, :N])


@pytest.mark.parametrize("columns", ["No", "One"])
def test_what_is_missing_between_segments_is_a_gap(tmp_path, columns):
    path = tmp_path / "x.lvm"
    lvm(path, columns=columns, starts=("08:00:00.25", "08:00:01.25", "08:00:02.25"))
    source, got, chunks = read(path)
    np.testing.assert_allclose(got, X)
    assert [c.gap_before for c in chunks if c.gap_before] == [int(RATE) - N] * 2
    assert source.warnings == []


def test_segments_may_follow_each_other_by_x0(tmp_path):
    path = tmp_path / "x.lvm"
    lvm(path, columns="One", starts=("08:00:00.25",) * 3, x0=N / RATE)
    source, got, chunks = read(path)
    np.testing.assert_allclose(got, X)
    assert not any(chunk.gap_before for chunk in chunks)
    assert source.warnings == []


def test_segments_that_do_not_say_when_they_begin_lose_nothing(tmp_path):
    path = tmp_path / "x.lvm"
    lvm(path, starts=("08:00:00.25",) * 3)
    source, got, chunks = read(path)
    np.testing.assert_allclose(got, X)
    assert [c.gap_before for c in chunks if c.gap_before] == [1, 1]
    assert f"2 segments of {path} do not state when they begin" in source.warnings[0]


def test_a_placeholder_is_no_start(tmp_path):
    lvm(tmp_path / "x.lvm", day="1903/12/31")
    assert read(tmp_path / "x.lvm")[0].start is None


def test_a_cut_file_is_read_to_the_cut_and_said(tmp_path):
    path = tmp_path / "x.lvm"
    lvm(path)
    path.write_bytes(path.read_bytes()[:-8003])
    source, got, _ = read(path)
    assert N - 450 < got.shape[1] < N - 300
    np.testing.assert_allclose(got, X[:, : got.shape[1]])
    assert "shorter than its header says" in source.warnings[0]


def test_damage_is_refused_with_its_line(tmp_path):
    path = tmp_path / "x.lvm"
    lvm(path)
    lines = path.read_bytes().split(b"\r\n")
    lines[2000] = b"\t0.1\toops"
    path.write_bytes(b"\r\n".join(lines))
    with pytest.raises(InputError, match=r"line 2001: got 'oops' in column 'ay'"):
        read(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ((b"***End_of_Header***", b"***End"), "has no end of its LVM header: it is cut"),
        ((b"\r\nChannels", b"\r\nKanal"), "holds no segment with channels"),
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path, change, match):
    path = tmp_path / "x.lvm"
    lvm(path)
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(InputError, match=match):
        read(path)


def test_a_spectrum_and_segments_of_two_rates_are_refused(tmp_path):
    path = tmp_path / "x.lvm"
    lvm(path, dimension="Frequency")
    with pytest.raises(InputError, match="holds values over Frequency: expected samples over time"):
        read(path)
    lvm(path)
    first = path.read_bytes()
    lvm(path, delta=1 / 12800)
    second = path.read_bytes()
    path.write_bytes(first + second[second.index(b"Channels") :])
    with pytest.raises(InputError, match="segments of different channels, units or Delta_X"):
        read(path)


def test_an_lvm_file_without_a_header_is_a_table(tmp_path):
    path = tmp_path / "x.lvm"
    path.write_text("".join(f"{i / RATE:.7f}\t{X[0, i]}\n" for i in range(N)))
    source, got, _ = read(path)
    assert source.rate_hz == pytest.approx(RATE, rel=1e-4)
    np.testing.assert_allclose(got, X[:1, :N])
