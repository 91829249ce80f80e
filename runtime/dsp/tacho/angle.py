"""A signal at equal angles of the shaft, where every order is a line whatever the speed does.

Order tracking by computed resampling. Source: Fyfe and Munck, "Analysis of computed order
tracking", Mechanical Systems and Signal Processing 11 (1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.tacho.shaft import Shaft

_CROSSINGS = 24  # of the kernel's zeros on each side
_BETA = 8.0  # of its Kaiser window: 80 dB
_CUT_OFF = 0.9  # of what the finer of both grids can hold
_STEPS = 512  # of the kernel's table to a crossing: linear between, it is off by less than 1e-5
_MOST_TAPS = 20_001
_BLOCK = 1_000_000  # values of kernels at once


@dataclass(frozen=True)
class AngleSignal:
    """Samples at equal angles.

    Parameters
    ----------
    samples : array, shape (channels, n), float32
    per_turn : int > 0
        Samples of a turn: orders up to half as many can be seen.
    first_turn : float >= 0
        Where the first sample lies, in turns of the shaft it was made with.
    """

    samples: NDArray[np.float32]
    per_turn: int
    first_turn: float


def to_angle(
    signal: ArrayLike, rate_hz: float, shaft: Shaft, *, per_turn: int | None = None
) -> AngleSignal:
    """A signal resampled to equal angles.

    The kernel is a windowed sinc, of linear phase. It cuts off at 0.9 of what the finer of both
    grids can hold at the speed of the moment, so nothing is folded into the orders that are kept.

    Parameters
    ----------
    signal : array, shape (channels, samples)
        Its first sample is at 0 s of ``shaft``.
    rate_hz : float > 0
    shaft : Shaft
    per_turn : int > 1, optional
        Samples of a turn; by default the power of two that keeps the signal's whole band.

    Returns
    -------
    AngleSignal
        From the first angle to the last one that is known and has the kernel's samples around it.

    Raises
    ------
    InputError
        If the shaft hardly turns while there is signal, or so few samples a turn would need a
        kernel of more than 20,001 taps.
    """
    x = np.atleast_2d(np.asarray(signal, np.float32))
    speed_hz = np.diff(shaft.turns) / np.diff(shaft.times_s)
    slowest = float(speed_hz.min())
    per_turn = per_turn or 2 ** ceil(log2(rate_hz / slowest))
    reach = ceil(_CROSSINGS / _cut_off(slowest, rate_hz, per_turn))
    if 2 * reach + 1 > _MOST_TAPS:
        raise InputError(
            f"{per_turn} samples a turn at {60 * slowest:.4g} rpm are too few for a rate of "
            f"{rate_hz:g} Hz: take more samples a turn, or resample the signal first"
        )
    ends = np.array([reach, x.shape[1] - 1 - reach]) / rate_hz
    known = np.clip(ends, shaft.times_s[0], shaft.times_s[-1])
    first, last = shaft.turns_at(known) * per_turn
    grid = np.arange(ceil(first), int(last) + 1)
    if ends[0] >= ends[1] or len(grid) < 2:
        raise InputError(
            f"a signal of {x.shape[1] / rate_hz:.4g} s is too short to be resampled to the angle: "
            "expected several turns with a tacho"
        )
    times = shaft.times_at(grid / per_turn)
    cut_off = _cut_off(shaft.speed_rpm_at(times) / 60, rate_hz, per_turn)
    taken = np.empty((len(x), len(grid)), np.float32)
    block = max(1, _BLOCK // (2 * reach + 1))
    for start in range(0, len(grid), block):
        part = slice(start, start + block)
        taken[:, part] = _interpolated(x, times[part] * rate_hz, cut_off[part], reach)
    return AngleSignal(taken, per_turn, float(grid[0] / per_turn))


def _cut_off(speed_hz: ArrayLike, rate_hz: float, per_turn: int) -> NDArray[np.float64]:
    """As a share of the signal's Nyquist frequency."""
    return _CUT_OFF * np.minimum(1.0, np.asarray(speed_hz) * per_turn / rate_hz)


def _kernel() -> NDArray[np.float64]:
    """The windowed sinc from its middle on, and zeros behind its end."""
    crossings = np.arange(_CROSSINGS * _STEPS + 1) / _STEPS
    window = np.i0(_BETA * np.sqrt(1 - (crossings / _CROSSINGS) ** 2)) / np.i0(_BETA)
    return np.append(np.sinc(crossings) * window, np.zeros(2))


_KERNEL = _kernel()
_SLOPE = np.append(np.diff(_KERNEL), 0.0)


def _interpolated(
    x: NDArray[np.float32], at: NDArray[np.float64], cut_off: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """Values at positions in samples: shape (channels, positions)."""
    index = np.round(at).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    index = np.clip(index, 0, x.shape[1] - 1)  # beyond the ends the kernel is zero
    place = np.abs(index - at[:, None]) * (cut_off[:, None] * _STEPS)
    np.minimum(place, len(_KERNEL) - 1, out=place)
    step = place.astype(np.int64)
    kernel = _KERNEL[step] + _SLOPE[step] * (place - step)
    kernel /= kernel.sum(axis=1, keepdims=True)
    values: NDArray[np.float64] = np.einsum("pt,cpt->cp", kernel, x[:, index])
    return values
