"""Levels of about one second of acceleration, of many channels at once and quick enough for many.

One transform serves both the velocity and the envelope. It is of the signal in a Hann window, whose
leakage falls with the cube of the distance: neither an offset nor a drift nor the shaft's line
below the band reaches it.

Sources: ISO 20816-1:2016 (velocity, RMS, 10 to 1000 Hz); ISO 2954:2012 (how far an instrument may
be off: 10 %, and 20 % too low at both ends of the band); Randall and Antoni, "Rolling element
bearing diagnostics - A tutorial", MSSP 25 (2011), for the envelope.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.envelope import fast_length

try:  # four times as quick as NumPy's in single precision
    from scipy import fft
except ImportError:
    from numpy import fft

Array = NDArray[np.float64]

VELOCITY_HZ = (10.0, 1000.0)
# The band most instruments take for rolling bearings; to 0.4 of the rate where that is less.
ENVELOPE_HZ = (500.0, 10_000.0)
LEAST_RATE_HZ = 2560.0  # 2.56 times the highest of the velocity, as is the custom
LEAST_S = 0.9  # what is shorter does not tell 10 Hz from what is below
_USABLE = 0.4  # of the rate: above lies what the filter before the converter takes away
_CONSTANT = 2e-6  # of the offset: what rounding leaves of a signal that never changes


class Levels(NamedTuple):
    """Of each channel, shape (channels,); NaN where the signal cannot tell it."""

    velocity_mm_s: Array
    """RMS of the velocity from 10 to 1000 Hz."""
    acceleration_m_s2: Array
    """RMS about the mean."""
    peak_m_s2: Array
    """Largest distance from the mean."""
    crest: Array
    """The peak over the RMS."""
    kurtosis: Array
    """3 for a Gaussian signal."""
    envelope_m_s2: Array
    """RMS of what changes in the envelope of 500 Hz to 10 kHz, or to 0.4 of the rate."""


def levels(samples: NDArray[np.floating[Any]], rate_hz: float) -> Levels:
    """Levels of a stretch of signal without a gap.

    Velocity and envelope weigh the middle of the stretch most; a steady signal's are exact, and so
    is the average over many stretches. A sine at 10 or 1000 Hz itself, the ends of the band, reads
    10 % low.

    Parameters
    ----------
    samples : array, shape (channels, n), n >= 1
        Acceleration in m/s2; single precision is enough and quickest. About one second: the time
        taken is that of a transform of n.
    rate_hz : float > 0
        Below 2560 Hz, or where ``n`` is less than 0.9 s, velocity and envelope are NaN. Crest and
        kurtosis are where the signal never changes, and all are where a sample is not finite.
    """
    with np.errstate(all="ignore"):
        mean = samples.mean(axis=1, keepdims=True)
        x = samples - mean
        n = x.shape[1]
        power = _row_dot(x, x) / n
        peak = np.maximum(x.max(axis=1), -x.min(axis=1)).astype(np.float64)
        squared = x * x
        kurtosis = _row_dot(squared, squared) / n / power**2
        crest = peak / np.sqrt(power)
        constant = peak <= _CONSTANT * np.abs(mean[:, 0])
        crest[constant] = kurtosis[constant] = np.nan
        if rate_hz < LEAST_RATE_HZ or n < LEAST_S * rate_hz:
            velocity = envelope = np.full(len(x), np.nan)
        else:
            kept = _quick_within(n)
            spectrum = fft.rfft(x[:, :kept] * _hann(kept), axis=1)
            velocity = _velocity_mm_s(spectrum, kept, kept / rate_hz)
            envelope = _envelope(spectrum, kept, rate_hz)
        return Levels(velocity, np.sqrt(power), peak, crest, kurtosis, envelope)


def _velocity_mm_s(spectrum: NDArray[Any], n: int, seconds: float) -> Array:
    lower, upper = (limit * seconds for limit in VELOCITY_HZ)
    bins = np.arange(int(np.ceil(lower - 1e-9)), int(upper + 1e-9) + 1)
    band = spectrum[:, bins[0] : bins[-1] + 1]
    power = band.real**2 + band.imag**2
    weights = (1e3 * seconds / (2 * np.pi * bins)) ** 2  # of integration, and m in mm
    # 3/8 is the mean square of the window, and 2 stands for the negative frequencies.
    mean_square: Array = power @ weights * (2 / (0.375 * n * n))
    return np.sqrt(mean_square)


def _envelope(spectrum: NDArray[Any], n: int, rate_hz: float) -> Array:
    lower, upper = ENVELOPE_HZ[0], min(ENVELOPE_HZ[1], _USABLE * rate_hz)
    band = spectrum[:, round(lower * n / rate_hz) : round(upper * n / rate_hz)]
    # One side of the spectrum alone, moved to 0 Hz, is the band's complex envelope at a rate of the
    # band's width; zeros above it change the rate, not what it holds.
    m = fast_length(band.shape[1])
    analytic = fft.ifft(band, m, axis=1)
    size = np.sqrt(analytic.real**2 + analytic.imag**2)
    window = _hann(m)
    # The envelope's mean is of the envelope, not of the envelope in its window.
    mean = (size @ window) / (0.375 * m)
    size -= mean[:, None] * window
    return np.sqrt(_row_dot(size, size) / (0.375 * m)) * (2 * m / n)


def _row_dot(a: NDArray[Any], b: NDArray[Any]) -> Array:
    sums: Array = np.einsum("ij,ij->i", a, b).astype(np.float64)
    return sums


@lru_cache(maxsize=16)
def _hann(n: int) -> NDArray[np.float32]:
    """The window, periodic, so that its sum of squares is 3/8 of n."""
    turn = 2 * np.pi / n * np.arange(n)
    window: NDArray[np.float32] = (0.5 - 0.5 * np.cos(turn)).astype(np.float32)
    window.flags.writeable = False
    return window


@lru_cache(maxsize=64)
def _quick_within(n: int) -> int:
    """The largest product of 2, 3 and 5 that is n or less: a transform of it is quick."""
    return next(m for m in range(n, 0, -1) if fast_length(m) == m)
