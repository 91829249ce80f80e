"""The last seconds of a source, in its own numbers, with its gaps known."""

from __future__ import annotations

import math
from collections import deque
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Excerpt(NamedTuple):
    """Signal as it was kept.

    Parameters
    ----------
    samples : array, shape (channels, n)
        In the numbers that were sent; 0 where they are missing.
    start : float
        When the first was measured, Unix time in s.
    gaps : list of (int, int)
        Where samples are missing: the first, and how many.
    """

    samples: NDArray[np.generic]
    start: float
    gaps: list[tuple[int, int]]


class Ring:
    """A ring buffer; any thread may read it while another fills it.

    Parameters
    ----------
    seconds : float > 0
        How much it holds.
    rate_hz : float > 0
    channels : int > 0
    dtype : dtype
        Of the samples as they are sent.
    """

    def __init__(self, seconds: float, rate_hz: float, channels: int, dtype: DTypeLike) -> None:
        self.rate_hz = rate_hz
        self._size = max(1, math.ceil(seconds * rate_hz))
        self._samples: NDArray[Any] = np.zeros((channels, self._size), dtype)
        self._next = 0  # number of the sample that comes next, since the ring was made
        self._marks: deque[tuple[int, float]] = deque()  # numbers of samples, and their times
        self._gaps: deque[tuple[int, int]] = deque()  # of samples: the first, and after the last
        self._lock = Lock()

    def push(self, samples: NDArray[np.generic], time: float, *, missing: int = 0) -> None:
        """Take the next samples.

        Parameters
        ----------
        samples : array, shape (channels, n)
            Of the ring's own dtype.
        time : float
            When the first was measured, Unix time in s.
        missing : int >= 0
            How many samples before them never came.

        Raises
        ------
        ValueError
            If channels or dtype are others.
        """
        ring = self._samples
        if samples.dtype != ring.dtype or samples.shape[:-1] != ring.shape[:-1]:
            raise ValueError(
                f"samples of {samples.dtype}, shape {samples.shape}: expected {ring.dtype}, "
                f"shape ({len(ring)}, n)"
            )
        with self._lock:
            if missing:
                self._fill(np.zeros((len(ring), min(missing, self._size)), ring.dtype), missing)
                self._gaps.append((self._next - missing, self._next))
            self._marks.append((self._next, time))
            self._fill(samples, samples.shape[1])
            self._forget()

    def take(self, start: float, end: float) -> Excerpt | None:
        """What is there of a span, Unix times in s, or up to now (``math.inf``); None where nothing
        is."""
        with self._lock:
            first = self._number(start)
            last = self._next if math.isinf(end) else self._number(end)
            oldest = max(0, self._next - self._size)
            first, last = max(first, oldest), min(last, self._next)
            if last <= first:
                return None
            places = np.arange(first, last) % self._size
            gaps = [
                (max(a, first) - first, min(b, last) - max(a, first))
                for a, b in self._gaps
                if a < last and b > first
            ]
            return Excerpt(self._samples[:, places], self._time(first), gaps)

    def _fill(self, samples: NDArray[Any], count: int) -> None:
        """Write the last of ``count`` samples, as many as there is place for."""
        kept = samples[:, -self._size :]
        self._next += count
        stop = self._next % self._size
        first = stop - kept.shape[1]
        if first >= 0:
            self._samples[:, first:stop] = kept
        else:
            self._samples[:, first + self._size :] = kept[:, :-first]
            self._samples[:, :stop] = kept[:, -first:]

    def _forget(self) -> None:
        oldest = self._next - self._size
        while self._gaps and self._gaps[0][1] <= oldest:
            self._gaps.popleft()
        while len(self._marks) > 1 and self._marks[1][0] <= oldest:
            self._marks.popleft()

    def _number(self, time: float) -> int:
        """Of the sample measured then; before or after what is there, by the rate."""
        found = self._marks[0] if self._marks else (0, 0.0)
        for mark in reversed(self._marks):
            if mark[1] <= time:
                found = mark
                break
        return found[0] + round((time - found[1]) * self.rate_hz)

    def _time(self, number: int) -> float:
        found = next(
            mark for mark in reversed(self._marks) if mark[0] <= number or mark is self._marks[0]
        )
        return found[1] + (number - found[0]) / self.rate_hz
