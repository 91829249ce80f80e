"""How a healthy machine's power lies over frequency, and how far a window is from that.

A fault that draws no line of its own still changes what is heard: it rings resonances, rubs, or
knocks. So the level in each band is held against the machine's own when it was healthy. The level
is the mean of the bins' logarithms: lines of shaft, gears and mains hardly count, which go up and
down with load and speed on a healthy machine, and are looked at by themselves.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.formats import Finite, Positive, Spread
from dlrsd.runtime.base.numbers import plain

Array = NDArray[np.float64]

BANDS = 12
_LOWEST_HZ = 20.0
# ln of power, 2.2 dB: what load, mounting and temperature move from one day to another. Windows of
# one recording differ by far less, and say nothing of that.
_LEAST_SPREAD = 0.5
LEAST_LIMIT = 3.0  # spreads: no band that moved by less than 6.5 dB makes a signal unknown


class Shape(Struct, frozen=True):
    """Of healthy windows.

    Parameters
    ----------
    edges_hz : list of float
        Of the bands, one more than there are bands.
    mean, spread : lists of float
        Of the natural logarithm of each band's power.

    Raises
    ------
    ValueError
        If they are not as many, or the edges do not rise.
    """

    edges_hz: list[Positive]
    mean: list[Finite]
    spread: list[Spread]

    def __post_init__(self) -> None:
        n = len(self.edges_hz) - 1
        if n < 1 or not n == len(self.mean) == len(self.spread):
            raise ValueError(
                f"{len(self.edges_hz)} edges, {len(self.mean)} means and {len(self.spread)} "
                "spreads, expected one edge more than the others"
            )
        if sorted(set(self.edges_hz)) != self.edges_hz:
            raise ValueError("edges_hz do not rise")


def band_edges(rate_hz: float) -> Array:
    """Edges of `BANDS` log-spaced bands up to 0.4 of the rate, shape (BANDS + 1,), in Hz."""
    return np.geomspace(min(_LOWEST_HZ, rate_hz / 100), 0.4 * rate_hz, BANDS + 1)


def band_levels(x: NDArray[np.floating], rate_hz: float, edges_hz: Array) -> Array:
    """ln of the power in each band, as it would be without lines: of the bins' geometric mean.

    Parameters
    ----------
    x : array, shape (n,), real
        A window of one channel.
    rate_hz : float > 0
    edges_hz : array, shape (bands + 1,)

    Returns
    -------
    array, shape (bands,)
    """
    transform = np.fft.rfft(x - x.mean(dtype=np.float64)) / len(x)
    hann = transform[1:-1] / 2 - (transform[:-2] + transform[2:]) / 4  # bins 1 and on
    power = np.maximum(hann.real**2 + hann.imag**2, np.finfo(np.float64).tiny)
    at = np.clip(np.round(edges_hz * len(x) / rate_hz).astype(np.int64) - 1, 0, len(power) - 1)
    ends = np.maximum(at[1:], at[:-1] + 1)
    logs = np.concatenate([[0.0], np.log(power).cumsum()])
    levels: Array = (logs[ends] - logs[at[:-1]]) / (ends - at[:-1]) + np.log(ends - at[:-1])
    return levels


def shape_of(levels: Array, edges_hz: Array) -> Shape:
    """Robust middle and spread of healthy windows' levels, shape (n, bands)."""
    mean = np.median(levels, axis=0)
    spread = 1.4826 * np.median(np.abs(levels - mean), axis=0)
    return Shape(edges_hz.tolist(), mean.tolist(), np.maximum(spread, _LEAST_SPREAD).tolist())


def distance(levels: Array, shape: Shape) -> Array:
    """The largest distance of a band's level, in spreads; shape (n,)."""
    off = (levels - np.array(shape.mean)) / np.array(shape.spread)
    apart: Array = np.abs(off).max(axis=-1)
    return apart


def difference_in_words(levels: Array, shape: Shape, *, lines_too: bool) -> str:
    """Where a window differs most: "12 dB above the healthy level at 2000 to 3400 Hz".

    Where all bands moved alike, and the shaft's lines with them (``lines_too``: they stand as high
    over the rest as ever), it is as well the sensor, and that is said.
    """
    off = levels - np.array(shape.mean)
    if lines_too and np.std(off) < _LEAST_SPREAD:
        by = 10 / np.log(10) * off.mean()
        return (
            f"the whole level is {abs(by):.0f} dB {'above' if by > 0 else 'below'} the healthy "
            "one, in all bands alike: look at the sensor's gain, unit and mounting first"
        )
    band = int(np.abs(off / np.array(shape.spread)).argmax())
    decibels = 10 / np.log(10) * off[band]
    side = "above" if decibels > 0 else "below"
    low, high = shape.edges_hz[band], shape.edges_hz[band + 1]
    return (
        f"{abs(decibels):.0f} dB {side} the healthy level at {plain(low, 3)} to {plain(high, 3)} Hz"
    )
