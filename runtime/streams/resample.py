"""Bring a stream down to the model's rate, chunk by chunk, with soxr.

A low-pass filter hides what the quality flags look for: it smears a NaN over its whole length and
turns runs of zeros and clipped crests into ripple. So runs of exact zeros, repeated extremes and
non-finite samples are put back at the output sample nearest to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.dsp.quality import CLIP_CONTRAST
from dlrsd.runtime.streams.source import Chunk

# An extreme of the stream so far is clipped if it is reached again within so many samples (10 ms
# at 51.2 kHz), and so many times as often as the level next to it: the crest of a tone is reached
# again and again too, but so are its flanks (`quality` has the reasons for the figure).
_NEAR = 512


def resample(
    chunks: Iterable[Chunk], *, rate_hz: float, target_hz: float, channels: int
) -> Iterator[Chunk]:
    """Resample a stream to a lower rate; equal to `soxr.resample` of the whole of it.

    Each run of samples between two gaps is resampled on its own, and stays where it was in time.

    Parameters
    ----------
    chunks : iterable of Chunk
        float32 samples.
    rate_hz, target_hz : float > 0
        Rate of `chunks`, and a lower one.
    channels : int > 0

    Yields
    ------
    Chunk
        float32; its gaps count samples at `target_hz`.

    Raises
    ------
    ExtraMissingError
        If soxr is not installed.
    """
    resampler = Resampler(rate_hz=rate_hz, target_hz=target_hz, channels=channels)
    return _resampled(resampler, chunks)


def _resampled(resampler: Resampler, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        yield from resampler.push(chunk)
    yield from resampler.end()


class Resampler:
    """A stream on its way to a lower rate; parameters and errors as of `resample`."""

    def __init__(self, *, rate_hz: float, target_hz: float, channels: int) -> None:
        soxr = require("soxr", extra="io", purpose=f"resampling {rate_hz:g} Hz to {target_hz:g} Hz")
        self._ratio = target_hz / rate_hz
        self._new_run = partial(_Run, soxr, rate_hz, target_hz, channels)
        self._run = self._new_run()
        self._begin = 0  # of the run, in input samples from the stream's start
        self._given = 0  # output samples so far, missing ones among them
        self._gap = self._surplus = 0

    def push(self, chunk: Chunk) -> Iterator[Chunk]:
        """What the next chunk completes."""
        if chunk.gap_before:
            yield from self.end()
            self._begin += self._run.taken + chunk.gap_before
            self._run = self._new_run()
            # A gap is never lost to rounding, and never shifts what follows it.
            following = round(self._begin * self._ratio)
            self._gap += max(1, following - self._given - self._gap)
            self._surplus = self._given + self._gap - following
        yield from self._out(self._run.push(chunk.samples))

    def end(self) -> Iterator[Chunk]:
        """What the filter still holds: no more samples come, or none before a gap."""
        yield from self._out(self._run.finish())

    def _out(self, samples: np.ndarray) -> Iterator[Chunk]:
        surplus = self._surplus
        if samples.shape[1] > surplus:
            chunk = Chunk(samples[:, surplus:], self._gap)
            self._given += self._gap + samples.shape[1] - surplus
            self._gap = self._surplus = 0
            yield chunk
        else:
            self._surplus -= samples.shape[1]


class _Run:
    """Samples without a gap on their way through the filter."""

    def __init__(self, soxr: Any, rate_hz: float, target_hz: float, channels: int) -> None:
        self.taken = 0
        self._given = 0
        self._ratio = target_hz / rate_hz
        self._filter = soxr.ResampleStream(rate_hz, target_hz, channels, dtype="float32")
        self._zero_before = np.zeros((channels, 2), bool)
        self._crests = [(_Crest(), _Crest()) for _ in range(channels)]
        # Channel, output sample and value of what is to be put back.
        self._channel = np.empty(0, np.intp)
        self._at = np.empty(0, np.int64)
        self._value = np.empty(0, np.float32)

    def push(self, samples: np.ndarray) -> np.ndarray:
        if not samples.shape[1]:
            return samples
        rows = np.ascontiguousarray(samples)
        bad = ~np.isfinite(rows)
        if bad.any():
            samples = rows = np.where(bad, np.float32(0), rows)
        self._mark(rows, bad)
        self.taken += samples.shape[1]
        return self._restored(self._filter.resample_chunk(np.ascontiguousarray(samples.T)))

    def finish(self) -> np.ndarray:
        nothing = np.empty((0, len(self._crests)), np.float32)
        rest = self._filter.resample_chunk(nothing, last=True)
        if len(rest):  # the nearest output sample of the last ones may lie beyond the end
            self._at = np.minimum(self._at, self._given + len(rest) - 1)
        return self._restored(rest)

    def _mark(self, clean: np.ndarray, bad: np.ndarray) -> None:
        """Note what the filter would hide; ``clean`` is zero where a sample was ``bad``."""
        keep = bad.copy()
        zero = np.concatenate((self._zero_before, (clean == 0) & ~bad), axis=1)
        self._zero_before = zero[:, -2:].copy()
        if zero.any():
            # Quiet signals of few integer levels repeat a zero by chance: three are asked for.
            keep |= zero[:, 2:] & zero[:, 1:-1] & zero[:, :-2]
        highest, lowest = clean.max(axis=1).tolist(), clean.min(axis=1).tolist()
        for channel, (upper, lower) in enumerate(self._crests):
            upper.rise(highest[channel])
            lower.rise(-lowest[channel])
            if upper.is_near(highest[channel], floor=-lower.top):
                hits = upper.clipped(clean[channel], self.taken, floor=-lower.top)
                keep[channel, hits] = True
            if lower.is_near(-lowest[channel], floor=-upper.top):
                hits = lower.clipped(-clean[channel], self.taken, floor=-upper.top)
                keep[channel, hits] = True
        if keep.any():
            rows, at = np.nonzero(keep)
            to = np.rint((self.taken + at) * self._ratio).astype(np.int64)
            self._channel = np.append(self._channel, rows)
            self._at = np.append(self._at, to)
            value = np.where(bad[rows, at], np.float32(np.nan), clean[rows, at])
            self._value = np.append(self._value, value)

    def _restored(self, frames: np.ndarray) -> np.ndarray:
        samples = np.ascontiguousarray(frames.T)
        if self._at.size:
            at = self._at - self._given
            here = at < samples.shape[1]
            # NaN last: it wins where it shares an output sample with another.
            for some in (here & ~np.isnan(self._value), here & np.isnan(self._value)):
                samples[self._channel[some], at[some]] = self._value[some]
            self._channel, self._at, self._value = (
                self._channel[~here], self._at[~here], self._value[~here]
            )  # fmt: skip
        self._given += samples.shape[1]
        return samples


class _Crest:
    """The largest value of one channel so far, and the level next to it, each with its count."""

    def __init__(self) -> None:
        self.top = self._next = -np.inf
        self._n_top = self._n_next = 0
        self._last_hit = -np.inf

    def rise(self, highest: float) -> None:
        """Move up to the largest of some values, if it is larger."""
        if highest > self.top:
            self._next, self._n_next = self.top, self._n_top
            self.top, self._n_top, self._last_hit = highest, 0, -np.inf

    def is_near(self, highest: float, *, floor: float) -> bool:
        """Whether values up to ``highest`` matter to `clipped`."""
        return highest >= self._next or self._next <= floor

    def clipped(self, values: np.ndarray, begin: int, *, floor: float) -> np.ndarray:
        """Positions of the values, the first of which is sample ``begin``, that are clipped.

        The level next to the top lies above ``floor``: a square wave, saturated at both ends, has
        none.
        """
        inner = float(values.max(initial=-np.inf, where=(values < self.top) & (values > floor)))
        if inner > self._next or self._next <= floor:
            self._next, self._n_next = inner, 0
        self._n_next += int(np.count_nonzero(values == self._next))
        hits = np.flatnonzero(values == self.top)
        if not hits.size:
            return hits
        steps = np.diff(hits + begin, prepend=self._last_hit)
        self._n_top += hits.size
        self._last_hit = begin + hits[-1]
        return hits[steps <= _NEAR] if self._n_top > CLIP_CONTRAST * self._n_next else hits[:0]
