"""When the pulses of a tacho channel begin, finer than a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError

_CLEAR = 3.0  # levels apart, in deviations from them: a sine has 4.6, noise alone 2.2


def pulse_times(tacho: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
    """Times of the rising edges in a channel of pulses.

    A pulse begins where the signal rises through the middle between its two levels. It has to come
    from the lowest quarter and get into the highest, so noise on a slow edge counts once.
    The time is interpolated between the two samples around the middle.

    Parameters
    ----------
    tacho : array, shape (samples,)
        Pulses of any unit, height and polarity.
    rate_hz : float > 0

    Returns
    -------
    array, shape (pulses,), float64
        Seconds after the first sample, increasing.

    Raises
    ------
    InputError
        If samples are missing, or there are no pulses.
    """
    x = np.asarray(tacho, np.float64)
    if x.ndim != 1 or len(x) < 2:
        raise InputError(f"got a tacho channel of shape {x.shape}: expected one of two samples up")
    if not np.isfinite(x).all():
        at = int(np.flatnonzero(~np.isfinite(x))[0]) / rate_hz
        raise InputError(f"the tacho channel has no number at {at:.4g} s: cut the recording there")
    low, high = _levels(x)
    quarter = (high - low) / 4
    # +1 above the upper threshold, -1 below the lower one; between them the last one holds.
    state = (x > high - quarter).astype(np.int8) - (x < low + quarter).astype(np.int8)
    decided = np.flatnonzero(state)
    rises = decided[1:][(state[decided[1:]] > 0) & (state[decided[:-1]] < 0)]
    middle = (low + high) / 2
    before = np.flatnonzero((x[:-1] < middle) & (x[1:] >= middle))
    before = before[np.searchsorted(before, rises, side="left") - 1]
    return (before + (middle - x[before]) / (x[before + 1] - x[before])) / rate_hz


def _levels(x: NDArray[np.float64]) -> tuple[float, float]:
    """What a signal stays at between pulses and within them."""
    middle = (x.min() + x.max()) / 2
    below, above = x[x < middle], x[x >= middle]
    if len(below):
        low, high = float(np.median(below)), float(np.median(above))
        deviation = np.sqrt(np.mean(np.concatenate([below - low, above - high]) ** 2))
        if high - low > _CLEAR * deviation:
            return low, high
    raise InputError(
        f"the tacho channel, from {x.min():g} to {x.max():g}, has no pulses: expected a signal "
        "that goes between two levels; is it the right channel?"
    )
