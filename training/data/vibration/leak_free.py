"""The hundred splits of CWRU in which no faulty bearing is on both sides.

Vieira, Bauler, Rosa and Silva, MSSP 258, 114640 (2026), arXiv 2509.22267. 144 signals: faults of
0.007, 0.014 and 0.021 in at either end (DE, FE), by both accelerometers, at four loads; of the
outer race the recording with the fault at 6 o'clock where there is one, else at 3 o'clock. A signal
has the labels of the bearing at its own sensor: none, where the other end is faulty.

A split tests one of three sizes of every end and place. So that no sensor's healthy bearing is on
both sides either, one end's training part lacks the healthy signals and the other end's test part:
every draw makes two splits, one for each end. The draws are the published ones: of the seeds 4 to
53, without those that the authors tuned on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError

Row = Mapping[str, Any]  # of a signal, as bearing-datasets has it

LABELS = ("inner", "outer", "rolling_element")
SIDES = ("FE", "DE")
_SIZES = ("014", "021", "007")  # in the order of the authors' names for them: 14, 21, 7
_PAIRS = ("DE_B", "DE_IR", "DE_OR", "FE_B", "FE_IR", "FE_OR")  # in which they are drawn
_SEEDS = range(4, 54)
_TUNED = (
    {"DE_B014", "DE_IR007", "DE_OR014", "FE_B021", "FE_IR014", "FE_OR007"},
    {"DE_B021", "DE_IR021", "DE_OR007", "FE_B014", "FE_IR021", "FE_OR021"},
    {"DE_B007", "DE_IR014", "DE_OR021", "FE_B007", "FE_IR007", "FE_OR014"},
)
_ENDS = {"motor_bearing_de": "DE", "motor_bearing_nde": "FE"}
_N_SIGNALS = 144


class LeakFreeSplit(NamedTuple):
    """One split: numbers of rows that train and that are tested."""

    side: str
    """The end whose healthy bearing trains; the other's is tested."""
    tested: frozenset[str]
    """The six bearings of the test part."""
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def study_signals(rows: Sequence[Row]) -> list[Row]:
    """The 144 signals among all of the data set `cwru12k`.

    Raises
    ------
    InputError
        If they are not all there.
    """
    candidates = [
        row
        for row in rows
        if row["bearing_id"][:-3] in _PAIRS
        and row["bearing_id"][-3:] in _SIZES
        and row["channel"] in SIDES
        and row["or_position"] in ("none", "6:00", "3:00")
    ]
    at_six = {_place(row) for row in candidates if row["or_position"] == "6:00"}
    kept = [r for r in candidates if r["or_position"] != "3:00" or _place(r) not in at_six]
    if len(kept) != _N_SIGNALS:
        raise InputError(
            f"got {len(kept)} signals of the study's {_N_SIGNALS}: expected the data set cwru12k "
            "with both accelerometers and all loads; build it anew"
        )
    return kept


def labels_at_sensor(row: Row) -> NDArray[np.bool_]:
    """Which of `LABELS` the bearing at the signal's own sensor has, shape (3,)."""
    own = _end(row) == row["channel"]
    return np.array([own and row["fault_type"] == label for label in LABELS])


def hundred_splits(rows: Sequence[Row]) -> list[LeakFreeSplit]:
    """The splits of `study_signals`, two of each draw."""
    splits = []
    for seed in _SEEDS:
        tested = _draw(seed)
        in_test = np.array([row["bearing_id"] in tested for row in rows])
        healthy_at = np.array([_healthy_at(row) for row in rows])
        for side in SIDES:
            other = SIDES[1 - SIDES.index(side)]
            train = ~in_test & (healthy_at != other)
            test = in_test & (healthy_at != side)
            splits.append(LeakFreeSplit(side, tested, np.flatnonzero(train), np.flatnonzero(test)))
    return splits


def _draw(seed: int) -> frozenset[str]:
    """One bearing of each pair; drawn again as long as it is what was tuned on."""
    while True:
        tested = frozenset(
            pair + _SIZES[np.random.RandomState(seed + 1000 * i).permutation(3)[0]]
            for i, pair in enumerate(_PAIRS)
        )
        if tested not in _TUNED:
            return tested
        seed += 100


def _end(row: Row) -> str:
    return _ENDS[row["fault_location"]]


def _healthy_at(row: Row) -> str:
    """The sensor of a signal without a label; "" for one that has one."""
    return "" if _end(row) == row["channel"] else row["channel"]


def _place(row: Row) -> tuple[Any, ...]:
    return row["bearing_id"], row["load"], row["channel"]
