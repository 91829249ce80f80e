"""The hundred splits: what they keep apart, and that they are the published ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from sklearn.model_selection import GroupShuffleSplit

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration import leak_free
from dlrsd.training.data.vibration.datasets import find_dataset
from dlrsd.training.data.vibration.leak_free import (
    LABELS,
    hundred_splits,
    labels_at_sensor,
    study_signals,
)

FAULTS = {"IR": "inner", "OR": "outer", "B": "rolling_element"}
ENDS = {"DE": "motor_bearing_de", "FE": "motor_bearing_nde"}


def row(bearing, load, channel, position="none"):
    fault = bearing[3:].rstrip("0123456789")
    return {
        "bearing_id": bearing,
        "load": float(load),
        "channel": channel,
        "or_position": position,
        "fault_type": FAULTS[fault],
        "fault_location": ENDS[bearing[:2]],
    }


@pytest.fixture(scope="module")
def table():
    """The layout of CWRU at 12 kHz: with the recordings that the study leaves out."""
    rows = []
    for end in ENDS:
        for size in ("007", "014", "021"):
            for load in range(4):
                for channel in ENDS:
                    rows += [row(f"{end}_{fault}{size}", load, channel) for fault in ("IR", "B")]
                    places = ["6:00", "3:00", "12:00"]
                    if end == "FE" and size == "014":
                        places = ["6:00", "3:00"] if load == 0 else ["3:00"]
                    if end == "FE" and size == "021":
                        places = ["6:00"] if load == 0 else ["3:00"]
                    rows += [row(f"{end}_OR{size}", load, channel, at) for at in places]
    rows += [row("DE_IR028", load, "DE") for load in range(4)]
    normal = {"bearing_id": "healthy", "fault_type": "normal", "fault_location": "none"}
    return [*rows, *({**row("DE_IR007", load, "DE"), **normal} for load in range(4))]


@pytest.fixture(scope="module")
def signals(table):
    return study_signals(table)


@pytest.fixture(scope="module")
def splits(signals):
    return hundred_splits(signals)


def test_it_is_144_signals(signals):
    assert len(signals) == 144
    assert set(Counter((r["bearing_id"], r["channel"]) for r in signals).values()) == {4}
    positions = Counter(
        (r["bearing_id"], r["or_position"]) for r in signals if r["or_position"] != "none"
    )
    assert positions["FE_OR014", "6:00"] == positions["FE_OR021", "6:00"] == 2
    assert positions["FE_OR014", "3:00"] == positions["FE_OR021", "3:00"] == 6
    assert all(at != "12:00" for _, at in positions)
    assert positions["DE_OR007", "6:00"] == positions["FE_OR007", "6:00"] == 8


def test_a_signal_has_the_labels_of_the_bearing_at_its_sensor(signals):
    labels = np.array([labels_at_sensor(r) for r in signals])
    assert labels.sum(axis=0).tolist() == [24, 24, 24]
    for r, own in zip(signals, labels, strict=True):
        near = r["bearing_id"][:2] == r["channel"]
        assert [*own] == [near and r["fault_type"] == label for label in LABELS]


def test_no_faulty_bearing_is_on_both_sides(signals, splits):
    assert len(splits) == 100
    for split in splits:
        trained, tested = (
            {signals[i]["bearing_id"] for i in part} for part in (split.train, split.test)
        )
        assert not trained & tested
        assert (len(trained), tested) == (12, split.tested)
        assert Counter(name[:-3] for name in tested) == Counter(
            f"{end}_{fault}" for end in ENDS for fault in FAULTS
        )


def test_every_second_split_turns_the_ends_round(signals, splits):
    """The healthy bearing of one end trains, the other end's is tested."""
    for one, other in zip(splits[::2], splits[1::2], strict=True):
        assert one.tested == other.tested
        assert (one.side, other.side) == ("FE", "DE")
        for split, unseen in ((one, "DE"), (other, "FE")):
            healthy = [
                {signals[i]["channel"] for i in part if not labels_at_sensor(signals[i]).any()}
                for part in (split.train, split.test)
            ]
            assert healthy == [{split.side}, {unseen}]
            assert (len(split.train), len(split.test)) == (72, 36)


def test_the_draws_are_the_authors(splits):
    """As scikit-learn's `GroupShuffleSplit` draws them, in the order of the authors' names."""
    sizes = {"7": "007", "14": "014", "21": "021"}
    redrawn = 0
    for seed, split in zip(range(4, 54), splits[::2], strict=True):
        for attempt in range(9):
            drawn = set()
            for i, (end, fault) in enumerate(
                (e, f) for e in ("DE", "FE") for f in ("B", "IR", "OR")
            ):
                groups = np.array([f"{end}_{fault}_{size}" for size in sizes for _ in range(4)])
                shuffle = GroupShuffleSplit(
                    1, test_size=1 / 3, random_state=seed + attempt * 100 + i * 1000
                )
                _, test = next(shuffle.split(groups, groups=groups))
                _, _, size = groups[test[0]].split("_")
                drawn.add(f"{end}_{fault}{sizes[size]}")
            if drawn == split.tested:
                redrawn += attempt
                break
        else:
            pytest.fail(f"no draw of seed {seed} is {sorted(split.tested)}")
    assert redrawn == 0  # none is what was tuned on
    assert len({split.tested for split in splits}) > 45


def test_what_was_tuned_on_is_drawn_again(monkeypatch, signals, splits):
    monkeypatch.setattr(leak_free, "_TUNED", ({*splits[0].tested},))
    again = hundred_splits(signals)
    assert again[0].tested == again[1].tested != splits[0].tested
    assert [s.tested for s in again[2:]] == [s.tested for s in splits[2:]]


def test_what_lacks_signals_is_refused(table):
    with pytest.raises(InputError, match="got 143 signals of the study's 144"):
        study_signals(table[1:])


def test_the_data_set_has_them(folder_of):
    rows = find_dataset("cwru12k", root=folder_of("cwru12k")).metadata().to_dict("records")
    signals = study_signals(rows)
    assert len(signals) == len({r["signal_id"] for r in signals}) == 144
