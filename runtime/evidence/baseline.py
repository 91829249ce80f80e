"""How a healthy machine's own lines and scores lie, which evidence is measured against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Count, Finite, Spread

if TYPE_CHECKING:
    from dlrsd.runtime.evidence.verdict import Evidence

_PRIOR_WINDOWS = 10.0  # a spread of few windows is drawn towards that of other machines


class Level(msgspec.Struct, frozen=True):
    """Mean and spread, a standard deviation > 0, over healthy windows."""

    mean: Finite
    spread: Spread


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Of one machine at one speed and load."""

    floor: Finite | None = None
    """Score that a fault has to pass on this machine, where that is more than on others."""

    windows: Count
    """Healthy windows it is of, > 0."""
    lines: dict[str, Level]
    """By a line's name, in dB over its surroundings."""
    scores: dict[str, Level]
    """By place: of what evidence calls its raw score."""


# Of the raw scores of a machine without a baseline. Bearing: over simulated healthy machines.
UNKNOWN_MACHINE = {place: Level(0.0, 1.3) for place in ("outer", "inner", "ball", "cage")}
# Shaft and gears draw lines on every machine: only a machine's own can say what is too much.
# ln of power; loads and foundations alone change it by some.
OWN_LINES = Level(0.0, 0.5)


def baseline_of(windows: Iterable[Evidence]) -> Baseline:
    """The baseline of a machine from the evidence of its healthy windows.

    Raises
    ------
    InputError
        If none of them could be judged.
    """
    fit = [window for window in windows if window.lines]
    if not fit:
        raise InputError(
            "no window could be judged, so there is no baseline: give healthy signal of at least "
            "eight turns of the shaft"
        )
    lines = _by_name([{line.name: line.level_db for line in window.lines} for window in fit])
    scores = _by_name([window.raw_scores for window in fit])
    return Baseline(
        windows=len(fit),
        lines={name: _level(values, Level(0.0, 3.0)) for name, values in lines.items()},
        scores={
            p: _level(values, UNKNOWN_MACHINE.get(p, OWN_LINES)) for p, values in scores.items()
        },
    )


def _by_name(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows if name in row] for name in rows[0]}


def _level(values: Sequence[float], prior: Level) -> Level:
    off = np.asarray(values) - np.mean(values)
    weight = _PRIOR_WINDOWS + len(values) - 1
    spread = np.sqrt((float(off @ off) + _PRIOR_WINDOWS * prior.spread**2) / weight)
    return Level(float(np.mean(values)), float(spread))
