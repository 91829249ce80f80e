import datetime as dt
import sys
from pathlib import Path

import h5py
import nptdms
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pyuff
import scipy.io
import soundfile

from dlrsd.runtime.base.errors import ExtraMissingError, InputError
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream

SPEC = SignalSpec(rate_hz=12000.0, unit="g", channels=1)
N = 150_001  # more than two blocks of any reader
X = np.random.default_rng(0).normal(size=(2, N)).astype(np.float32)


def read(source, **stated):
    stream = open_stream(source, StreamFormat(**stated), default=SPEC)
    chunks = list(stream)
    return stream, np.concatenate([chunk.samples for chunk in chunks], axis=1), chunks


def refused(match, source, **stated):
    with pytest.raises(InputError, match=match) as caught:
        read(source, **stated)
    assert "\n" not in str(caught.value)


def is_x(source, expected=X, rtol=0.0, **stated):
    stream, got, _ = read(source, **stated)
    np.testing.assert_allclose(got, expected, rtol=rtol)
    assert stream.n_samples in (None, expected.shape[1])
    assert stream.channels == expected.shape[0]
    return stream


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [("x.wav", "FLOAT", 0), ("x.WAV", "PCM_16", 2**-15), ("x.flac", "PCM_24", 2**-23)],
)
def test_sound_files(tmp_path, name, subtype, tolerance):
    path = tmp_path / name
    x = X / 8
    soundfile.write(path, x.T, 12000, subtype=subtype, format=name[2:].upper())
    stream, got, _ = read(path, scale=4.0)
    np.testing.assert_allclose(got, 4 * x, atol=4 * tolerance)
    assert stream.description["stated_by"]["rate"] == "file"
    assert stream.description["assumed"] == {"unit": "g"}
    assert stream.n_samples == N
    refused("option rate is 16000, but .* states 12000 Hz", path, rate=16000)
    refused("option channels is 3, but .* has 2", path, channels=3)
    refused("option dtype is f32le, but .* states its own", path, dtype="f32le")
    refused("does not name its series", path, variable="left")


def test_a_cut_wav_file_is_read_to_its_end_and_said(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, X[0], 12000, subtype="FLOAT")
    path.write_bytes(path.read_bytes()[:-4001])
    stream, got, _ = read(path)
    np.testing.assert_array_equal(got[0], X[0, : got.shape[1]])
    assert N - 1010 < got.shape[1] < N - 999
    assert "shorter than its header says" in stream.description["warnings"][0]


def test_numpy_files(tmp_path):
    path = tmp_path / "x.npy"
    for array in (X, X.T, np.asfortranarray(X), X.astype(np.float64)):
        np.save(path, array)
        is_x(path)
    np.save(path, X[0])
    is_x(path, X[:1])
    np.save(path, np.arange(-500, 500, dtype=">i2"))
    is_x(path, np.arange(-500, 500)[None] * 0.5, scale=0.5)
    for array, message in [
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.zeros((30, 30)), r"\(30, 30\)"),
        (np.array(["a", "b"]), "<U1"),
        (X[0] + 1j, "complex"),
        (np.zeros(0), "holds no samples"),
        (np.float32(3), r"shape \(\)"),
    ]:
        np.save(path, array)
        refused(message, path)
    np.save(path, np.array([{}, []], dtype=object))
    refused("cannot be read as NPY: .*objects", path)


def mat73(path, arrays):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            item = file.create_dataset(name, data=np.atleast_2d(array).T)
            item.attrs["MATLAB_class"] = np.bytes_("char" if array.dtype == "u2" else "double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


@pytest.mark.parametrize("save", [scipy.io.savemat, mat73])
def test_matlab_files(tmp_path, save):
    path = tmp_path / "x.mat"
    de, fe = X.astype(np.float64)[:, :, None]
    rest = {"X097RPM": np.array([[1796.0]]), "note": np.frombuffer(b"hey!", "u2").reshape(1, 2)}
    if save is scipy.io.savemat:
        rest["note"] = "hey!"
    save(path, {"X097_DE_time": de, "X097_FE_time": fe} | rest)
    stream = is_x(path)
    assert stream.description["channel_names"] == ["X097_DE_time", "X097_FE_time"]
    assert "rate" in stream.description["assumed"]
    is_x(path, X[1:], variable="X097_FE_time")
    is_x(path, X[::-1], variable="X097_FE_time, X097_DE_time")
    refused("no series 'DE': it holds X097_DE_time", path, variable="DE")

    path = tmp_path / "unequal.mat"
    save(path, {"a": de, "b": fe[:1000]})
    refused(r"different lengths: a \(150001\), b \(1000\)", path)
    is_x(path, X[1:, :1000], variable="b")

    path = tmp_path / "matrix.mat"
    save(path, {"both": X.T.astype(np.float64)})
    assert is_x(path).description["channel_names"] == ["both[0]", "both[1]"]

    path = tmp_path / "scalar.mat"
    save(path, {"X097RPM": np.array([[1796.0]])})
    refused("holds no series of real numbers", path)


def test_hdf5_files(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["run/x"] = X[0]
        file.create_dataset("run/y", data=X[1].astype("f8"), chunks=(1000,), compression="gzip")
        file["name"] = "pump 3"
        file["rpm"] = 1800
    assert is_x(path).description["channel_names"] == ["run/x", "run/y"]
    is_x(path, X[1:], variable="run/y")


def tdms(path, signals, **properties):
    with nptdms.TdmsWriter(path) as file:
        for begin in (0, 70_000):  # two segments
            file.write_segment(
                [
                    nptdms.ChannelObject(
                        "rec", f"a{i}", x[begin : begin + 70_000 or None], properties
                    )
                    if begin == 0
                    else nptdms.ChannelObject("rec", f"a{i}", x[begin:], properties)
                    for i, x in enumerate(signals)
                ]
            )


def test_tdms_files(tmp_path):
    path = tmp_path / "x.tdms"
    start = np.datetime64("2026-01-31T12:00:00.25", "us")
    tdms(path, X, wf_increment=1 / 12000, wf_start_time=start, unit_string="m/s^2")
    stream = is_x(path, X / 9.80665, rtol=1e-6)
    assert stream.start == dt.datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=dt.timezone.utc)
    assert stream.description["assumed"] == {}
    assert stream.description["channel_names"] == ["rec/a0", "rec/a1"]
    is_x(path, X[1:] / 9.80665, rtol=1e-6, variable="rec/a1")
    refused("option unit is g, but .* states m/s2", path, unit="g")
    refused("option rate is 25600", path, rate=25600)
    assert is_x(path, start="2026-01-31T13:00:00", expected=X / 9.80665, rtol=1e-6).start.hour == 13

    tdms(path, X, wf_increment=1 / 12000, unit_string="V")
    refused("is in 'V' and the bundle in 'g'", path)
    is_x(path, X * 10, rtol=1e-6, unit="g", scale=10)


@pytest.mark.parametrize("increment", [np.nan, -1 / 12000, 1e-12])
def test_a_tdms_file_of_an_impossible_rate_needs_another(tmp_path, increment):
    path = tmp_path / "x.tdms"
    tdms(path, X[:1], wf_increment=increment)
    refused("states a rate of .* Hz, which cannot be: give rate", path)
    assert is_x(path, X[:1], rate=12000).description["stated_by"]["rate"] == "option"


def test_a_cut_tdms_file_is_read_to_its_end_and_said(tmp_path, capfd):
    path = tmp_path / "x.tdms"
    tdms(path, X[:1])
    path.write_bytes(path.read_bytes()[:-40_000])
    stream, got, _ = read(path)
    np.testing.assert_array_equal(got, X[:1, : N - 10_000])
    assert "shorter than its header says" in stream.description["warnings"][0]
    assert capfd.readouterr().err == ""


def uff(path, *, even, func_type=1, x=None, data=X[:, :5000]):
    for i, signal in enumerate(data):
        item = pyuff.prepare_58(
            func_type=func_type, rsp_node=i, rsp_dir=3, ref_dir=3, ref_node=1, binary=0,
            data=signal.astype(float), x=np.arange(5000) / 12000 if x is None else x, id1=f"a{i}",
            abscissa_spacing=even, num_pts=5000, ord_data_type=4, abscissa_spec_data_type=17,
            ordinate_spec_data_type=12, ordinate_axis_units_lab="m/s2", orddenom_spec_data_type=0,
        )  # fmt: skip
        pyuff.UFF(str(path)).write_sets(item, mode="add")


@pytest.mark.parametrize("even", [0, 1])
def test_uff_files(tmp_path, even):
    path = tmp_path / "x.uff"
    uff(path, even=even)
    stream = is_x(path, X[:, :5000] / 9.80665, rtol=1e-6)
    assert stream.description["rate_hz"] == pytest.approx(12000, rel=1e-5)
    assert stream.description["assumed"] == {}
    is_x(path, X[1:, :5000] / 9.80665, rtol=1e-6, variable="1")


def test_uff_files_of_other_functions_are_refused(tmp_path):
    uff(tmp_path / "spectrum.uff", even=1, func_type=2)
    refused("has no data set 58 of time samples", tmp_path / "spectrum.uff")
    uff(tmp_path / "uneven.uff", even=0, x=np.arange(5000) ** 1.2 / 12000)
    refused("uneven times", tmp_path / "uneven.uff")


def write_csv(path, columns, header=None, delimiter=",", decimal="."):
    rows = [delimiter.join(map(str, row)).replace(".", decimal) for row in zip(*columns)]  # noqa: B905
    path.write_text("\n".join(([header] if header else []) + rows) + "\n")


def test_csv_files_with_and_without_header(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, X, "a,b")
    assert is_x(path).description["channel_names"] == ["a", "b"]
    is_x(path, X[1:], variable="b")
    write_csv(path, X)
    is_x(path)
    write_csv(path, X[:1])
    is_x(path, X[:1])
    write_csv(path, X, "# exported\na;b", delimiter=";", decimal=",")
    is_x(path)
    write_csv(path, X, delimiter="\t")
    is_x(path)
    write_csv(path, X, "a, in g;b, in g", delimiter=";")
    is_x(path)
    write_csv(path, X, delimiter="\t", decimal=",")
    is_x(path)
    write_csv(path, (np.arange(N), *X), ",a,b")  # as pandas writes its index
    assert "rate" in is_x(path).description["assumed"]
    path.write_text("a\n1\n\nnan\n-2.5e-1\n")
    is_x(path, np.array([[1, np.nan, -0.25]]))
    path.write_text("a,b\n1,\\N\n,2\nNULL, \\N\nNaN,3\n")
    is_x(path, np.array([[1, np.nan, np.nan, np.nan], [np.nan, 2, np.nan, 3]]))


@pytest.mark.parametrize(
    ("header", "factor"), [("time,a,b", 1), ("Time [ms],a,b", 1e3), ("t_us,a,b", 1e6), (None, 1)]
)
def test_csv_times_give_the_rate_and_the_gaps(tmp_path, header, factor):
    path = tmp_path / "x.csv"
    keep = np.ones(N, bool)
    keep[500] = keep[100_000:100_700] = False
    times = 86_400 * 3 + np.arange(N) / 12000
    write_csv(path, [times[keep] * factor, *X[:, keep]], header)
    stream, got, chunks = read(path)
    np.testing.assert_array_equal(got, X[:, keep])
    assert stream.description["stated_by"]["rate"] == "file"
    assert stream.description["rate_hz"] == pytest.approx(12000, rel=1e-6)
    where = np.cumsum([chunk.samples.shape[1] + chunk.gap_before for chunk in chunks])
    gaps = {
        int(end) - chunk.samples.shape[1]: chunk.gap_before
        for end, chunk in zip(where, chunks, strict=True)
        if chunk.gap_before
    }
    assert gaps == {501: 1, 100_700: 700}
    refused("option rate is 25600, but .* states 12000", path, rate=25600)


def test_csv_times_of_few_digits_give_the_mean_rate_and_no_gaps(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.round(np.arange(N) / 12000, 4), X[0]], "time,a")
    stream, got, chunks = read(path)
    assert stream.description["rate_hz"] == pytest.approx(12000, rel=1e-3)
    assert not any(chunk.gap_before for chunk in chunks)
    assert got.shape[1] == N


@pytest.mark.parametrize(("zone", "tzinfo"), [("", None), ("Z", dt.timezone.utc)])
def test_csv_timestamps(tmp_path, zone, tzinfo):
    path = tmp_path / "x.csv"
    micros = np.rint(np.arange(20_000) * 1e6 / 12000).astype("timedelta64[us]")
    times = np.datetime64("2026-01-31T12:00:00", "us") + micros
    times[10_000:] += np.timedelta64(1, "s")
    write_csv(path, [[f"{each}{zone}" for each in times], X[0, :20_000]], "when,a")
    stream, got, chunks = read(path)
    np.testing.assert_array_equal(got, X[:1, :20_000])
    assert stream.start == dt.datetime(2026, 1, 31, 12, tzinfo=tzinfo)
    assert stream.description["rate_hz"] == pytest.approx(12000, rel=1e-4)
    assert [chunk.gap_before for chunk in chunks if chunk.gap_before] == [12000]


def test_a_clock_that_is_set_back_is_a_gap_of_one(tmp_path):
    path = tmp_path / "x.csv"
    times = np.arange(2000) / 12000
    times[1000:] -= 3600
    write_csv(path, [times, X[0, :2000]], "time,a")
    chunks = read(path)[2]
    assert [(chunk.gap_before, chunk.samples.shape[1]) for chunk in chunks] == [
        (0, 1000),
        (1, 1000),
    ]


def test_bad_csv_files_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,oops\n")
    refused("cannot be read as CSV: .*oops", path)
    path.write_text("a,b\n1,2\n3\n")
    refused("cannot be read as CSV: .*Expected 2 columns, got 1", path)
    path.write_text("a,b\n")
    refused("holds no rows|cannot be read as CSV", path)
    path.write_text("\n\n")
    refused("holds no rows", path)
    path.write_bytes(bytes(range(256)) * 20)
    refused("cannot be read as CSV|holds no", path)
    write_csv(path, [["2026-01-31T12:00:00"] * 50, X[0, :50]], "time,a")
    refused("do not increase evenly.*state the rate", path)
    stream, _, _ = read(path, rate=12000)
    assert "do not increase" in stream.description["warnings"][0]


def test_parquet_files(tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table({"a": X[0], "name": ["p"] * N, "b": X[1].astype("f8")})
    pq.write_table(table, path, row_group_size=40_000)
    assert is_x(path).description["channel_names"] == ["a", "b"]
    is_x(path, X[1:], variable="b")
    refused("no series 'name'", path, variable="name")

    times = np.datetime64("2026-01-31T12:00:00", "ns") + (np.arange(N) * 1e9 / 12000).astype(
        "m8[ns]"
    )
    times[90_000:] += np.timedelta64(10, "s")
    pq.write_table(pa.table({"when": times, "a": X[0]}), path)
    stream, got, chunks = read(path)
    np.testing.assert_array_equal(got, X[:1])
    assert stream.start == dt.datetime(2026, 1, 31, 12)
    assert [chunk.gap_before for chunk in chunks if chunk.gap_before] == [120_000]

    pq.write_table(pa.table({"a": pa.array([1.0, None, 2.0])}), path)
    is_x(path, np.array([[1, np.nan, 2]]))
    pq.write_table(pa.table({"name": ["p", "q"]}), path)
    refused("holds no series of real numbers", path)
    pq.write_table(pa.table({"a": pa.array([], pa.float32())}), path)
    refused("holds no rows", path)


@pytest.mark.parametrize(
    "suffix", ["wav", "flac", "npy", "mat", "h5", "hdf5", "tdms", "uff", "unv", "uff58", "parquet"]
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(bytes(range(256)) * 100)
    refused(rf"{path} (cannot be read as|has no data set|holds)", path)


@pytest.mark.parametrize("suffix", ["npy", "mat", "h5", "parquet"])
def test_a_cut_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        np.save(path, X)
    elif suffix == "mat":
        scipy.io.savemat(path, {"a": X})
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file["a"] = X
    else:
        pq.write_table(pa.table({"a": X[0]}), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("cannot be read as", path)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")
@pytest.mark.parametrize("suffix", ["bin", "wav", "h5", "tdms", "csv", "parquet"])
def test_a_stream_gives_its_file_back(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    if suffix == "bin":
        X.T.tofile(path)
    elif suffix == "wav":
        soundfile.write(path, X.T, 12000, subtype="FLOAT")
    elif suffix == "h5":
        with h5py.File(path, "w") as file:
            file["a"] = X
    elif suffix == "tdms":
        tdms(path, X)
    elif suffix == "csv":
        write_csv(path, X)
    else:
        pq.write_table(pa.table({"a": X[0]}), path)

    def is_open():
        return any(
            each.exists() and each.samefile(path) for each in Path("/proc/self/fd").iterdir()
        )

    with open_stream(path, default=SPEC) as stream:
        next(stream.chunks)
        assert is_open()
    assert not is_open()
    stream = open_stream(path, default=SPEC)
    for _ in stream:
        pass
    assert not is_open()
    stream.close()


def test_damage_inside_a_file_is_refused_while_reading(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": X[0]}), path, row_group_size=30_000, compression="zstd")
    data = bytearray(path.read_bytes())
    data[-150_000:-100_000] = bytes(50_000)
    path.write_bytes(data)
    stream = open_stream(path, default=SPEC)
    got = [next(stream.chunks).samples]
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        got += [chunk.samples for chunk in stream]
    np.testing.assert_array_equal(got[0], X[:1, : got[0].shape[1]])


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    path = tmp_path / "x.wav"
    soundfile.write(path, X[0], 12000)
    monkeypatch.setitem(sys.modules, "soundfile", None)  # as Python marks what cannot be imported
    with pytest.raises(ExtraMissingError, match=r"reading .*x.wav needs .* 'dlrsd\[io\]'"):
        read(path)


def test_a_clock_without_a_unit_may_be_in_any_that_a_stated_rate_fits(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) / 12.0, X[0]], "t,a")  # in ms
    refused("12 Hz .its clock 't' states no unit and was read as seconds", path)
    assert is_x(path, X[:1], rate=12000).description["rate_hz"] == 12000
    refused("option rate is 16000, but .* states 12 Hz", path, rate=16000)


def test_times_that_fall_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    for name in ("time,a", "t [ms],a"):
        write_csv(path, [np.arange(N)[::-1] / 12000, X[0]], name)
        refused("fall from row to row: sort it", path)


@pytest.mark.parametrize("name", ["Temp", "Position (mm)", "angle", "Order", "Drehzahl"])
def test_what_is_named_as_another_quantity_is_no_clock(tmp_path, name):
    path = tmp_path / "x.csv"
    write_csv(path, [np.linspace(40, 44, N), X[0]], f"{name},acc (g)")
    assert read(path, variable="acc (g)")[0].description["stated_by"]["rate"] == "bundle"


def test_a_clock_that_only_its_evenness_tells_is_said(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) / 12000, X[0]], "b,acc (g)")
    stream = is_x(path, X[:1])
    assert stream.description["stated_by"]["rate"] == "file"
    assert "column 'b' of" in stream.description["warnings"][0]


def test_clocks_of_channels_that_begin_apart_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    t = np.arange(N) / 12000
    write_csv(path, [t, X[0], t + 0.05, X[1]], "Time 1 (s),a (g),Time 2 (s),b (g)")
    refused("begin 0.05 s apart", path)
    write_csv(path, [t, X[0], t, X[1]], "Time 1 (s),a (g),Time 2 (s),b (g)")
    is_x(path)


@pytest.mark.parametrize("name", ["acc [cm/s²]", "acc (Gal)", "acc (m/s³)", "v [mm/s]", "acc_mV"])
def test_units_that_are_not_those_of_the_bundle_are_refused_by_name(tmp_path, name):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) / 12000, X[0]], f"time,{name}")
    refused("and the bundle in 'g'", path)


def test_a_stated_rate_wins_over_what_only_rises_evenly(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) * 0.25, X[0]], "ramp,a")
    refused("sampled at 4 Hz .*, or state the rate if it is no clock", path)
    stream = is_x(path, X[:1], rate=12000)
    assert stream.n_samples is None
    (warning,) = stream.description["warnings"]
    assert "column 'ramp'" in warning
    assert "not at the stated 12000 Hz: it is not taken for the clock" in warning
    gap = [*range(500), *range(700, N)]
    write_csv(path, [np.arange(N)[gap] * 0.25, X[0][gap]], "ramp,a")
    chunks = read(path, rate=12000)[2]
    assert not any(chunk.gap_before for chunk in chunks)


def test_the_way_out_of_a_wrong_clock_is_said_and_leads_out(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) * 0.25, X[0]], "x,a")
    refused("if its column 'x' is no clock, state the rate in a file .*x.csv.json", path, rate=16e3)
    (tmp_path / "x.csv.json").write_text('{"rate": 12000}')
    stream = is_x(path, X[:1])
    assert "not at the stated 12000 Hz" in stream.description["warnings"][0]


def test_a_rate_in_the_file_wins_over_what_only_rises_evenly(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) * 0.25, X[0]], "ramp,a")
    path.write_text("Sample rate: 12000 Hz\n" + path.read_text())
    stream = is_x(path, X[:1])
    assert "column 'ramp'" in stream.description["warnings"][0]


def test_times_in_no_order_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    order = np.random.default_rng(0).permutation(N)
    write_csv(path, [np.arange(N)[order] / 12000, X[0][order]], "Time (s),a")
    refused("times in column 'Time .s.' of .* do not rise: sort the rows", path)


def test_microseconds_in_brackets_are_a_clock(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, [np.arange(N) * 1e6 / 12000, X[0]], "Zeit [µs],a [m/s²]")
    stream = is_x(path, X[:1] / 9.80665, rtol=1e-6)
    assert stream.description["rate_hz"] == 12000
    assert stream.description["channel_names"] == ["a [m/s²]"]


def test_a_second_recording_in_one_file_is_kept_and_what_came_twice_is_not(tmp_path):
    path = tmp_path / "x.csv"
    t = np.arange(N) / 12000
    write_csv(path, [np.r_[t, t], np.r_[X[0], X[1]]], "time,a")
    stream, got, chunks = read(path)
    np.testing.assert_allclose(got[0], np.r_[X[0], X[1]], rtol=1e-6)
    assert [chunk.gap_before for chunk in chunks if chunk.gap_before] == [1]
    assert "was set back 1 times" in stream.description["warnings"][0]
    write_csv(path, [np.r_[t[:900], t], np.r_[X[0][:900], X[0]]], "time,a")
    stream, got, chunks = read(path)
    np.testing.assert_allclose(got[0], X[0], rtol=1e-6)
    assert not any(chunk.gap_before for chunk in chunks)
    assert "went back 1 times: 900 samples" in stream.description["warnings"][0]
