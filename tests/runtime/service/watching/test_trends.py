"""A level that rises for days is told before it crosses its limit, and one that wanders is not."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.service.alarms.kinds import DEFAULTS, Threshold, Trend
from dlrsd.runtime.service.alarms.rule import Limits as AlarmLimits
from dlrsd.runtime.service.indicators.parts import merge
from dlrsd.runtime.service.said import Change, Levels, Minute, RuleNow, Second
from dlrsd.runtime.service.sources.simulated import SimulatedSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.setup import set_up
from dlrsd.runtime.service.watching.trends import EVERY_S, Trends, limits_for
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watch_file import MachineEntry, WatchFile
from dlrsd.runtime.service.watching.watched import Watched

DAY, STEP = 86_400.0, 600.0
START = 1.7e9 // 3600 * 3600


class Days:
    """A pump whose minutes are written straight into a store, one in ten, hour by hour."""

    def __init__(self, store: Store, watched: Watched) -> None:
        self.store, self.watched = store, watched
        self.now = START
        self.trends = Trends(store.folder, clock=lambda: self.now)
        self.changes: list[Change] = []

    def go_on(self, days: float, velocity: Callable[[int], float]) -> None:
        """For so many days, whose minutes have velocities by their number since the start."""
        for _ in range(round(24 * days)):
            numbers = [round((self.now - START) / STEP) + i for i in range(6)]
            self.store.write_minutes([_minute(n, velocity(n)) for n in numbers], merge)
            self.now += EVERY_S
            second = Second(machine="pump", sensor="DE", time=self.now, levels=Levels())
            with self.watched.lock:
                self.watched.alarms.take(second)
            for _, outcome in self.trends.look([self.watched], self.now, self.store.decide):
                self.changes += outcome.changes


def _minute(number: int, velocity: float, start: float = START) -> Minute:
    return Minute(
        machine="pump",
        sensor="DE",
        minute=round((start + number * STEP) / 60),
        seconds=60,
        running_seconds=60,
        fit_seconds=60,
        levels=Levels(velocity_mm_s=velocity),
    )


@contextmanager
def pump(root: Path) -> Iterator[Days]:
    entry = MachineEntry(machine="pump", sources=[SimulatedSource()])
    file = WatchFile(schema_version=1, machines=[entry], bundle="none")
    (setup,), problems = set_up(file, root)
    assert problems == []
    with Store.open(root / "store", Limits(keep_days=4000), now=START) as store:
        recorder = Recorder(store)
        yield Days(store, Watched(setup, recorder, restored=None, kept_upto=None, now=START))
        recorder.close()


def wandering(seed: int, hours: float, n: int = 6000) -> np.ndarray:
    """Noise of deviation 1 whose correlation falls to 1/e within so many hours."""
    share = math.exp(-STEP / 3600 / hours)
    noise = np.random.default_rng(seed).standard_normal(n)
    for i in range(1, n):
        noise[i] = share * noise[i - 1] + math.sqrt(1 - share**2) * noise[i]
    return noise


def test_a_rise_is_told_once_and_before_it_crosses(tmp_path, machine):
    machine("pump")  # B/C is 2.8 mm/s
    noise = wandering(1, 3.0)
    with pump(tmp_path) as days:
        days.go_on(16, lambda n: 1.2 + 0.1 * n * STEP / DAY + 0.1 * noise[n])
        (change,) = days.changes
        (kept,) = Reading(days.store.folder).alarms(machine="pump")
    assert (change.rule, change.state, change.sensor) == ("trend", "alert", "DE")
    assert (change.limit, change.unit) == (2.8, "mm/s")
    # It is there after 16 days, and was told a week before.
    assert START + 2 * DAY < change.time < START + 10 * DAY
    assert "velocity rises and will reach 2.8 mm/s about" in change.text
    assert (kept.id, kept.text) == (change.alarm, change.text)


@pytest.mark.parametrize("hours", [1.0, 8.0])
def test_a_level_that_wanders_is_not(tmp_path, machine, hours):
    machine("pump")
    noise = wandering(int(hours), hours)
    with pump(tmp_path) as days:
        days.go_on(10, lambda n: 2.3 + 0.15 * noise[n])
        assert days.changes == []


def test_after_a_repair_the_old_trend_counts_no_more(tmp_path, machine):
    machine("pump")

    def rising(n: int) -> float:
        return 1.5 + 0.1 * n * STEP / DAY

    with pump(tmp_path) as days:
        days.go_on(4, rising)
        (raised,) = days.changes
        assert raised.state == "alert"
        days.store.begin_epoch("pump", days.now)
        ended = days.watched.renew(days.now, days.store.decide).changes
        assert [(each.rule, each.state) for each in ended] == [("trend", "normal")]
        # It was not mended. What is new is too short for a trend, and what is old says nothing.
        days.go_on(1.9, rising)
        assert days.changes == [raised]
        days.go_on(2, rising)
        assert [change.state for change in days.changes] == ["alert", "alert"]


def test_a_watch_asks_and_tells(tmp_path, machine):
    machine("pump")
    now = time.time()
    first, last = now - 5 * DAY, now - STEP
    rows = [
        _minute(n, 1.5 + 0.2 * n * STEP / DAY, first) for n in range(round((last - first) / STEP))
    ]
    entry = MachineEntry(machine="pump", sources=[SimulatedSource()], rules=[Trend(k=1, n=1)])
    file = WatchFile(schema_version=1, machines=[entry], bundle="none")
    setups, _ = set_up(file, tmp_path)

    async def run(store: Store) -> RuleNow:
        watch = Watch(setups, store)
        # An hour passes in a second.
        watch._trends = Trends(store.folder, clock=lambda: EVERY_S * time.monotonic())
        running = asyncio.create_task(watch.run())
        end = time.monotonic() + 60
        while not store.snapshot("pump") and time.monotonic() < end:
            await asyncio.sleep(0.05)
        watch.end()
        await running
        (rule,) = watch.machines["pump"].now().rules
        return rule

    with Store.open(tmp_path / "store", Limits()) as store:
        store.write_minutes(rows, merge)
        rule = asyncio.run(run(store))
    (kept,) = Reading(tmp_path / "store").alarms(machine="pump")
    assert (kept.rule, kept.state, kept.limit) == ("trend", "alert", 2.8)
    assert (rule.state, rule.alarm) == ("alert", kept.id)


def test_the_limit_is_of_the_zones_or_stated_or_the_baselines():
    own = AlarmLimits(zones=(1.4, 2.8, 4.5), baseline={"DE": {"envelope_m_s2": 3.0}})
    assert limits_for("velocity_mm_s", "DE", DEFAULTS, own) == (2.8, 4.5)
    assert limits_for("envelope_m_s2", "DE", DEFAULTS, own) == (3.0,)
    assert limits_for("envelope_m_s2", "NDE", DEFAULTS, own) == ()
    rules = (*DEFAULTS, Threshold(name="mine", level="envelope_m_s2", alert=5.0, danger=9.0))
    assert limits_for("envelope_m_s2", "DE", rules, own) == (5.0, 9.0)


def test_sensors_are_asked_once_an_hour_and_spread_over_it(tmp_path):
    now = 0.0
    trends = Trends(tmp_path, clock=lambda: now)
    sensors = [(f"pump {i}", "DE") for i in range(200)]
    asked: Counter[tuple[str, str]] = Counter()
    most = 0
    for now in range(3 * 3600):  # noqa: B007 - the clock
        given = list(trends.due(sensors))
        asked.update(given)
        most = max(most, len(given))
    assert set(asked) == set(sensors)
    assert set(asked.values()) == {3}
    assert most <= 5
