"""The official score of the PHM Society's 2015 challenge, and what it does not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.data.plants.plants import Event

CODES = (1, 2, 3, 4, 5)  # 6 is not in focus
TOLERANCE = np.timedelta64(1, "h")


@dataclass(frozen=True)
class PlantScore:
    """A score and its counts; each tuple has one number for each of the codes 1 to 5.

    Parameters
    ----------
    score : the official one: (4 hits - 10 false - wrong) / 5, summed over codes.
    hits : events of code j that were called j (TP).
    false : events of another code that were called j (FP).
    wrong : events of code j that were called another (FN).
    false_alarms : called j where there was no event at all; not in the score.
    missed : events of code j that nothing was said of; not in the score.
    """

    score: float
    hits: tuple[int, ...]
    false: tuple[int, ...]
    wrong: tuple[int, ...]
    false_alarms: tuple[int, ...]
    missed: tuple[int, ...]


def score_plant(true: Sequence[Event], said: Sequence[Event]) -> PlantScore:
    """Score what was said of one plant.

    By the rules' table: (1/5) x the sum over codes j of 1 to 5 of 4 TP - 10 FP - FN, where TP are
    events of code j called j within one hour of their true start, FP events of another code (6
    too) called j, and FN events of code j called another code (6 too). An event and what is said
    belong together if their starts differ by an hour or less; one to one, the nearest first. Hits
    are matched before confusions: what is said rightly is not taken by a nearer event of another
    code. What is said where there is no event, and events of which nothing is said, are in neither
    sum of that table: `false_alarms` and `missed` count them. Ends count nowhere.

    Parameters
    ----------
    true : what happened.
    said : what a diagnosis says, for instance from `events_from_labels`.

    Returns
    -------
    PlantScore
    """
    happened, claimed = _starts(true), _starts(said)
    codes, calls = (np.array([e.code for e in events], int) for events in (true, said))
    hit = codes[:, None] == calls
    near = np.abs(happened[:, None] - claimed)
    open_true, open_said = np.ones(len(true), bool), np.ones(len(said), bool)
    pairs: list[tuple[int, int]] = []
    for allowed in (hit, ~hit):
        pairs += _match(np.where(allowed, near, np.timedelta64("NaT")), open_true, open_said)
    table = np.zeros((7, 7), int)  # true code, said code
    for i, j in pairs:
        table[codes[i], calls[j]] += 1
    hits = [int(table[j, j]) for j in CODES]
    false = [int(table[:, j].sum() - table[j, j]) for j in CODES]
    wrong = [int(table[j].sum() - table[j, j]) for j in CODES]
    score = (4 * sum(hits) - 10 * sum(false) - sum(wrong)) / len(CODES)
    return PlantScore(
        score,
        tuple(hits),
        tuple(false),
        tuple(wrong),
        tuple(int((calls[open_said] == j).sum()) for j in CODES),
        tuple(int((codes[open_true] == j).sum()) for j in CODES),
    )


def _starts(events: Sequence[Event]) -> NDArray[np.datetime64]:
    return np.array([event.start for event in events], "M8[s]")


def _match(
    distance: NDArray[np.timedelta64], open_true: NDArray[np.bool_], open_said: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Pairs of what is still open, the nearest first; closes them."""
    true, said = np.nonzero(distance <= TOLERANCE)
    order = np.argsort(distance[true, said], kind="stable")
    pairs = []
    for i, j in zip(true[order].tolist(), said[order].tolist(), strict=True):
        if open_true[i] and open_said[j]:
            open_true[i] = open_said[j] = False
            pairs.append((i, j))
    return pairs
