"""Limits from training windows: robust, per channel, with a stated margin.

Of every class the extremes are left out, one window in a hundred at either end and at least as many
as one sample can spoil; what lies beyond the outermost class by more than the margin is unfit. So
one bad sample opens no limit, and a class of few windows counts as one of many.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality import close
from dlrsd.runtime.dsp.quality.features import flatness, log_shares, window_features
from dlrsd.runtime.dsp.quality.levels import by_chance, missing_levels
from dlrsd.runtime.dsp.quality.limits import ANY, QUIET_MARGIN, ChannelLimits, QualityLimits

TRIMMED = 0.01  # of a class's windows at either end, at least
LEVEL_MARGIN = 4.0  # a level beyond the trained ones by more than this factor is unfit
_QUIET_SHARE = 2.0
_DRIFT = 3.0
_PEAK, _PEAK_FLOOR = 1.3, 2.8
_NEARER = 0.65  # of the way that is left to white noise; a signal that is nearly noise itself is
_NOISY = 0.965  # not told from it
_EDGE, _EDGE_FLOOR = 1.5, 3.0
_SPECTRUM = 0.7  # in ln of the share of the power: a factor of two
_OFFSET = 0.5  # of the quietest class's level, beside the range of the means once more
_HUM, _HUM_FLOOR = 1.3, 0.5
_EQUAL, _EQUAL_FLOOR = 3.0, 0.03
_LINES = 1.5
_SPREADS = 4.0
_RUN = 2  # times the longest of the training windows
_AT_ONCE = 1024


def learned_limits(
    windows: NDArray[np.float32],
    label: NDArray[np.int64],
    *,
    rate_hz: float,
    shared: NDArray[np.int64] | None = None,
) -> QualityLimits:
    """Limits of what was trained on.

    Parameters
    ----------
    windows : array, shape (n, channels, window), float32
        Training windows that pass `window_quality` without limits of their own.
    label : array, shape (n,), int
        Their classes, 0 to K - 1.
    rate_hz : float > 0
    shared : array, shape (K,), int
        Most windows of each class that one sample is in; 2 unless told.

    Returns
    -------
    QualityLimits
    """
    names = np.unique(label)
    spoiled = np.full(names[-1] + 1, 2) if shared is None else shared
    classes = [(np.flatnonzero(label == one), int(spoiled[one])) for one in names]
    channels, runs = [], [0.0]
    for channel in range(windows.shape[1]):
        figures, shares = _measured(windows[:, channel], rate_hz)
        ranges = [_trimmed(figures[own], n) for own, n in classes]
        low, high = np.min([r[0] for r in ranges], axis=0), np.max([r[1] for r in ranges], axis=0)
        spectra = np.array([_box(shares[own], n) for own, n in classes])
        least, most = _Figures(*low.tolist()), _Figures(*high.tolist())
        channels.append(_limits(least, most, spectra, by_chance(windows.shape[2])))
        runs.append(most.run)
    return QualityLimits(
        stuck_run=max(QualityLimits().stuck_run, _RUN * int(max(runs))),
        level_low=min(c.level_low for c in channels),
        level_high=max(c.level_high for c in channels),
        channels=channels,
    )


class _Figures(NamedTuple):
    """Of a window, or least or most of many; see `ChannelLimits`."""

    level: float
    mean: float
    drift: float
    quiet: float
    quiet_share: float
    hum: float
    equal: float
    lone_peak: float
    edge: float
    run: float
    flatness: float
    lines: float


def _measured(
    windows: NDArray[np.float32], rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Figures of each window, shape (n, `_Figures`), and ln of its bands' shares of power."""
    figures, shares = [], []
    for begin in range(0, len(windows), _AT_ONCE):
        part = np.ascontiguousarray(windows[begin : begin + _AT_ONCE])
        with np.errstate(all="ignore"):
            f = window_features(part[None], rate_hz=rate_hz)
            # In the order of `_Figures`.
            own = [v[0] for v in (f.level, f.mean, f.drift, f.quiet, f.quiet_share, f.hum, f.equal)]
            own += [close.lone_peak(part, f, 0, np.arange(len(part))), close.edge_contrast(part)]
        shares.append(log_shares(f.bands[:, 0]))
        own += [close.longest_run(part), flatness(shares[-1]), missing_levels(part)]
        figures.append(np.array(own, np.float64).T)
    return np.concatenate(figures), np.concatenate(shares)


def _trimmed(
    values: NDArray[np.floating], spoiled: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Least and most of every column, without as many extremes as one bad sample can make."""
    ordered = np.sort(values, axis=0)
    n = len(ordered)
    out = min(max(spoiled, round(TRIMMED * n)), (n - 1) // 2)
    return ordered[out], ordered[n - 1 - out]


def _limits(
    low: _Figures, high: _Figures, spectra: NDArray[np.floating], lines: float
) -> ChannelLimits:
    room = (high.mean - low.mean) + _OFFSET * low.level
    return ChannelLimits(
        level_low=low.level / LEVEL_MARGIN,
        level_high=high.level * LEVEL_MARGIN,
        offset_low=low.mean - room,
        offset_high=high.mean + room,
        drift=_DRIFT * high.drift,
        quiet=low.quiet / QUIET_MARGIN,
        quiet_share=low.quiet_share / _QUIET_SHARE,
        lone_peak=max(_PEAK_FLOOR, _PEAK * high.lone_peak),
        hum=max(_HUM_FLOOR, _HUM * high.hum),
        equal=max(_EQUAL_FLOOR, _EQUAL * high.equal),
        edge=max(_EDGE_FLOOR, _EDGE * high.edge),
        flatness=1 - _NEARER * (1 - high.flatness) if high.flatness < _NOISY else ANY,
        lines=max(lines, _LINES * high.lines),
        spectrum_low=np.round(spectra[:, 0] - _SPECTRUM, 3).tolist(),
        spectrum_high=np.round(spectra[:, 1] + _SPECTRUM, 3).tolist(),
    )


def _box(shares: NDArray[np.floating], spoiled: int) -> NDArray[np.floating]:
    """Least and most in every band of a class's windows, shape (2, bands).

    Few windows do not show how far a class reaches: so many spreads at least.
    """
    low, high = _trimmed(shares, spoiled)
    middle = np.median(shares, axis=0)
    reach = _SPREADS * 1.4826 * np.median(np.abs(shares - middle), axis=0)
    return np.stack([np.minimum(low, middle - reach), np.maximum(high, middle + reach)])
