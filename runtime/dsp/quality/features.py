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
    square: _Floats
    first: _Floats
    high: _Floats
    low: _Floats
    equal: NDArray[np.uint8]
    bands: _Floats


class Features(NamedTuple):
    """Of every window, arrays of shape (channels, windows); see `ChannelLimits`.

    ``high`` and ``low`` are the extremes, ``peak`` the larger of them about the mean; ``near_high``
    and ``near_low`` count cells that come close to them (`NEAR`), ``most_equal`` is the most of
    one cell. ``bands`` is the power in every band of `BANDS`, shape (bands, channels, windows).
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
    near_high: NDArray[np.int64]
    near_low: NDArray[np.int64]
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
        *(np.empty((channels, n), np.float32) for _ in range(5)),
        np.empty((channels, n), np.uint8),
        np.empty((len(BANDS), channels, n), np.float32),
    )
    cosines, into = _cosines(cell), _into_bands(cell)
    for begin in range(0, n, _CHUNK):
        part = slice(begin, min(begin + _CHUNK, n))
        # Samples of a cell along the first axis: sums over it are sums of whole rows.
        rows = np.empty((cell, channels, part.stop - begin), np.float32)
        np.subtract(cut[:, part].transpose(2, 0, 1), origin[None], out=rows)
        rows.sum(0, out=made.total[:, part])
        rows.max(0, out=made.high[:, part])
        rows.min(0, out=made.low[:, part])
        np.equal(rows[1:], rows[:-1]).sum(0, dtype=np.uint8, out=made.equal[:, part])
        spectrum = cosines @ rows.reshape(cell, -1)
        np.multiply(spectrum, spectrum, out=spectrum)
        made.bands[:, :, part] = (into @ spectrum).reshape(len(BANDS), channels, -1)
        first = rows[1:] - rows[:-1]
        for values, out in ((rows, made.square), (first, made.first)):
            np.multiply(values, values, out=values)
            values.sum(0, out=out[:, part])
    return made


@lru_cache(maxsize=4)
def _cosines(cell: int) -> _Floats:
    """The orthonormal cosine transform (DCT-II) of a cell without its mean, (cell - 1, cell)."""
    angle = np.pi / cell * np.outer(np.arange(1, cell), np.arange(cell) + 0.5)
    return (np.sqrt(2 / cell) * np.cos(angle)).astype(np.float32)


@lru_cache(maxsize=4)
def _into_bands(cell: int) -> _Floats:
    """Which coefficient belongs to which band, shape (bands, cell - 1) of 0 and 1."""
    band = np.searchsorted(BANDS, np.arange(1, cell), side="right") - 1
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
        grouped = values.reshape(len(values), -1, blocks)
        return windows_of(reduce.reduce(grouped, axis=2), reduce)

    def view(values: _Floats) -> _Floats:
        return sliding_window_view(values, size, axis=1)[:, ::step]

    middle = total(cells.total) / window
    means = view(cells.total) / cell - middle[..., None]
    square = np.maximum(total(cells.square) / window - middle * middle, 0)
    first = total(cells.first) / inside
    high, low = extreme(cells.high, np.maximum), extreme(cells.low, np.minimum)
    near = NEAR * (high - low)
    pair = np.maximum(cells.first[:, 1:], cells.first[:, :-1]) if size > 1 else cells.first
    quiet = view_min(pair, max(1, size - 1), step) / max(1, cell - 1)
    quarter = max(1, size // 4)
    quarters = means[..., : size // quarter * quarter].reshape(*middle.shape, -1, quarter).mean(-1)
    return Features(
        mean=middle + cells.origin,
        level=np.sqrt(square),
        drift=quarters.max(-1) - quarters.min(-1),
        quiet=np.sqrt(quiet),
        quiet_share=np.sqrt(quiet / np.maximum(first, np.float32(1e-30))),
        hum=_hum(means, square, rate_hz, cell),
        equal=total(cells.equal.astype(np.float32)) / inside,
        bands=total(cells.bands) / window,
        high=high + cells.origin,
        low=low + cells.origin,
        peak=np.maximum(high - middle, middle - low),
        near_high=(view(cells.high) >= (high - near)[..., None]).sum(-1),
        near_low=(view(cells.low) <= (low + near)[..., None]).sum(-1),
        most_equal=extreme(cells.equal, np.maximum),
    )


def view_min(values: _Floats, size: int, step: int) -> _Floats:
    """Smallest of every ``size`` values, every ``step``."""
    least: _Floats = sliding_window_view(values, size, axis=1)[:, ::step].min(-1)
    return least


def _hum(means: _Floats, square: _Floats, rate_hz: float | None, cell: int) -> _Floats:
    """Largest share of the power in a tone of mains, from the means of the cells."""
    share = np.zeros(square.shape, np.float32)
    size = means.shape[-1]
    if rate_hz is None or not is_hum_seen(rate_hz, size * cell, cell):
        return share
    floor = np.maximum(square, np.float32(1e-30))
    for frequency in MAINS_HZ:
        at = means @ _tone(frequency, rate_hz, size, cell)
        np.maximum(share, np.einsum("cnk,cnk->cn", at, at) / floor, out=share)
    return share


def log_shares(bands: _Floats) -> _Floats:
    """Of bands of shape (bands, n): ln of each one's share of the power, shape (n, bands)."""
    power = np.maximum(bands.T, np.float32(1e-30))
    shares: _Floats = np.log(power / power.sum(1, keepdims=True))
    return shares


def is_hum_seen(rate_hz: float, window: int, cell: int = CELL) -> bool:
    """Whether a window holds a turn of mains, and a cell little enough of one."""
    return window / rate_hz >= 1 / MAINS_HZ[0] and cell / rate_hz <= 0.25 / MAINS_HZ[1]


@lru_cache(maxsize=16)
def _tone(frequency: float, rate_hz: float, size: int, cell: int) -> _Floats:
    """What a tone adds beyond a straight line, shape (size, 2): power is the squares' sum."""
    at = (np.arange(size) + 0.5) * cell / rate_hz
    angle = 2 * np.pi * frequency * at
    line = np.linalg.qr(np.stack([np.ones(size), at], axis=1))[0]
    tone = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    tone -= line @ (line.T @ tone)
    basis = np.linalg.qr(tone)[0]
    lost = np.sinc(frequency * cell / rate_hz)  # a cell's mean shows this much of it
    return (basis / (lost * np.sqrt(size))).astype(np.float32)
