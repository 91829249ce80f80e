"""Samples along their clock: what is missing, what came twice, what came late.

Every sample keeps its true time. Missing ones become `Chunk.gap_before`; a block that was sent
again, or came after its time, is one event and is left out, for its place has passed; a clock that
was set back, to where it began or before, or by more than a minute, goes on from there, after a gap
of one sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import Clock
from dlrsd.runtime.streams.counters import Unwrapped
from dlrsd.runtime.streams.source import Chunk

# A step up to this many intervals is jitter; a longer one may be a gap.
_LONGEST_STEP = 1.5
_SET_BACK_S = 60.0
_BEGINNING = 64  # samples
_MOST_EVENTS = 1000  # in a block
_INEXACT = 0.02
_SPREADS = 4.0  # by which an uneven clock may go back
_UNEVEN_ROWS = 32
_MOST_ROWS = 4096  # of one reading of a coarse clock that are looked at on each side of a step


class Timeline:
    """Cuts blocks of samples where their clock jumps.

    Parameters
    ----------
    clock : Clock
    warnings : list of str
        Where a sentence on each kind of event is put when the samples have ended.
    name : str
        What the sentences call the recording.
    """

    def __init__(self, clock: Clock, warnings: list[str], name: str) -> None:
        self._clock = clock
        self._warnings = warnings
        self._name = name
        self._unwrapped = Unwrapped(clock.counter) if clock.counter else None
        self._beginning: NDArray[Any] | None = None  # samples, to know them again
        self._latest = -np.inf  # the latest time so far
        self._first = 0.0  # the earliest time that the clock has shown since it was last set
        self._is_late = False
        self._offset = 0.0  # by how much the clock was set back
        # A clock that ticks for every sample stands still where a sample is there twice.
        is_fine = clock.tick <= clock.interval / 10
        self._least_step = (
            0.25 * clock.interval if is_fine else -max(clock.interval / 2, _SPREADS * clock.tick)
        )
        # Of an uneven one as many are looked at on each side of a step as make its mean even.
        is_uneven = not is_fine and clock.tick < clock.interval
        self._rows = _UNEVEN_ROWS if is_uneven else 1
        self._n_late = self._late_rows = self._n_set_back = 0

    def __call__(self, blocks: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Iterator[Chunk]:
        """Chunks of consecutive samples.

        Parameters
        ----------
        blocks : iterable of (values of the clock (n,), samples (channels, n))
        """
        times, samples = np.empty(0), None
        before = np.empty(0)  # times of the last samples handed on
        for values, more in blocks:
            values = values if self._unwrapped is None else self._unwrapped(values)
            if self._beginning is None:
                self._beginning = np.array(more[:, :_BEGINNING])
            new, kept = self._in_order(self._clock.times(values), more)
            times = np.concatenate([times, new]) if len(times) else new
            more = more if kept.all() else more[:, kept]
            samples = more if samples is None else np.concatenate([samples, more], axis=1)
            held = min(len(times), self._rows_to_hold(times))
            done = len(times) - held
            if done:
                yield from self._cut(before, times, samples[:, :done])
                before = np.concatenate([before, times[max(0, done - _MOST_ROWS) : done]])
                before = before[-_MOST_ROWS:]
                times, samples = times[done:], samples[:, done:] if held else None
        if samples is not None and len(times):
            yield from self._cut(before, times, samples)
        self._say()

    def _rows_to_hold(self, times: NDArray[np.float64]) -> int:
        """Rows at the end whose step cannot be judged before more have come."""
        steps = np.diff(times[-2 * _MOST_ROWS :])
        latest = steps[steps > 1e-3 * self._clock.interval][-2:]
        tick = float(latest.min(initial=np.inf)) if latest.size else self._clock.tick
        is_fine = tick <= _LONGEST_STEP * self._clock.interval
        if is_fine:
            return self._rows if self._rows > 1 else 0
        return min(_MOST_ROWS, 2 * round(tick / self._clock.interval) + 2)

    def _in_order(
        self, times: NDArray[np.float64], samples: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Times that only rise, and which rows they are of."""
        interval = self._clock.interval
        times = self._filled(times)
        if self._latest == -np.inf:
            self._first, self._latest = float(times[0]), float(times[0]) - interval
        kept = np.ones(len(times), bool)
        if self._least_step > 0 and not self._is_late:
            steps = np.diff(times, prepend=self._latest)
            if steps.min(initial=np.inf) >= self._least_step:
                self._latest = float(times[-1]) if len(times) else self._latest
                return times, kept
        at, before = 0, self._n_late + self._n_set_back
        while at < len(times):
            if self._is_late:
                later = np.flatnonzero(times[at:] > self._latest + interval / 2)
                end = at + int(later[0]) if later.size else len(times)
                kept[at:end] = False
                self._late_rows += end - at
                self._is_late = not later.size
                at = end
                continue
            rising = np.maximum.accumulate(np.concatenate([[self._latest], times[at:]]))
            back = np.flatnonzero(times[at:] < rising[:-1] + self._least_step)
            end = at + int(back[0]) if back.size else len(times)
            self._latest = float(rising[end - at])
            if self._n_late + self._n_set_back - before > _MOST_EVENTS:
                raise InputError(
                    f"the clock {self._clock.name!r} of {self._name} goes back again and again: "
                    f"expected one that rises; name the channels alone as variable"
                )
            if end < len(times):
                behind = self._latest - times[end]
                begins_anew = times[end] < self._first - interval / 2 or (
                    times[end] < self._first + interval / 2
                    and not self._has_come(samples[:, end : end + _BEGINNING])
                )
                if behind > _SET_BACK_S or begins_anew:
                    # One sample is missed: nobody knows how many were.
                    shift = behind + 2 * interval
                    times[end:] += shift
                    times[end] = self._latest + 2 * interval  # exactly, however far back it was
                    self._offset += shift
                    self._first = float(times[end])
                    self._n_set_back += 1
                else:
                    self._is_late = True
                    self._n_late += 1
            at = end
        return times[kept], kept

    def _has_come(self, samples: NDArray[Any]) -> bool:
        """Whether samples are those that the stream began with."""
        begun = self._beginning
        n = samples.shape[1]
        return begun is not None and np.array_equal(samples, begun[:, :n], equal_nan=True)

    def _filled(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Times on one scale; a row without one lies an interval after the row before."""
        times = times + self._offset
        known = np.isfinite(times)
        if known.all():
            return times
        rows = np.arange(len(times))
        if not known.any():
            start = self._latest if np.isfinite(self._latest) else -self._clock.interval
            return (start + (rows + 1) * self._clock.interval).astype(np.float64)
        last = np.maximum.accumulate(np.where(known, rows, -1))
        first = int(np.argmax(known))
        last[last < 0] = first
        filled: NDArray[np.float64] = times[last] + (rows - last) * self._clock.interval
        return filled

    def _cut(
        self, before: NDArray[np.float64], times: NDArray[np.float64], samples: NDArray[Any]
    ) -> Iterator[Chunk]:
        """Samples at ``times``, of which the last may be there for judgement only."""
        n = samples.shape[1]
        steps = np.diff(times[:n], prepend=before[-1:])
        if steps.max(initial=0.0) <= _LONGEST_STEP * self._clock.interval:
            yield Chunk(samples)
            return
        whole = np.concatenate([before, times])
        at, lost = _gaps(whole, self._clock.interval, self._rows)
        at = at - len(before)
        lost_at = {int(i): int(k) for i, k in zip(at, lost, strict=True) if 0 <= i < n}
        bounds = sorted({0, *lost_at, n})
        for begin, end in pairwise(bounds):
            yield Chunk(samples[:, begin:end], lost_at.get(begin, 0))

    def _say(self) -> None:
        clock = repr(self._clock.name) if self._clock.name else "without a name"
        if self._n_late:
            self._warnings.append(
                f"the clock {clock} of {self._name} went back {self._n_late} times: "
                f"{self._late_rows} samples that were there already, or came late, are left out"
            )
        if self._n_set_back:
            self._warnings.append(
                f"the clock {clock} of {self._name} was set back {self._n_set_back} times: how "
                f"much is missing there is not known, and counted as one sample"
            )


def _gaps(
    times: NDArray[np.float64], interval: float, fewest: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows before which samples are missing, and how many.

    A step is a gap if both the earliest and the latest readings after it, against where an even
    clock would be, lie above those before it. After a tick of a coarse clock only one of them does;
    where its ticks begin is uncertain by a sample, so that a gap of one cannot be seen by it. Of a
    clock that is uneven the middle of ``fewest`` readings has to lie above the middle of as many
    before: a reading that comes late and the next in time are no gap.
    """
    steps = np.diff(times)
    rises = np.flatnonzero(steps > 1e-3 * interval)
    at = rises[steps[rises] > _LONGEST_STEP * interval] + 1
    if not at.size:
        return at, np.empty(0, np.intp)
    # The clock's tick here: what it rises by before or after this step too.
    place = np.searchsorted(rises, at - 1)
    neighbours = np.maximum(
        steps[rises[np.maximum(place - 1, 0)]] * (place > 0),
        steps[rises[np.minimum(place + 1, len(rises) - 1)]] * (place + 1 < len(rises)),
    )
    tick = np.minimum(steps[at - 1], neighbours)
    rows = np.ones(len(at), int)
    is_coarse = tick > _LONGEST_STEP * interval
    rows[is_coarse] = np.minimum(_MOST_ROWS, 2 * np.ceil(tick[is_coarse] / interval) + 1)
    rows = 1 << np.ceil(np.log2(rows)).astype(int)
    error = times - interval * np.arange(len(times))
    shift = np.empty(len(at))
    for count in np.unique(rows):
        mine = rows == count
        around = np.arange(count)
        earlier = error[np.maximum(at[mine, None] - 1 - around, 0)]
        later = error[np.minimum(at[mine, None] + around, len(times) - 1)]
        shift[mine] = np.minimum(
            later.min(axis=1) - earlier.min(axis=1), later.max(axis=1) - earlier.max(axis=1)
        )
    if fewest > 1:
        around = np.arange(fewest)
        earlier = np.median(error[np.maximum(at[:, None] - 1 - around, 0)], axis=1)
        later = np.median(error[np.minimum(at[:, None] + around, len(times) - 1)], axis=1)
        # One gap is one step, the longest of those around it.
        near_by = np.arange(-fewest, fewest + 1)
        others = steps[np.clip(at[:, None] - 1 + near_by, 0, len(steps) - 1)]
        is_longest = steps[at - 1] == others.max(axis=1)
        shift = np.where(is_coarse, shift, np.where(is_longest, later - earlier, 0.0))
    # Too near an end to see a whole tick on both sides.
    near = is_coarse & ((at < rows) | (at + rows > len(times)))
    shift[near] = np.minimum(shift, steps[at - 1] - tick)[near]
    lost = np.round(np.minimum(shift / interval, 2**53)).astype(np.intp)
    # The interval is known only as exactly as some ticks tell it.
    least = (_LONGEST_STEP - 1 + is_coarse) * interval + np.where(is_coarse, _INEXACT * tick, 0.0)
    is_gap = shift > least
    return at[is_gap], np.maximum(lost[is_gap], 1)
