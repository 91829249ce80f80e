"""Many events are told as few, and their counts add up."""

from __future__ import annotations

import numpy as np

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.counted import Counted


def test_the_first_is_told_at_once_and_the_rest_as_a_count() -> None:
    told: list[Event] = []
    counted = Counted(told.append)
    for second in range(600):
        counted.add("lost", float(second), "lost", count=2, seconds=0.5)
        counted.tick(float(second))
    assert [event.time for event in told] == [0.0, 60.0, 180.0, 420.0]
    counted.flush(600.0)
    assert sum(event.count for event in told) == 1200
    assert sum(event.seconds or 0 for event in told) == 300.0


def test_what_was_quiet_begins_anew() -> None:
    told: list[Event] = []
    counted = Counted(told.append)
    counted.add("late", 0.0, "late")
    counted.tick(61.0)
    counted.add("late", 62.0, "late")
    assert [(event.time, event.count) for event in told] == [(0.0, 1), (62.0, 1)]


def test_kinds_do_not_wait_for_each_other() -> None:
    told: list[Event] = []
    counted = Counted(told.append)
    counted.add("late", 0.0, "late")
    counted.add("lost", 0.1, "lost")
    assert [event.kind for event in told] == ["late", "lost"]


def test_a_day_of_a_thousand_a_second_is_some_tens_of_events_however_the_clock_jumps() -> None:
    random = np.random.default_rng(0)
    told: list[Event] = []
    counted = Counted(told.append)
    now, n = 1.8e9, 0
    for _ in range(86_400):
        now += 1.0 if random.random() > 1e-4 else float(random.uniform(-5000, 5000))
        counted.add("refused", now, "garbage", count=1000)
        n += 1000
        counted.tick(now)
    counted.flush(now)
    assert sum(event.count for event in told) == n
    assert len(told) < 100
