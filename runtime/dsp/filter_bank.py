"""The scalogram's filter bank: complex Morlet wavelets as few framed matrix products.

A window is cut into its time blocks, and a signal is held as blocks of samples, (blocks, samples
per block). Every filter then is one matrix product of a frame of neighbouring blocks with a
weight: the wavelets of a band of rows, at all their grid points within a block, in one product.

The bank is multi-rate. Grid points grow sparser with the scale, and wide wavelets read a signal
that was decimated by four, once or again. Their weights are fitted by least squares, so that
decimation filter and weight together are the wavelet. Rows are grouped into the bands that cost
the fewest multiply-adds. The bank is plain data: the exported graph holds the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

# Where the Gaussian is cut: exp(-t^2 / B) = 2e-4 of its peak.
_TAIL = 2e-4
# Grid step over scale. An impulse's magnitude then sums to the same value within 1 % wherever it
# falls between two grid points (a Gaussian of deviation s * sqrt(B / 2) sampled every 1.5 s).
_STEP_PER_SCALE = 1.5
# A row is read at a rate of at least so many times its frequency: its wavelet's spectrum (of
# deviation 0.18 of the frequency) is then out of reach of the alias. The tests bound what the fit
# leaves.
_RATE_PER_FREQUENCY = 3.7
_DECIMATION = 4
# Taps, cutoff (cycles per decimated sample) and Kaiser beta of the decimation filter. The fit
# undoes its droop; it only has to be small where aliases come from.
_LOWPASS = (36, 0.3, 7.0)
# What one more product costs beside its multiply-adds, in multiply-adds.
_PRODUCT_COST = 40_000


@dataclass(frozen=True)
class Band:
    """Neighbouring rows in one matrix product.

    ``weight`` has shape (blocks of a frame, samples per block, 2 x points): real parts of all grid
    points, then imaginary parts; the frame's middle block is the one the points lie in. ``points``
    holds the grid points per block of each row, ``level`` how many decimations the signal has
    behind it.
    """

    rows: slice
    level: int
    points: tuple[int, ...]
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class FilterBank:
    """Decimators, bands, and the mean over grid points.

    ``decimators[k]`` takes the signal of level k to level k + 1, shape (blocks of a frame, samples
    per block, a quarter of them). ``average`` has shape (n_frequencies, all points).
    """

    decimators: tuple[NDArray[np.float32], ...]
    bands: tuple[Band, ...]
    average: NDArray[np.float32]


@lru_cache(maxsize=16)
def filter_bank(config: ScalogramConfig) -> FilterBank:
    """The wavelets of a scalogram as framed matrix products, the cheapest of all numbers of levels.

    The wavelet is PyWavelets' ``cmorB-C``, exp(-t^2 / B) exp(2 pi i C t) / sqrt(pi B), at t =
    (sample - centre) / scale, times 1 / sqrt(scale). A row has as many grid points per block as
    keep them at most 1.5 scales apart, evenly and symmetrically in the block.
    """
    levels = _levels(config)
    plans = [_plan(config, np.minimum(levels, top)) for top in range(int(levels.max()) + 1)]
    _, groups = min(plans, key=lambda plan: plan[0])
    bands = tuple(_band(config, rows, level) for rows, level in groups)
    decimators = tuple(_decimator(config, k) for k in range(max(level for _, level in groups)))
    return FilterBank(decimators, bands, _average([n for band in bands for n in band.points]))


def multiply_adds(config: ScalogramConfig) -> int:
    """Multiply-adds of one window's scalogram, the mean over grid points included."""
    bank = filter_bank(config)
    blocks, decimated = config.n_blocks, 0
    halo = 0
    for weight in bank.decimators:
        halo += len(weight) // 2
        decimated += weight.size * (blocks + 2 * halo)
    products = sum(band.weight.size for band in bank.bands)
    return decimated + (products + bank.average.size) * blocks


def _points(config: ScalogramConfig) -> NDArray[np.int64]:
    block = config.window // config.n_blocks
    return np.ceil(block / (_STEP_PER_SCALE * config.scales) - 1e-9).astype(np.int64)


def _levels(config: ScalogramConfig) -> NDArray[np.int64]:
    """How often the signal may be decimated for each row; the signal of a level has whole blocks,
    of an even number of samples before each decimation."""
    block = config.window // config.n_blocks
    level = np.zeros(config.n_frequencies, dtype=np.int64)
    factor = _DECIMATION
    while block % factor == 0:
        level += config.rate_hz / factor >= _RATE_PER_FREQUENCY * config.frequencies
        factor *= _DECIMATION
    return level


def _frame(config: ScalogramConfig, rows: slice) -> int:
    """Blocks that the widest wavelet of the rows reaches, an odd number."""
    block = config.window // config.n_blocks
    reach = np.sqrt(-config.bandwidth * np.log(_TAIL)) * config.scales[rows]
    first_point = block / (2 * _points(config)[rows]) - 0.5
    return 2 * int(np.ceil(((reach - first_point) / block).max() - 1e-9)) + 1


def _plan(
    config: ScalogramConfig, levels: NDArray[np.int64]
) -> tuple[float, list[tuple[slice, int]]]:
    """The cheapest cut of the rows into bands of one level each: its cost, and the bands."""
    block = config.window // config.n_blocks
    points = _points(config)
    best: list[tuple[float, list[tuple[slice, int]]]] = [(0.0, [])]
    for stop in range(1, len(levels) + 1):
        choices = []
        for start in range(stop):
            level = int(levels[start])
            if levels[stop - 1] != level:
                continue
            rows = slice(start, stop)
            samples = _frame(config, rows) * (block // _DECIMATION**level)
            products = samples * 2 * int(points[rows].sum()) * config.n_blocks
            cost = best[start][0] + products + _PRODUCT_COST
            choices.append((cost, [*best[start][1], (rows, level)]))
        best.append(min(choices, key=lambda choice: choice[0]))
    cost, bands = best[-1]
    for k in range(int(levels.max())):
        weight = _decimator(config, k)
        cost += weight.size * config.n_blocks + _PRODUCT_COST
    return cost, bands


def _band(config: ScalogramConfig, rows: slice, level: int) -> Band:
    block = config.window // config.n_blocks
    samples = block // _DECIMATION**level
    frame = _frame(config, rows)
    points = _points(config)[rows]
    scale = np.repeat(config.scales[rows], points)
    centre = np.concatenate([(np.arange(n) + 0.5) * block / n - 0.5 for n in points])
    # The frame as samples of the window, counted from its middle block, with room on both sides
    # for what the decimation filters spread.
    room = (_DECIMATION**level - 1) * _LOWPASS[0]
    n = np.arange(-room, frame * block + room) - (frame // 2) * block
    t = (n[:, None] - centre) / scale
    wavelet = np.exp(-(t**2) / config.bandwidth - 2j * np.pi * config.center * t)
    wavelet /= np.sqrt(np.pi * config.bandwidth * scale)
    if level:
        parts = np.concatenate([wavelet.real, wavelet.imag], axis=1)
        spread = _spread(len(n), frame * samples, level, room)
        weight = np.linalg.lstsq(spread, parts, rcond=None)[0]
    else:
        weight = np.concatenate([wavelet.real, wavelet.imag], axis=1)
    return Band(
        rows=rows,
        level=level,
        points=tuple(points.tolist()),
        weight=weight.reshape(frame, samples, -1).astype(np.float32),
    )


def _lowpass() -> NDArray[np.float64]:
    taps, cutoff, beta = _LOWPASS
    n = np.arange(taps) - (taps - 1) / 2
    filter_: NDArray[np.float64] = np.sinc(2 * cutoff / _DECIMATION * n) * np.kaiser(taps, beta)
    filter_ /= filter_.sum()
    return filter_


def _decimator(config: ScalogramConfig, level: int) -> NDArray[np.float32]:
    """Weight that takes blocks of level ``level`` to the next, samples amid those they replace."""
    samples = config.window // config.n_blocks // _DECIMATION**level
    lowpass = _lowpass()
    before = (len(lowpass) - _DECIMATION) // 2
    frame = 2 * -(-before // samples) + 1
    weight = np.zeros((frame * samples, samples // _DECIMATION))
    for i in range(weight.shape[1]):
        first = (frame // 2) * samples + i * _DECIMATION - before
        weight[first : first + len(lowpass), i] = lowpass
    return weight.reshape(frame, samples, -1).astype(np.float32)


def _spread(length: int, count: int, level: int, room: int) -> NDArray[np.float64]:
    """What each decimated sample holds of the window's samples: one column per sample."""
    response, factor = np.ones(1), 1
    for _ in range(level):
        stretched = np.zeros((len(_lowpass()) - 1) * factor + 1)
        stretched[::factor] = _lowpass()
        response = np.convolve(response, stretched)
        factor *= _DECIMATION
    matrix = np.zeros((length, count))
    before = (len(response) - factor) // 2
    for i in range(count):
        first = room + i * factor - before
        matrix[first : first + len(response), i] = response
    return matrix


def _average(points: Sequence[int]) -> NDArray[np.float32]:
    weight = np.zeros((len(points), sum(points)), dtype=np.float32)
    column = 0
    for row, n in enumerate(points):
        weight[row, column : column + n] = 1 / n
        column += n
    return weight
