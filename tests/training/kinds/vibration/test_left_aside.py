"""A fusion leaves out what its network's probe is spared, though both draw their own windows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dlrsd.training.kinds.vibration.left_aside import Groups, left_out_with, shared_groups
from dlrsd.training.kinds.vibration.settings import Settings

SETTINGS = Settings("rig", protocol="bearing")
# Recordings of two loads each: bearings a a b b of one class, c c d d of the other.
RECORDINGS = [
    SimpleNamespace(bearing_id=bearing, load=load, rig=None)
    for bearing in "abcd"
    for load in (0.0, 1.0)
]


def _draws(network: list[list[int]], fusion: list[list[int]]):
    """Recordings that the windows of each class are of, in both draws."""
    drawn = SimpleNamespace(
        recording=np.concatenate(fusion), label=np.repeat([0, 1], [len(own) for own in fusion])
    )
    data = SimpleNamespace(recordings=RECORDINGS, drawn=drawn)
    return data, SimpleNamespace(recordings=[np.array(own) for own in network])


def test_bearings_are_left_out_of_both_draws():
    data, materials = _draws([[0, 1, 2, 3], [4, 6]], [[3, 0, 2, 1], [7, 4, 5]])
    groups = shared_groups(SETTINGS, data, materials)
    left = left_out_with(
        [np.array([2, 3]), np.array([0])], groups, data.drawn.label, np.random.default_rng(0)
    )
    # The first class without bearing b (recordings 2, 3), the second without c (4, 5).
    assert data.drawn.recording[left].tolist() == [3, 2, 4, 5]


@pytest.mark.parametrize(
    ("network", "fusion"), [([2, 3, 2], [0, 2, 3, 1]), ([0, 1, 2, 3], [2, 3, 3, 2])]
)
def test_a_draw_that_misses_bearings_mixes_no_bearings_with_recordings(network, fusion):
    """In one draw the class is of bearing b alone, and told apart by recordings; recording 2 is no
    bearing 2."""
    data, materials = _draws([network, [4, 6]], [fusion, [4, 6]])
    groups = shared_groups(SETTINGS, data, materials)
    assert groups.of_network is not None
    # Numbers of bearings in both classes: a, b, c, d.
    bearings = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert groups.of_network[0].tolist() == bearings[network].tolist()
    assert (groups.of_fusion[:4] < 0).all()
    left = left_out_with(
        [np.array([0]), np.array([0])], groups, data.drawn.label, np.random.default_rng(0)
    )
    assert left[:4].sum() == 1  # one in five, one at least


def test_every_class_keeps_a_window_to_train_on():
    groups = Groups(None, np.array([-1, -2, -3]))
    left = left_out_with(
        [np.array([0]), np.array([0])], groups, np.array([0, 1, 1]), np.random.default_rng(0)
    )
    assert left.tolist()[0] is False
    assert left[1:].sum() == 1
