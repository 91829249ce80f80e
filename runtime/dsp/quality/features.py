"""What the checks know of each window: a few numbers, from sums over cells of 32 samples.

The signal is read once, cell by cell, and windows that overlap share their cells; everything later
works on a thirty-second of the samples. A cell's differences are those inside it, so that a window
says the same whatever stands before it.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

CELL = 32
MAINS_HZ = (50.0, 60.0)
_CHUNK = 2048  # cells that are worked on at once: they stay in the cache
_Floats = NDArray[np.float32]


class Cells(NamedTuple):
    """Of every cell, arrays of shape (channels, cells); samples are about ``origin``.

    ``first`` is the sum of squares of the differences of neighbours, ``bands`` that of the cell's
    cosine transform in every band of `BANDS`, shape (bands, channels, cells), ``equal`` how many
    samples equal the one before.
    """

    origin: _Floats  # shape (channels, 1)
    total: _Floats
    first: _Floats
    high: _Floats
    low: _Floats
    equal: NDArray[np.uint8]
    bands: _Floats


class Features(NamedTuple):
    """Of every window, arrays of shape (channels, windows); see `ChannelLimits`.

    ``high`` and ``low`` are the extremes, ``peak`` the larger of them about the mean, ``against``
    what its own cell reaches on the other side; ``near`` is the larger share of the cells that come close to the one or the other (`NEAR`),
    ``repeated`` the more cells that reach it. ``most_equal`` is the most of one cell. ``bands`` is the power in every band of `BANDS`, shape (bands, channels, windows).
    """

    mean: _Floats
    level: _Floats
    drift: _Floats
    quiet: _Floats
    quiet_share: _Floats
    hum: _Floats
    equal: _Floats
    bands: _Floats
    high: _Floats
    low: _Floats
    peak: _Floats
    against: _Floats
    near: _Floats
    repeated: NDArray[np.int64]
    most_equal: NDArray[np.uint8]


NEAR = 0.04  # of the window's range
# First coefficient of each band of a cell's cosine transform: at 12 kHz from 190 Hz, 190 Hz each.
BANDS = (1, 2, 4, 6, 9, 13, 18, 24)


def stream_features(signal: _Floats, *, window: int, hop: int, rate_hz: float | None) -> Features:
    """Features of all windows of consecutive samples.

    Parameters
    ----------
    signal : array, shape (channels, samples), float32
        The first window begins with it, the last one ends with it.
    window, hop : int > 0
        In samples.
    rate_hz : float, optional
        Without it hum is 0.
    """
    if window % CELL or hop % CELL or hop > window:
        windows = sliding_window_view(signal, window, axis=1)[:, ::hop]
        return window_features(windows, rate_hz=rate_hz)
    size = window // CELL
    return _combined(_cells(signal), size, hop // CELL, rate_hz)


def window_features(windows: _Floats, *, rate_hz: float | None) -> Features:
    """Features of windows that need not follow each other.

    Where the window is no multiple of a cell, the last cell overlaps the one before.

    Parameters
    ----------
    windows : array, shape (channels, n, window), float32
    rate_hz : float, optional
    """
    channels, n, window = windows.shape
    cell = min(CELL, window)
    size = window // cell
    flat = windows
    if window % cell:
        size += 1
        where = np.r_[0 : window // cell * cell, window - cell : window]
        flat = windows[..., where]
    found = _cells(np.ascontiguousarray(flat).reshape(channels, -1), cell)
    return _combined(found, size, size, rate_hz, cell)


def _cells(signal: _Floats, cell: int = CELL) -> Cells:
    channels, samples = signal.shape
    n = samples // cell
    cut = signal[:, : n * cell].reshape(channels, n, cell)
    origin = _origin(signal)
    made = Cells(
        origin,
        *(np.empty((channels, n), np.float32) for _ in range(4)),
        np.empty((channels, n), np.uint8),
        np.empty((len(BANDS), channels, n), np.float32),
    )
    cosines, into = _cosines(cell), _into_bands(cell)
    for begin in range(0, n, _CHUNK):
        part = slice(begin, min(begin + _CHUNK, n))
        # Samples of a cell along the first axis: sums over it are sums of whole rows.
        rows = np.empty((cell, channels, part.stop - begin), np.float32)
        np.subtract(cut[:, part].transpose(2, 0, 1), origin[None], out=rows)
        rows.max(0, out=made.high[:, part])
        rows.min(0, out=made.low[:, part])
        np.equal(rows[1:], rows[:-1]).sum(0, dtype=np.uint8, out=made.equal[:, part])
        first = rows[1:] - rows[:-1]
        np.multiply(first, first, out=first)
        first.sum(0, out=made.first[:, part])
        spectrum = cosines @ rows.reshape(cell, -1)
        made.total[:, part] = spectrum[0].reshape(channels, -1) * np.float32(np.sqrt(cell))
        np.multiply(spectrum, spectrum, out=spectrum)
        made.bands[:, :, part] = (into @ spectrum).reshape(len(BANDS), channels, -1)
    return made


@lru_cache(maxsize=4)
def _cosines(cell: int) -> _Floats:
    """The orthonormal cosine transform (DCT-II) of a cell: its squares sum to those of the cell."""
    angle = np.pi / cell * np.outer(np.arange(cell), np.arange(cell) + 0.5)
    transform = np.sqrt(2 / cell) * np.cos(angle)
    transform[0] = np.sqrt(1 / cell)
    return transform.astype(np.float32)


@lru_cache(maxsize=4)
def _into_bands(cell: int) -> _Floats:
    """Which coefficient belongs to which band, shape (bands, cell) of 0 and 1; the mean to none."""
    band = np.searchsorted(BANDS, np.arange(cell), side="right") - 1
    return (band == np.arange(len(BANDS))[:, None]).astype(np.float32)


def _origin(signal: _Floats) -> _Floats:
    """A value near the middle of each channel: sums of squares about it lose few digits."""
    some = signal[:, :: max(1, signal.shape[1] // 64)]
    if not np.isfinite(some).all():
        return np.zeros((len(signal), 1), np.float32)
    return np.partition(some, some.shape[1] // 2, axis=1)[:, some.shape[1] // 2, None]


def _combined(
    cells: Cells, size: int, step: int, rate_hz: float | None, cell: int = CELL
) -> Features:
    window = size * cell
    inside = size * max(1, cell - 1)  # differences
    blocks = gcd(size, step)
    ones = np.ones(blocks, np.float32)

    def windows_of(part: _Floats, reduce: np.ufunc) -> _Floats:
        """Of blocks of cells."""
        last = part.shape[-1] - size // blocks + 1
        found: _Floats = part[..., : last : step // blocks]
        for later in range(1, size // blocks):
            found = reduce(found, part[..., later : last + later : step // blocks])
        return found

    def total(values: _Floats) -> _Floats:
        """Over the cells of every window; a product is the fastest sum."""
        return windows_of(values.reshape(*values.shape[:-1], -1, blocks) @ ones, np.add)

    def extreme(values: _Floats, reduce: np.ufunc) -> _Floats:
        grouped = values.reshape(len(values), -1, blocks).transpose(2, 0, 1)
        return windows_of(reduce.reduce(np.ascontiguousarray(grouped), axis=0), reduce)

    def view(values: _Floats) -> _Floats:
        return sliding_window_view(values, size, axis=1)[:, ::step]

    middle = total(cells.total) / window
    means = view(cells.total) / cell - middle[..., None]
    slow = np.einsum("cnk,cnk->cn", means, means) / size
    bands = total(cells.bands) / window
    square = bands.sum(0) + slow
    first = total(cells.first) / inside
    high, low = extreme(cells.high, np.maximum), extreme(cells.low, np.minimum)
    highs, lows = view(cells.high), view(cells.low)
    near = NEAR * (high - low)
    quiet = _quietest(cells.first, size, step) / max(1, cell - 1)
    drift, hum = _slow_parts(means, square, rate_hz, cell)
    return Features(
        mean=middle + cells.origin,
        level=np.sqrt(square),
        drift=drift,
        quiet=np.sqrt(quiet),
        quiet_share=np.sqrt(quiet / np.maximum(first, np.float32(1e-30))),
        hum=hum,
        equal=total(cells.equal.astype(np.float32)) / inside,
        bands=bands,
        high=high + cells.origin,
        low=low + cells.origin,
        peak=np.maximum(high - middle, middle - low),
        against=_against(highs, lows, middle),
        near=np.maximum(
            (highs >= (high - near)[..., None]).mean(-1, dtype=np.float32),
            (lows <= (low + near)[..., None]).mean(-1, dtype=np.float32),
        ),
        repeated=np.maximum((highs == high[..., None]).sum(-1), (lows == low[..., None]).sum(-1)),
        most_equal=extreme(cells.equal, np.maximum),
    )


def _quietest(first: _Floats, size: int, step: int) -> _Floats:
    """The larger of two neighbouring cells' differences, where that is least in a window."""
    pairs = np.maximum(first[:, 1:], first[:, :-1]) if size > 1 else first
    wide = max(1, size - 1)
    least: _Floats = sliding_window_view(pairs, wide, axis=1)[:, ::step].min(-1)
    return least


def _against(highs: _Floats, lows: _Floats, middle: _Floats) -> _Floats:
    """What stands against a window's peak in its own cell: the extreme on the other side."""
    top, bottom = highs.argmax(-1)[..., None], lows.argmin(-1)[..., None]
    above = np.take_along_axis(highs, top, -1)[..., 0] - middle
    below = middle - np.take_along_axis(lows, bottom, -1)[..., 0]
    under = middle - np.take_along_axis(lows, top, -1)[..., 0]
    over = np.take_along_axis(highs, bottom, -1)[..., 0] - middle
    against: _Floats = np.where(above >= below, under, over)
    return against


def log_shares(bands: _Floats) -> _Floats:
    """Of bands of shape (bands, n): ln of each one's share of the power, shape (n, bands)."""
    power = np.maximum(bands.T, np.float32(1e-30))
    shares: _Floats = np.log(power / power.sum(1, keepdims=True))
    return shares


def _slow_parts(
    means: _Floats, square: _Floats, rate_hz: float | None, cell: int
) -> tuple[_Floats, _Floats]:
    """From the means of the cells: how far the quarters' means lie apart; the share of hum."""
    size = means.shape[-1]
    is_seen = rate_hz is not None and is_hum_seen(rate_hz, size * cell, cell)
    basis, n = _slow_basis(rate_hz if is_seen else None, size, cell)
    parts = np.ascontiguousarray(means) @ basis
    drift = parts[..., :n].max(-1) - parts[..., :n].min(-1)
    tone = parts[..., n:] ** 2
    hum = np.maximum(tone[..., :2].sum(-1), tone[..., 2:].sum(-1))
    return drift, hum / np.maximum(square, np.float32(1e-30))


def is_hum_seen(rate_hz: float, window: int, cell: int = CELL) -> bool:
    """Whether a window holds a turn of mains, and a cell little enough of one."""
    return window / rate_hz >= 1 / MAINS_HZ[0] and cell / rate_hz <= 0.25 / MAINS_HZ[1]


@lru_cache(maxsize=16)
def _slow_basis(rate_hz: float | None, size: int, cell: int) -> tuple[_Floats, int]:
    """Columns that make means of quarters, and how many; then those of the tones, if any."""
    quarter = max(1, size // 4)
    n = size // quarter
    columns = [(np.arange(size)[:, None] // quarter == np.arange(n)) / quarter]
    if rate_hz is not None:
        columns += [_tone(frequency, rate_hz, size, cell) for frequency in MAINS_HZ]
    return np.concatenate(columns, axis=1).astype(np.float32), n


def _tone(frequency: float, rate_hz: float, size: int, cell: int) -> NDArray[np.float64]:
    """A tone beyond a straight line, shape (size, 2): its power is the sum of squares."""
    at = (np.arange(size) + 0.5) * cell / rate_hz
    angle = 2 * np.pi * frequency * at
    line = np.linalg.qr(np.stack([np.ones(size), at], axis=1))[0]
    tone = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    tone -= line @ (line.T @ tone)
    lost = np.sinc(frequency * cell / rate_hz)  # a cell's mean shows this much of it
    basis: NDArray[np.float64] = np.linalg.qr(tone)[0] / (lost * np.sqrt(size))
    return basis
