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
_COLUMNS = 256
_CHUNK = 2048  # cells that are worked on at once: they stay in the cache
_Floats = NDArray[np.float32]


class Cells(NamedTuple):
    """Of every cell, arrays of shape (channels, cells); samples are about ``origin``.

    ``sums``, shape (2 + bands, channels, cells), holds the sum, the sum of squares of the
    differences of neighbours, and that of the cosine transform in every band of `BANDS`; ``equal``
    is how many samples equal the one before, None where none does.
    """

    origin: _Floats  # shape (channels, 1)
    sums: _Floats
    high: _Floats
    low: _Floats
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
    high, low = np.empty((2, channels, n), np.float32)
    equal: NDArray[np.uint8] | None = None
    cosines, into = _cosines(cell), _into_sums(cell)
    pieces = max(1, round(n / _CHUNK))
    for begin, end in pairwise(np.linspace(0, n, pieces + 1).astype(int).tolist()):
        # Samples of a cell along the first axis: what is done to all cells is done to whole rows.
        rows = np.empty((cell, channels, end - begin), np.float32)
        np.subtract(cut[:, begin:end].transpose(2, 0, 1), origin[None], out=rows)
        rows.max(0, out=high[:, begin:end])
        rows.min(0, out=low[:, begin:end])
        same = rows[1:] == rows[:-1]
        if same.any():
            equal = np.zeros((channels, n), np.uint8) if equal is None else equal
            same.sum(0, dtype=np.uint8, out=equal[:, begin:end])
        spectrum = _product(cosines, rows.reshape(cell, -1))
        total = spectrum[0] * np.float32(np.sqrt(cell))
        np.multiply(spectrum, spectrum, out=spectrum)
        sums[1:, :, begin:end] = _product(into, spectrum).reshape(-1, channels, end - begin)
        sums[0, :, begin:end] = total.reshape(channels, -1)
    return Cells(origin, sums, high, low, equal)


def _product(matrix: _Floats, columns: _Floats) -> _Floats:
    """Some columns at a time: a large product would wake BLAS's threads, which the engine needs."""
    made = np.empty((len(matrix), columns.shape[1]), np.float32)
    for begin in range(0, columns.shape[1], _COLUMNS):
        part = slice(begin, begin + _COLUMNS)
        np.matmul(matrix, columns[:, part], out=made[:, part])
    return made


@lru_cache(maxsize=4)
def _cosines(cell: int) -> _Floats:
    """The orthonormal cosine transform (DCT-II) of a cell: its squares sum to those of the cell."""
    angle = np.pi / cell * np.outer(np.arange(cell), np.arange(cell) + 0.5)
    transform: _Floats = (np.sqrt(2 / cell) * np.cos(angle)).astype(np.float32)
    transform[0] = np.sqrt(1 / cell)
    return transform


@lru_cache(maxsize=4)
def _into_sums(cell: int) -> _Floats:
    """From the squares of a cell's cosine transform to `Cells.sums` but the first.

    The transform makes differences of neighbours independent: their squares sum to those of its
    coefficients, times 2 - 2 cos(pi k / cell).
    """
    k = np.arange(cell)
    differences = 2 - 2 * np.cos(np.pi * k / cell)
    band = np.searchsorted(BANDS, k, side="right") - 1
    return np.vstack([differences, band == np.arange(len(BANDS))[:, None]]).astype(np.float32)


def _origin(signal: _Floats) -> _Floats:
    """A value near the middle of each channel: sums of squares about it lose few digits."""
    some = signal[:, :: max(1, signal.shape[1] // 64)]
    if not np.isfinite(some).all():
        return np.zeros((len(signal), 1), np.float32)
    middle: _Floats = np.partition(some, some.shape[1] // 2, axis=1)[:, some.shape[1] // 2, None]
    return middle
