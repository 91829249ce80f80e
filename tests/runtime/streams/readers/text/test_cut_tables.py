"""A table that was cut while it was written is read to the cut, and said."""

import datetime as dt

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from tests.runtime.streams.readers.text.written import RATE, X, moments, read, rows, seconds

TEXT = "t,a,b\n" + rows(seconds(), X[0], X[1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("lost", range(1, 26))
def test_every_cut_within_the_last_row(tmp_path, lost, encoding):
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT[:-lost].encode(encoding))
    source, got, _ = read(path)
    is_whole = lost == 1  # only the end of the line is missing
    n = X.shape[1] - (not is_whole)
    np.testing.assert_allclose(got, X[:, :n])
    said = [each for each in source.warnings if "ends within a row" in each]
    assert len(said) == (not is_whole)
    assert source.rate_hz == pytest.approx(RATE, rel=3e-4)


@pytest.mark.parametrize("zeros", [1, 511, 700_000])
@pytest.mark.parametrize("cut", [0, 5])
def test_zeros_at_the_end_are_no_rows(tmp_path, zeros, cut):
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT[: len(TEXT) - cut].encode() + bytes(zeros))
    source, got, _ = read(path)
    np.testing.assert_allclose(got, X[:, : X.shape[1] - (cut > 0)])
    assert bool(source.warnings) == (cut > 0)


def test_the_end_of_an_old_dos_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT.encode() + b"\x1a")
    np.testing.assert_allclose(read(path)[1], X)


def test_a_short_row_with_an_end_is_damage(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(TEXT[:-9] + "\n")
    with pytest.raises(InputError, match="line 401: Expected 3 columns, got 2"):
        read(path)


def test_numbers_of_any_length_may_end_without_a_line_end(tmp_path):
    path = tmp_path / "x.csv"
    values = ["0.5", "0.25", "0.125", "1"] * 50
    path.write_text("a\n" + "\n".join(values))
    source, got, _ = read(path)
    assert got.shape == (1, 200)
    assert source.warnings == []


def test_times_of_day_go_on_past_midnight(tmp_path):
    path = tmp_path / "x.csv"
    start = dt.datetime(2026, 3, 1, 23, 59, 59, 990_000)
    times = [(start + dt.timedelta(seconds=i / RATE)).strftime("%H:%M:%S.%f") for i in range(400)]
    path.write_text("Time,a\n" + rows(times, X[0]))
    source, got, chunks = read(path)
    np.testing.assert_allclose(got, X[:1])
    assert source.rate_hz == pytest.approx(RATE, rel=3e-4)
    assert source.start is None
    assert not any(chunk.gap_before for chunk in chunks)


def test_a_gap_in_german_dates(tmp_path):
    path = tmp_path / "x.csv"
    times = moments("%d.%m.%Y %H:%M:%S.%f")
    later = [each.replace(" 08:00:00", " 08:00:01") for each in times]
    path.write_text("Zeit;a\n" + rows(times + later, np.tile(X[0], 2), delimiter=";"))
    source, got, chunks = read(path)
    np.testing.assert_allclose(got[0], np.tile(X[0], 2))
    assert [chunk.gap_before for chunk in chunks if chunk.gap_before] == [int(RATE) - 400]
    assert source.start == dt.datetime(2026, 3, 1, 8)


def test_lines_that_end_in_two_returns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT.replace("\n", "\r\r\n").encode())
    np.testing.assert_allclose(read(path)[1], X)


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S.%f"])
def test_stamps_of_whole_milliseconds_tell_the_rate(tmp_path, form):
    path = tmp_path / "x.csv"
    start = dt.datetime(2026, 3, 1, 8)
    stamps = [(start + dt.timedelta(seconds=i / RATE)).strftime(form)[:-3] for i in range(20_000)]
    x = np.tile(X[0], 50)
    path.write_text("Time;a\n" + rows(stamps, x, delimiter=";"))
    source, got, chunks = read(path)
    np.testing.assert_allclose(got[0], x)
    assert source.rate_hz == pytest.approx(RATE, rel=1e-3)
    assert source.start == start
    assert not any(chunk.gap_before for chunk in chunks)


def test_a_day_above_twelve_far_down_tells_day_and_month(tmp_path):
    path = tmp_path / "x.csv"
    start = dt.datetime(2026, 3, 1)
    for form in ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"):
        stamps = [(start + dt.timedelta(minutes=i)).strftime(form) for i in range(20_000)]
        path.write_text("time,a\n" + rows(stamps, np.tile(X[0], 50)))
        source, _, chunks = read(path)
        assert (source.start, source.rate_hz) == (start, pytest.approx(1 / 60))
        assert not any(chunk.gap_before for chunk in chunks)


def test_files_of_the_ims_have_their_time_in_their_name_and_no_rate(tmp_path):
    path = tmp_path / "2003.10.22.12.06.24"
    path.write_text(rows(X[0], X[1], delimiter="\t"))
    source, got, _ = read(path)
    np.testing.assert_allclose(got, X)
    assert (source.rate_hz, source.start) == (None, dt.datetime(2003, 10, 22, 12, 6, 24))


def test_columns_without_numbers_are_said_or_refused(tmp_path):
    path = tmp_path / "x.csv"
    n = X.shape[1]
    path.write_text("t,a,state,z\n" + rows(seconds(), X[0], ["OK"] * n, ["0.1+0.2j"] * n))
    source, got, _ = read(path)
    np.testing.assert_allclose(got, X[:1])
    assert source.warnings == [
        f"columns of {path} that hold no numbers are left out: state (text), z (complex numbers)"
    ]
    assert read(path, "a")[0].warnings == []
    for name, what in (("state", "text"), ("z", "complex numbers")):
        with pytest.raises(InputError, match=f"no series '{name}' .*: that column holds {what}"):
            read(path, name)
