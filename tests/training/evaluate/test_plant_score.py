"""The official score of PHM 2015, by hand."""

from __future__ import annotations

import numpy as np

from dlrsd.training.data.plants.plants import Event
from dlrsd.training.evaluate.plant_score import PlantScore, score_plant


def event(code, hour, minute=0):
    start = np.datetime64("2010-03-01T00:00:00", "s") + np.timedelta64(60 * hour + minute, "m")
    return Event(start, start + np.timedelta64(30, "m"), code)


def test_a_hand_worked_example():
    true = [
        event(1, 0), event(1, 10), event(2, 20), event(3, 30), event(6, 40), event(4, 50),
        event(5, 60), event(6, 80),
    ]  # fmt: skip
    said = [
        event(1, 1, 0),  # an hour late: hit
        event(2, 10, 45),  # 1 called 2: false for 2, wrong for 1
        event(3, 31, 1),  # more than an hour late: 3 is missed, this is a false alarm
        event(5, 40, 10),  # one of the others called 5: false for 5
        event(6, 50),  # 4 called one of the others: wrong for 4
        event(1, 70),  # nothing was there
        event(6, 80),  # not in focus
    ]
    # (4 * 1 - 10 * (1 + 1) - (1 + 1)) / 5
    assert score_plant(true, said) == PlantScore(
        -3.6,
        hits=(1, 0, 0, 0, 0),
        false=(0, 1, 0, 0, 1),
        wrong=(1, 0, 0, 1, 0),
        false_alarms=(1, 0, 1, 0, 0),
        missed=(0, 1, 1, 0, 1),
    )


def test_one_event_is_hit_once_and_the_nearest_counts():
    true = [event(2, 0), event(2, 1)]
    # 0:40 is nearer to 1:00; what is then left, 1:55, is within an hour of none that is open.
    result = score_plant(true, [event(2, 0, 40), event(2, 1, 55)])
    assert (result.hits[1], result.missed[1], result.false_alarms[1]) == (1, 1, 1)
    # Each is within an hour of both events.
    result = score_plant(true, [event(2, 0, 50), event(2, 0, 55)])
    assert (result.hits[1], result.score) == (2, 8 / 5)
    result = score_plant(true, [event(2, 0, 10), event(2, 0, 20), event(2, 0, 30)])
    assert (result.hits[1], result.false_alarms[1], result.score) == (2, 1, 8 / 5)


def test_a_hit_is_not_taken_by_a_nearer_event_of_another_code():
    result = score_plant([event(1, 0), event(3, 0, 30)], [event(1, 0, 25)])
    assert (result.hits, result.false, result.missed) == (
        (1, 0, 0, 0, 0),
        (0,) * 5,
        (0, 0, 1, 0, 0),
    )


def test_the_truth_scores_four_fifths_an_event_and_silence_nothing():
    true = [event(code, 5 * k) for k, code in enumerate([1, 2, 3, 4, 5, 6, 1])]
    assert score_plant(true, true).score == 4 * 6 / 5
    silent = score_plant(true, [])
    assert (silent.score, silent.missed) == (0, (2, 1, 1, 1, 1))
    assert score_plant([], true).false_alarms == (2, 1, 1, 1, 1)
