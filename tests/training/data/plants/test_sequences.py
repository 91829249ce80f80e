"""Parts of plants: cut in time or by plant, labelled as the whole plant is."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.missing import hold_last
from dlrsd.training.data.plants.plants import Event, Plant
from dlrsd.training.data.plants.sequences import prepare_sequences

START = np.datetime64("2020-01-01T00:00:00", "s")
HOLD = 8


def plant(name="plant_1", n=1000, channels=("m1.S1", "m1.R1"), seed=0) -> Plant:
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((len(channels), n)).astype(np.float32)
    signal[rng.random(signal.shape) < 0.1] = np.nan
    hours = [(day * 24 + 5.3, day * 24 + 9.1) for day in range(n // 96)]
    events = tuple(
        Event(*(START + np.timedelta64(round(t * 3600), "s") for t in (a, b)), 1 + i % 6)
        for i, (a, b) in enumerate(hours)
    )
    return Plant(name, START, channels, signal, events, {}, simulated=False)


def prepared(plants, **changes):
    how = {"protocol": "time", "seed": 0, "window": 12, "hop": 4, "hold": HOLD}
    return prepare_sequences(plants, **{**how, **changes})


def spans(data, part):
    """Samples [start, end) of each segment, by plant."""
    return {
        segment.plant: (
            segment.first * data.hop,
            segment.first * data.hop + segment.signal.shape[1],
        )
        for segment in data.parts[part]
    }


def test_time_cuts_every_plant_with_three_hours_between():
    data = prepared([plant(), plant("plant_2", n=800)])
    for i, n in enumerate((1000, 800)):
        train, validation, test = (spans(data, p)[i] for p in ("train", "validation", "test"))
        assert train[0] == 0
        assert validation[0] - train[1] >= 12
        assert test[0] - validation[1] >= 12
        assert n - test[1] < 4
        for (start, end), share in ((train, 0.6), (test, 0.3)):
            assert end - start == pytest.approx(share * n, abs=20)


def test_plant_keeps_plants_whole_and_apart_and_the_seed_decides():
    plants = [plant(f"plant_{i}", n=200 + i) for i in range(10)]

    def tested(seed):
        data = prepared(plants, protocol="plant", seed=seed)
        parts = {name: set(spans(data, name)) for name in data.parts}
        assert [len(parts[name]) for name in ("train", "validation", "test")] == [6, 1, 3]
        assert set.union(*parts.values()) == set(range(10))
        assert all(start == 0 for name in parts for start, _ in spans(data, name).values())
        return parts["test"]

    assert tested(0) == tested(0)
    assert len({frozenset(tested(seed)) for seed in range(5)}) > 1


def test_windows_are_cut_from_the_held_signal_at_multiples_of_the_hop():
    one = plant()
    data = prepared([one])
    filled, _ = hold_last(one.signal, HOLD)
    for part in data.parts.values():
        (segment,) = part
        windows = data.windows(segment)
        assert len(windows) == len(segment.label)
        for i in (0, len(windows) - 1):
            start = (segment.first + i) * 4
            np.testing.assert_array_equal(windows[i], filled[:, start : start + 12])


def test_labels_are_those_of_the_windows_of_the_whole_plant():
    """Fault k from three hours before its start to its end, seen at a window's last sample."""
    one = plant()
    data = prepared([one])
    for part in data.parts.values():
        for segment in part:
            for i, label in enumerate(segment.label):
                end = START + ((segment.first + i) * 4 + 11) * np.timedelta64(900, "s")
                holds = [
                    event.code
                    for event in one.events
                    if event.start - np.timedelta64(3, "h") < end <= event.end
                ]
                assert label == (holds[0] if holds else 0)
    assert data.counts("test").sum() == len(data.parts["test"][0].label)


def test_a_plant_too_short_for_a_part_gives_it_no_window():
    data = prepared([plant(), plant("plant_2", n=16)], hop=1)
    assert set(spans(data, "train")) == set(spans(data, "test")) == {0}


@pytest.mark.parametrize(
    ("changes", "plants", "said"),
    [
        ({"protocol": "plant"}, [plant(), plant()], "got 2 plants"),
        ({}, [plant(n=30)], "no window of 12 samples for the validation part"),
        ({}, [plant(), plant("other", channels=("m1.S1",))], "of one layout"),
    ],
)
def test_what_cannot_be_cut_is_refused(changes, plants, said):
    with pytest.raises(InputError, match=said):
        prepared(plants, **changes)
