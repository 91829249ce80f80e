"""Facts beside series, as people spell them: read, or said not to be understood."""

import h5py
import numpy as np
import pytest
import scipy.io

from tests.runtime.streams.readers.opened import RATE, N, T, X, opened, refused

MS2 = 1 / 9.80665


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.h5"


def write(path, **attributes):
    with h5py.File(path, "w") as file:
        file["run/acc"] = X
        file["run/acc"].attrs.update(attributes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsamp", RATE),
        ("Fsample", RATE),
        ("srate", RATE),
        ("f_sampling", RATE),
        ("freq_sampling", RATE),
        ("adc_rate", RATE),
        ("odr_Hz", RATE),
        ("samples/s", RATE),
        ("rate (S/s)", RATE),
        ("sample rate (kSPS)", 25.6),
        ("SamplingRateInHz", RATE),
        ("Tastfrequenz", RATE),
        ("time_step", 1 / RATE),
        ("timeDelta", 1 / RATE),
        ("fs", [RATE, RATE, RATE]),  # one for each channel
    ],
)
def test_spellings_of_the_rate(path, name, value):
    write(path, **{name: value})
    assert opened(path).rate == pytest.approx(RATE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engineering_units", "m/s^2"),
        ("EU", "m/s2"),
        ("uom", "m/s2"),
        ("acc_unit", "m/s2"),
        ("quantity", "m/s2"),
        ("unit", "Acceleration (m/s²)"),
        ("units", "m/s²".encode("latin-1")),
        ("ylabel", "Acceleration [m/s^2]"),
        ("long_name", "acceleration in m/s2"),
        ("units", ["m/s2", "m/s2", "m/s2"]),
    ],
)
def test_spellings_of_the_unit(path, name, value):
    write(path, **{name: value})
    got = opened(path)
    assert got.unit == "m/s2"
    np.testing.assert_allclose(got.samples, X * MS2, rtol=1e-6)


@pytest.mark.parametrize("title", ["G", "g", "bearing A", "mounted at 100 mV/g", "outer race"])
def test_a_title_that_states_no_unit(path, title):
    write(path, label=title)
    assert opened(path).unit is None


def test_units_that_differ_from_channel_to_channel_are_refused(path):
    write(path, units=["g", "g", "degC"])
    refused(path, "in 'g, g, degC' and the bundle in 'g'")


@pytest.mark.parametrize(
    ("name", "value", "start"),
    [
        ("StartTime", "14-Mar-2026 10:00:00", "2026-03-14T10:00:00"),
        ("StartTime", "14-Mar-2026 10:00:00.250", "2026-03-14T10:00:00.250000"),
        ("datetime", "14.03.2026 10:00:00", "2026-03-14T10:00:00"),
        ("begin", "Sat Mar 14 10:00:00 2026", "2026-03-14T10:00:00"),
        ("recording_start", "2026-03-14T10:00:00Z", "2026-03-14T10:00:00+00:00"),
        ("start", 740_000.5, "2026-01-18T12:00:00"),  # days of MATLAB
        ("start", 740_000, None),  # may as well be a number of a sample
    ],
)
def test_spellings_of_the_start(path, name, value, start):
    write(path, **{name: value})
    assert (opened(path).start, opened(path).warnings) == (start, [])


def test_a_start_that_may_be_two_days_is_said(path):
    write(path, start_time="03/04/2026 10:00")
    got = opened(path)
    assert got.start is None
    assert "states start_time = 03/04/2026 10:00, which is not understood" in got.warnings[0]
    write(path, start_time="0001-01-01T00:00:00")  # what nobody set
    assert opened(path).warnings == []


@pytest.mark.parametrize("value", ["25,600 Hz", [25_600.0, 12_800.0]])
def test_a_rate_that_is_not_understood_has_to_be_stated(path, value):
    write(path, sampling_freq=value)
    refused(path, "states sampling_freq = .*, which is not understood; state the rate")
    assert opened(path, rate=RATE).rate == RATE


@pytest.mark.parametrize("scale", ["0.001", [0.001, 0.002]])
def test_a_scale_that_is_not_understood_is_named(path, scale):
    with h5py.File(path, "w") as file:
        file["acc"] = np.arange(N, dtype="i2")
        file["acc"].attrs["scale_factor"] = scale
    refused(path, "acc states a scale of 0.001")


def test_times_as_text_are_not_passed_over(tmp_path):
    times = [f"2026-03-14T10:00:00.{i:06d}" for i in range(N)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["acc"], file["time"] = X[0], np.array(times, "S")
    np.savez(tmp_path / "x.npz", acc=X[0], time=np.array(times))
    for name in ("x.h5", "x.npz"):
        refused(tmp_path / name, "states its times time as text, which is not understood; state")
        (warning,) = opened(tmp_path / name, rate=RATE).warnings
        assert "time holds times as text" in warning
    np.savez(tmp_path / "x.npz", acc=X[0], x=np.array(["radial", "axial"]))  # describes something
    assert opened(tmp_path / "x.npz").names == ["acc"]


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize(
    ("rows", "unit"), [(["g", "g"], "g"), (["g", "m/s2"], None), (["m/s2", "m/s2"], "m/s2")]
)
def test_a_text_for_each_channel_in_rows_of_characters(tmp_path, rows, unit, is_new):
    path = tmp_path / "x.mat"
    if is_new:
        with h5py.File(path, "w", userblock_size=512) as file:
            file["x"] = X[:2]
            codes = [[ord(c) for c in row.ljust(4)] for row in rows]
            file["unit"] = np.array(codes, "u2").T
            file["unit"].attrs["MATLAB_class"] = np.bytes_("char")
    else:
        scipy.io.savemat(path, {"x": X[:2], "unit": np.array(rows)})
    if unit is None:
        refused(path, "in 'g, m/s2' and the bundle in 'g'")
    else:
        assert opened(path).unit == unit


def test_facts_named_after_their_series(tmp_path):
    path = tmp_path / "x.mat"
    scipy.io.savemat(path, {"de": X[0], "de_fs": float(RATE), "unit_DE": "m/s^2", "fe_fs": 1e3})
    got = opened(path)
    assert (got.rate, got.unit) == (RATE, "m/s2")
    contents = {"a": X[0], "b": X[1], "fs_a": float(RATE), "fs_b": RATE / 2}
    scipy.io.savemat(path, contents)
    refused(path, "different sampling rates")
    assert opened(path, variable="a").rate == RATE
    scipy.io.savemat(path, {"x": X[0], "x_unit": "s", "fs": float(RATE)})  # that of an axis
    assert opened(path).unit is None


def test_what_rises_evenly_beside_a_clock_is_said_to_be_left_out(path):
    with h5py.File(path, "w") as file:
        file["time"], file["acc"] = T, X[0]
        file["revolutions"] = 25 * T  # another quantity by its name: a channel, or refused
        file["command"] = 0.5 * T
        file["n"] = np.arange(N)  # row numbers
    (warning,) = opened(path, variable="acc").warnings
    assert "'time' are left out: command;" in warning


def test_unit_behind_an_underscore_without_marks(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, ax_ms2=X[0], ay_ms2=X[1], fs=RATE)
    np.testing.assert_allclose(opened(path).samples, X[:2] * MS2, rtol=1e-5)
    assert opened(path).unit == "m/s2"


def test_numbers_that_tell_sensors_apart(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, time=np.repeat(T, 2), sensor=[1, 2] * N, acc=np.ravel(X[:2].T))
    refused(path, "column 'sensor' .* holds 2 names")
