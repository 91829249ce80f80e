"""Reading recordings: public and private data sets, class folders, several channels and rates."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path

import bearing_datasets
import numpy as np
import pyarrow.parquet as pq
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.recording import Recording, classes_of, normal_class, to_rate

# A private data set in the layout of SEU: 8 channels at 5120 Hz, in volts.
SEU_BUILDER = """
import numpy as np

def _ch(quantity, fs=5120, unit="V"):
    return {"sensor_location": "gearbox", "quantity": quantity, "unit": unit, "fs": fs}

CHANNELS = {
    "motor_vibration": _ch("acceleration"),
    "planetary_x": _ch("acceleration"), "planetary_y": _ch("acceleration"),
    "planetary_z": _ch("acceleration"), "motor_torque": _ch("torque"),
    "parallel_x": _ch("acceleration"), "parallel_y": _ch("acceleration"),
    "parallel_z": _ch("acceleration"),
}
LABELS = {"health": "normal", "ball": "rolling_element", "comb": "inner+outer"}

def recordings(raw_dir):
    for path in sorted(raw_dir.glob("*.npy")):
        state, speed, load = path.stem.split("_")
        fault = LABELS[state]
        table = np.load(path)
        yield {
            "recording_id": path.stem, "native_label": path.stem, "fault_type": fault,
            "fault_location": "none" if fault == "normal" else
                "+".join(["gearbox"] * (fault.count("+") + 1)),
            "speed_rpm": float(speed) * 60, "operating_condition": f"{speed}Hz_{load}V",
            "signals": {name: table[i] for i, name in enumerate(CHANNELS)},
        }
"""

# Channels of one acquisition at different rates and in different units of acceleration.
MIXED_BUILDER = """
import numpy as np

CHANNELS = {
    "fast": {"sensor_location": "motor", "quantity": "acceleration", "unit": "m/s^2", "fs": 20000},
    "slow": {"sensor_location": "motor", "quantity": "acceleration", "unit": "g", "fs": 10000},
    "phase": {"sensor_location": "motor_supply", "quantity": "current", "unit": "A", "fs": 10000},
}

def recordings(raw_dir):
    for path in sorted(raw_dir.glob("*.npz")):
        state, load = path.stem.split("_")
        yield {
            "recording_id": path.stem, "native_label": path.stem,
            "fault_type": state, "load": float(load), "load_unit": "Nm",
            "fault_location": "none" if state == "normal" else "motor_bearing",
            "fault_severity": "none" if state == "normal" else "deep",
            "bearing_id": "unknown" if state == "normal" else "B1",
            "bpfo": 3.5, "bpfi": 5.5, "bsf": 2.3, "ftf": 0.4,
            "signals": dict(np.load(path)),
        }
"""


@pytest.fixture(scope="module")
def seu(define, tmp_path_factory):
    """Definition folder, root and raw arrays of the built data set."""
    base = tmp_path_factory.mktemp("seu")
    raw = define(base / "definition", "seu_like", SEU_BUILDER)
    rng = np.random.default_rng(0)
    arrays = {}
    for state in ("ball", "comb", "health"):
        for setting in ("20_0", "30_2"):
            arrays[f"{state}_{setting}"] = rng.standard_normal((8, 6000))
            np.save(raw / f"{state}_{setting}.npy", arrays[f"{state}_{setting}"])
    bearing_datasets.build(base / "definition", root=base / "root")
    return base / "definition", base / "root", arrays


def tone(n, rate, hz=1000.0, phase=0.0):
    return np.sin(2 * np.pi * hz * np.arange(n) / rate + phase)


@pytest.fixture(scope="module")
def mixed(define, tmp_path_factory):
    base = tmp_path_factory.mktemp("mixed")
    raw = define(base / "definition", "mixed_rates", MIXED_BUILDER)
    for state in ("normal", "inner"):
        for load in (0, 5):
            np.savez(
                raw / f"{state}_{load}.npz",
                fast=9.80665 * tone(40_000, 20_000),
                slow=tone(19_990, 10_000),
                phase=np.ones(20_000),
            )
    bearing_datasets.build(base / "definition", root=base / "root")
    return base / "root"


# ------------------------------------------------------------------ data sets


def test_eight_channels_are_one_recording(seu):
    _, root, arrays = seu
    order = ["parallel_z", "motor_torque", "motor_vibration", "planetary_x", "planetary_y"]
    order += ["planetary_z", "parallel_x", "parallel_y"]
    recordings = load_recordings("seu_like", root=root, channels=order)
    assert len(recordings) == 6
    rows = [7, 4, 0, 1, 2, 3, 5, 6]
    for r in recordings:
        assert r.signal.shape == (8, 6000)
        assert r.signal.dtype == np.float32
        assert (r.rate, r.unit, r.channels) == (5120.0, "V", tuple(order))
        assert (r.load, r.bearing_id, r.fault_orders) == (None, None, {})
        np.testing.assert_array_equal(r.signal, arrays[r.recording_id][rows].astype(np.float32))
    assert {r.recording_id: r.speed_rpm for r in recordings}["ball_20_0"] == 1200
    assert classes_of(recordings) == ["normal", "inner+outer", "rolling_element"]
    assert normal_class(recordings) == "normal"


def test_accelerometers_are_the_default_channels(seu):
    _, root, _ = seu
    recordings = load_recordings("seu_like", root=root)
    assert all(len(r.channels) == 7 and "motor_torque" not in r.channels for r in recordings)


def test_a_private_set_is_found_by_definition_folder_and_built_folder(seu):
    definition, root, _ = seu
    for data, where in ((definition, root), (root / "seu_like", None)):
        assert len(load_recordings(str(data), root=where, channels=["planetary_x"])) == 6


def test_the_root_comes_from_the_environment_too(seu, monkeypatch):
    monkeypatch.setenv("BEARING_DATASETS_ROOT", str(seu[1]))
    assert len(load_recordings("seu_like")) == 6


def test_rates_units_and_lengths_of_one_recording_are_brought_together(mixed):
    recordings = load_recordings("mixed_rates", root=mixed)
    assert len(recordings) == 4
    for r in recordings:
        assert (r.rate, r.unit, r.channels) == (10_000.0, "g", ("fast", "slow"))
        assert r.signal.shape == (2, 19_990)
        inner = slice(500, -500)
        np.testing.assert_allclose(r.signal[0, inner], r.signal[1, inner], atol=2e-3)
        assert r.fault_orders == {"bpfo": 3.5, "bpfi": 5.5, "bsf": 2.3, "ftf": 0.4}
    by_id = {r.recording_id: r for r in recordings}
    assert by_id["normal_5"].load == 5.0
    assert by_id["normal_0"].bearing_id is None
    assert by_id["inner_0"].bearing_id == "B1"


@pytest.mark.parametrize(
    ("label", "classes"),
    [
        (None, ["normal", "inner"]),
        ("fault_type+fault_severity", ["normal", "inner_deep"]),
        ("fault_type+load", ["normal", "inner_0", "inner_5"]),
        ("native_label", ["inner_0", "inner_5", "normal_0", "normal_5"]),
    ],
)
def test_labels_from_columns(mixed, label, classes):
    recordings = load_recordings("mixed_rates", root=mixed, label=label)
    assert classes_of(recordings) == classes
    assert (normal_class(recordings) is None) == (label == "native_label")


def test_cwru10(folder_of):
    root = folder_of("cwru12k")
    recordings = load_recordings("cwru12k", root=root, task="cwru10")
    assert len(recordings) == 40
    names = ["B007", "B014", "B021", "IR007", "IR014", "IR021", "OR007", "OR014", "OR021"]
    assert classes_of(recordings) == ["Normal", *names]
    for label in classes_of(recordings):
        assert sorted(r.load for r in recordings if r.label == label) == [0, 1, 2, 3]
    assert all(r.channels == ("DE",) and r.rate == 12_000 and r.unit == "g" for r in recordings)
    assert not [r for r in recordings if "@3" in r.recording_id or "@12" in r.recording_id]
    by_id = {r.recording_id: r for r in recordings}
    assert by_id["12k_Normal_0"].n_samples == 60_985
    outer = by_id["12k_DE_OR014@6_2"]
    assert (outer.label, outer.bearing_id, outer.fault) == ("OR014", "DE_OR014", "outer")
    assert (outer.speed_rpm, outer.fault_orders["bpfo"]) == (1749.0, 3.5848)
    stored = pq.read_table(
        root / "cwru12k" / "signals" / "part-float32.parquet",
        filters=[("signal_id", "=", "12k_DE_OR014@6_2/DE")],
    )
    np.testing.assert_array_equal(outer.signal[0], stored["signal"][0].values.to_numpy())


@pytest.mark.parametrize(
    ("task", "n", "loads"),
    [
        ("cwru10-load0", 10, [0]),
        ("cwru-fan-near", 32, [0, 1, 2, 3]),
        ("cwru-fan-far", 36, [0, 1, 2, 3]),
    ],
)
def test_tasks_beside_cwru10(folder_of, task, n, loads):
    root = folder_of("cwru12k")
    recordings = load_recordings("cwru12k", root=root, task=task)
    assert len(recordings) == n
    for label in classes_of(recordings):
        assert sorted(r.load for r in recordings if r.label == label) == loads
    tested = {r.bearing_id for r in load_recordings("cwru12k", root=root, task="cwru10")}
    if task != "cwru10-load0":
        assert {r.bearing_id for r in recordings} & tested <= {"healthy"}


def test_gearbox_with_four_channels_comes_down_to_12_khz(folder_of):
    recordings = load_recordings("gearbox_gfd", root=folder_of("gearbox_gfd"))
    assert classes_of(recordings) == ["normal", "gear"]
    assert all(r.channels == ("a1", "a2", "a3", "a4") for r in recordings)
    assert {r.load for r in recordings} == {0, 30, 60, 90}
    for r, low in zip(recordings, to_rate(recordings, 12_000), strict=True):
        assert low.rate == 12_000
        assert abs(low.n_samples - r.n_samples * 0.6) <= 1
        # The band below 4 kHz keeps its power.
        power = [
            np.sum(np.abs(np.fft.rfft(x.signal[0])[: int(4000 * x.seconds)]) ** 2) / x.n_samples**2
            for x in (r, low)
        ]
        assert power[1] == pytest.approx(power[0], rel=0.01)


# ------------------------------------------------------------------ rates


def at(rate, n, name="r"):
    signal = np.stack([tone(n, rate), tone(n, rate, 300.0)]).astype(np.float32)
    return Recording(signal, rate, "g", "normal", name, ("a", "b"), fault="normal", load=2.0)


def test_mixed_rates_come_down_to_the_lowest():
    recordings = [at(12_000.0, 24_000), at(25_600.0, 51_200), at(48_000.0, 96_000)]
    low = to_rate(recordings)
    assert [r.rate for r in low] == [12_000.0] * 3
    assert low[0].signal is recordings[0].signal
    for r in low[1:]:
        assert r.load == 2.0
        assert abs(r.n_samples - 24_000) <= 1
        np.testing.assert_allclose(r.signal[:, 500:23_000], low[0].signal[:, 500:23_000], atol=1e-3)


def test_a_rate_above_the_lowest_is_refused():
    with pytest.raises(InputError, match="slow was sampled at 8000 Hz, below the 12000 Hz"):
        to_rate([at(12_000.0, 100), at(8_000.0, 100, "slow")], 12_000)


# ------------------------------------------------------------------ class folders


def write_wav(path, samples, rate):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples.T * 32768).astype("<i2").tobytes())


@pytest.fixture
def folder(tmp_path):
    """The same 2 s tone as WAV, raw, NPY and CSV, in three classes."""
    x = 0.5 * tone(24_000, 12_000)
    write_wav(tmp_path / "Normal" / "a.wav", x[None], 12_000)
    raw = tmp_path / "inner" / "bearing_1" / "b.bin"
    raw.parent.mkdir(parents=True)
    raw.write_bytes((9.80665 * x).astype("<f8").tobytes())
    Path(f"{raw}.json").write_text(
        json.dumps({"dtype": "f64le", "rate": 12_000, "unit": "m/s2", "channels": 1})
    )
    npy = tmp_path / "inner" / "bearing_2" / "c.npy"
    npy.parent.mkdir()
    np.save(npy, x)
    Path(f"{npy}.json").write_text(json.dumps({"rate": 12_000, "unit": "g"}))
    csv = tmp_path / "outer" / "d.csv"
    csv.parent.mkdir()
    lines = [f"{t:.8f},{value:.7f}" for t, value in zip(np.arange(24_000) / 12_000, x, strict=True)]
    csv.write_text("time,acceleration\n" + "\n".join(lines))
    (tmp_path / "outer" / ".hidden").write_text("x")
    return tmp_path


def test_a_folder_with_one_sub_folder_per_class(folder):
    recordings = load_recordings(str(folder))
    assert classes_of(recordings) == ["Normal", "inner", "outer"]
    assert normal_class(recordings) == "Normal"
    ids = [r.recording_id for r in recordings]
    assert ids == ["Normal/a.wav", "inner/bearing_1/b.bin", "inner/bearing_2/c.npy", "outer/d.csv"]
    bearings = [r.bearing_id for r in recordings]
    assert bearings == [None, "inner/bearing_1", "inner/bearing_2", None]
    assert [r.unit for r in recordings] == ["unknown", "g", "g", "unknown"]
    expected = 0.5 * tone(24_000, 12_000)
    for r in recordings:
        assert r.rate == pytest.approx(12_000, rel=1e-4)
        assert r.signal.shape == (1, 24_000)
        assert r.signal.dtype == np.float32
        np.testing.assert_allclose(r.signal[0], expected, atol=1e-4)
    assert {r.channels for r in recordings} == {("1",)}
    assert len({r.rate for r in to_rate(recordings)}) == 1


def test_channels_and_rates_of_a_folder(tmp_path):
    for label, rate in (("healthy", 16_000), ("outer", 48_000)):
        write_wav(
            tmp_path / label / "x.wav",
            np.stack([0.5 * tone(rate, rate), 0.25 * tone(rate, rate)]),
            rate,
        )
    both = load_recordings(str(tmp_path))
    assert [(r.rate, len(r.signal)) for r in both] == [(16_000, 2), (48_000, 2)]
    second = load_recordings(str(tmp_path), channels=["2"])
    for r, one in zip(both, second, strict=True):
        np.testing.assert_array_equal(one.signal, r.signal[1:])
    with pytest.raises(InputError, match=r"healthy/x.wav has no channel '3': it has 1, 2"):
        load_recordings(str(tmp_path), channels=["3"])


def test_one_format_for_all_files(tmp_path):
    for label in ("normal", "outer"):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / "a.npy", tone(5000, 8000))
    with pytest.raises(InputError, match=r"a.npy does not say its sampling rate: .*format.json"):
        load_recordings(str(tmp_path))
    (tmp_path / "format.json").write_text('{"rate": 8000, "unit": "g"}')
    recordings = load_recordings(str(tmp_path))
    assert [(r.rate, r.unit) for r in recordings] == [(8000, "g")] * 2
    (tmp_path / "format.json").write_text('{"fs": 8000}')
    with pytest.raises(InputError, match="expected only some of"):
        load_recordings(str(tmp_path))


def test_speed_and_orders_of_a_folder(tmp_path):
    orders = {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}
    for label in ("normal", "outer"):
        (tmp_path / label).mkdir()
        for name in "ab":
            np.save(tmp_path / label / f"{name}.npy", tone(5000, 8000))
    (tmp_path / "outer" / "b.npy.json").write_text(json.dumps({"rate": 8000, "speed_rpm": 900}))
    (tmp_path / "format.json").write_text(json.dumps({"rate": 8000, "orders": orders}))
    recordings = load_recordings(str(tmp_path))
    assert [r.speed_rpm for r in recordings] == [None, None, None, 900]
    assert [r.fault_orders for r in recordings] == [orders] * 4
    (tmp_path / "format.json").write_text(json.dumps({"rate": 8000, "speed_rpm": 1772}))
    recordings = load_recordings(str(tmp_path))
    assert [r.speed_rpm for r in recordings] == [1772] * 4
    assert [r.fault_orders for r in recordings] == [{}] * 4


def test_a_gap_divides_a_recording(tmp_path):
    stamps = np.concatenate([np.arange(3000), np.arange(4000, 6000)]) / 1000
    for label in ("normal", "outer"):
        (tmp_path / label).mkdir()
        lines = [f"{t:.4f},{k}" for k, t in enumerate(stamps)]
        (tmp_path / label / "a.csv").write_text("time,a\n" + "\n".join(lines))
    recordings = load_recordings(str(tmp_path))
    assert [r.n_samples for r in recordings] == [3000, 2000] * 2
    assert [r.recording_id for r in recordings[:2]] == ["normal/a.csv", "normal/a.csv#2"]
    assert recordings[1].signal[0, 0] == 3000


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data": "cwrru"}, "'cwrru' is neither a data set nor a folder: did you mean 'cwru'"),
        ({"data": "cwru"}, r"'cwru' is not built in .*: run `bearing-datasets build cwru --root"),
        ({"data": "seu_like", "channels": ["z"]}, "channel 'z' does not exist: .* parallel_z"),
        ({"data": "seu_like", "label": "fault"}, "no column 'fault' .* try fault_"),
        ({"data": "seu_like", "task": "cwru10"}, "defined on data set 'cwru12k', got 'seu_like'"),
        ({"data": "seu_like", "task": "cwru9"}, "unknown task 'cwru9': known are cwru10"),
        ({"data": "rig", "label": "load"}, "the simulated rig takes no label"),
    ],
)
def test_mistakes_get_one_clear_line(seu, options, said):
    with pytest.raises(InputError, match=said) as caught:
        load_recordings(**options, root=seu[1])
    assert "\n" not in str(caught.value)


def test_channels_of_different_units_are_refused(mixed):
    with pytest.raises(InputError, match=r"different units \(A, g\): choose channels of one unit"):
        load_recordings("mixed_rates", root=mixed, channels=["slow", "phase"])


def test_a_private_set_that_is_not_built(seu, tmp_path):
    with pytest.raises(InputError, match=r"'seu_like' is not built .* build .*definition"):
        load_recordings(str(seu[0]), root=tmp_path)
    (tmp_path / "dataset.yaml").write_text("name: [")
    with pytest.raises(InputError, match="no usable definition") as caught:
        load_recordings(str(tmp_path), root=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["manifest.json", "metadata.parquet", "signals"])
def test_a_damaged_data_set(seu, tmp_path, damage):
    shutil.copytree(seu[1] / "seu_like", tmp_path / "seu_like")
    file = tmp_path / "seu_like" / damage
    if damage == "signals":
        (file,) = file.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"seu_like cannot be read .* --force") as caught:
        load_recordings("seu_like", root=tmp_path)
    assert "\n" not in str(caught.value)


def test_no_root_is_known(monkeypatch, tmp_path):
    monkeypatch.delenv("BEARING_DATASETS_ROOT", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(InputError, match="give --root FOLDER, or set BEARING_DATASETS_ROOT"):
        load_recordings("cwru")


def test_folders_without_classes_or_recordings(tmp_path):
    with pytest.raises(InputError, match="has no sub-folder: one per class is expected"):
        load_recordings(str(tmp_path))
    (tmp_path / "normal").mkdir()
    with pytest.raises(InputError, match="normal holds no recording"):
        load_recordings(str(tmp_path))
    (tmp_path / "normal" / "empty.bin").touch()
    with pytest.raises(InputError, match=r"empty.bin is empty"):
        load_recordings(str(tmp_path))
