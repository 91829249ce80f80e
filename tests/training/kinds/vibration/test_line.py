"""The first stages of the line: the same windows every time, by every protocol."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.settings import Settings

WINDOW = 1024


@pytest.fixture(scope="module")
def rig():
    return simulate_rig(seed=0, seconds=1.5, loads=(0, 2), n_bearings=3, n_channels=2)


def small(**changes):
    return Settings(**{"data": "rig", "n_normal": 40, "balance": 8.0, "hop": 256, **changes})


def spans(data, index):
    """Samples of windows as (recording, start, stop)."""
    return [(r, s, s + WINDOW) for r, s in zip(index.recording, index.start, strict=True)]


def test_the_same_settings_give_the_same_windows(rig_folder):
    settings = Settings(str(rig_folder), n_normal=30, balance=5.0, seed=3)
    one, two = prepare(settings), prepare(settings)
    for index in ("drawn", "test"):
        a, b = (d.drawn if index == "drawn" else d.test_index() for d in (one, two))
        np.testing.assert_array_equal(one.cut(a), two.cut(b))
        np.testing.assert_array_equal(a.label, b.label)
    other = prepare(replace(settings, seed=7))  # tests the same quarter
    assert spans(other, other.test_index()) == spans(one, one.test_index())
    assert not set(spans(other, other.drawn)) & set(spans(one, one.drawn))


def test_recordings_may_be_shared_by_runs(rig_folder):
    settings = Settings(str(rig_folder), n_normal=30, balance=5.0)
    shared = prepare(settings, load_recordings(str(rig_folder)))
    np.testing.assert_array_equal(shared.cut(shared.drawn), prepare(settings).cut(shared.drawn))


@pytest.mark.parametrize("protocol", ["random", "block", "load", "bearing"])
def test_protocols(rig, protocol):
    data = prepare(small(protocol=protocol), rig)
    assert data.classes == ["Normal", "ball", "inner", "outer"]
    assert data.normal == "Normal"
    assert (data.rate_hz, data.unit, data.channels) == (12_000.0, "g", ("A1", "A2"))
    assert np.bincount(data.drawn.label).tolist() == [40, 5, 5, 5]
    test = data.test_index()
    assert (np.bincount(test.label) > 0).all()
    windows = data.cut(data.drawn)
    assert windows.shape == (55, 2, WINDOW)
    assert windows.dtype == np.float32
    for index in (data.drawn, test):
        assert [data.recordings[i].label for i in index.recording] == [
            data.classes[i] for i in index.label
        ]
    trained, tested = (spans(data, index) for index in (data.drawn, test))
    if protocol == "random":
        assert not set(trained) & set(tested)
    elif protocol == "block":
        apart = [
            max(a - stop, start - b) for r, start, stop in tested for q, a, b in trained if q == r
        ]
        assert min(apart) >= 0.05 * rig[0].n_samples
    else:
        fact = "load" if protocol == "load" else "bearing_id"
        sides = [{getattr(rig[r], fact) for r, _, _ in part} for part in (trained, tested)]
        assert not sides[0] & sides[1]


@pytest.mark.parametrize(("protocol", "traits"), [("block", 64 + 2 * 2 * 32), ("load", 64)])
def test_rows_count_for_the_novelty_where_the_machine_stays(
    rig, hurried, tmp_path, protocol, traits
):
    settings = small(protocol=protocol, training=hurried)
    data = prepare(settings, rig)
    materials = line.materials_for("ros", settings, data)
    found = line.calibrated(
        settings, materials, line.untrained(settings, data).eval(), checkpoint=tmp_path / "probe.pt"
    )
    assert found.novelty.whiten.shape == (traits, traits)


def test_protocol_bearing_names_classes_by_location(rig):
    sizes = [dataclasses.replace(r, label=f"{r.label}_{r.bearing_id}") for r in rig]
    normal = [r for r in rig if r.fault == "normal"]
    mixed = normal + [r for r in sizes if r.fault != "normal"]
    assert len(prepare(small(), mixed).classes) == 10
    assert len(prepare(small(protocol="bearing"), mixed).classes) == 4


def test_loads_are_chosen(rig):
    data = prepare(small(protocol="load", train_loads=(2.0,), test_loads=(0.0,)), rig)
    assert {rig[i].load for i in data.drawn.recording} == {2.0}
    assert {rig[i].load for i in data.test_index().recording} == {0.0}


def test_another_rate_and_hop(rig_folder):
    data = prepare(Settings(str(rig_folder), n_normal=20, rate=8000.0, hop=1000))
    assert {r.rate for r in data.recordings} == {8000.0}
    assert abs(data.recordings[0].n_samples - 32_000) <= 1
    per_recording = (8000 - WINDOW) // 1000 + 1  # the test quarter of 4 s
    assert len(data.test_index()) == 8 * per_recording
    assert len(data.test_index(hop=500)) == 8 * ((8000 - WINDOW) // 500 + 1)
    assert len(data.train_index()) > 2 * len(data.test_index())


def test_a_single_window_of_a_class_is_enough_to_prepare(rig):
    assert np.bincount(prepare(small(balance=40.0), rig).drawn.label).tolist() == [40, 1, 1, 1]


def test_one_class_is_refused(rig):
    with pytest.raises(
        InputError, match=r"recordings of one class \(ball\): expected at least two"
    ):
        prepare(small(), [r for r in rig if r.label == "ball"])


def test_mixed_units_are_refused(rig):
    mixed = [dataclasses.replace(rig[0], unit="V"), *rig[1:]]
    with pytest.raises(InputError, match="recordings in V, g: expected one unit"):
        prepare(small(), mixed)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocol": "blocks"}, "got protocol 'blocks': expected one of random, block, load"),
        ({"balance": 0.0}, "a balance ratio is at least 1, got 0"),
        ({"balance": float("nan")}, "a balance ratio is at least 1, got nan"),
        ({"balance": float("inf")}, "a balance ratio is at least 1, got inf"),
        ({"n_normal": 0}, "got n_normal = 0: expected 1 or more"),
        ({"window": 0}, "got window = 0: expected 1 or more"),
        ({"window": 100_000}, "has no window of 100000 samples in the training part"),
        ({"hop": 0}, "got hop = 0: expected 1 or more"),
        ({"target": 0}, "got target = 0"),
        ({"seed": -1}, "got seed = -1: expected 0 or more"),
        ({"rate": -5.0}, "got a rate of -5 Hz"),
        ({"protocol": "load", "train_loads": (7.0,)}, "no recording has load 7"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(rig, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        prepare(small(**changes), rig)
    assert "\n" not in str(caught.value)
