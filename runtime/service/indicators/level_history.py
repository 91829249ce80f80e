"""How long a figure was at which level: a histogram that forgets, of constant size."""

from __future__ import annotations

import math

import numpy as np

_LOWEST_DB, _BINS = -120, 240  # one dB each
_FORGETS_S = 7 * 86_400.0  # after which a second counts 1/e
_MOST_GAP_S = 86_400.0  # at a time, so that a clock that jumps does not take the past with it
_MOST = 1e12  # of a weight, before all are made smaller


class LevelHistory:
    """Seconds spent at each level, in dB; a second of long ago counts less than one of today."""

    def __init__(self) -> None:
        self._seconds = np.zeros(_BINS)
        self._weight = 1.0  # of a second of now
        self._time: float | None = None

    def add(self, time: float, level_db: float, seconds: float = 1.0) -> None:
        """Count some seconds at a level; time (in s) that goes backwards forgets nothing."""
        if self._time is not None and time > self._time:
            self._weight *= math.exp(min(time - self._time, _MOST_GAP_S) / _FORGETS_S)
            if self._weight > _MOST:
                self._seconds /= self._weight
                self._weight = 1.0
        self._time = time
        at = min(max(round(level_db) - _LOWEST_DB, 0), _BINS - 1)
        self._seconds[at] += seconds * self._weight

    @property
    def seconds(self) -> float:
        """How many are remembered."""
        return float(self._seconds.sum()) / self._weight

    def level_db(self, share: float) -> float:
        """The level below which it was for that share of the time; needs at least one second."""
        sums = self._seconds.cumsum()
        return float(_LOWEST_DB + int(sums.searchsorted(share * sums[-1])))
