"""Universal files as modal and acoustic analysers write them."""

import struct

import numpy as np
import pytest
import pyuff

from dlrsd.runtime.streams.readers.registry import open_file
from tests.runtime.streams.hostile import uff58
from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.uff"


def write(path, signals, **changes):
    for i, signal in enumerate(signals):
        given = {
            "func_type": 1, "rsp_node": i, "rsp_dir": 3, "ref_dir": 3, "ref_node": 1, "binary": 0,
            "data": signal.astype(float), "x": T[: len(signal)], "id1": f"a{i}",
            "abscissa_spacing": 1, "num_pts": len(signal), "ord_data_type": 4,
            "abscissa_spec_data_type": 17, "ordinate_spec_data_type": 12,
            "ordinate_axis_units_lab": "g", "orddenom_spec_data_type": 0,
        } | changes  # fmt: skip
        pyuff.UFF(str(path)).write_sets(pyuff.prepare_58(**given), mode="add")


def lines(count, value_type, even, *, x_unit="s", y_unit="g", step=1 / RATE, function=1, x_kind=17):
    """A header of a data set, of text."""
    text = uff58(count, b"", value_type=value_type, even=even, step=step).decode()
    text = text.replace(f"{'s':20}", f"{x_unit:20}", 1).replace(f"{'g':20}", f"{y_unit:20}", 1)
    text = text.replace(f"{1:5}{0:10}", f"{function:5}{0:10}", 1)
    return text.replace(f"{17:10}{0:5}", f"{x_kind:10}{0:5}", 1).removesuffix("    -1\n").encode()


def numbers(values, width, digits, per_line):
    cells = [f"{value:{width}.{digits}e}" for value in values]
    rows = ["".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    return ("\n".join(rows) + "\n").encode()


@pytest.mark.parametrize("even", [0, 1])
@pytest.mark.parametrize("value_type", [2, 4])
@pytest.mark.parametrize("binary", [0, 1])
def test_forms(path, even, value_type, binary):
    write(path, X, abscissa_spacing=even, ord_data_type=value_type, binary=binary)
    got = opened(path)
    assert (got.rate, got.unit, got.start) == (pytest.approx(RATE, rel=1e-4), "g", None)
    np.testing.assert_allclose(got.samples, X, rtol=1e-5)
    np.testing.assert_allclose(opened(path, variable="2").samples, X[2:], rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 1999])
@pytest.mark.parametrize("even", [0, 1])
def test_padding_is_no_sample(path, count, even):
    x = X[0, :count].astype(float)
    values = x if even else np.column_stack([T[:count], x]).reshape(-1)
    padded = np.concatenate([values, np.zeros(-len(values) % 6)])
    path.write_bytes(lines(count, 2, even) + numbers(padded, 13, 5, 6) + b"    -1\n")
    if not even and count < 16:  # too few times to tell that they are even
        return
    got = opened(path)
    np.testing.assert_allclose(got.samples[0], x, rtol=1e-5)
    assert got.rate == pytest.approx(RATE, rel=1e-3)
    assert got.warnings == []


@pytest.mark.parametrize(
    ("unit", "seconds"), [("s", 1), ("ms", 1e-3), ("msec", 1e-3), ("us", 1e-6), ("min", 60)]
)
@pytest.mark.parametrize("even", [0, 1])
def test_units_of_the_abscissa(path, unit, seconds, even):
    x = X[0].astype(float)
    values = x if even else np.column_stack([T / seconds, x]).reshape(-1)
    head = lines(N, 2, even, x_unit=unit, step=1 / RATE / seconds)
    path.write_bytes(head + numbers(values, 13, 5, 6) + b"    -1\n")
    got = opened(path)
    assert got.rate == pytest.approx(RATE, rel=1e-3)
    np.testing.assert_allclose(got.samples[0], x, rtol=1e-5)


@pytest.mark.parametrize(
    ("code", "label", "unit"),
    [
        (1, "NONE", "m/s2"),
        (None, "NONE", None),
        (1, "g", "g"),
        (9, "NONE", None),
        (None, "m/s^2", "m/s2"),
    ],
)
def test_units_of_the_ordinate(path, code, label, unit):
    units = b""
    if code is not None:
        factors = "  1.00000000000000000D+00" * 3 + "\n  2.73160000000000030D+02\n"
        units = (
            f"    -1\n   164\n{code:10}{'SI: Meter (newton)':20}{2:10}\n{factors}    -1\n".encode()
        )
    head = lines(N, 2, 1, y_unit=label)
    path.write_bytes(units + head + numbers(X[0], 13, 5, 6) + b"    -1\n")
    assert opened(path).unit == unit


def test_an_acceleration_in_millimetres_is_refused(path):
    units = b"    -1\n   164\n         5mm (milli-newton)             2\n    -1\n"
    path.write_bytes(units + lines(N, 2, 1, y_unit="NONE") + numbers(X[0], 13, 5, 6) + b"    -1\n")
    refused(path, "mm/s2")


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("01-Mar-26 08:00:00", "2026-03-01T08:00:00"),
        ("01-MAR-2026 08:00:00", "2026-03-01T08:00:00"),
        ("2026-03-01 08:00:00", "2026-03-01T08:00:00"),
        ("01/03/26 08:00:00", None),
        ("NONE", None),
        ("01-Jan-70 00:00:00", None),
    ],
)
def test_dates(path, line, start):
    write(path, X[:1], id3=line)
    assert opened(path).start == start


@pytest.mark.parametrize("even", [0, 1])
@pytest.mark.parametrize("date", ["01-Mar-26 08:00:00", "01-Jan-80 00:00:00"])
def test_an_abscissa_that_begins_later_moves_the_start(path, even, date):
    write(
        path, X[:2], id3=date, x=T + 5.25, abscissa_spacing=even,
        abscissa_min=5.25, abscissa_inc=1 / RATE, ord_data_type=4,
    )  # fmt: skip
    is_set = date.endswith("08:00:00")
    assert opened(path).start == ("2026-03-01T08:00:05.250000" if is_set else None)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("exponent", [b"e", b"E", b"D"])
def test_dialects_of_text(path, ending, exponent):
    body = numbers(X[0], 20, 12, 4).replace(b"e", exponent)
    path.write_bytes((lines(N, 4, 1) + body + b"    -1\n").replace(b"\n", ending))
    np.testing.assert_allclose(opened(path).samples, X[:1], rtol=1e-6)


def test_numbers_without_a_blank_between_them(path):
    x = np.array([-1.5e100, -2.5e100, 3.0, 4.0, -5.5e100, -6.5e100, -7.0, 8.0])
    path.write_bytes(lines(8, 2, 1) + numbers(x, 13, 5, 6) + b"    -1\n")
    assert b"+100-2" in path.read_bytes()
    (chunk,) = open_file(path).chunks
    np.testing.assert_allclose(chunk.samples[0], x, rtol=1e-5)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["single", "double", "pairs", "single beside double"])
def test_binary_forms(path, order, form):
    x = X[0].astype(float)
    value_type, even = (2 if form == "single" else 4), int(form in ("single", "double"))
    if form == "single beside double":
        rows = np.zeros(N, [("t", order + "f4"), ("x", order + "f8")])
        rows["t"], rows["x"] = T, x
        data = rows.tobytes()
    elif form == "pairs":
        data = np.column_stack([T, x]).astype(order + "f8").tobytes()
    else:
        data = x.astype(order + ("f4" if value_type == 2 else "f8")).tobytes()
    kind = f"    58b{1 if order == '<' else 2:6}{2:6}{11:12}{len(data):12}{0:6}{0:6}{0:12}{0:12}"
    whole = uff58(N, data, kind=kind, value_type=value_type, even=even, step=1 / RATE)
    path.write_bytes(whole + whole)
    got = opened(path)
    assert got.rate == pytest.approx(RATE, rel=1e-3)
    np.testing.assert_allclose(got.samples, np.stack([x, x]), rtol=1e-6)
    path.write_bytes(whole[: -len(data) // 2])
    got = opened(path)
    assert "shorter than its header says" in got.warnings[0]
    np.testing.assert_allclose(got.samples[0], x[: got.samples.shape[1]], rtol=1e-6)
    assert abs(got.samples.shape[1] - N / 2) < 60


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"function": 4}, "a frequency response"),
        ({"function": 2}, "an auto spectrum"),
        ({"function": 6}, "a coherence"),
        ({"value_type": 5}, "complex"),
        ({"value_type": 6}, "complex"),
        ({"x_kind": 18, "x_unit": "Hz"}, "not over time, but over Hz"),
        ({"x_unit": "rev"}, "over 'rev'"),
    ],
)
def test_other_functions_are_left_out_by_name(path, changes, said):
    other = lines(**({"count": 6, "value_type": 2, "even": 1} | changes))
    other += numbers(np.ones(12), 13, 5, 6) + b"    -1\n"
    path.write_bytes(other)
    refused(path, f"no data set 58 of time samples.*{said}")
    write(path, X[:1])
    got = opened(path)
    assert got.names == ["1"]
    assert said in got.warnings[0]


def test_sets_of_other_kinds_are_passed_over(path):
    pyuff.UFF(str(path)).write_sets(
        pyuff.prepare_15(node_nums=[1, 2], def_cs=[0, 0], disp_cs=[0, 0], color=[1, 1],
                         x=[0.0, 1.0], y=[0.0, 0.0], z=[0.0, 0.0]),
        mode="add",
    )  # fmt: skip
    write(path, X[:2])
    np.testing.assert_allclose(opened(path).samples, X[:2], rtol=1e-6)


def test_sets_with_times_of_their_own(path):
    write(path, X[:1], abscissa_spacing=0)
    write(path, X[1:2], abscissa_spacing=0, x=T + 60)
    refused(path, "each have times of their own")
    np.testing.assert_allclose(opened(path, variable="1").samples, X[1:2], rtol=1e-5)


def test_a_gap_in_the_times(path):
    times = np.where(np.arange(N) < 1000, T, T + 0.1)
    write(path, X[:1], abscissa_spacing=0, x=times)
    assert opened(path).gaps == {1000: 2560}


def test_a_set_that_ends_early(path):
    path.write_bytes(lines(N, 2, 1) + numbers(X[0, :100], 13, 5, 6) + b"    -1\n")
    got = opened(path)
    np.testing.assert_allclose(got.samples[0], X[0, :100], rtol=1e-5)
    assert "shorter than its header says" in got.warnings[0]


def test_values_of_another_machine_are_refused(path):
    kind = f"    58b{1:6}{1:6}{11:12}{40:12}{0:6}{0:6}{0:12}{0:12}"
    path.write_bytes(uff58(10, struct.pack("<10f", *range(10)), kind=kind))
    refused(path, "as no computer of today does")


@pytest.mark.parametrize(("kind", "what"), [(8, "displacement"), (9, "force"), (11, "velocity")])
def test_another_quantity_in_no_stated_unit_is_no_acceleration(path, kind, what):
    write(path, X[:1], ordinate_spec_data_type=kind, ordinate_axis_units_lab="NONE")
    refused(path, f"set 0 is a {what} in no stated unit")
    write(path, X[1:2], ordinate_spec_data_type=12, ordinate_axis_units_lab="g")
    got = opened(path)
    assert (got.names, got.unit) == (["1"], "g")
    np.testing.assert_allclose(got.samples, X[1:2], rtol=1e-5)
