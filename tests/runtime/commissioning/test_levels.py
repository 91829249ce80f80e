"""What is kept of the levels of healthy seconds, and the limits that follow."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.commissioning.commission import commission
from dlrsd.runtime.commissioning.levels import NAMES, healthy_levels, levels_of_seconds
from dlrsd.runtime.commissioning.tail import limit_passed_once_in
from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.streams.stream import StreamFormat
from tests.runtime.evidence.machine import noise, shaft, turns

MONTH_S = 3 * 30 * 86_400.0
VELOCITY, ACCELERATION, PEAK, ENVELOPE = range(len(NAMES))


def test_levels_are_of_whole_seconds_of_a_window():
    t = np.arange(30_000) / 12_000
    x = 2.0 * np.sin(2 * np.pi * 80 * t)
    found = levels_of_seconds(x.astype(np.float32), 12_000.0)
    assert found.shape == (2, 4)
    rms = 2 / np.sqrt(2)
    assert found[:, ACCELERATION] == pytest.approx([rms, rms], rel=1e-4)
    assert found[:, VELOCITY] == pytest.approx([1e3 * rms / (2 * np.pi * 80)] * 2, rel=1e-3)
    assert found[:, PEAK] == pytest.approx([2, 2], rel=1e-2)
    assert levels_of_seconds(x[:6000].astype(np.float32), 12_000.0).shape == (0, 4)


def seconds(n: int, spread: float = 0.02) -> np.ndarray:
    return np.random.default_rng(3).normal([1.0, 5.0, 20.0, 2.0], spread, (n, 4))


def test_no_limit_is_below_what_days_and_loads_change():
    of_few_minutes = seconds(240)
    kept = healthy_levels(of_few_minutes, MONTH_S, None)
    assert list(kept) == list(NAMES)
    for at, name in enumerate(NAMES):
        highest = of_few_minutes[:, at].max()
        assert kept[name].usual == np.median(of_few_minutes[:, at])
        assert kept[name].highest == highest
        assert kept[name].limit.value == pytest.approx(1.5 * highest)
        assert kept[name].limit.high is not None


def test_a_level_that_itself_moves_much_has_the_limit_of_its_tail():
    levels = np.random.default_rng(3).exponential(1.0, (1000, 4))
    limit = healthy_levels(levels, MONTH_S, None)["velocity_mm_s"].limit
    assert limit.value > 1.5 * levels[:, VELOCITY].max()
    # One second in a quarter of the levels' share, for there are four of them.
    assert limit == limit_passed_once_in(4 * MONTH_S, levels[:, VELOCITY])
    assert limit.low < np.log(4 * MONTH_S) < limit.high


def test_a_velocity_may_rise_by_a_quarter_of_zone_b_as_the_standard_says():
    iso = Iso20816(group=2, mounting="rigid")  # B/C is 2.8 mm/s
    quiet = seconds(240) * 0.3
    kept = healthy_levels(quiet, MONTH_S, iso)
    usual = np.median(quiet[:, VELOCITY])
    assert kept["velocity_mm_s"].limit.value == pytest.approx(usual + 0.7)
    assert kept["envelope_m_s2"] == healthy_levels(quiet, MONTH_S, None)["envelope_m_s2"]


def test_few_seconds_state_no_rate():
    limit = healthy_levels(seconds(50), MONTH_S, None)["acceleration_m_s2"].limit
    assert limit.value == pytest.approx(3 * seconds(50)[:, ACCELERATION].max())
    assert limit.low is None


def test_a_level_that_the_signal_cannot_tell_is_left_out():
    found = levels_of_seconds(np.ones(4000, np.float32), 2000.0)  # too slow for velocity
    kept = healthy_levels(np.tile(found, (100, 1)), MONTH_S, None)
    assert list(kept) == ["acceleration_m_s2", "peak_m_s2"]


@pytest.mark.parametrize(("unit", "factor"), [("g", 9.80665), ("m/s2", 1.0), (None, None)])
def test_commissioning_keeps_levels_in_units_of_acceleration(tmp_path: Path, unit, factor):
    signal = noise(1, 40.0) + shaft(turns(40.0))
    signal.astype("<f4").tofile(tmp_path / "a.bin")
    stated = {"rate": 12000, "speed_rpm": 1772, "unit": unit}
    (tmp_path / "a.bin.json").write_text(json.dumps(stated))
    machine = Machine(
        schema_version=1, name="pump", shaft=Shaft(), sensors=[Sensor(name="DE", bearing="6205")]
    )
    baseline = commission([str(tmp_path / "a.bin")], machine, StreamFormat())
    (at,) = baseline.sensors[0].speeds
    said = [note for note in baseline.notes if "a watch alerts from" in note]
    if factor is None:
        assert (at.levels, said) == ({}, [])
        return
    rms = factor * np.sqrt(np.mean(signal**2))
    assert at.levels["acceleration_m_s2"].usual == pytest.approx(rms, rel=0.02)
    limit = at.levels["velocity_mm_s"].limit.value
    assert f"a watch alerts from {limit:.3g} mm/s of velocity on" in said[0]
