"""Stretches of a stream that were there before, bit by bit: a buffer that was handed out twice.

Some samples are marked by a hash of their own value and the next, one in thirty-two whatever the
alignment; their neighbourhoods' hashes are looked up among those before. Where two marks in a row
are found at one and the same distance, the samples themselves are compared. Memory is constant.

The idea is that of content-defined chunks: Muthitacharoen, Chen and Mazieres, "A low-bandwidth
network file system", SOSP 2001.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PAST = 2**15  # samples that are compared with: 2.7 s at 12 kHz
_SLOTS = 2**15  # marks that are remembered
_MARKED = np.uint32(2**32 - 2**27)
_MIX = np.uint32(2654435769)  # Knuth's multiplicative hash
_NEXT = 4  # samples that a mark's hash covers, its own among them
_APART = 512  # marks of one stretch lie closer than so many samples
_PIECE = 2**17  # samples that are worked on at once
_STRETCHES = 128  # compared per piece, so that its time is bounded too
_Bits = NDArray[np.uint32]


class ReplayFinder:
    """Finds repeated stretches of one channel.

    Parameters
    ----------
    run : int > 0
        Samples in a row that must be the same; three quarters of them must differ from the sample
        before, for a constant or a coarse signal repeats itself.
    """

    def __init__(self, run: int) -> None:
        self._run = run
        self._buffer: _Bits = np.empty(0, np.uint32)
        self._filled = 0
        self._end = 0  # sample number behind the last that is in the buffer
        self._at = np.full(_SLOTS, -(2**62), np.int64)
        self._key = np.zeros(_SLOTS, np.uint32)
        self._mixed: _Bits = np.empty(0, np.uint32)

    def find(self, samples: NDArray[np.float32], start: int) -> list[tuple[int, int]]:
        """First and last sample (exclusive) of every stretch that was there before.

        Parameters
        ----------
        samples : array, shape (n,), float32
            Consecutive ones, which may begin with some that were given before.
        start : int
            Number of the first; a jump ahead is a gap.
        """
        if start > self._end:
            self._filled, self._end = 0, start
        found = []
        fresh = np.ascontiguousarray(samples[self._end - start :]).view(np.uint32)
        for begin in range(0, len(fresh), _PIECE):
            found += self._take(fresh[begin : begin + _PIECE])
        return found

    def _take(self, fresh: _Bits) -> list[tuple[int, int]]:
        if len(self._mixed) < len(fresh) + _NEXT:
            self._grow(len(fresh))
        if self._filled + len(fresh) > len(self._buffer):
            self._buffer[:PAST] = self._buffer[self._filled - PAST : self._filled]
            self._filled = PAST
        known = self._filled
        self._filled += len(fresh)
        self._end += len(fresh)
        self._buffer[known : self._filled] = fresh
        origin = self._end - self._filled
        bits = self._buffer[: self._filled]
        return [
            (begin + origin, end + origin)
            for begin, end in self._stretches(bits, max(0, known - _NEXT), origin)
        ]

    def _grow(self, fresh: int) -> None:
        """Make room for so many samples a time; of live streams they are few, and buffers many."""
        buffer = np.empty(PAST + min(4 * fresh, _PIECE), np.uint32)
        kept = min(self._filled, PAST)
        buffer[:kept] = self._buffer[self._filled - kept : self._filled]
        self._filled = kept
        self._buffer, self._mixed = buffer, np.empty(fresh + _NEXT, np.uint32)

    def _stretches(self, bits: _Bits, first: int, origin: int) -> list[tuple[int, int]]:
        now, before = self._repeated(bits, first, origin)
        inside = (before >= 0) & (now - before <= PAST)
        now, lag = now[inside], (now - before)[inside]
        if len(now) < 2:
            return []
        order = np.lexsort((now, lag))
        now, lag = now[order], lag[order]
        apart = (np.diff(lag) != 0) | (np.diff(now) > _APART)
        found = []
        edges = np.flatnonzero(np.r_[True, apart, True])
        groups = [(a, b) for a, b in pairwise(edges.tolist()) if b - a > 1]
        for a, b in groups[:_STRETCHES]:
            stretch = self._same(bits, int(now[a]), int(now[b - 1]), int(lag[a]))
            if stretch:
                found.append(stretch)
        return found

    def _repeated(
        self, bits: _Bits, first: int, origin: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Marks from ``first`` on and where the same was before, as indices into ``bits``."""
        mixed = self._mixed[: max(0, len(bits) - first - 1)]
        np.subtract(bits[first + 1 :], bits[first:-1], out=mixed)
        np.multiply(mixed, _MIX, out=mixed)
        marks = np.flatnonzero(mixed[: max(0, len(mixed) - _NEXT + 1)] >= _MARKED)
        key = ((mixed[1:][marks] * _MIX) + mixed[2:][marks]) * _MIX + mixed[3:][marks]
        key *= _MIX
        slot = (key >> np.uint32(17)).astype(np.intp)
        at = marks + (first + origin)
        hit = np.flatnonzero(self._key[slot] == key)
        hit = hit[self._at[slot[hit]] < at[hit]]
        now, before = [at[hit]], [self._at[slot[hit]]]
        self._at[slot], self._key[slot] = at, key
        # Marks that are there twice among the new ones: all but the last of each find another.
        lost = np.flatnonzero(self._at[slot] != at)
        twice = lost[self._key[slot[lost]] == key[lost]]
        if len(twice):
            both = np.flatnonzero(np.isin(key, key[twice]))
            order = both[np.lexsort((at[both], key[both]))]
            same = key[order][1:] == key[order][:-1]
            now.append(at[order[1:]][same])
            before.append(at[order[:-1]][same])
        return np.concatenate(now) - origin, np.concatenate(before) - origin

    def _same(self, bits: _Bits, first: int, last: int, lag: int) -> tuple[int, int] | None:
        """The longest stretch around two marks that equals what lies ``lag`` samples before."""
        begin, end = max(lag, first - _APART), min(len(bits), last + _APART)
        same = bits[begin:end] == bits[begin - lag : end - lag]
        if not same.any():  # the same differences, on another level
            return None
        edges = np.flatnonzero(np.diff(np.r_[False, same, False]))
        longest = int(np.argmax(edges[1::2] - edges[::2]))
        a, b = int(edges[2 * longest]) + begin, int(edges[2 * longest + 1]) + begin
        changes = np.count_nonzero(bits[a + 1 : b] != bits[a : b - 1])
        return (a, b) if b - a >= self._run and changes >= 0.75 * self._run else None
