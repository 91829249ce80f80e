"""The input of a fusion: every kind of number where it is looked for, and what a gain changes."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.fusion import fusion_input, fusion_numbers, kinds_of
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.runtime.dsp.place_lines import N_PLACE_LINES, place_lines
from dlrsd.runtime.dsp.places import BLOCK_ORDERS, OWN_ORDERS, find
from dlrsd.runtime.dsp.shaft_speed import shaft_speed
from dlrsd.runtime.dsp.window_features import window_features
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig

RATE, WINDOW = 12000.0, 24576
MACHINE = Kinematics(1797.0, **ORDERS)
CONFIG = OrderMapConfig(RATE, WINDOW)
COMBS = {"outer": 0, "inner": 12, "ball": 24, "cage": 36}  # where each score stands


@pytest.fixture(scope="module")
def windows():
    """Three windows of each state, one channel."""
    rig = simulate_rig(seed=4, seconds=7.0, loads=(0,), n_bearings=1)
    return {
        r.label: r.signal[:, : 3 * WINDOW].reshape(1, 3, WINDOW).swapaxes(0, 1).copy() for r in rig
    }


@pytest.mark.parametrize("place", ["outer", "inner", "ball"])
def test_the_fault_s_comb_scores_highest(windows, place):
    found = place_lines(windows[place][:, 0], RATE, MACHINE)
    assert found.shape == (3, N_PLACE_LINES)
    scores = found[:, list(COMBS.values())[:3]]
    assert (scores.argmax(axis=1) == list(COMBS).index(place)).all()
    healthy = place_lines(windows["Normal"][:, 0], RATE, MACHINE)
    assert scores.max(axis=1).min() > 3 + healthy[:, COMBS[place]].max()


def test_scores_are_those_by_which_the_evidence_names_a_place(windows):
    x = windows["inner"][0, 0].astype(np.float64)
    x /= np.abs(x).max()
    turn = MACHINE.speed_rpm / 60
    own = signal_spectrum(x, RATE, OWN_ORDERS * turn, BLOCK_ORDERS * turn)
    highest = (5 * MACHINE.bpfi + 2) * 1.1 * turn
    envelope = envelope_spectrum(x, RATE, highest, BLOCK_ORDERS * turn)
    places = find(envelope, shaft_speed(own, envelope, turn), MACHINE)
    found = place_lines(windows["inner"][:1, 0], RATE, MACHINE)[0]
    for place, at in COMBS.items():
        assert found[at] == pytest.approx(places[place].score, rel=1e-5)


def test_neither_gain_nor_unit_change_a_line_and_silence_has_none(windows):
    x = windows["outer"][:, 0]
    np.testing.assert_allclose(
        place_lines(9.81e-3 * x, RATE, MACHINE), place_lines(x, RATE, MACHINE), atol=1e-3
    )
    assert not place_lines(np.zeros((2, WINDOW)), RATE, MACHINE).any()


def test_each_kind_stands_where_it_is_looked_for(windows):
    two = np.concatenate([windows["outer"], windows["Normal"]], axis=1)
    found = fusion_input(two, CONFIG, MACHINE, level=True)
    counts = kinds_of(CONFIG.n_bands)
    assert found.shape == (3, 2, WINDOW + sum(counts.values()))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., :WINDOW], two)
    maps, features, lines = np.split(
        found[..., WINDOW:], np.cumsum([*counts.values()])[:-1], axis=2
    )
    np.testing.assert_allclose(
        maps.reshape(3, 2, 8, 32), order_map(two, CONFIG, MACHINE), rtol=1e-6
    )
    machines = np.tile([MACHINE.speed_rpm, *ORDERS.values()], (3, 1))
    expected = window_features(two, RATE, machines).reshape(3, 2, -1)
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(lines[:, 1], place_lines(two[:, 1], RATE, MACHINE))


def test_without_level_features_know_no_gain(windows):
    x = windows["ball"]
    kinds = kinds_of(CONFIG.n_bands)
    behind = slice(kinds["order map"], None)  # its last column is a level
    quiet, loud = (
        fusion_numbers(gain * x, CONFIG, MACHINE, level=False)[..., behind] for gain in (0.02, 1.0)
    )
    np.testing.assert_allclose(quiet, loud, rtol=1e-3, atol=2e-3)
    heard = fusion_numbers(0.02 * x, CONFIG, MACHINE, level=True)[..., behind]
    assert np.abs(heard - loud).max() > 3
