"""The order map: how strongly the lines of each bearing fault stand out in the envelope.

A fault rings a resonance once per roller that passes it, so the envelope of the band around that
resonance has lines at multiples of the fault's order (a frequency in multiples of the shaft's
speed). Which band rings is a matter of the machine and differs from bearing to bearing; the orders
follow from the geometry alone, so what is learned on one bearing holds for others, of other types
too. A row of the map is a carrier band, a column a line.

The same code runs on NumPy, CuPy and torch arrays.

Sources: Randall and Antoni, "Rolling element bearing diagnostics - A tutorial", MSSP 25 (2011);
lines, sidebands and harmonics as in Smith and Randall, "Rolling element bearing diagnostics using
the Case Western Reserve University data: A benchmark study", MSSP 64 (2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map_config import (
    LINES,
    ORDERS,
    TOLERANCE,
    Kinematics,
    OrderMapConfig,
    line_orders,
    require_fit,
)

__all__ = ["LINES", "ORDERS", "Kinematics", "OrderMapConfig", "order_map", "require_fit"]

Array = Any  # NumPy, CuPy, torch or another array of the standard

_STEPS = 5  # within the tolerance, at least
# What surrounds a line lies between its own width and half an order, where sidebands begin.
_AROUND = np.array([-0.5, -0.42, -0.34, -0.26, 0.26, 0.34, 0.42, 0.5])
_LEAST_ORDER = 0.15  # what lies below is drift
_FLOOR = 1e-4  # of the envelope's mean: quieter lines are noise
_SILENCE = 1e-6  # in the signal's unit, under the logarithm of a band's level
_PADDING = 4  # of an envelope's FFT: a line between two bins loses a hundredth at most
_TINY = float(np.finfo(np.float32).tiny)
_BATCH = 16  # windows of a channel at a time: what is between two steps stays in a CPU's cache


def order_map(x: Array, config: OrderMapConfig, kinematics: Kinematics) -> Array:
    """How far the envelope's lines stand above what surrounds them, by carrier band.

    Parameters
    ----------
    x : array, shape (..., window), real
        Windows, of NumPy, CuPy, torch or anything NumPy takes.
    config : OrderMapConfig
    kinematics : Kinematics
        Of the machine that all of them are of.

    Returns
    -------
    array, shape (..., n_bands, 32), float32, of the library and on the device of ``x``
        A column for every one of ``LINES``: log of its amplitude over the median of its
        surroundings (noise gives 0.3 to 0.6 on average; the amplitude cancels). In the last the
        log of the band's mean envelope.

    Raises
    ------
    InputError
        If the windows are not ``config.window`` long, or too short for the shaft's speed, or the
        rate is too low for it.
    """
    x = x if is_array_api_obj(x) else np.asarray(x)
    if x.ndim < 1 or x.shape[-1] != config.window:
        raise InputError(
            f"got windows of shape {tuple(x.shape)}: expected (..., {config.window}), as the order "
            "map has it"
        )
    xp = array_namespace(x)
    require_fit(config, kinematics)
    windows = xp.reshape(xp.astype(x, xp.float32), (-1, config.window))
    n = windows.shape[0]
    bands = _bands(config, kinematics)
    firsts = [first for first, _ in bands.gains]
    gains = [xp.asarray(gain, device=device(x)) for _, gain in bands.gains]
    taper, below, share = (
        xp.asarray(part, device=device(x)) for part in (bands.taper, bands.below, bands.share)
    )
    maps = [
        _maps(windows[at : min(at + _BATCH, n), :], firsts, gains, taper, below, share)
        for at in range(0, n, _BATCH)
    ]
    found = xp.concat(maps) if maps else xp.zeros((0, *config.shape), dtype=xp.float32)
    return xp.reshape(found, (*x.shape[:-1], *config.shape))


def _maps(
    windows: Array, firsts: list[int], gains: list[Array], taper: Array, below: Array, share: Array
) -> Array:
    """Maps (n, bands, columns) of windows (n, window)."""
    xp = array_namespace(windows)
    size = taper.shape[0]
    spectrum = xp.fft.rfft(windows)
    envelopes = []
    for first, gain in zip(firsts, gains, strict=True):
        # Moved down to 0 Hz, where few samples hold it: its envelope stays what it is.
        band = spectrum[:, first : first + gain.shape[0]] * gain
        envelopes.append(xp.abs(xp.fft.ifft(band, n=size)))
    envelope = xp.stack(envelopes, axis=1) * (size / windows.shape[1])
    mean = xp.mean(envelope, axis=2, keepdims=True)
    ripple = envelope / (mean + _TINY) - 1
    # By FFT and not as a matrix product: BLAS would spread over cores that others work on.
    bins = xp.abs(xp.fft.rfft(ripple * taper, n=_PADDING * size))
    amplitude = (
        xp.take(bins, below, axis=2) * (1 - share) + xp.take(bins, below + 1, axis=2) * share
    )
    amplitude = xp.reshape(amplitude, (*amplitude.shape[:2], len(LINES), -1))
    steps = amplitude.shape[3] - len(_AROUND)
    line = xp.max(amplitude[..., :steps], axis=3)
    around = xp.sort(amplitude[..., steps:], axis=3)
    half = len(_AROUND) // 2
    median = (around[..., half - 1] + around[..., half]) / 2
    contrast = xp.log(line + _FLOOR) - xp.log(median + _FLOOR)
    # NumPy before 2 transforms in float64.
    return xp.astype(xp.concat([contrast, xp.log(mean + _SILENCE)], axis=2), xp.float32)


@dataclass(frozen=True, eq=False)
class _Bands:
    """First bin and gains of each band; a Hann window over an envelope; and of every frequency
    looked at, the bin below it in the envelope's spectrum, and its way to the next one."""

    gains: list[tuple[int, NDArray[np.float32]]]
    taper: NDArray[np.float32]
    below: NDArray[np.int64]
    share: NDArray[np.float32]


@lru_cache(maxsize=32)  # a data set's machines and speeds
def _bands(config: OrderMapConfig, kinematics: Kinematics) -> _Bands:
    gains = _gains(config)
    shaft_hz = kinematics.speed_rpm / 60
    order = line_orders(kinematics)[:, None]
    seconds = config.window / config.rate_hz
    # A bin apart at most, or a line that slips would fall between two.
    bins = TOLERANCE * order.max() * shaft_hz * seconds
    n_steps = max(_STEPS, 2 * math.ceil(bins) + 1)
    steps = order * (1 + np.linspace(-TOLERANCE, TOLERANCE, n_steps))
    around = np.maximum(order + _AROUND, _LEAST_ORDER)
    hz = np.concatenate([steps, around], axis=1).ravel() * shaft_hz
    # What the widest band's envelope holds besides must not fold down onto the lines, and what
    # surrounds the highest may lie a little higher than that.
    highest = hz.max() * seconds
    needed = highest + max(highest + 1, *(len(gain) for _, gain in gains))
    size = 2 ** math.ceil(math.log2(needed))
    taper = np.hanning(size) / np.hanning(size).sum()
    place = hz * seconds * _PADDING
    below = np.floor(place).astype(np.int64)
    share = (place - below).astype(np.float32)
    return _Bands(gains, taper.astype(np.float32), below, share)


def _gains(config: OrderMapConfig) -> list[tuple[int, NDArray[np.float32]]]:
    """Triangles over log frequency: neighbours overlap by half."""
    edges = config.band_edges_hz
    centre, width = np.sqrt(edges[:-1] * edges[1:]), np.log(edges[1] / edges[0])
    hz = np.maximum(np.fft.rfftfreq(config.window, 1 / config.rate_hz), 1e-9)
    found = []
    for middle in centre:
        gain = np.clip(1 - np.abs(np.log(hz / middle)) / width, 0, 1)
        (bins,) = np.nonzero(gain)
        found.append((int(bins[0]), (2 * gain[bins[0] : bins[-1] + 1]).astype(np.float32)))
    return found
