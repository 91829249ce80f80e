"""Combs: lines that belong together, looked for at one common stretch of their frequencies.

Rollers slip by up to about 1 %, all harmonics by the same share. A largest bin near each line
alone finds something in any noise; lines that must move together do not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MISSING, HIGHEST = -0.5, 5.0  # in ln of power: no line counts against, or for, a comb without end
_OFFSET = 0.5  # ln of power from which a line counts for a comb
_STEP = 0.5  # bins of the highest line between two stretches


class Fit(NamedTuple):
    """Where a comb fits best."""

    score: float
    """Weighted sum of the lines' heights."""
    stretch: float
    """Of the comb's frequencies there, over the nominal ones."""


def heights(excess: Array) -> Array:
    """What each bin of a spectrum counts for a comb: ln of its excess, clipped; shape as it is."""
    logs: Array = np.log(np.maximum(excess, 1e-9)) - _OFFSET
    return np.clip(logs, MISSING, HIGHEST)


def stretches(highest_bin: float, tolerance: float) -> Array:
    """From 1 - tolerance to 1 + tolerance in steps that no line is lost between."""
    count = max(3, int(np.ceil(2 * tolerance * highest_bin / _STEP)))
    return np.linspace(1 - tolerance, 1 + tolerance, count | 1)


def fit(height: Array, moving: Array, fixed: Array, weights: Array, tolerance: float) -> Fit:
    """Stretch a comb to where its lines are highest.

    Parameters
    ----------
    height : array, shape (n_bins,)
        From `heights`.
    moving, fixed : arrays, shape (lines,)
        A line's place in bins is ``stretch * moving + fixed``.
    weights : array, shape (lines,)
    tolerance : float
        Largest stretch on either side of 1. What is nearer to 1 is likelier: a Gaussian whose
        standard deviation is the tolerance.
    """
    stretch = stretches(float(moving.max()), tolerance)
    at = np.rint(moving[:, None] * stretch + fixed[:, None]).astype(np.int64)
    inside = (at >= 0) & (at < len(height))
    found = np.where(inside, height[np.where(inside, at, 0)], 0.0)
    score = weights @ found - 0.5 * ((stretch - 1) / tolerance) ** 2
    best = int(score.argmax())
    return Fit(float(score[best]), float(stretch[best]))
