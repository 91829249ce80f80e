"""A stream against its own past: sudden changes of gain and offset, and collapses.

A fault that begins, a load or a speed changes some of the spectrum; a changed sensitivity changes
all of it by one factor, the quiet between impacts too. Every window is compared with the medians
over the last ones that were fit. What has changed stays flagged while it lasts, for up to an hour;
then it is the stream's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality.cells import BANDS
from dlrsd.runtime.dsp.quality.features import Features
from dlrsd.runtime.dsp.quality.limits import DROPOUT, GAIN, OFFSET, OK

KEPT = 64  # windows of the past
RENEWED = 128  # windows after which it is taken anew; sooner at the start
FEWEST = 8  # before them nothing is compared
HELD_S = 3600.0
LEAST_GAIN = 1.6  # a smaller factor is no change of gain; half and double are
LEAST_RISE = 4.0  # nor a smaller rise: a fault that begins can raise all of the spectrum
COLLAPSE = 2.5  # by which a window's quietest part falls further than its level
SILENCE = 20.0  # by which the level itself falls
LEAST_STEP = 0.5  # of the past's RMS, or the present one: a smaller step of the mean is none
LASTS = 2  # windows that a smaller change than `AT_ONCE` must last to be one
AT_ONCE = 10.0  # beyond so many spreads of the past's levels it is one at once, where
_STEADY = 24  # so many windows tell what the spread is
_ALIKE = 0.35  # in ln of power: how far bands may shift apart, beside what they do anyway
_ALIKE_QUIET = 0.7  # and the quietest part of the window
_FEWEST_SAMPLES = 256
_N = len(BANDS)
_LEVEL, _QUIET, _MEAN = _N, _N + 1, _N + 2  # columns behind those of the bands
_Floats = NDArray[np.float64]


class Past:
    """The last fit windows of one channel.

    Parameters
    ----------
    window : int > 0
        Samples; a spectrum of fewer than `_FEWEST_SAMPLES` is too rough to tell a gain by.
    hop_s : float > 0
        From one window to the next, in s.
    """

    def __init__(self, window: int, hop_s: float) -> None:
        self._tells_gain = window >= _FEWEST_SAMPLES
        self._most_held = max(1, round(HELD_S / hop_s))
        self._kept: _Floats = np.empty((_MEAN + 1, 0))  # a row for every figure
        self._middle: _Floats = np.zeros(_MEAN + 1)
        self._spread: _Floats = np.zeros(_MEAN + 1)
        self._next: list[_Floats] = []  # that the past will be renewed with
        self._seen, self._renewed = 0, FEWEST  # windows so far, and when that will be
        self._held = 0  # windows that have changed since any was as before
        self._streak = 0  # that seem to have changed, or to have come back
        self._factor = 0.0  # ln of that by which the power has changed; 0: it has not

    def changed(
        self, features: Features, channel: int, fit: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Whether gain, offset or level differ from the past's, in each of the next windows.

        Parameters
        ----------
        features : Features
        channel : int
        fit : array, shape (n,), bool
            Windows that nothing else makes unfit; only they are kept for later.

        Returns
        -------
        array, shape (n,), uint8
            `GAIN`, `OFFSET`, `DROPOUT` or `OK`.
        """
        now = _figures(features, channel)
        changed = np.full(len(fit), OK, np.uint8)
        begin = 0
        while begin < len(fit):
            # One past for many windows; which ones does not depend on how many come at once.
            end = min(len(fit), begin + self._renewed - self._seen)
            part = slice(begin, end)
            found, factor = self._compare(now[:, part])
            suspect = found != OK
            if self._factor or (found == GAIN).any():
                self._settle(found, factor, fit[part])
            changed[part] = found
            self._held = self._held + int((found[fit[part]] != OK).sum())
            self._next.append(now[:, part][:, fit[part] & ~suspect & (found == OK)])
            self._seen += end - begin
            if self._seen == self._renewed:
                self._renew()
            begin = end
        return changed

    def _compare(self, now: _Floats) -> tuple[NDArray[np.uint8], _Floats]:
        """What each window seems to be, and ln of the factor of its power."""
        changed, factor = np.full(now.shape[1], OK, np.uint8), np.zeros(now.shape[1])
        if self._kept.shape[1] < FEWEST:
            return changed, factor
        shift, spread = now - self._middle[:, None], self._spread
        bands, level, quiet = shift[:_N], shift[_LEVEL], shift[_QUIET]

        least_step = LEAST_STEP * np.exp(np.maximum(self._middle[_LEVEL], now[_LEVEL]) / 2)
        changed[np.abs(shift[_MEAN]) > np.maximum(least_step, 8 * spread[_MEAN])] = OFFSET

        least = max(2 * np.log(LEAST_GAIN), 4 * min(spread[_LEVEL], spread[_QUIET]))
        # A median of so much takes half of the bands; nearly always no window has them.
        if self._factor or ((np.abs(bands) > least).sum(0) >= _N // 2).any():
            factor, is_gain = self._factors(bands, quiet)
            if self._tells_gain:
                changed[is_gain & (np.abs(factor) > least)] = GAIN

        least = 2 * np.log(COLLAPSE) + 3 * (spread[_LEVEL] + spread[_QUIET])
        # The quietest part itself: beside a strong fault's impacts it is a small share, too.
        collapses = np.maximum(quiet, quiet - level) < -least
        changed[collapses | (level < -2 * np.log(SILENCE))] = DROPOUT
        return changed, factor

    def _factors(self, bands: _Floats, quiet: _Floats) -> tuple[_Floats, NDArray[np.bool_]]:
        """Of each window's shifts: ln of the factor of its power, and whether all is by that."""
        ordered, spread = np.sort(bands, axis=0), self._spread
        factor = (ordered[(_N - 1) // 2] + ordered[_N // 2]) / 2
        apart = np.sqrt(((bands - factor) ** 2).mean(0))
        usual = np.sqrt((spread[:_N] ** 2).mean())
        apart_most = min(_ALIKE + usual, 2 * _ALIKE)
        off = np.abs(quiet - factor)
        alike = (apart <= apart_most) & (off <= _ALIKE_QUIET + 2 * spread[_QUIET])
        alike &= (off <= 0.5 * np.abs(factor)) & ((factor < 0) | (factor > 2 * np.log(LEAST_RISE)))
        factor[apart > 2 * apart_most] = 0  # there is none
        return factor, alike

    def _settle(self, found: NDArray[np.uint8], factor: _Floats, fit: NDArray[np.bool_]) -> None:
        """A gain has changed where it lasts; then what is nearer to it than to the past is it."""
        for i in np.flatnonzero(fit):
            if self._factor:
                is_changed = factor[i] / self._factor > 0.5
                self._streak = 0 if is_changed else self._streak + 1
                if is_changed and found[i] in (OK, GAIN):
                    found[i] = GAIN
                    self._factor += 0.1 * (factor[i] - self._factor)
                elif self._streak >= LASTS:
                    self._factor, self._streak = 0.0, 0
            elif found[i] == GAIN:
                self._streak += 1
                is_far = abs(factor[i]) > AT_ONCE * self._spread[_LEVEL]
                if self._streak >= LASTS or (is_far and self._kept.shape[1] >= _STEADY):
                    self._factor, self._streak = float(factor[i]), 0
                else:
                    found[i] = OK
            else:
                self._streak = 0

    def _renew(self) -> None:
        """Take the windows since the last time into the past."""
        new = np.concatenate(self._next, axis=1)
        self._next = []
        self._renewed = 2 * self._seen if self._seen < RENEWED else self._seen + RENEWED
        if new.size and not self._factor:
            self._held = 0
        if self._held > self._most_held:
            self._kept, self._held = self._kept[:, :0], 0
            self._factor, self._streak = 0.0, 0
        elif new.size and not self._factor:
            self._kept = np.concatenate([self._kept, new], axis=1)[:, -KEPT:]
            half = self._kept.shape[1] // 2
            self._middle = np.sort(self._kept)[:, half]
            deviation = np.abs(self._kept - self._middle[:, None])
            self._spread = 1.4826 * np.sort(deviation)[:, half]


def _figures(f: Features, channel: int) -> _Floats:
    """ln of every window's power in bands, all in all and where it is quietest; its mean: rows."""
    figures = np.empty((_MEAN + 1, f.level.shape[1]))
    power = figures[:_MEAN]
    power[:_N] = f.bands[:, channel]
    power[_LEVEL], power[_QUIET] = f.level[channel] ** 2, f.quiet[channel] ** 2
    np.log(np.maximum(power, 1e-30), out=power)
    figures[_MEAN] = f.mean[channel]
    return figures
