"""Several data sets at once: none is on both sides, and neither gain nor unit tells them apart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.materials import make_materials
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.prepared import divide, draw
from dlrsd.training.data.vibration.recording import Recording, to_rate
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.data.vibration.rigs import comparable, left_out_rig, names_of
from dlrsd.training.data.vibration.splits import as_seen_by, split
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.inspect.data import inspect


def recording(rig, label, *, bearing="b", gain=1.0, seed=0, unit="g"):
    signal = gain * np.random.default_rng(seed).standard_normal((1, 4000)).astype(np.float32)
    return Recording(
        signal, 12000.0, unit, label, f"{rig}/{label}/{bearing}", ("sensor",),
        fault=label, bearing_id=f"{rig}/{bearing}", rig=rig,
    )  # fmt: skip


@pytest.fixture
def three():
    """Two rigs with three states each, one with another unit and gain; a third with a fourth."""
    states = ("normal", "inner", "outer")
    return [
        *(recording("a", state, seed=i) for i, state in enumerate(states)),
        *(recording("b", s, gain=150.0, unit="unknown", seed=9 + i) for i, s in enumerate(states)),
        recording("c", "normal", seed=20),
        recording("c", "cage", seed=21),
    ]


@pytest.fixture
def folders(tmp_path):
    """Two simulated rigs as folders: one at 24 kHz with two channels, one without a ball fault."""
    for name, rate, channels, faults in (
        ("one", 24000, 2, ("Normal", "inner", "outer", "ball")),
        ("two", 12000, 1, ("Normal", "inner", "outer")),
    ):
        rig = simulate_rig(
            seed=len(name) + channels, seconds=3.0, rate=rate, loads=(1,), n_bearings=2,
            n_channels=channels, classes=faults,
        )  # fmt: skip
        for each in rig:
            path = tmp_path / name / each.label / str(each.bearing_id) / "a.npy"
            path.parent.mkdir(parents=True)
            np.save(path, (40 if name == "two" else 1) * each.signal.T)
        facts = {"rate": rate, "unit": "g", "channels": channels}
        (tmp_path / name / "format.json").write_text(json.dumps(facts))
    return f"{tmp_path / 'one'},{tmp_path / 'two'}"


def test_data_sets_are_named_separated_by_commas(tmp_path):
    assert names_of("cwru12k") == ["cwru12k"]
    assert names_of("a, b,/data/c") == ["a", "b", "/data/c"]
    with_comma = tmp_path / "mill, left"
    with_comma.mkdir()
    assert names_of(str(with_comma)) == [str(with_comma)]
    for wrong in ("a,", ",a", "a,,b", "a,b,a"):
        with pytest.raises(InputError, match="each of them once"):
            names_of(wrong)


def test_every_channel_of_every_rig_is_a_recording_of_its_own(folders):
    recordings = load_recordings(folders)
    assert {r.rig for r in recordings} == {"one", "two"}
    assert sum(r.rig == "one" for r in recordings) == 2 * 4 * 2
    assert sum(r.rig == "two" for r in recordings) == 3 * 2
    assert {(r.channels, len(r.signal)) for r in recordings} == {(("sensor",), 1)}
    assert len({r.recording_id for r in recordings}) == len(recordings)
    bearings = {rig: {r.bearing_id for r in recordings if r.rig == rig} for rig in ("one", "two")}
    assert len(bearings["one"]) == 8
    assert not bearings["one"] & bearings["two"]
    assert load_recordings(folders.split(",")[0])[0].rig is None


def test_data_sets_of_one_name_and_options_of_one_are_refused(folders, tmp_path):
    one, two = folders.split(",")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "one").symlink_to(one)
    with pytest.raises(InputError, match="called the same"):
        load_recordings(f"{one},{tmp_path / 'there' / 'one'}")
    with pytest.raises(InputError, match="takes no channels"):
        load_recordings(folders, channels=("1",))
    with pytest.raises(InputError, match="expected cwru12k among them"):
        load_recordings(folders, task="cwru10")
    with pytest.raises(InputError, match="expected one of cwru10"):
        load_recordings(folders, task="cwru11")
    with pytest.raises(InputError, match="neither a data set nor a folder"):
        load_recordings(f"{one},{two}x", root=tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_no_rig_is_on_both_sides_and_each_is_tested_in_turn(three, seed):
    seen, _ = as_seen_by("rig", three, seed)
    parts = split(seen, protocol="rig", seed=seed, window=1024)
    train, test = ({seen[s.recording].rig for s in part} for part in (parts.train, parts.test))
    tested = "abc"[seed % 3]
    assert test == {tested} == {left_out_rig(three, seed)}
    assert train == {*"abc"} - {tested}
    assert parts.note == f"trained on {', '.join(sorted(train))}, tested on {tested}"
    assert all((s.start, s.stop) == (0, 4000) for s in parts.train + parts.test)


def test_what_no_other_rig_has_is_left_out_of_the_test_and_said(three):
    data = divide(three, protocol="rig", seed=2, window=1024, hop=512)
    assert data.classes == ["normal", "inner", "outer"]
    assert {data.classes[label] for label in data.test_index().label} == {"normal"}
    assert "of c, what no other rig has is left out (cage)" in data.split.note
    learned = divide(three, protocol="rig", seed=0, window=1024, hop=512)
    assert learned.classes == ["normal", "cage", "inner", "outer"]
    assert "left out" not in learned.split.note


def test_gains_and_units_tell_nothing(three):
    """Whatever the gain of a recording, the same windows are trained on and tested."""
    other = [replace(r, signal=r.signal * 3.0 ** (i - 4)) for i, r in enumerate(three)]
    one, two = (divide(rs, protocol="rig", seed=1, window=1024, hop=512) for rs in (three, other))
    assert (one.unit, two.unit) == ("of its own RMS",) * 2
    assert two.cut(two.test_index()) == pytest.approx(one.cut(one.test_index()), rel=1e-5)
    assert [float(np.sqrt((r.signal**2).mean())) for r in one.recordings] == pytest.approx([1] * 8)


def test_what_is_no_number_stays_so_and_silence_stays_silent():
    holed, silent = recording("a", "normal"), recording("b", "normal")
    holed.signal[0, 7] = np.nan
    silent.signal[:] = 0
    (one, two), _ = comparable([holed, silent], 0)
    assert np.isnan(one.signal[0, 7])
    assert np.sqrt(np.nanmean(one.signal**2)) == pytest.approx(1, rel=1e-3)
    assert not two.signal.any()


def test_states_are_the_same_however_a_rig_calls_them(folders, tmp_path):
    """A folder's Normal and ball are another data set's normal and rolling_element."""
    (tmp_path / "two" / "Normal").rename(tmp_path / "two" / "healthy")
    recordings = load_recordings(folders)
    assert {r.label for r in recordings} == {"Normal", "healthy", "inner", "outer", "ball"}
    data = divide(to_rate(recordings), protocol="rig", seed=1, window=1024, hop=512)
    assert data.classes == ["normal", "inner", "outer", "rolling_element"]
    assert data.normal == "normal"


def test_inspect_says_what_leaving_a_rig_out_leaves(folders):
    several = inspect(load_recordings(folders), window=1024, seed=1)
    left = several["protocols"]["rig"]
    assert left["train"]["rolling_element"] > 0 == left["test"]["rolling_element"]
    assert left["enough"] == "yes"
    one = inspect(load_recordings(folders.split(",")[0]), window=1024)
    assert "rig" not in one["protocols"]


def test_one_data_set_is_no_choice_of_rigs(three):
    for recordings in (three[:3], [replace(r, rig=None) for r in three]):
        with pytest.raises(InputError, match="protocol rig needs two data sets or more"):
            divide(recordings, protocol="rig", seed=0, window=1024, hop=512)


def test_a_class_that_training_lacks_windows_of_is_refused(three):
    short = [replace(r, signal=r.signal[:, :800]) if r.label == "cage" else r for r in three]
    with pytest.raises(InputError, match="class 'cage' has no window of 1024 samples in the train"):
        divide(short, protocol="rig", seed=0, window=1024, hop=512)


def test_other_protocols_ask_for_one_unit(three):
    with pytest.raises(InputError, match="got recordings in g, unknown: expected one unit"):
        divide(three, protocol="block", seed=0, window=512, hop=512)


def test_calibration_leaves_out_a_rig_or_where_there_is_one_a_bearing(folders):
    """Classes of two training rigs are grouped by rig, those of one by its bearings."""
    recordings = to_rate(load_recordings(folders))
    third = [replace(r, rig="three") for r in recordings if r.rig == "two"]
    data = divide([*recordings, *third], protocol="rig", seed=2, window=1024, hop=512)
    drawn = draw(data, balance=1.0, n_normal=24, seed=0)
    windows = data.cut(drawn.drawn)
    frontend = Scalogram.fit(windows, drawn.drawn.label, None, data.rate_hz)
    materials = make_materials(drawn, frontend, n_views=30)
    groups = materials.groups("rig")
    for label, name in enumerate(data.classes):
        own = [data.recordings[i] for i in materials.recordings[label]]
        facts = [r.bearing_id if name == "rolling_element" else r.rig for r in own]
        assert len(np.unique(groups[label])) == len(set(facts)) == 2
        assert len({*zip(groups[label].tolist(), facts, strict=True)}) == 2
