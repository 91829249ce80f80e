"""HDF5 as people write it: rates, units, clocks and starts in every place; and no series."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from dlrsd.runtime.streams.readers.hdf5_headers import is_virtual
from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("run/acc", "sample_rate", float(RATE)),
        ("run/acc", "fs", RATE),
        ("run/acc", "Fs", np.array([RATE])),
        ("run/acc", "SamplingFrequency", np.float32(RATE)),
        ("run/acc", "sampling_rate", "25600 Hz"),
        ("run/acc", "sample_rate_khz", 25.6),
        ("run/acc", "dt", 1 / RATE),
        ("run/acc", "wf_increment", 1 / RATE),
        ("run", "fs", RATE),
        ("/", "sampling_rate", np.bytes_("25600")),
    ],
)
def test_rates_as_attributes(path, where, name, value):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file[where].attrs[name] = value
    got = opened(path)
    assert got.rate == pytest.approx(RATE)
    np.testing.assert_array_equal(got.samples, X[:1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run/fs", RATE),
        ("run/Fs", np.array([[RATE]], "f8")),
        ("sample_rate", np.array([RATE], "u4")),
        ("run/dt", 1 / RATE),
        ("run/settings/fs", RATE),
        ("meta/sample_rate", RATE),
    ],
)
def test_rates_as_data_sets(path, name, value):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file[name] = value
        file["run/rpm"] = 1800
    got = opened(path)
    assert got.rate == pytest.approx(RATE)
    assert got.names == ["run/acc"]


def test_names_with_blanks_of_all_kinds_are_names(path):
    with h5py.File(path, "w") as file:
        file["Beschleunigung\u00a0[g]"] = X[0]
    got = opened(path)
    assert (got.names, got.unit) == (["Beschleunigung\u00a0[g]"], "g")
    rows = np.zeros(N, [("Time (s)", "f8"), ("acc (m/s^2)", "f4")])
    rows["Time (s)"], rows["acc (m/s^2)"] = T, X[0]
    with h5py.File(path, "w") as file:
        file["table"] = rows
    got = opened(path)
    assert (got.names, got.unit, got.rate) == (["table/acc (m/s^2)"], "m/s2", RATE)


def test_the_nearest_rate_counts(path):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file.attrs["fs"] = 100.0
        file["run"].attrs["fs"] = float(RATE)
    assert opened(path).rate == RATE


def test_rates_that_contradict_each_other_are_refused(path):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file["run/acc"].attrs["fs"], file["run/acc"].attrs["dt"] = RATE, 1 / 12_000
    refused(path, "run/acc in .* contradict each other: dt says 12000 Hz, fs says 25600 Hz")
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file["run/acc"].attrs["fs"], file["run/acc"].attrs["dt"] = RATE, 1 / RATE
    assert opened(path).rate == pytest.approx(RATE)


@pytest.mark.parametrize("rate", [np.nan, 0.0, -25600.0, np.inf, 1e12])
def test_impossible_rates_are_refused(path, rate):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file["acc"].attrs["fs"] = rate
    refused(path, "cannot be: give rate")
    assert opened(path, rate=RATE).rate == RATE


@pytest.mark.parametrize(
    ("attribute", "value", "unit", "factor"),
    [
        ("unit", "g", "g", 1),
        ("units", np.bytes_("m/s^2"), "m/s2", 1 / 9.80665),
        ("Unit", "m/s²", "m/s2", 1 / 9.80665),
        ("Y_unit", "g", "g", 1),
    ],
)
@pytest.mark.parametrize("where", ["acc", "/"])
def test_units(path, attribute, value, unit, factor, where):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file[where].attrs[attribute] = value
    got = opened(path)
    assert got.unit == unit
    np.testing.assert_allclose(got.samples[0], X[0] * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "values", "attributes"),
    [
        ("run/t", T, {}),
        ("run/time", T.astype("f4"), {}),
        ("run/x", T * 1e3, {"unit": "ms"}),
        ("run/Zeit [us]", T * 1e6, {}),
        ("time", T, {"units": "s"}),
        ("run/stamp", 1_772_352_000_000_000_000 + np.rint(T * 1e9).astype("i8"), {}),
        ("clocks/t", T, {}),
    ],
)
def test_clocks_in_whichever_data_set(path, name, values, attributes):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file[name] = values
        file[name].attrs.update(attributes)
    for stated in ({}, {"variable": "run/acc"}):
        got = opened(path, **stated)
        assert (got.rate, got.names) == (pytest.approx(RATE, rel=1e-4), ["run/acc"])
        assert got.start == ("2026-03-01T08:00:00+00:00" if "stamp" in name else None)


def test_a_dimension_scale_and_a_unit_of_the_group(path):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file["run/along"] = T
        file["run/along"].make_scale("time")
        file["run/acc"].dims[0].attach_scale(file["run/along"])
        file["run"].attrs["unit"] = "g"
    got = opened(path)
    assert (got.rate, got.unit, got.names) == (RATE, "g", ["run/acc"])


def test_a_clock_of_each_group_is_that_of_its_own_series(path):
    with h5py.File(path, "w") as file:
        for name, rate in (("slow", RATE), ("fast", 2 * RATE)):
            file[f"{name}/t"] = np.arange(N) / rate
            file[f"{name}/acc"] = X[0]
    refused(path, "a clock for each of the groups 'fast', 'slow'")
    assert opened(path, variable="slow/acc").rate == RATE
    assert opened(path, variable="fast/acc").rate == 2 * RATE


def test_the_same_clock_in_every_group_is_one(path):
    with h5py.File(path, "w") as file:
        for i, name in enumerate(("de", "fe")):
            file[f"{name}/t"], file[f"{name}/acc"] = T, X[i]
    got = opened(path)
    assert (got.rate, got.names) == (RATE, ["de/acc", "fe/acc"])
    np.testing.assert_array_equal(got.samples, X[:2])


def test_a_gap_in_the_clock(path):
    with h5py.File(path, "w") as file:
        file["t"], file["acc"] = np.where(np.arange(N) < 1000, T, T + 0.1), X[0]
    assert opened(path).gaps == {1000: 2560}


def test_a_clock_against_an_attribute_is_refused(path):
    with h5py.File(path, "w") as file:
        file["time_s"], file["acc"] = T, X[0]
        file["acc"].attrs["fs"] = 12_000
    refused(path, "states 12000 Hz, but its clock 'time_s'")


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00+00:00"),
        ("2026-03-01 08:00:00", "2026-03-01T08:00:00"),
        (1_772_352_000.5, "2026-03-01T08:00:00.500000+00:00"),
        (1_772_352_000_000, "2026-03-01T08:00:00+00:00"),
        (0, None),
        (12.5, None),
        ("1970-01-01T00:00:00", None),
        ("1904-01-01T00:00:00", None),
    ],
)
def test_starts(path, value, start):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file["acc"].attrs["start_time"] = value
    assert opened(path).start == start


def test_a_table_of_structures(path):
    rows = np.zeros(N, [("time", "f8"), ("acc", "f4", (2,)), ("n", "i4"), ("note", "S4")])
    rows["time"], rows["acc"], rows["n"] = T, X[:2].T, np.arange(N)
    with h5py.File(path, "w") as file:
        file.create_dataset("run/table", data=rows, chunks=(700,), compression="gzip")
    got = opened(path)
    assert (got.rate, got.names) == (RATE, ["run/table/acc[0]", "run/table/acc[1]"])
    np.testing.assert_array_equal(got.samples, X[:2])


def test_a_frame_as_pandas_writes_it(path):
    stamps = 1_772_352_000_000_000_000 + np.rint(T * 1e9).astype("i8")
    with h5py.File(path, "w") as file:
        file["df/axis0"] = [b"de", b"fe"]
        file["df/axis1"] = stamps
        file["df/axis1"].attrs["kind"] = "datetime64"
        file["df/block0_items"] = [b"de", b"fe"]
        file["df/block0_values"] = X[:2].T
    got = opened(path)
    assert (got.rate, got.start) == (RATE, "2026-03-01T08:00:00+00:00")
    np.testing.assert_array_equal(got.samples, X[:2])


def test_times_and_scales_as_netcdf_has_them(path):
    with h5py.File(path, "w") as file:
        file["time"] = np.rint(T * 1e9).astype("i8") + 10**9
        file["time"].attrs["units"] = "nanoseconds since 2026-03-01 08:00:00"
        item = file.create_dataset("acc", data=np.arange(N, dtype="i2"))
        item.attrs["scale_factor"], item.attrs["add_offset"] = 0.5, 3.0
        dimension = file.create_dataset("sensor", (2,), "f4")
        dimension.attrs["NAME"] = "This is a netCDF dimension but not a netCDF variable.         2"
    got = opened(path)
    assert (got.rate, got.start, got.names) == (RATE, "2026-03-01T08:00:01", ["acc"])
    np.testing.assert_array_equal(got.samples[0], np.arange(N) * 0.5 + 3)


def test_a_matrix_with_a_clock_among_its_columns(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("run", data=np.vstack([T, X[:2]]).T, chunks=(512, 2), compression=1)
        file["run"].attrs["unit"] = "g"
    for stated in ({}, {"variable": "run"}):
        got = opened(path, **stated)
        assert (got.rate, got.unit, got.names) == (RATE, "g", ["run[1]", "run[2]"])
        np.testing.assert_array_equal(got.samples, X[:2])
    assert opened(path, variable="run[2]").names == ["run[2]"]


def test_what_is_no_series_is_named(path):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file["analytic"] = X[0] + 1j
        file["ok"] = X[0] > 0
        file["cube"] = np.zeros((4, 5, 6))
        file["names"] = [b"a", b"b"]
        file.create_dataset("rows", (10,), np.dtype(("f8", (400,))))[...] = np.zeros((10, 400))
        file["note"] = "pump 3"
        parts = np.zeros(N, [("real", "f4"), ("imag", "f4")])
        file["matlab"] = parts
    got = opened(path)
    assert got.names == ["acc"]
    (warning,) = got.warnings
    for said in (
        "analytic is complex",
        "ok is true or false",
        "cube has 3 axes",
        "matlab is comp",
        "rows is of type",
    ):
        assert said in warning
    refused(path, "analytic in .* is complex: .* the magnitude", variable="analytic")
    refused(path, "no series 'note'", variable="note")


@pytest.mark.parametrize("shape", [(1200, 1024), (1024, 1200), (100, 1024), (16, 2048), (65, 9000)])
def test_windows_or_channels_is_asked(path, shape):
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(shape, "f4")
    refused(path, rf"array x of shape \({shape[0]}, {shape[1]}\): are these windows or channels")


def test_windows_in_groups_or_channels_is_asked(path):
    with h5py.File(path, "w") as file:
        for i in range(65):
            file[f"{i}/acc"] = X[0, :100]
    refused(path, "holds 'acc' in 65 groups, 100 samples in each: are these windows or channels?")
    np.testing.assert_array_equal(opened(path, variable="7/acc").samples, X[:1, :100])


@pytest.mark.parametrize("options", [
    {}, {"chunks": (300,)}, {"chunks": (300,), "compression": "gzip"}, {"compression": "lzf"},
    {"chunks": (7,), "compression": 9, "shuffle": True, "fletcher32": True},
    {"chunks": (N + 5,), "compression": "gzip", "maxshape": (None,)},
    {"shuffle": True}, {"fletcher32": True},
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", ">i2", "u1"])
def test_vectors_however_they_are_kept(path, options, dtype):
    x = (X[0] * 20 + 100).astype(dtype)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=x, **options)
    np.testing.assert_array_equal(opened(path).samples[0], x.astype("f4"))


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("fletcher32", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8"])
def test_chunks_too_long_to_be_left_to_hdf5(path, shuffle, fletcher32, dtype):
    x = np.random.default_rng(0).normal(size=250_000).astype(dtype)
    options = {"chunks": (100_000,), "compression": 1, "shuffle": shuffle}
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=x, fletcher32=fletcher32, **options)
    np.testing.assert_array_equal(opened(path).samples[0], x.astype("f4"))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(64))
    refused(path, "cannot be read as HDF5|is damaged")


@pytest.mark.parametrize("chunks", [(2, 500), (3, 333), (1, 70_000), (3, 1)])
@pytest.mark.parametrize("is_tall", [False, True])
def test_matrices_however_they_are_kept(path, chunks, is_tall):
    x = np.random.default_rng(0).normal(size=(3, 70_000 if 1 not in chunks[1:] else 900))
    x = x.astype("f4")
    chunks = chunks[::-1] if is_tall else chunks
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=x.T if is_tall else x, chunks=chunks, compression=1)
    np.testing.assert_array_equal(opened(path).samples, x)


def test_what_was_never_written_is_left_out(path):
    with h5py.File(path, "w") as file:
        item = file.create_dataset("x", (10**9,), "f4", chunks=(1000,))
        item[:N] = X[0]
    got = opened(path)
    np.testing.assert_array_equal(got.samples, X[:1])
    assert "written up to 4000 of 1000000000 samples" in got.warnings[0]
    with h5py.File(path, "w") as file:
        item = file.create_dataset("x", (10_000,), "f4", chunks=(1000,))
        item[:1000], item[5000:] = 1, 2
    refused(path, "x has samples that were never written")


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("userblock_size", [0, 512])
def test_virtual_data_sets_are_told_by_their_headers(path, libver, userblock_size):
    layout = h5py.VirtualLayout((40,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "a", (40,))
    with h5py.File(path, "w", libver=libver, userblock_size=userblock_size) as file:
        for name in ("virtual", "virtual_too"):
            file.create_virtual_dataset(name, layout)
        for name in ("plain", "plain_too"):
            file[name] = [1.0, 2.0]
        for i in range(30):  # more than the first block of a header holds
            file["virtual"].attrs[f"{i}"] = file["plain"].attrs[f"{i}"] = "x" * 50
        file.create_dataset("chunks", data=[1.0, 2.0], chunks=(1,), compression=1)
        file.create_dataset("ordered", data=[1.0, 2.0], track_order=True)
        file.create_group("group", track_order=True)
    with h5py.File(path) as file, path.open("rb") as raw:
        told = {
            name: is_virtual(raw, file.id.links.get_info(name.encode()).u, file.userblock_size)
            for name in file
        }
    assert {name for name, virtual in told.items() if virtual} == {"virtual", "virtual_too"}


def test_a_file_that_is_being_written_is_refused(path):
    write = "import h5py, os, sys; f = h5py.File(sys.argv[1], 'w', libver='latest')\n"
    write += "f.create_dataset('x', data=[1.0] * 99, maxshape=(None,), chunks=(9,))\n"
    write += "f.swmr_mode = True; f.flush(); os._exit(0)"
    subprocess.run([sys.executable, "-c", write, str(path)], check=True)
    refused(path, "is being written, or was left open")
    with h5py.File(path.with_name("y.h5"), "w") as file:
        file["x"] = X[0]
        file.flush()
        code = "import sys; from dlrsd.runtime.streams.readers.registry import open_file\n"
        code += "from pathlib import Path; open_file(Path(sys.argv[1]))"
        got = subprocess.run(
            [sys.executable, "-c", code, str(path.with_name("y.h5"))],
            capture_output=True, text=True, env=os.environ | {"HDF5_USE_FILE_LOCKING": "TRUE"},
        )  # fmt: skip
    assert "is being written" in got.stderr


def test_many_short_series_take_little_memory(path):
    chunk = 1 << 16
    with h5py.File(path, "w") as file:
        for i in range(400):
            file.create_dataset(
                f"x{i}", data=X[0, :20].astype("f8"), maxshape=(None,), chunks=(chunk,),
                compression="gzip", compression_opts=1,
            )  # fmt: skip
    code = (
        "import sys; from pathlib import Path; import h5py, scipy, pyarrow.compute\n"
        "from dlrsd.runtime.streams.readers.registry import open_file\n"
        "def peak(): return next(int(line.split()[1]) for line in open('/proc/self/status') "
        "if line.startswith('VmHWM'))\n"
        "before = peak()\n"
        "source = open_file(Path(sys.argv[1]))\n"
        "samples = [chunk.samples for chunk in source.chunks]\n"
        "print(source.channels, samples[0].shape[1], peak() - before)"
    )
    got = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    channels, n, kib = map(int, got.stdout.split())
    assert (channels, n) == (400, 20)
    assert kib * 1024 < 400 * chunk * 8 / 4  # a chunk of each at once would be four times that


@pytest.mark.parametrize(
    ("key", "value"), [("gain", 1e-3), ("sensitivity", "100 mV/g"), ("g_per_count", 1e-3)]
)
@pytest.mark.parametrize("where", ["acc", "/"])
def test_a_gain_beside_integers_needs_a_stated_scale(path, key, value, where):
    with h5py.File(path, "w") as file:
        file["acc"] = np.arange(-N // 2, N // 2, dtype="i2")[::-1] ** 2
        file["acc"].attrs["unit"] = "g"
        file[where].attrs[key] = value
    refused(path, rf"holds integers \(acc\) and states {key} .*: state scale")
    stored = (np.arange(-N // 2, N // 2, dtype="i2")[::-1] ** 2).astype("f4")
    np.testing.assert_allclose(opened(path, scale=1e-3).samples[0], stored * 1e-3, rtol=1e-6)
    path = path.with_name("floats.h5")
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file[where].attrs[key] = value
    np.testing.assert_array_equal(opened(path).samples, X[:1])  # it was applied


@pytest.mark.parametrize("key", ["_FillValue", "missing_value"])
@pytest.mark.parametrize("dtype", ["i2", "f4"])
def test_what_stands_for_a_missing_sample_is_none(path, key, dtype):
    samples = np.round(X[0] * 100).astype(dtype)
    samples[[7, 500]] = -9999
    with h5py.File(path, "w") as file:
        file["acc"] = samples
        file["acc"].attrs[key] = np.array(-9999, dtype)
        file["acc"].attrs["scale_factor"] = 0.01
    got = opened(path).samples[0]
    assert np.flatnonzero(np.isnan(got)).tolist() == [7, 500]
    np.testing.assert_allclose(got[8:500], samples[8:500] * 0.01, rtol=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "unit", "unit_key"),
    [
        ("dt", 39.0625, "us", "dt_unit"),
        ("sample_interval", 0.0390625, "ms", "sample_interval_units"),
        ("fs", 25.6, "kHz", "fs_unit"),
        ("fs_kHz", 25.6, None, None),
        ("xAxis_delta", 39.0625, "us", "xAxis_unit"),
    ],
)
def test_units_of_rates_beside_them(path, key, value, unit, unit_key):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file["acc"].attrs[key] = value
        if unit:
            file["acc"].attrs[unit_key] = unit
    assert opened(path).rate == pytest.approx(RATE)


def test_a_rate_with_a_unit_that_is_none_of_a_rate_is_no_fact(path):
    with h5py.File(path, "w") as file:
        file["acc"] = X[0]
        file["acc"].attrs.update({"dt": 39.0625, "dt_unit": "ticks"})
    assert opened(path).rate is None


def test_the_unit_of_a_rate_that_is_a_data_set(path):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X[0]
        file["run/fs"] = 25.6
        file["run/fs"].attrs["unit"] = "kHz"
    got = opened(path)
    assert (got.rate, got.unit) == (pytest.approx(RATE), None)
