"""The baseline of one sensor: which speeds it holds, and what is said of the others."""

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.commissioning.healthy import Healthy, sensor_baseline
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels
from dlrsd.runtime.evidence.verdict import evidence
from tests.runtime.evidence.machine import K6205, RATE, faulty, noise, shaft, turns

EDGES = band_edges(RATE)
ORDERS_6205 = {name: getattr(K6205, name) for name in ORDERS}


def windows(rpm, count, stated_rpm=None):
    kinematics = kinematics_at(stated_rpm or rpm)
    made = [noise(seed) + shaft(turns(rpm=rpm)) for seed in range(count)]
    return [Healthy(1.0, evidence(x, RATE, kinematics), band_levels(x, RATE, EDGES)) for x in made]


def kinematics_at(rpm):
    return type(K6205)(rpm, **ORDERS_6205)


def learnt(healthy):
    return sensor_baseline("DE", ORDERS_6205, healthy, edges_hz=EDGES, n_month=1e6, seconds=2.0)


def test_a_speed_of_few_windows_is_left_out_and_named():
    own, notes = learnt(windows(1772.0, 6) + windows(1400.0, 2))
    assert [at.windows for at in own.speeds] == [6]
    assert own.speeds[0].speed_rpm == pytest.approx(1772, rel=1e-3)
    assert (
        "DE at 1400 rpm: 2 fit windows of 2 s, expected at least 5: this speed is left out" in notes
    )


def test_few_windows_at_every_speed_are_refused():
    with pytest.raises(InputError, match=r"2 fit windows of 2 s, expected at least 5; give more"):
        learnt(windows(1400.0, 2))


def test_the_speed_that_was_stated_is_said_where_the_signal_contradicts_it():
    """Also where it came from a tacho."""
    _, notes = learnt(windows(1772.0, 6, stated_rpm=1700.0))
    assert any("stated speed of 1700 rpm is contradicted" in note for note in notes)


def test_a_speed_that_no_line_tells_is_said():
    made = [noise(seed) for seed in range(6)]
    healthy = [Healthy(1.0, evidence(x, RATE, K6205), band_levels(x, RATE, EDGES)) for x in made]
    _, notes = learnt(healthy)
    assert any("no line of the shaft is seen in 100 % of the windows" in note for note in notes)


def test_lines_of_a_fault_are_remembered_unless_somebody_looked():
    made = [faulty("inner", strength=6.0, seed=seed) for seed in range(6)]
    healthy = [Healthy(1.0, evidence(x, RATE, K6205), band_levels(x, RATE, EDGES)) for x in made]
    own, notes = learnt(healthy)
    assert own.speeds[0].suspected == ["inner"]
    assert any("verdicts stay undecided" in note for note in notes)
    own, notes = sensor_baseline(
        "DE", ORDERS_6205, healthy, edges_hz=EDGES, n_month=1e6, seconds=2.0, accept_lines=True
    )
    assert own.speeds[0].suspected == []
    assert any("100 % of the windows have lines of inner" in note for note in notes)
