"""Channels that are plainly no vibration are refused by name, in every kind of file alike."""

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io

from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.quantities import other_quantity
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream
from tests.runtime.streams.readers.opened import RATE, X, opened, refused


def write_csv(path, columns):
    rows = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, rows, delimiter=",", header=",".join(columns), comments="")


def write_hdf5(path, columns):
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[f"run/{name}"] = values


def write_parquet(path, columns):
    pq.write_table(pa.table(columns), path)


KINDS = {".csv": write_csv, ".mat": scipy.io.savemat, ".h5": write_hdf5, ".parquet": write_parquet}


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Temperature", "a temperature"),
        ("temp_C", "a temperature"),
        ("Motor_Temp_2", "a temperature"),
        ("Speed", "a speed"),
        ("Velocity", "a speed"),
        ("crank_angle", "an angle"),
        ("Position", "a position"),
        ("label", "a label"),
        ("fs", "a sampling rate"),
        ("sampling_rate", "a sampling rate"),
    ],
)
def test_another_quantity_beside_a_vibration(tmp_path, suffix, name, what):
    path = tmp_path / f"x{suffix}"
    KINDS[suffix](path, {"Vib": X[0], name: X[1]})
    refused(path, rf"{name}' \({what}\): name the channels", rate=RATE)
    vib = "run/Vib" if suffix == ".h5" else "Vib"
    np.testing.assert_allclose(opened(path, rate=RATE, variable=vib).samples, X[:1])


@pytest.mark.parametrize("suffix", KINDS)
def test_a_speed_in_rpm(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    KINDS[suffix](path, {"Vib": X[0], "rpm": X[1]})
    refused(path, r"rpm.*: name (those|the channels) to read as variable", rate=RATE)
    KINDS[suffix](path, {"rpm": X[1]})
    with pytest.raises(NoRecordingError, match=r"rpm"):
        opened(path, rate=RATE)


@pytest.mark.parametrize("suffix", KINDS)
def test_nothing_but_another_quantity_is_no_recording(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    KINDS[suffix](path, {"Displacement": X[0], "Torque": X[1]})
    with pytest.raises(NoRecordingError, match=r"Torque' \(a torque\): expected accelerations"):
        opened(path, rate=RATE)
    spec = SignalSpec(rate_hz=float(RATE), unit="unknown", channels=2)
    with open_stream(path, StreamFormat(rate=RATE), default=spec) as stream:
        assert stream.channels == 2  # of a bundle that was not trained on accelerations


@pytest.mark.parametrize(
    "name",
    [
        *("high speed shaft radial", "load_side", "1750 rpm", "DE_1750rpm", "acc_speed_1500"),
        *("Speed (g)", "temp_sensor_acc", "template", "a", "", "Fs1_radial", "classes/acc"),
        *("position_2_acc", "phase A current sensor vib"),
    ],
)
def test_names_that_do_not_say_it_plainly(name):
    assert other_quantity(name) is None
