"""One quality code per window and channel: of windows by themselves, and of a stream's windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.quality import close
from dlrsd.runtime.dsp.quality.features import (
    Features,
    against_peak,
    flatness,
    log_shares,
    stream_features,
    window_features,
)
from dlrsd.runtime.dsp.quality.levels import LevelCheck
from dlrsd.runtime.dsp.quality.limits import (
    CLIPPED,
    COARSE,
    DRIFT,
    DROPOUT,
    FLAT,
    GAP,
    HUM,
    LEVEL,
    LOUDEST,
    NON_FINITE,
    OFFSET,
    OK,
    QUIET_MARGIN,
    REPLAYED,
    SPECTRUM,
    SPIKE,
    STUCK,
    SYMPTOMS,
    ChannelLimits,
    QualityLimits,
)
from dlrsd.runtime.dsp.quality.past import Past
from dlrsd.runtime.dsp.quality.replay import ReplayFinder

# Resampling a constant leaves a ripple of a few float32 steps.
_FLAT_RANGE = 1e-6
_CREST = 4.5  # a peak that stands out less is no spike: noise reaches it in a window of 140
# Where a tenth of the samples are at the extremes the peak is no more than 3.2 times the RMS.
_FLAT_CREST = 3.3
_PLATEAU = 0.2  # of the cells: more that come near to the extreme may be a plateau
_Floats = NDArray[np.float32]
Look = Callable[[NDArray[np.intp]], NDArray[np.bool_]]  # which of some windows, by their numbers


def window_quality(
    windows: _Floats,
    limits: QualityLimits,
    *,
    gap: NDArray[np.bool_] | None = None,
    rate_hz: float | None = None,
) -> NDArray[np.uint8]:
    """Judge each window of each channel on its own.

    Parameters
    ----------
    windows : array, shape (n, channels, window), real floating
        Samples in the bundle's unit; views with overlap are welcome.
    limits : QualityLimits
    gap : array, shape (n,), bool, optional
        Windows known to hold missing samples (`Frames.gap`).
    rate_hz : float, optional
        Without it no hum is found.

    Returns
    -------
    array, shape (n, channels), uint8
        Indices into `QUALITY`.
    """
    if windows.ndim != 3 or not windows.shape[-1]:
        raise InputError(f"windows have shape {windows.shape}: expected (n, channels, window)")
    if not len(windows):
        return np.zeros(windows.shape[:2], np.uint8)
    of_channels = np.asarray(windows, np.float32).swapaxes(0, 1)
    with np.errstate(all="ignore"):  # NaN, infinities and overflow are what is looked for
        features = window_features(of_channels, rate_hz=rate_hz)
        return _codes(of_channels, features, limits, gap).T


class StreamQuality:
    """Judges a stream's windows, also by what the stream was like before.

    Parameters
    ----------
    limits : QualityLimits
    window, hop : int > 0
        In samples.
    rate_hz : float > 0
    channels : int > 0
    """

    def __init__(
        self, limits: QualityLimits, *, window: int, hop: int, rate_hz: float, channels: int
    ) -> None:
        self._limits, self._window, self._hop, self._rate_hz = limits, window, hop, rate_hz
        self._past = [Past(window, hop / rate_hz) for _ in range(channels)]
        self._levels = [LevelCheck(limits.of(channel).lines) for channel in range(channels)]
        run = limits.replay_run
        self._replays = [ReplayFinder(run) for _ in range(channels if run else 0)]

    def judge(
        self, signal: _Floats, start: NDArray[np.int64], gap: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Judge the next windows.

        Parameters
        ----------
        signal : array, shape (channels, samples), float32
            From the first sample of the first of the windows to the last of the last.
        start : array, shape (n,), int
            First sample of each window, in the stream.
        gap : array, shape (n,), bool
            Windows known to hold missing samples.

        Returns
        -------
        array, shape (n, channels), uint8
            Indices into `QUALITY`.
        """
        windows = sliding_window_view(signal, self._window, axis=1)[:, :: self._hop]
        with np.errstate(all="ignore"):
            features = stream_features(
                signal, window=self._window, hop=self._hop, rate_hz=self._rate_hz
            )
            codes = _codes(windows, features, self._limits, gap)
            for channel, check in enumerate(self._levels):
                missing = check.find(windows[channel], start // self._hop)
                row = codes[channel]
                row[missing & ((row == OK) | (row == SPECTRUM))] = COARSE
            for channel, finder in enumerate(self._replays):
                for begin, end in finder.find(signal[channel], int(start[0])):
                    touched = (start < end) & (start + self._window > begin)
                    row = codes[channel]
                    row[touched & ~np.isin(row, (NON_FINITE, GAP, FLAT))] = REPLAYED
            for channel, past in enumerate(self._past):
                row = codes[channel]
                fit = row == OK
                row[fit] = past.changed(features, channel, fit)[fit]
        return codes.T


def window_rms(windows: _Floats) -> _Floats:
    """RMS about the mean of each window, the figure that levels bound.

    Parameters
    ----------
    windows : array, shape (..., window), real floating

    Returns
    -------
    array, shape (...)
    """
    rms: _Floats = windows.std(axis=-1)
    return rms


def is_sound(
    codes: NDArray[np.uint8], windows: _Floats, limits: QualityLimits
) -> NDArray[np.bool_]:
    """Whether what a flag says may be the machine's own doing: the window can be diagnosed.

    A severe fault moves the spectrum and raises the level (`SYMPTOMS`), so such a window is unlike
    the training data and yet a measurement. A level below the trained ones is none: it is that of
    a sensor that is not connected.

    Parameters
    ----------
    codes : array, shape (n, channels), uint8
        Indices into `QUALITY`.
    windows : array, shape (n, channels, window), float32
    limits : QualityLimits

    Returns
    -------
    array, shape (n, channels), bool
    """
    sound: NDArray[np.bool_] = codes == OK
    if sound.all():
        return sound
    sound |= np.isin(codes, SYMPTOMS)
    for at, channel in np.argwhere(codes == LEVEL):
        highest = limits.of(channel).level_high
        with np.errstate(all="ignore"):
            level = float(window_rms(windows[at, channel]))
        sound[at, channel] = highest < level <= LOUDEST * highest
    return sound


def worst_of(codes: NDArray[np.uint8], sound: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One code per window of several channels: of the first not sound, else the first flagged.

    Parameters
    ----------
    codes, sound : arrays, shape (n, channels)
    """
    doubt = np.where(sound, codes != OK, 2)
    worst: NDArray[np.uint8] = codes[np.arange(len(codes)), doubt.argmax(axis=1)]
    return worst


def _codes(
    windows: _Floats, f: Features, limits: QualityLimits, gap: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    """Shape (channels, n)."""
    codes = np.full(f.level.shape, OK, np.uint8)
    for channel, row in enumerate(codes):
        _judge_channel(row, windows[channel], f, channel, limits)
        if gap is not None:
            row[gap & (row != NON_FINITE)] = GAP
    return codes


def _judge_channel(
    row: NDArray[np.uint8], windows: _Floats, f: Features, channel: int, limits: QualityLimits
) -> None:
    """Set the codes of one channel; the later one is set, the more it says."""
    own = limits.of(channel)
    level, peak, most_equal = f.level[channel], f.peak[channel], f.most_equal[channel]

    def look(code: int, suspect: NDArray[np.bool_], sees: Look) -> None:
        at = np.flatnonzero(suspect)
        if len(at):
            row[at[sees(at)]] = code

    _set_by_limits(row, f, channel, own)
    # Between the impacts of a fault stronger than those trained on it is never quieter.
    quiet, share = f.quiet[channel], f.quiet_share[channel]
    is_quiet = quiet < QUIET_MARGIN * own.quiet if own.quiet else True
    collapses = share < own.quiet_share
    # Where no part is quieter than the rest it is the level of all, more likely a unit or a scale.
    row[((quiet < own.quiet) & (collapses | (row != LEVEL))) | (collapses & is_quiet)] = DROPOUT
    row[f.hum[channel] > own.hum] = HUM
    look(
        SPIKE,
        peak > _CREST * level,
        lambda at: _is_spike(windows, f, channel, at, own.lone_peak),
    )
    runs = most_equal >= close.fewest_equal(min(limits.zero_run, limits.stuck_run))
    look(STUCK, runs, lambda at: close.has_run(windows[at], limits.stuck_run))
    suspect = (f.repeated[channel] > 1) | (most_equal >= 3)
    suspect &= row != HUM  # whose crests are flat
    is_plateau = (f.near[channel] > _PLATEAU * f.size) & (peak < _FLAT_CREST * level)
    suspect |= is_plateau & (row != HUM)
    look(CLIPPED, suspect, lambda at: close.is_clipped(windows[at], limits.clip_run, own.edge))
    high, low = f.high[channel], f.low[channel]
    row[high - low <= _FLAT_RANGE * np.maximum(abs(high), abs(low))] = FLAT
    look(GAP, runs, lambda at: close.has_run(windows[at], limits.zero_run, of=0.0))
    row[~np.isfinite(high) | ~np.isfinite(low)] = NON_FINITE


def _is_spike(
    windows: _Floats, f: Features, channel: int, at: NDArray[np.intp], lone_peak: float
) -> NDArray[np.bool_]:
    """Of windows ``at``; most are told by their cells, where the peak's own reaches both sides."""
    alone: NDArray[np.bool_] = f.peak[channel][at] > lone_peak * against_peak(f, channel, at)
    looked = at[alone]
    if not len(looked):
        return alone
    alone[alone] = close.lone_peak(windows, f, channel, looked) > lone_peak
    return alone


def _set_by_limits(row: NDArray[np.uint8], f: Features, channel: int, own: ChannelLimits) -> None:
    level, mean = f.level[channel], f.mean[channel]
    if own.spectrum_low:
        low, high = (np.array(v, np.float32) for v in (own.spectrum_low, own.spectrum_high))
        shares = log_shares(f.bands[:, channel])
        inside = np.all((shares[:, None] >= low) & (shares[:, None] <= high), axis=2)
        row[~np.any(inside, axis=1) | (flatness(shares) > own.flatness)] = SPECTRUM
    row[f.equal[channel] > own.equal] = COARSE
    row[f.drift[channel] > own.drift] = DRIFT
    row[~((mean >= own.offset_low) & (mean <= own.offset_high))] = OFFSET
    # Not a number where the squares overflow.
    row[~((level >= own.level_low) & (level <= own.level_high))] = LEVEL
