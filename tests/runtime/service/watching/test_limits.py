"""From a machine's baseline to the numbers that its seconds are held against."""

import pytest
from msgspec import structs

from dlrsd.runtime.evidence.commissioned import AtSpeed, HealthyLevel, Limit, MachineBaseline
from dlrsd.runtime.service.alarms.kinds import Threshold
from dlrsd.runtime.service.alarms.rule import Limits
from dlrsd.runtime.service.said import Levels, Second
from dlrsd.runtime.service.watching.setup import limits_of, usual_levels
from tests.runtime.evidence.test_commissioned import BASELINE
from tests.runtime.service.watching.conftest import facts


def at_speed(rpm: float, **limits: float) -> AtSpeed:
    levels = {
        name: HealthyLevel(usual=limit / 2, highest=limit / 1.5, limit=Limit(limit))
        for name, limit in limits.items()
    }
    return structs.replace(BASELINE.sensors[0].speeds[0], speed_rpm=rpm, levels=levels)


def baseline(*speeds: AtSpeed) -> MachineBaseline:
    own = structs.replace(BASELINE.sensors[0], speeds=list(speeds))
    return structs.replace(BASELINE, sensors=[own])


def grade(limits: Limits, velocity: float, rpm: float | None) -> tuple[int, int] | None:
    levels = Levels(velocity_mm_s=velocity)
    second = Second(machine="pump", sensor="DE", time=0.0, levels=levels, speed_rpm=rpm)
    return Threshold(name="level", level="velocity_mm_s").grade(second, limits)


def test_a_machine_of_one_speed_has_the_limits_of_its_baseline_at_any():
    own = baseline(at_speed(1770.0, velocity_mm_s=1.5, envelope_m_s2=4.0))
    limits = limits_of(facts("pump"), own, None)
    assert limits.zones == (1.4, 2.8, 4.5)
    assert limits.baseline == {"DE": {"velocity_mm_s": 1.5, "envelope_m_s2": 4.0}}
    assert not limits.network_known
    assert [grade(limits, v, 1770.0) for v in (1.2, 1.4, 1.6)] == [(0, 0), (0, 1), (1, 1)]
    assert grade(limits, 1.6, None) == (1, 1)


@pytest.mark.parametrize(
    ("rpm", "limit"),
    [
        (600.0, 1.0),
        (640.0, 1.0),
        (1780.0, 3.0),
        (1200.0, 3.0),  # far from both: what no speed passes
        (None, 3.0),
    ],
)
def test_a_second_is_held_against_the_speed_that_is_nearest(rpm, limit):
    own = baseline(at_speed(600.0, velocity_mm_s=1.0), at_speed(1770.0, velocity_mm_s=3.0))
    limits = limits_of(facts("pump"), own, None)
    assert grade(limits, limit * 1.01, rpm) == (1, 1)
    assert grade(limits, limit * 0.99, rpm) == (0, 1)


def test_without_levels_nothing_is_held_against_them():
    for own in (None, baseline(at_speed(1770.0))):
        assert grade(limits_of(facts("pump"), own, None), 100.0, 1770.0) is None


def test_how_loud_a_machine_runs_is_that_of_its_quietest_speed():
    slow = at_speed(600.0, velocity_mm_s=1.0, acceleration_m_s2=0.8)
    fast = at_speed(1770.0, acceleration_m_s2=3.0)
    assert usual_levels(baseline(slow, fast)) == {"DE": 0.4}
    assert usual_levels(baseline(at_speed(600.0, velocity_mm_s=1.0))) == {}
    assert usual_levels(None) == {}
