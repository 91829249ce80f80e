"""Sums over cells of 32 samples, from which all windows that share them are judged."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CELL = 32
# First coefficient of each band of a cell's cosine transform: at 12 kHz from 190 Hz, 190 Hz each.
BANDS = (1, 2, 4, 6, 9, 13, 18, 24)
_CHUNK = 2048  # cells of all channels that are worked on at once: they stay in the cache
_ALONE = 2**18  # multiplications in one product that BLAS does without waking its threads
_Floats = NDArray[np.float32]


class Cells(NamedTuple):
    """Of every cell, arrays of shape (channels, cells); samples are about ``origin``.

    ``sums``, shape (2 + bands, channels, cells), holds the sum, the sum of squares of the
    differences of neighbours, and that of the cosine transform in every band of `BANDS`;
    ``extremes``, shape (2, channels, cells), the largest sample and the negative of the smallest,
    so that what is done to one is done to both; ``equal`` is how many samples equal the one before,
    None where none does.
    """

    origin: _Floats  # shape (channels, 1)
    sums: _Floats
    extremes: _Floats
    equal: NDArray[np.uint8] | None


def cells_of(signal: _Floats, cell: int = CELL) -> Cells:
    """Cells of consecutive samples.

    Parameters
    ----------
    signal : array, shape (channels, samples), float32
    cell : int > 0
        Samples of one; what is left at the end is not looked at.
    """
    channels, samples = signal.shape
    n = samples // cell
    cut = signal[:, : n * cell].reshape(channels, n, cell)
    origin = _origin(signal)
    sums = np.empty((2 + len(BANDS), channels, n), np.float32)
    extremes = np.empty((2, channels, n), np.float32)
    equal: NDArray[np.uint8] | None = None
    even, odd, into = _transform(cell)
    half = cell // 2
    pieces = max(1, min(n, round(n * channels / _CHUNK)))
    for begin, end in pairwise(np.linspace(0, n, pieces + 1).astype(int).tolist()):
        # Samples of a cell along the first axis: what is done to all cells is done to whole rows.
        rows = np.empty((cell, channels, end - begin), np.float32)
        np.subtract(cut[:, begin:end].transpose(2, 0, 1), origin[None], out=rows)
        rows.max(0, out=extremes[0, :, begin:end])
        rows.min(0, out=extremes[1, :, begin:end])
        same = rows[1:] == rows[:-1]
        if same.any():
            equal = np.zeros((channels, n), np.uint8) if equal is None else equal
            same.sum(0, dtype=np.uint8, out=equal[:, begin:end])
        # Cosines are even or odd about the middle of a cell, so each meets half as many samples.
        mirrored = rows[::-1][: cell - half]
        spectrum = np.empty((cell, channels * (end - begin)), np.float32)
        folded = (rows[: cell - half] + mirrored).reshape(cell - half, -1)
        product(even, folded, spectrum[: cell - half])
        total = spectrum[0] * np.float32(np.sqrt(cell))
        np.subtract(rows[:half], mirrored[:half], out=rows[:half])
        product(odd, rows[:half].reshape(half, -1), spectrum[cell - half :])
        np.multiply(spectrum, spectrum, out=spectrum)
        summed = np.empty((len(into), spectrum.shape[1]), np.float32)
        product(into, spectrum, summed)
        sums[1:, :, begin:end] = summed.reshape(-1, channels, end - begin)
        sums[0, :, begin:end] = total.reshape(channels, -1)
    np.negative(extremes[1], out=extremes[1])
    return Cells(origin, sums, extremes, equal)


def product(matrix: _Floats, columns: _Floats, out: _Floats) -> None:
    """Some columns at a time: a large product would wake BLAS's threads, which the engine needs."""
    some = max(1, _ALONE // max(1, matrix.size))
    for begin in range(0, columns.shape[1], some):
        np.matmul(matrix, columns[:, begin : begin + some], out=out[:, begin : begin + some])


@lru_cache(maxsize=4)
def _transform(cell: int) -> tuple[_Floats, _Floats, _Floats]:
    """The orthonormal cosine transform (DCT-II) of a cell: its squares sum to those of the cell.

    Its even coefficients of the sums of samples that mirror each other (the middle one of an odd
    cell meets itself), the odd ones of their differences, and what makes `Cells.sums` but the first
    of the squares of both.

    The transform makes differences of neighbours independent: their squares sum to those of its
    coefficients, times 2 - 2 cos(pi k / cell).
    """
    half, k = cell // 2, np.r_[0:cell:2, 1:cell:2]
    angle = np.pi / cell * np.outer(k, np.arange(cell) + 0.5)
    cosines = np.sqrt(2 / cell) * np.cos(angle)
    cosines[0] = np.sqrt(1 / cell)
    even, odd = cosines[: cell - half, : cell - half].copy(), cosines[cell - half :, :half]
    even[:, half:] /= 2
    differences = 2 - 2 * np.cos(np.pi * k / cell)
    band = np.searchsorted(BANDS, k, side="right") - 1
    into = np.vstack([differences, band == np.arange(len(BANDS))[:, None]])
    return even.astype(np.float32), odd.astype(np.float32), into.astype(np.float32)


def _origin(signal: _Floats) -> _Floats:
    """A value near the middle of each channel: sums of squares about it lose few digits."""
    some = signal[:, :: max(1, signal.shape[1] // 64)]
    if not np.isfinite(some).all():
        return np.zeros((len(signal), 1), np.float32)
    middle: _Floats = np.partition(some, some.shape[1] // 2, axis=1)[:, some.shape[1] // 2, None]
    return middle
