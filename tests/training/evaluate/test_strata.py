"""Figures by rig and by grade, on windows whose outcome is known."""

from __future__ import annotations

import numpy as np

from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import WindowIndex
from dlrsd.training.evaluate.strata import by_bearing, strata


def recording(label, **facts):
    return Recording(np.zeros((1, 9), np.float32), 1.0, "g", label, label, ("a",), **facts)


def test_each_part_has_its_own_figures():
    recordings = [
        recording("inner", grade="Y1", rig="a"),
        recording("outer", grade="Y2", rig="b"),
        recording("ball", grade="N1", rig="b"),
        recording("normal", rig="b"),
    ]
    at = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 3])
    label = np.array([1, 1, 1, 1, 2, 2, 3, 3, 3, 0])
    predicted = np.array([1, 1, 1, 2, 2, 1, 0, 0, 3, 0])
    found = strata(recordings, WindowIndex(at, np.zeros(10, int), label), predicted)
    assert list(found) == ["grade N", "grade Y", "rig a", "rig b"]
    assert found["grade Y"] == {"accuracy": 4 / 6, "worst_recall": 0.5, "n": 6}
    assert found["grade N"] == {"accuracy": 1 / 3, "worst_recall": 1 / 3, "n": 3}
    assert found["rig a"] == {"accuracy": 0.75, "worst_recall": 0.75, "n": 4}
    assert found["rig b"] == {"accuracy": 3 / 6, "worst_recall": 1 / 3, "n": 6}


def test_a_part_without_a_tested_window_is_left_out():
    recordings = [recording("inner", grade="Y1"), recording("outer", grade="P2")]
    windows = WindowIndex(np.array([1]), np.array([0]), np.array([0]))
    assert list(strata(recordings, windows, np.array([0]))) == ["grade P"]
    plain = [recording("inner"), recording("outer")]
    assert strata(plain, windows, np.array([0])) == {}


def test_windows_are_told_by_class_and_bearing():
    recordings = [
        recording("ball", bearing_id="7"),
        recording("ball", bearing_id="ball/2"),
        recording("ball", bearing_id="7"),
        recording("Normal"),
        recording("outer", bearing_id="untested"),
    ]
    windows = WindowIndex(np.array([3, 0, 2, 1, 0]), np.zeros(5, int), np.zeros(5, int))
    found = {
        name: np.flatnonzero(own).tolist() for name, own in by_bearing(recordings, windows).items()
    }
    assert found == {"Normal": [0], "ball/2": [3], "ball: 7": [1, 2, 4]}
