"""MAT files of every version as MATLAB, Python and programs that export to MATLAB write them."""

import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

from tests.runtime.streams.hostile import mat5, matrix, part
from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused

COLUMNS = {"acc": X[0][:, None].astype("f8")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.mat"


def version_4(path, contents):
    scipy.io.savemat(path, contents, format="4")


def version_5(path, contents):
    scipy.io.savemat(path, contents)


def version_7(path, contents):
    scipy.io.savemat(path, contents, do_compression=True)


def version_7_3(path, contents):
    """As MATLAB does: transposed, with the class as an attribute, behind a header of its own."""

    def put(group, contents):
        for name, value in contents.items():
            if isinstance(value, dict):
                put(group.create_group(name), value)
                group[name].attrs["MATLAB_class"] = np.bytes_("struct")
                continue
            array = np.atleast_2d(np.asarray(value))
            kind = "double"
            if array.dtype.kind == "U":
                array, kind = np.array([[ord(c) for c in value]], "u2"), "char"
            elif array.dtype.kind == "c":
                parts = np.zeros(array.shape, [("real", "f8"), ("imag", "f8")])
                parts["real"], parts["imag"] = array.real, array.imag
                array = parts
            elif array.dtype.kind == "b":
                array, kind = array.astype("u1"), "logical"
            item = group.create_dataset(name, data=array.T)
            item.attrs["MATLAB_class"] = np.bytes_(kind)

    with h5py.File(path, "w", userblock_size=512) as file:
        put(file, contents)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


ALL = [version_4, version_5, version_7, version_7_3]
WITH_STRUCTURES = ALL[1:]


@pytest.mark.parametrize("save", ALL)
@pytest.mark.parametrize(
    "facts",
    [
        {"fs": float(RATE)},
        {"Fs": RATE},
        {"samplerate": float(RATE)},
        {"SampleRate": float(RATE)},
        {"sr": float(RATE)},
        {"dt": 1 / RATE},
        {"fs": "25600 Hz"},
        {"t": T[:, None]},
        {"t": T[None]},
        {"time_ms": T[:, None] * 1e3},
        {"X_Value": T[:, None]},
        {"Time__1_default_sample_rate": T[:, None]},
    ],
)
def test_rates_and_clocks(path, save, facts):
    save(path, COLUMNS | facts | {"rpm": 1796.0})
    got = opened(path)
    assert (got.rate, got.names) == (pytest.approx(RATE), ["acc"])
    np.testing.assert_array_equal(got.samples, X[:1])


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_a_structure_with_its_rate(path, save):
    """As the data set of MFPT has it."""
    gs = X[0][:, None].astype("f8")
    bearing = {"rate": 25.0, "sr": float(RATE), "gs": gs, "load": 270.0}
    save(path, {"bearing": bearing})
    for stated in ({}, {"variable": "bearing/gs"}):
        got = opened(path, **stated)
        assert (got.rate, got.names) == (RATE, ["bearing/gs"])
        np.testing.assert_array_equal(got.samples, X[:1])


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_headers_beside_the_samples(path, save):
    """As analysers export them: a header of the file and one of each channel."""
    contents = {"File_Header": {"SampleFrequency": str(RATE), "NumberOfChannels": "2"}}
    for i in (1, 2):
        contents[f"Channel_{i}_Header"] = {"SignalName": f"a{i}", "Unit": "m/s^2"}
        contents[f"Channel_{i}_Data"] = X[i][:, None].astype("f8")
    save(path, contents)
    got = opened(path)
    assert (got.rate, got.unit) == (RATE, "m/s2")
    assert got.names == ["Channel_1_Data", "Channel_2_Data"]
    contents["Channel_2_Header"]["Unit"] = "V"
    save(path, contents)
    refused(path, r"different units \(m/s2, V\)")
    assert opened(path, variable="Channel_1_Data").unit == "m/s2"


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_a_clock_and_a_signal_with_headers_of_their_own(path, save):
    """As catman exports them; here the rate stands in the header too."""
    save(
        path,
        {
            "Channel_1_Header": {"SignalName": "time", "Unit": "s"},
            "Channel_1_Data": T[:, None],
            "Channel_2_Header": {"SignalName": "acc", "Unit": "m/s\u00b2", "SampleRate": 25600.0},
            "Channel_2_Data": X[0][:, None].astype("f8"),
        },
    )
    got = opened(path)
    assert (got.rate, got.unit, got.names) == (RATE, "m/s2", ["Channel_2_Data"])


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_an_axis_and_a_quantity_within_structures(path, save):
    values = X[0][:, None].astype("f8")
    quantity = {"label": "g", "quantity_terms": "acceleration"}
    axis = {"start_value": 0.0, "increment": 1 / RATE, "quantity": {"label": "s"}}
    signal = {"x_values": axis, "y_values": {"values": values, "quantity": quantity}}
    save(path, {"Signal": signal})
    got = opened(path)
    assert (got.rate, got.unit) == (RATE, "g")
    axis = {"delta": 1000 / RATE, "unit": "ms"}
    save(path, {"a": {"Data": values, "Header": {"xAxis": axis, "yAxis": {"delta": 3.0}}}})
    got = opened(path)
    assert (got.rate, got.unit) == (pytest.approx(RATE), None)
    axis = {"delta": 0.5, "unit": "Hz"}
    save(path, {"a": {"Data": values, "Header": {"xAxis": axis}}})
    assert opened(path).rate is None


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_a_signal_with_its_axis_as_a_structure(path, save):
    """As Simcenter Testlab exports it."""
    signal = {
        "x_values": {"start_value": 0.0, "increment": 1 / RATE, "number_of_values": float(N)},
        "y_values": {"values": X[0][:, None].astype("f8"), "unit": "g"},
    }
    save(path, {"Signal_0": signal})
    got = opened(path)
    assert (got.rate, got.unit, got.names) == (RATE, "g", ["Signal_0/y_values/values"])


@pytest.mark.parametrize("save", [version_5, version_7])
def test_an_array_of_structures(path, save):
    """As the data set of Paderborn has it: axes and signals of several rates."""

    def structures(*contents):
        rows = np.zeros((1, len(contents)), dtype=[("Name", object), ("Data", object)])
        for i, (name, data) in enumerate(contents):
            rows[0, i] = (name, data[None].astype("f8"))
        return rows

    axes = structures(("Mech_4kHz", T[:400]), ("HostService", T))
    signals = structures(("force", X[1, :400]), ("vibration_1", X[0]))
    save(path, {"N09": {"X": axes, "Y": signals, "Info": "run 1"}})
    got = opened(path, variable="N09/Y[1]/Data")
    assert (got.rate, got.names) == (RATE, ["N09/Y[1]/Data"])
    np.testing.assert_array_equal(got.samples, X[:1])


def test_an_array_of_structures_of_version_7_3_says_what_helps(path):
    version_7_3(path, {"note": {"fs": float(RATE)}})
    with h5py.File(path, "a") as file:
        file["N09/Y/Data"] = np.array(
            [[file.create_dataset(f"#refs#/{i}", data=X[i]).ref for i in (0, 1)]],
            dtype=h5py.ref_dtype,
        )
        file["N09/Y"].attrs["MATLAB_class"] = np.bytes_("struct")
    refused(path, "N09/Y/Data is a field of an array of structures .*-v7: there they are read")


def test_objects_of_version_7_3_are_no_series(path):
    version_7_3(path, {})
    with h5py.File(path, "a") as file:
        table = file.create_dataset("table", data=np.array([[0xDD000000, 2, 1, 1, 1, 1]], "u4"))
        table.attrs["MATLAB_class"] = np.bytes_("timetable")
        table.attrs["MATLAB_object_decode"] = np.int32(3)
        file["sparse/data"] = np.ones(5)
        file["sparse"].attrs["MATLAB_sparse"] = np.uint64(5)
    refused(path, "sparse is a sparse matrix; table is an object, a table or a timetable")


@pytest.mark.parametrize("save", ALL)
def test_a_matrix_of_times_and_samples(path, save):
    save(path, {"data": np.column_stack([T, X[0], X[1]])})
    got = opened(path, variable="data")
    assert (got.rate, got.names) == (RATE, ["data[1]", "data[2]"])
    np.testing.assert_array_equal(got.samples, X[:2])


@pytest.mark.parametrize("save", [version_5, version_7])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_types_of_numbers(path, save, dtype):
    x = (X[:2] * 20 + 100).astype(dtype)
    save(path, {"x": x.T, "note": "pump 3", "empty": np.zeros((0, 0))})
    got = opened(path)
    np.testing.assert_array_equal(got.samples, x.astype("f4"))
    assert got.names == ["x[0]", "x[1]"]


def test_doubles_that_matlab_keeps_as_small_integers(path):
    count = np.arange(N) % 100
    inner = matrix((N, 1), part(1, count.astype("i1").tobytes()), kind=6)
    path.write_bytes(mat5(part(15, zlib.compress(inner))))
    np.testing.assert_array_equal(opened(path).samples[0], count)
    path.write_bytes(mat5(matrix((2, 1), struct.pack("<HHbbbb", 1, 2, 5, -7, 0, 0))))
    np.testing.assert_array_equal(opened(path).samples[0], [5, -7])


def test_big_endian(path):
    def element(kind, data):
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    parts = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", N, 1))
    parts += element(1, b"acc") + element(9, X[0].astype(">f8").tobytes())
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    path.write_bytes(header + element(14, parts))
    np.testing.assert_array_equal(opened(path).samples, X[:1])


@pytest.mark.parametrize("save", WITH_STRUCTURES)
def test_what_is_no_series_is_named(path, save):
    contents = {"z": X[0][:, None] + 1j, "ok": X[0][:, None] > 0}
    save(path, contents)
    refused(path, "no series of real numbers .*z is complex.* the magnitude")
    refused(path, "z in .* is complex", variable="z")
    save(path, contents | COLUMNS)
    (warning,) = opened(path).warnings
    assert "z is complex" in warning
    assert "ok is true or false" in warning


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.array([[X[0]], [X[1]]], dtype=object), "is a cell array"),
        (np.array([(1.0,)] * 65, dtype=[("a", object)]), "is an array of structures"),
        (scipy.sparse.csc_matrix(np.eye(5)), "is a sparse matrix"),
        (np.zeros((4, 5, 6)), "has 3 axes"),
    ],
)
def test_other_contents_are_named(path, value, said):
    scipy.io.savemat(path, {"x": value})
    refused(path, rf"\(x {said}\)")
    scipy.io.savemat(path, {"x": value} | COLUMNS)
    assert f"x {said}" in opened(path).warnings[0]


@pytest.mark.parametrize("save", ALL)
def test_windows_or_channels_is_asked(path, save):
    save(path, {"x": np.ones((1200, 1024))})
    refused(path, r"array x of shape \(1\d\d\d, 1\d\d\d\): are these windows or")


def test_samples_are_read_from_a_file_that_is_not_packed_without_keeping_it(path):
    scipy.io.savemat(path, {"x": X.T, "y": X[:1].T})
    np.testing.assert_array_equal(opened(path).samples, np.vstack([X, X[:1]]))
    np.testing.assert_array_equal(opened(path, variable="y").samples, X[:1])


@pytest.mark.parametrize("save", ALL)
def test_an_image_beside_the_samples(path, save):
    save(path, COLUMNS | {"image": np.ones((1200, 1024)), "other": np.ones((77, 1))})
    np.testing.assert_array_equal(opened(path, variable="acc").samples, X[:1])
    got = opened(path, variable="image", channels=1024)
    assert got.samples.shape == (1024, 1200)
