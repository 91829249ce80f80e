"""Simulated spalls: their lines lie where the bearing's geometry says, on machines never alike."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.table import rows
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.evidence.verdict import evidence
from dlrsd.training.data.vibration.load import is_simulated, load_recordings
from dlrsd.training.data.vibration.recording import kinematics
from dlrsd.training.data.vibration.spalls import (
    CLASSES,
    SPALLS,
    UNSEEN,
    _bearings,
    simulate_spalls,
)


@pytest.fixture(scope="module")
def recordings():
    return simulate_spalls(SPALLS, seed=7, machines=60, seconds=2.0)


def test_each_machine_is_healthy_and_damaged_in_each_place(recordings):
    assert Counter(r.label for r in recordings) == dict.fromkeys(CLASSES, 60)
    assert {r.signal.shape for r in recordings} == {(1, 24000)}
    assert all(np.isfinite(r.signal).all() and r.signal.std() > 0 for r in recordings)
    assert len({r.recording_id for r in recordings}) == 240


def test_lines_lie_where_the_geometry_says(recordings):
    """By the untrained evidence, which knows nothing of the simulation."""
    said = [
        (r.label, evidence(r.signal[0], r.rate, kinematics(r)).verdict)
        for r in recordings
        if r.label != "normal"
    ]
    named = [(truth, word) for truth, word in said if word in CLASSES]
    assert len(named) > 0.25 * len(said)
    assert np.mean([truth == word for truth, word in named]) > 0.95


def test_healthy_machines_have_no_lines_of_a_fault(recordings):
    words = [
        evidence(r.signal[0], r.rate, kinematics(r)).verdict
        for r in recordings
        if r.label == "normal"
    ]
    assert sum(word in ("outer", "inner", "ball") for word in words) <= 2


def test_bearings_and_speeds_differ_and_are_possible(recordings):
    facts = [kinematics(r) for r in recordings]
    assert not any(odd_orders(f) for f in facts)
    assert len({f.bpfo for f in facts}) == 60
    assert 600 <= min(f.speed_rpm for f in facts) < 900
    assert 2500 < max(f.speed_rpm for f in facts) <= 3600


def test_a_fifth_of_the_designations_is_never_trained_on():
    trained, kept = _bearings(False), _bearings(True)
    assert 0.1 < len(kept) / (len(kept) + len(trained)) < 0.3
    assert all(row.geometry in trained for row in rows()["6203"] if row.geometry)


def test_the_seed_decides(recordings):
    again = simulate_spalls(SPALLS, seed=7, machines=2, seconds=2.0)
    np.testing.assert_array_equal(again[5].signal, recordings[5].signal)
    other = simulate_spalls(SPALLS, seed=8, machines=2, seconds=2.0)
    assert not np.array_equal(other[5].signal, again[5].signal)
    with pytest.raises(InputError, match="expected 0 or more"):
        simulate_spalls(SPALLS, seed=-1)


def test_they_are_data_by_name(monkeypatch):
    monkeypatch.setattr("dlrsd.training.data.vibration.spalls.MACHINES", {SPALLS: 1, UNSEEN: 1})
    assert len(load_recordings(SPALLS)) == 4
    both = load_recordings(f"{SPALLS},{UNSEEN}", rig_seed=3)
    assert Counter(r.rig for r in both) == {SPALLS: 4, UNSEEN: 4}
    assert is_simulated(f"hit_mfs,{SPALLS}")
    assert not is_simulated("hit_mfs,hit_self")
    with pytest.raises(InputError, match="the simulated spalls takes no task"):
        load_recordings(SPALLS, task="cwru10")
