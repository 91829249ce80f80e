"""Limits from training windows: robust, per channel, with a stated margin.

Of every class the extremes are left out, one window in a hundred and one at least at either end;
what lies beyond the outermost class by more than the margin is unfit. So one bad window opens no
limit, and a class of few windows counts as one of many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality import close
from dlrsd.runtime.dsp.quality.features import Features, log_shares, window_features
from dlrsd.runtime.dsp.quality.limits import ChannelLimits, QualityLimits

TRIMMED = 0.01  # of a class's windows at either end
LEVEL_MARGIN = 4.0  # a level beyond the trained ones by more than this factor is unfit
_QUIET, _QUIET_SHARE = 4.0, 2.0
_DRIFT = 3.0
_PEAK = 1.3
_EDGE, _EDGE_FLOOR = 1.5, 3.0
_SPECTRUM = 0.7  # in ln of the share of the power: a factor of two
_OFFSET = 0.5  # of the quietest class's level, beside the range of the means once more
_HUM, _HUM_FLOOR = 1.3, 0.5
_EQUAL, _EQUAL_FLOOR = 3.0, 0.03
_RUN = 2  # times the longest of the training windows


def learned_limits(
    windows: NDArray[np.float32], label: NDArray[np.int64], *, rate_hz: float
) -> QualityLimits:
    """Limits of what was trained on.

    Parameters
    ----------
    windows : array, shape (n, channels, window), float32
        Training windows that pass `window_quality` without limits of their own.
    label : array, shape (n,), int
        Their classes.
    rate_hz : float > 0

    Returns
    -------
    QualityLimits
    """
    of_channels = windows.swapaxes(0, 1)
    with np.errstate(all="ignore"):
        features = window_features(of_channels, rate_hz=rate_hz)
        channels = [
            _limits(of_channels[channel], features, channel, label)
            for channel in range(len(of_channels))
        ]
    run = max(int(_trimmed(close.longest_run(w), label)[1]) for w in of_channels)
    return QualityLimits(
        stuck_run=max(QualityLimits().stuck_run, _RUN * run),
        level_low=min(c.level_low for c in channels),
        level_high=max(c.level_high for c in channels),
        channels=channels,
    )


def _limits(
    windows: NDArray[np.float32], f: Features, channel: int, label: NDArray[np.int64]
) -> ChannelLimits:
    def both(values: NDArray[np.float32]) -> tuple[float, float]:
        return _trimmed(values[channel], label)

    (low, high), (least, most) = both(f.level), both(f.mean)
    room = (most - least) + _OFFSET * low
    spectrum_low, spectrum_high = _spectra(f, channel, label)
    peak = close.lone_peak(windows, f.mean[channel])
    return ChannelLimits(
        level_low=low / LEVEL_MARGIN,
        level_high=high * LEVEL_MARGIN,
        offset_low=least - room,
        offset_high=most + room,
        drift=_DRIFT * both(f.drift)[1],
        quiet=both(f.quiet)[0] / _QUIET,
        quiet_share=both(f.quiet_share)[0] / _QUIET_SHARE,
        lone_peak=_PEAK * _trimmed(peak, label)[1],
        hum=max(_HUM_FLOOR, _HUM * both(f.hum)[1]),
        equal=max(_EQUAL_FLOOR, _EQUAL * both(f.equal)[1]),
        edge=max(_EDGE_FLOOR, _EDGE * _trimmed(close.edge_contrast(windows), label)[1]),
        spectrum_low=spectrum_low,
        spectrum_high=spectrum_high,
    )


def _spectra(
    f: Features, channel: int, label: NDArray[np.int64]
) -> tuple[list[list[float]], list[list[float]]]:
    """Of each class, in every band, the least and the largest share of the power."""
    shares = log_shares(f.bands[:, channel])
    low, high = [], []
    for one in np.unique(label):
        own = np.array([_trimmed(band, np.zeros(len(band))) for band in shares[label == one].T])
        low.append(np.round(own[:, 0] - _SPECTRUM, 3).tolist())
        high.append(np.round(own[:, 1] + _SPECTRUM, 3).tolist())
    return low, high


def _trimmed(values: NDArray[np.generic], label: NDArray[np.int64]) -> tuple[float, float]:
    """The range of the classes' values, each without its extremes."""
    lows, highs = [], []
    for one in np.unique(label):
        own = np.sort(values[label == one])
        out = 0 if len(own) < 3 else max(1, round(TRIMMED * len(own)))
        lows.append(own[out])
        highs.append(own[-1 - out])
    return float(min(lows)), float(max(highs))
