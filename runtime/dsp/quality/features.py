"""What the checks know of each window: a few numbers, from sums over cells of 32 samples.

The signal is read once, cell by cell, and windows that overlap share their cells; everything later
works on a thirty-second of the samples. A cell's differences are those inside it, so that a window
says the same whatever stands before it.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality.cells import BANDS, CELL, Cells, cells_of

MAINS_HZ = (50.0, 60.0)
_Floats = NDArray[np.float32]
# Of the bands, as shares of all frequencies that they cover.
_WIDTHS = np.float32(np.diff([*BANDS, CELL]) / (CELL - BANDS[0]))


class Features(NamedTuple):
    """Of every window, arrays of shape (channels, windows); see `ChannelLimits`.

    ``bands`` is the power in every band of `BANDS`, shape (bands, channels, windows); ``peak`` the
    larger of the extremes ``high`` and ``low`` about the mean. ``most_equal`` is the most equal
    samples of one cell, ``repeated`` how many cells reach one of the extremes; ``highs`` and
    ``lows`` are the cells' own, about the mean, shape (channels, windows, cells).
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
    most_equal: NDArray[np.uint8]
    repeated: NDArray[np.int64]
    highs: _Floats
    lows: _Floats
    middle: _Floats


NEAR = 0.04  # of the window's range


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
    return _combined(cells_of(signal), size, hop // CELL, rate_hz)


def window_features(windows: _Floats, *, rate_hz: float | None) -> Features:
    """Features of windows that need not follow each other.

    Where the window is no multiple of a cell, the last cell overlaps the one before.

    Parameters
    ----------
    windows : array, shape (channels, n, window), float32
    rate_hz : float, optional
    """
    channels, _, window = windows.shape
    cell = min(CELL, window)
    size = window // cell
    flat = windows
    if window % cell:
        size += 1
        where = np.r_[0 : window // cell * cell, window - cell : window]
        flat = windows[..., where]
    found = cells_of(np.ascontiguousarray(flat).reshape(channels, -1), cell)
    return _combined(found, size, size, rate_hz, cell)


def _combined(
    cells: Cells, size: int, step: int, rate_hz: float | None, cell: int = CELL
) -> Features:
    window = size * cell
    inside = size * max(1, cell - 1)  # differences
    blocks = gcd(size, step)

    def windows_of(part: NDArray[Any], reduce: np.ufunc) -> NDArray[Any]:
        """Of blocks of cells."""
        last = part.shape[-1] - size // blocks + 1
        found: NDArray[Any] = part[..., : last : step // blocks]
        for later in range(1, size // blocks):
            found = reduce(found, part[..., later : last + later : step // blocks])
        return found

    def each(values: NDArray[Any], reduce: np.ufunc) -> NDArray[Any]:
        """Over the cells of every window, block by block."""
        grouped = values.reshape(*values.shape[:-1], -1, blocks)
        first_axis = np.ascontiguousarray(np.moveaxis(grouped, -1, 0))
        return windows_of(reduce.reduce(first_axis, axis=0), reduce)

    def view(values: _Floats) -> _Floats:
        return sliding_window_view(values, size, axis=1)[:, ::step]

    summed = each(cells.sums, np.add)
    middle, first = summed[0] / window, summed[1] / inside
    bands: _Floats = np.asarray(summed[2:] / window, np.float32)
    means = view(cells.sums[0]) / cell - middle[..., None]
    square = bands.sum(0) + np.einsum("cnk,cnk->cn", means, means) / size
    high, low = each(cells.high, np.maximum), each(cells.low, np.minimum)
    highs, lows = view(cells.high), view(cells.low)
    quiet = _quietest(cells.sums[1], size, step) / max(1, cell - 1)
    drift, hum = _slow_parts(means, square, rate_hz, cell)
    if cells.equal is None:
        equal, most_equal = np.zeros_like(middle), np.zeros(middle.shape, np.uint8)
    else:
        equal = each(cells.equal.astype(np.float32), np.add) / inside
        most_equal = each(cells.equal, np.maximum)
    return Features(
        mean=middle + cells.origin,
        level=np.sqrt(square),
        drift=drift,
        quiet=np.sqrt(quiet),
        quiet_share=np.sqrt(quiet / np.maximum(first, np.float32(1e-30))),
        hum=hum,
        equal=equal,
        bands=bands,
        high=high + cells.origin,
        low=low + cells.origin,
        peak=np.maximum(high - middle, middle - low),
        most_equal=most_equal,
        repeated=np.maximum((highs == high[..., None]).sum(-1), (lows == low[..., None]).sum(-1)),
        highs=highs,
        lows=lows,
        middle=middle,
    )


def near_extreme(f: Features, channel: int, at: NDArray[np.intp]) -> NDArray[np.float64]:
    """The largest share of a window's cells that come close to one of its extremes (`NEAR`)."""
    highs, lows = f.highs[channel][at], f.lows[channel][at]
    top, bottom = highs.max(1, keepdims=True), lows.min(1, keepdims=True)
    near = NEAR * (top - bottom)
    share: NDArray[np.float64] = np.maximum(
        (highs >= top - near).mean(1), (lows <= bottom + near).mean(1)
    )
    return share


def against_peak(f: Features, channel: int, at: NDArray[np.intp]) -> _Floats:
    """What the cell of a window's peak reaches on the other side of the mean."""
    middle = f.middle[channel][at][:, None]
    above, below = f.highs[channel][at] - middle, middle - f.lows[channel][at]
    cells = np.concatenate([above, below], axis=1)
    peak = cells.argmax(1)
    other = (peak + above.shape[1]) % cells.shape[1]
    against: _Floats = cells[np.arange(len(at)), other]
    return against


def _quietest(first: _Floats, size: int, step: int) -> _Floats:
    """The larger of two neighbouring cells' differences, where that is least in a window."""
    pairs = np.maximum(first[:, 1:], first[:, :-1]) if size > 1 else first
    wide = max(1, size - 1)
    least: _Floats = sliding_window_view(pairs, wide, axis=1)[:, ::step].min(-1)
    return least


def log_shares(bands: _Floats) -> _Floats:
    """Of bands of shape (bands, n): ln of each one's share of the power, shape (n, bands)."""
    power = np.maximum(bands.T, np.float32(1e-30))
    shares: _Floats = np.log(power / power.sum(1, keepdims=True))
    return shares


def flatness(shares: _Floats) -> _Floats:
    """Spectral flatness of `log_shares`: geometric over arithmetic mean of the power density.

    1 is white noise; shape (n,). (Johnston, IEEE J. Sel. Areas Commun. 6, 1988.)
    """
    flat: _Floats = np.exp(shares @ _WIDTHS - _WIDTHS @ np.log(_WIDTHS))
    return flat


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
