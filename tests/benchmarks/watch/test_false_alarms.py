"""The study of false alarms: its statistic is the rule's own, its tails are those of scipy."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("threadpoolctl")

from scipy.stats import genpareto, norm

from benchmarks.watch import chain
from benchmarks.watch.extremes import held, maxima, rate_beyond
from benchmarks.watch.false_alarms import watch
from benchmarks.watch.healthy_streams import _closed, simulated
from dlrsd.runtime.service.alarms.kinds import Threshold
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.said import Levels, Second


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 7), (5, 8), (9, 9)])
def test_the_level_that_is_held_passes_the_limit_where_the_rule_alarms(k: int, n: int) -> None:
    level = np.random.default_rng(k).standard_normal(400).cumsum() / 5
    statistic = held(level, k, n)
    for limit in np.quantile(level, [0.3, 0.6, 0.9]):
        rule = Threshold(name="a", level="crest", alert=float(limit), k=k, n=n, return_s=3600)
        alarms = MachineAlarms("one", [rule])
        said = [
            at
            for at, value in enumerate(level)
            for _ in alarms.take(
                Second(machine="one", sensor="a", time=float(at), levels=Levels(crest=float(value)))
            )
        ]
        # The rule may speak before n seconds are there; the statistic begins with the n-th.
        if said and said[0] >= n - 1:
            assert said[0] == np.argmax(statistic > limit) + n - 1
        elif not said:
            assert (statistic <= limit).all()


@pytest.mark.parametrize(("tail", "share"), [(genpareto(0.1), 5e-5), (norm(), 1e-5)])
def test_the_rate_beyond_is_that_of_a_known_tail(tail: Any, share: float) -> None:
    """Blocks of machines with scales of their own, of which so few pass their limit."""
    rates = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scales = rng.uniform(0.5, 3, 10)
        machines = [scale * (7 + tail.rvs(240, random_state=rng)) for scale in scales]
        limits = [scale * (7 + float(tail.isf(share))) for scale in scales]
        rates.append(rate_beyond(machines, limits, 1 / share))
    assert sum(rate.low < 1 < rate.high for rate in rates) >= 7
    assert 0.2 < np.median([rate.value for rate in rates]) < 5


def test_what_passes_often_is_counted() -> None:
    blocks = [np.arange(100.0), np.arange(100.0)]
    rate = rate_beyond(blocks, [49.5, 89.5], 1000.0)
    assert rate.value == pytest.approx(1000 * (0.5 + 0.1) / 2, rel=0.05)


def test_maxima_are_of_whole_blocks() -> None:
    assert maxima(np.array([1.0, 5, 2, 2, 3, 9]), 2).tolist() == [5, 2, 9]
    assert maxima(np.array([1.0, 5, 2, 2, 9]), 2).tolist() == [5, 2]


def test_velocity_is_the_integral_of_acceleration() -> None:
    """1 g at 50 Hz is 9.80665 / (2 pi 50) m/s at its peak; what lies outside does not count."""
    t = np.arange(12_000) / 12_000
    tone = np.sin(2 * np.pi * 50 * t)
    beside = 5 * np.sin(2 * np.pi * 5 * t) + 5 * np.sin(2 * np.pi * 2000 * t)
    wanted = 1e3 * 9.80665 / (2 * np.pi * 50) / np.sqrt(2)
    assert chain.velocity(tone + beside, 12_000.0) == pytest.approx(wanted, rel=1e-6)


def test_a_loop_has_no_seam() -> None:
    x = np.sin(np.arange(5000) / 3)
    loop = _closed(x, 200)
    steps = np.abs(np.diff(np.concatenate([loop, loop])))
    assert steps.max() < 1.5 * np.abs(np.diff(x)).max()


def test_a_healthy_machine_is_watched_through_the_whole_chain() -> None:
    found = watch(simulated(910_000)[0], 30.0)
    assert len(found.faulty) == len(found.margin) == len(found.velocity) == 29
    assert not found.faulty.any()
    assert found.alarms == []
    assert (found.margin[:8] == -20).all()  # before five windows are there
    assert (found.margin[10:] < 0).all()
    assert ((found.velocity > 0.3) & (found.velocity < 1.1)).all()
