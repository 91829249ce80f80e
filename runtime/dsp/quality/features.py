"""What the checks know of each window: a few numbers, from sums over cells of 32 samples.

The signal is read once, cell by cell, and windows that overlap share their cells; everything later
works on a thirty-second of the samples. A cell's differences are those inside it, so that a window
says the same whatever stands before it.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.dsp.quality.cells import BANDS, CELL, Cells, cells_of, product

MAINS_HZ = (50.0, 60.0)
_Floats = NDArray[np.float32]
# Of the bands, as shares of all frequencies that they cover.
_WIDTHS = np.float32(np.diff([*BANDS, CELL]) / (CELL - BANDS[0]))


class Features(NamedTuple):
    """Of every window, arrays of shape (channels, windows); see `ChannelLimits`.

    ``bands`` is the power in every band of `BANDS`, shape (bands, channels, windows); ``peak`` the
    larger of the extremes ``high`` and ``low`` about the mean. ``most_equal`` is the most equal
    samples of one cell; ``repeated`` and ``near`` are how many cells reach one of the extremes, and
    how many come close to it (`NEAR`), whichever extreme has more. ``extremes`` are the cells' own,
    the high and the negative of the low, shape (2, channels, cells of the signal); they are about
    the same value as ``middle``, the windows' means. A window is ``size`` of them, and begins
    ``step`` behind the one before.
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
    repeated: NDArray[np.uint32]
    near: NDArray[np.uint32]
    middle: _Floats
    extremes: _Floats
    size: int
    step: int

    def peaks(self, channel: int, at: NDArray[np.intp]) -> _Floats:
        """What the cells of windows ``at`` reach above the mean and below, shape (2, m, size)."""
        cells = at[:, None] * self.step + np.arange(self.size)
        middle = self.middle[channel][at][:, None]
        reached: _Floats = self.extremes[:, channel][:, cells]
        reached[0] -= middle
        reached[1] += middle
        return reached


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
    """Cells make blocks, which no window cuts: most sums are over those of a window."""
    window = size * cell
    inside = size * max(1, cell - 1)  # differences
    block = gcd(size, step)

    def in_blocks(values: NDArray[Any]) -> NDArray[Any]:
        """Shape (..., cells) to (block, ..., blocks): what is done to all is done to whole rows."""
        return np.ascontiguousarray(
            np.moveaxis(values.reshape(*values.shape[:-1], -1, block), -1, 0)
        )

    def parts(of_blocks: NDArray[Any], fewer: int = 0) -> list[NDArray[Any]]:
        """Of shape (..., blocks): the first of every window, the second, and so on."""
        n = size // block - fewer
        last = of_blocks.shape[-1] - n + 1
        return [of_blocks[..., k : last + k : step // block] for k in range(n)]

    def over(of_blocks: NDArray[Any], combine: np.ufunc, fewer: int = 0) -> NDArray[Any]:
        return reduce(combine, parts(of_blocks, fewer))

    sums, extremes = in_blocks(cells.sums), in_blocks(cells.extremes)
    means, first = sums[:, 0] / cell, sums[:, 1]
    summed = over(sums.sum(0), np.add)
    middle = summed[0] / window
    bands: _Floats = np.asarray(summed[2:] / window, np.float32)
    # A mean far from the origin leaves few digits of the difference of squares.
    exact = means.astype(np.float64)
    spread = over(np.einsum("bcn,bcn->cn", exact, exact), np.add) / size
    spread -= (over(exact.sum(0), np.add) / size) ** 2
    square: _Floats = (bands.sum(0) + np.maximum(spread, 0)).astype(np.float32)

    reached = extremes.max(0)
    most = over(reached, np.maximum)
    repeated, near = np.zeros((2, *most.shape), np.uint32)
    close = most - NEAR * (most[0] + most[1])
    at_most = (extremes == reached).sum(0, dtype=np.uint32)
    for top, count, all_of in zip(parts(reached), parts(at_most), parts(extremes), strict=True):
        repeated += np.where(top == most, count, 0)
        near += (all_of >= close).sum(0, dtype=np.uint32)

    pairs = np.maximum(first[1:], first[:-1]).min(0, initial=np.inf)
    quietest = over(pairs if size > 1 else first[0], np.minimum)
    if size > block:
        between = np.maximum(first[-1, :, :-1], first[0, :, 1:])
        quietest = np.minimum(quietest, over(between, np.minimum, fewer=1))
    quiet = quietest / max(1, cell - 1)
    drift, hum = _slow_parts(parts(means), square, rate_hz, cell)
    equal, most_equal = np.zeros_like(middle), np.zeros(middle.shape, np.uint8)
    if cells.equal is not None:
        same = in_blocks(cells.equal)
        equal = over(same.sum(0, dtype=np.float32), np.add) / inside
        most_equal = over(same.max(0), np.maximum)
    return Features(
        mean=middle + cells.origin,
        level=np.sqrt(square),
        drift=drift,
        quiet=np.sqrt(quiet),
        quiet_share=np.sqrt(quiet / np.maximum(summed[1] / inside, np.float32(1e-30))),
        hum=hum,
        equal=equal,
        bands=bands,
        high=most[0] + cells.origin,
        low=cells.origin - most[1],
        peak=np.maximum(most[0] - middle, middle + most[1]),
        most_equal=most_equal,
        repeated=repeated.max(0),
        near=near.max(0),
        middle=middle,
        extremes=cells.extremes,
        size=size,
        step=step,
    )


def against_peak(f: Features, channel: int, at: NDArray[np.intp]) -> _Floats:
    """What the cell of a window's peak reaches on the other side of the mean."""
    above, below = f.peaks(channel, at)
    cells = np.concatenate([above, below], axis=1)
    peak = cells.argmax(1)
    other = (peak + f.size) % cells.shape[1]
    against: _Floats = cells[np.arange(len(at)), other]
    return against


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
    means: list[_Floats], square: _Floats, rate_hz: float | None, cell: int
) -> tuple[_Floats, _Floats]:
    """From the means of the cells: how far the quarters' means lie apart; the share of hum.

    ``means`` are those of every window's blocks, each of shape (block, channels, windows).
    """
    block = len(means[0])
    size = block * len(means)
    is_seen = rate_hz is not None and is_hum_seen(rate_hz, size * cell, cell)
    basis, n = _slow_basis(rate_hz if is_seen else None, size, cell)
    found = np.zeros((len(basis), means[0][0].size), np.float32)
    one = np.empty_like(found)
    for k, part in enumerate(means):
        product(basis[:, k * block : (k + 1) * block], part.reshape(block, -1), one)
        found += one
    found = found.reshape(-1, *square.shape)
    drift = found[:n].max(0) - found[:n].min(0)
    tone = found[n:] ** 2
    hum = np.maximum(tone[:2].sum(0), tone[2:].sum(0))
    return drift, hum / np.maximum(square, np.float32(1e-30))


def is_hum_seen(rate_hz: float, window: int, cell: int = CELL) -> bool:
    """Whether a window holds a turn of mains, and a cell little enough of one."""
    return window / rate_hz >= 1 / MAINS_HZ[0] and cell / rate_hz <= 0.25 / MAINS_HZ[1]


@lru_cache(maxsize=16)
def _slow_basis(rate_hz: float | None, size: int, cell: int) -> tuple[_Floats, int]:
    """Rows that make means of quarters, and how many; then those of the tones, if any."""
    quarter = max(1, size // 4)
    n = size // quarter
    columns = [(np.arange(size)[:, None] // quarter == np.arange(n)) / quarter]
    if rate_hz is not None:
        columns += [_tone(frequency, rate_hz, size, cell) for frequency in MAINS_HZ]
    return np.ascontiguousarray(np.concatenate(columns, axis=1).T, np.float32), n


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
