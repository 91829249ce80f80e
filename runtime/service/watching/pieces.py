"""Cut a source's placed signal into seconds on a fixed grid of samples; nothing crosses a gap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray


class Piece(Struct, frozen=True):
    """Consecutive samples of one second of the grid.

    Attributes
    ----------
    samples : array, shape (channels, n)
        As they were sent.
    start : int
        Number of the first, counted with missing ones.
    time : float
        When it was measured, Unix time in s.
    gap_before : int
        Missing samples between the piece before and this one.
    whole : bool
        It is all of its second.
    tells : bool
        A second is told of it: it is whole, or the first of one that is not.
    """

    samples: NDArray[Any]
    start: int
    time: float
    gap_before: int
    whole: bool
    tells: bool


class SecondCutter:
    """Seconds of a source, as its signal comes in. Memory is that of one second.

    Parameters
    ----------
    rate_hz : float > 0
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._parts: list[NDArray[Any]] = []
        self._start = self._next = 0
        self._time = 0.0
        self._gap = 0
        self._told = -1

    def push(self, samples: NDArray[Any], start: int, time: float) -> Iterator[Piece]:
        """Pieces that the next samples complete; ``start`` is never before what came already."""
        if start != self._next:
            yield from self.end()
            self._gap += start - self._next
            self._next = start
        while samples.shape[1]:
            if not self._parts:
                self._start, self._time = self._next, time
            number = math.floor(self._next / self._rate_hz)
            end = math.ceil((number + 1) * self._rate_hz)
            taken = samples[:, : end - self._next]
            samples = samples[:, taken.shape[1] :]
            self._parts.append(taken)
            self._next += taken.shape[1]
            time += taken.shape[1] / self._rate_hz
            if self._next == end:
                yield from self.end()

    def end(self, *, is_last: bool = False) -> Iterator[Piece]:
        """What is left of the second that was begun: no more follows without a gap, or at all."""
        if not self._parts:
            return
        parts, self._parts = self._parts, []
        number = math.floor(self._start / self._rate_hz)
        first = math.ceil(number * self._rate_hz)
        whole = self._start == first and self._next == math.ceil((number + 1) * self._rate_hz)
        tells = whole or (number != self._told and not is_last)
        self._told = number
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        piece = Piece(samples, self._start, self._time, self._gap, whole, tells)
        self._gap = 0
        yield piece
