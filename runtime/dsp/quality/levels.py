"""Levels that never occur: a converter of which one bit is stuck leaves out every other stretch.

A signal passes through all values between its extremes, so its distribution is smooth; one with
gaps at even distances has a line in its characteristic function, the transform of its histogram.
(Widrow and Kollar, "Quantization Noise", Cambridge 2008, chapter 4.) That costs more than all else,
so one window in `EVERY` is looked at, and what is found holds for the next `HELD` looks.
"""

from __future__ import annotations

from functools import reduce
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

EVERY = 16  # windows: 0.7 s at 12 kHz
HELD = 4  # a single window does not always show it
_BINS = 512
_REACH = 4.0  # of the interquartile range, which all bins together cover
_FIRST, _LAST = 8, 128  # turns over the bins: distances from half of the quartiles' down
_BESIDE = (-4, -3, 3, 4)  # a pure tone's lines fall slowly, so that one is like those beside it
_STANDS_OUT = 1.5
_BY_CHANCE = 1e-6
_SOME = 8
_Floats = NDArray[np.floating]


def missing_levels(windows: _Floats) -> _Floats:
    """The strongest line of each window's characteristic function, from 0 to 1.

    Parameters
    ----------
    windows : array, shape (n, window)

    Returns
    -------
    array, shape (n,)
        Of a stuck bit at most 2 / pi, of steps that are wide enough to be seen 1.
    """
    n = len(windows)
    some = np.sort(windows[:, ::_SOME], axis=1)
    quarter = some.shape[1] // 4
    low, high = some[:, quarter, None], some[:, -1 - quarter, None]
    core = high - low
    begin = (low + high) / 2 - _REACH / 2 * core
    with np.errstate(all="ignore"):
        place = windows - begin
        place *= _BINS / (_REACH * core)
        np.copyto(place, _BINS, where=~((place >= 0) & (place < _BINS)))
        bins = place.astype(np.intp)
    bins += (np.arange(n) * (_BINS + 1))[:, None]
    counts = np.bincount(bins.ravel(), minlength=n * (_BINS + 1)).reshape(n, -1)[:, :_BINS]
    lines = np.abs(np.fft.rfft(counts)[:, : _LAST + max(_BESIDE)])
    lines /= np.maximum(counts.sum(1), 1)[:, None]
    beside = reduce(np.maximum, [lines[:, _FIRST + k : _LAST + k] for k in _BESIDE])
    lines = lines[:, _FIRST:_LAST]
    lines[lines < _STANDS_OUT * beside] = 0
    strongest: _Floats = np.where(core[:, 0] > 0, lines.max(axis=1), 0)
    return strongest


def by_chance(window: int) -> float:
    """What a smooth distribution's samples reach once in a million windows (Rayleigh's law)."""
    return min(1.0, sqrt(log((_LAST - _FIRST) / _BY_CHANCE) / window))


class LevelCheck:
    """Looks at one window in `EVERY` of a channel.

    Parameters
    ----------
    limit : float
        What `missing_levels` may be.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._left = 0  # looks for which it holds

    def find(self, windows: _Floats, number: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether levels are missing in each of the next windows, whose numbers are given."""
        at = np.flatnonzero(number % EVERY == 0)
        found = [self._left > 0]
        if len(at):
            for is_missing in missing_levels(windows[at]) > self._limit:
                self._left = HELD if is_missing else max(0, self._left - 1)
                found.append(self._left > 0)
        return np.array(found)[np.searchsorted(at, np.arange(len(number)), side="right")]
