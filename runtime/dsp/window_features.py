"""Features of a window that a practitioner tries first: of time, spectrum and envelope.

Frequencies are looked at up to 0.375 x rate, as the front ends do: above it lies what an
anti-aliasing filter left. Where the shaft's speed and the bearing's orders are known and a window
holds enough turns, the envelope's lines at these orders are features too.

Sources: Randall and Antoni, "Rolling element bearing diagnostics - A tutorial", MSSP 25 (2011), for
the envelope; Borghesani et al., "Application of cepstrum pre-whitening for the diagnosis of bearing
faults under variable speed conditions", MSSP 36 (2013), for prewhitening; time and spectrum
features as in Lei et al., "A new approach to intelligent fault diagnosis of rotating machinery",
Expert Systems with Applications 35 (2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.order_map_config import (
    LINES,
    REVOLUTIONS,
    TOLERANCE,
    Kinematics,
    line_orders,
)

Array = NDArray[np.floating[Any]]

_TOP = 0.375  # of the rate
_BANDS = 12  # of the spectrum, log-spaced
_ENVELOPE_BANDS = 8
N_FEATURES = 12 + _BANDS + 3 + _ENVELOPE_BANDS + len(LINES)  # with amplitude and lines
_PADDING = 2  # of an envelope's FFT
_BESIDE = 0.35  # orders around a line, where no sideband of the shaft lies
_LEAST_BESIDE = 8  # bins of what surrounds a line, at least
_AT_ONCE = 1 << 18  # samples; few enough to stay in the cache
_TINY = 1e-20
_STILL = 1e-12  # of a row's largest value: what varies less is rounding


def window_features(
    windows: Array,
    rate_hz: float,
    machines: NDArray[np.float64] | None = None,
    *,
    level: bool = True,
) -> Array:
    """Features of windows, those of all channels side by side.

    Parameters
    ----------
    windows : array, shape (n, channels, length), finite
    rate_hz : float > 0
    machines : array, shape (n, 5), optional
        Of every window speed in 1/min and orders bpfo, bpfi, bsf, ftf.
    level : bool
        Whether amplitude counts: it does on one machine, and says nothing across machines whose
        gains differ. Without it no feature changes when a window is multiplied.

    Returns
    -------
    array, shape (n, channels x features), float64, finite
        12 of time and spectrum (2 fewer without ``level``), 12 log energies of bands, 11 of the
        envelope; with ``machines`` the 31 lines of the envelope as of `envelope_lines`.
    """
    n, channels, length = windows.shape
    parts = []
    step = max(1, _AT_ONCE // max(1, channels * length))
    for first in range(0, n, step):
        rows = slice(first, first + step)
        x = windows[rows].reshape(-1, length).astype(np.float64)
        envelope = _envelope(x, rate_hz, prewhitened=False)
        spectrum = _envelope_spectrum(envelope)
        found = [
            _of_time_and_spectrum(x, rate_hz, level),
            _of_envelope(envelope, spectrum, rate_hz),
        ]
        if machines is not None:
            own = np.repeat(machines[rows], channels, axis=0)
            found.append(_lines(spectrum, rate_hz / length, own))
        parts.append(np.concatenate(found, axis=1).reshape(len(windows[rows]), -1))
    return np.concatenate(parts) if parts else np.zeros((0, 0))


def holds_lines(machines: NDArray[np.float64], rate_hz: float, length: int) -> bool:
    """Whether windows of such a length tell the lines of these machines, shape (n, 5), apart."""
    turns = machines[:, 0] / 60 * length / rate_hz
    return bool((turns >= REVOLUTIONS).all())


def envelope_lines(
    x: Array, rate_hz: float, machines: NDArray[np.float64], *, prewhitened: bool = False
) -> Array:
    """How far the squared envelope's lines stand above what surrounds them.

    Parameters
    ----------
    x : array, shape (n, length)
    rate_hz : float > 0
    machines : array, shape (n, 5)
        As of `window_features`.
    prewhitened : bool
        Whether every frequency weighs the same, so that neither resonances nor the shaft's own
        lines decide.

    Returns
    -------
    array, shape (n, 31), float64
        For each of `dlrsd.runtime.dsp.order_map.LINES` the log of its amplitude over the median of
        its surroundings; 0 for a line that lies above what an envelope can hold.
    """
    spectrum = _envelope_spectrum(_envelope(x, rate_hz, prewhitened))
    return _lines(spectrum, rate_hz / x.shape[1], machines)


def _lines(spectrum: Array, resolution_hz: float, machines: NDArray[np.float64]) -> Array:
    bin_hz = resolution_hz / _PADDING
    kinds, which = np.unique(machines, axis=0, return_inverse=True)
    found = np.zeros((len(spectrum), len(LINES)))
    for index, kind in enumerate(kinds.tolist()):
        machine = Kinematics(*kind)
        own = np.flatnonzero(which.ravel() == index)
        turn = machine.speed_rpm / 60
        for column, order in enumerate(line_orders(machine)):
            found[own, column] = _contrast(spectrum[own], order * turn, turn, bin_hz)
    return found


def _contrast(spectrum: Array, hz: float, turn_hz: float, bin_hz: float) -> Array:
    at, reach = round(hz / bin_hz), max(_PADDING, round(TOLERANCE * hz / bin_hz))
    wide = max(reach + _LEAST_BESIDE, round(_BESIDE * turn_hz / bin_hz))
    if at + reach >= spectrum.shape[1]:
        return np.zeros(len(spectrum))
    line = spectrum[:, max(1, at - reach) : at + reach + 1].max(axis=1)
    below = spectrum[:, max(1, at - wide) : max(1, at - reach)]
    above = spectrum[:, at + reach + 1 : at + wide + 1]
    beside = np.median(np.concatenate([below, above], axis=1), axis=1)
    return np.asarray(np.log((line + _TINY) / (beside + _TINY)))


def _of_time_and_spectrum(x: Array, rate_hz: float, level: bool) -> Array:
    x = x - x.mean(axis=1, keepdims=True)
    rms = np.sqrt((x**2).mean(axis=1)) + _TINY
    size, peak = np.abs(x).mean(axis=1) + _TINY, np.abs(x).max(axis=1) + _TINY
    root = np.sqrt(np.abs(x)).mean(axis=1) ** 2 + _TINY
    hz, power = _power(x, rate_hz)
    share = power / (power.sum(axis=1, keepdims=True) + _TINY)
    centre = share @ hz
    spread = np.sqrt(np.maximum(share @ hz**2 - centre**2, 0))
    entropy = -(share * np.log(share + _TINY)).sum(axis=1)
    edges = np.geomspace(rate_hz / 128, _TOP * rate_hz, _BANDS + 1)
    bands = _banded(power if level else share, hz, edges)
    skew, kurtosis = _moments(x)
    shape = [peak / rms, peak / size, peak / root, rms / size, kurtosis, skew]
    tonal = share.max(axis=1)
    found = [*shape, centre / rate_hz, spread / rate_hz, entropy, tonal]
    found += [np.log(rms), np.log(peak)] if level else []
    return np.concatenate([np.stack(found, axis=1), bands], axis=1)


def _of_envelope(envelope: Array, spectrum: Array, rate_hz: float) -> Array:
    hz = np.fft.rfftfreq(_PADDING * envelope.shape[1], 1 / rate_hz)
    edges = np.geomspace(rate_hz / 512, rate_hz / 8, _ENVELOPE_BANDS + 1)
    inside = np.flatnonzero((hz >= edges[0]) & (hz < edges[-1]))
    power: Array = spectrum[:, inside] ** 2
    total = power.sum(axis=1, keepdims=True) + _TINY
    top = power.argmax(axis=1)
    found = [
        _moments(envelope)[1],
        np.log(power.max(axis=1) + _TINY) - np.log(np.median(power, axis=1) + _TINY),
        np.log(hz[inside][top] / rate_hz),
    ]
    return np.concatenate(
        [np.stack(found, axis=1), _banded(power / total, hz[inside], edges)], axis=1
    )


def _power(x: Array, rate_hz: float) -> tuple[Array, Array]:
    hz = np.fft.rfftfreq(x.shape[1], 1 / rate_hz)
    inside = (hz > 0) & (hz <= _TOP * rate_hz)
    lines: Array = np.abs(np.fft.rfft(x * np.hanning(x.shape[1]))) / x.shape[1]
    return hz[inside], lines[:, inside] ** 2


def _banded(power: Array, hz: Array, edges: Array) -> Array:
    """Log energies between edges, shape (n, bands)."""
    band = np.searchsorted(edges, hz, side="right") - 1
    return np.stack(
        [np.log(power[:, band == k].sum(axis=1) + 1e-12) for k in range(len(edges) - 1)], axis=1
    )


def _envelope(x: Array, rate_hz: float, prewhitened: bool) -> Array:
    """Squared envelope over its mean, of what lies between 1/24 and 0.375 of the rate."""
    spectrum = np.fft.rfft(x)
    hz = np.fft.rfftfreq(x.shape[1], 1 / rate_hz)
    spectrum[:, (hz < rate_hz / 24) | (hz > _TOP * rate_hz)] = 0
    if prewhitened:
        spectrum /= np.maximum(np.abs(spectrum), _TINY)
    # Of one side of the spectrum alone: the analytic signal, but for a factor.
    analytic = np.fft.ifft(spectrum, x.shape[1])
    envelope = analytic.real**2 + analytic.imag**2
    return np.asarray(envelope / (envelope.mean(axis=1, keepdims=True) + _TINY))


def _envelope_spectrum(envelope: Array) -> Array:
    ripple = (envelope - envelope.mean(axis=1, keepdims=True)) * np.hanning(envelope.shape[1])
    return np.asarray(np.abs(np.fft.rfft(ripple, _PADDING * envelope.shape[1])))


def _moments(x: Array) -> tuple[Array, Array]:
    """Skewness and excess kurtosis of each row; 0 where a row does not vary."""
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1)
    varies = variance > (_STILL * np.abs(x).max(axis=1)) ** 2
    spread = np.sqrt(np.where(varies, variance, 1.0))[:, None]
    scaled = np.where(varies[:, None], centred / spread, 0.0)
    squared = scaled * scaled
    skew = (squared * scaled).mean(axis=1)
    return skew, np.where(varies, (squared * squared).mean(axis=1) - 3, 0.0)
