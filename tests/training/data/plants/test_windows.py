"""Labels of windows follow the rule, and events come back from them."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.training.data.plants.plants import Event, Plant
from dlrsd.training.data.plants.windows import events_from_labels, window_ends, window_labels

START = np.datetime64("2010-03-01T00:00:00", "s")
HOUR = np.timedelta64(3600, "s")


def minutes(n):
    return START + np.timedelta64(int(n * 60), "s")


def plant(events, n=400):
    signal = np.zeros((1, n), np.float32)
    return Plant("p", START, ("m1.S1",), signal, tuple(sorted(events)), {}, simulated=True)


def events_at_random(rng, n, last_minute):
    starts, lengths = rng.uniform(0, last_minute, n), rng.exponential(120, n)
    return [
        Event(minutes(a), minutes(a + b), int(code))
        for a, b, code in zip(starts, lengths, rng.integers(1, 7, n), strict=True)
    ]


@pytest.mark.parametrize(("window", "hop"), [(24, 4), (7, 1), (1, 3)])
def test_labels_are_those_of_the_rule_window_by_window(window, hop):
    rng = np.random.default_rng(0)
    one = plant(events_at_random(rng, 25, 6000))
    expected = []
    for first in range(0, 400 - window + 1, hop):
        end = minutes(15 * (first + window - 1))
        holding = {e.code for e in one.events if e.start - 3 * HOUR < end <= e.end}
        expected.append(next((code for code in (4, 5, 3, 2, 1, 6) if code in holding), 0))
    labels = window_labels(one, window=window, hop=hop)
    assert labels.dtype == np.int64
    assert set(expected) == set(range(7))
    np.testing.assert_array_equal(labels, expected)


def test_an_event_holds_after_its_three_hours_have_begun_and_until_its_end():
    ends = window_ends(plant([]), window=1, hop=1)
    labels = window_labels(plant([Event(minutes(600), minutes(660), 2)]), window=1, hop=1)
    holding = ends[labels == 2]
    assert (holding[0], holding[-1]) == (minutes(435), minutes(660))
    labels = window_labels(plant([Event(minutes(600), minutes(600), 2)]), window=1, hop=1)
    assert ends[labels == 2][-1] == minutes(600)


def test_too_short_a_plant_has_no_window():
    assert window_labels(plant([], n=23)).shape == (0,)
    assert events_from_labels([], plant([], n=23)) == []


def test_events_come_back_from_their_labels_within_half_a_hop():
    rng = np.random.default_rng(1)
    # Twelve hours apart: none touches the next.
    events = [
        Event(minutes(720 * (k + 1) + rng.uniform(0, 300)), np.datetime64(0, "s"), k % 6 + 1)
        for k in range(60)
    ]
    events = [
        e._replace(end=e.start + np.timedelta64(int(rng.uniform(0, 240) * 60), "s")) for e in events
    ]
    one = plant(events, n=3200)
    said = events_from_labels(window_labels(one), one)
    assert [event.code for event in said] == [event.code for event in events]
    for event, back in zip(events, said, strict=True):
        assert abs(event.start - back.start) <= HOUR / 2
        assert abs(event.end - back.end) <= HOUR / 2


def test_a_run_shorter_than_three_hours_is_an_event_of_no_length():
    one = plant([])
    labels = np.zeros(95, int)
    labels[10] = 5
    (event,) = events_from_labels(labels, one)
    assert event.code == 5
    assert event.start == event.end == window_ends(one)[10] + 3 * HOUR - HOUR / 2
