"""The scalogram: complex Morlet magnitudes averaged over time blocks, as a bank of framed products.

A row of the scalogram is the magnitude of the signal's product with one complex Morlet wavelet,
taken on a time grid and averaged over blocks. Wide wavelets vary slowly, so their grid may be
sparse: support and grid step both grow with the scale, and every row costs about the same. The
bank is plain data (``filter_bank``), so that the exported graph can hold the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.errors import InputError

# Where the Gaussian is cut: exp(-t^2 / B) = 1e-6 of its peak.
_TAIL = 1e-6
# Grid step over scale. An impulse's magnitude then sums to the same value within 1 % wherever it
# falls between two grid points (a Gaussian of deviation s * sqrt(B / 2) sampled every 1.5 s).
_STEP_PER_SCALE = 1.5
_BATCH = 256


@dataclass(frozen=True)
class ScalogramConfig:
    """What fixes a scalogram before standardisation.

    Parameters
    ----------
    rate_hz : float > 0
        Sampling rate of the windows, Hz.
    window : int > 0
        Samples per window, a multiple of ``n_blocks``.
    n_frequencies, n_blocks : int > 0
        Rows (log-spaced frequencies, lowest first) and columns (time blocks).
    f_min_hz, f_max_hz : float
        Frequency of the first and the last row; ``f_max_hz`` None means 0.375 x rate.
    bandwidth, center : float > 0
        B and C of PyWavelets' ``cmorB-C``.
    """

    rate_hz: float = 12000.0
    window: int = 1024
    n_frequencies: int = 32
    n_blocks: int = 32
    f_min_hz: float = 100.0
    f_max_hz: float | None = None
    bandwidth: float = 1.5
    center: float = 1.0

    def __post_init__(self) -> None:
        if self.f_max_hz is None:
            object.__setattr__(self, "f_max_hz", 0.375 * self.rate_hz)
        assert self.f_max_hz is not None
        if self.window % self.n_blocks:
            raise InputError(
                f"a window of {self.window} samples does not divide into {self.n_blocks} time "
                f"blocks: choose a multiple of {self.n_blocks}"
            )
        if not 0 < self.f_min_hz < self.f_max_hz <= self.rate_hz / 2:
            raise InputError(
                f"the scalogram's frequencies {self.f_min_hz:g} to {self.f_max_hz:g} Hz do not fit "
                f"a rate of {self.rate_hz:g} Hz: expected 0 < lowest < highest <= "
                f"{self.rate_hz / 2:g} Hz"
            )

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Row frequencies, shape (n_frequencies,), Hz, ascending and log-spaced."""
        return np.geomspace(self.f_min_hz, self.f_max_hz or 0.0, self.n_frequencies)

    @property
    def scales(self) -> NDArray[np.float64]:
        """Row scales in samples, as PyWavelets counts them, shape (n_frequencies,)."""
        return self.center * self.rate_hz / self.frequencies


@dataclass(frozen=True)
class Band:
    """Neighbouring rows that share a time grid: one framed matrix product.

    ``weight`` has shape (taps, 2 x rows): real parts, then imaginary parts. Frame p of a window
    padded with ``pad`` zeros on the left starts at sample ``p * step``.
    """

    rows: slice
    step: int
    pad: int
    weight: NDArray[np.float32]

    @property
    def taps(self) -> int:
        return self.weight.shape[0]

    def frames(self, window: int) -> int:
        return window // self.step

    def pad_right(self, window: int) -> int:
        """Zeros that the last frame needs after the window; negative where it ends inside."""
        return (self.frames(window) - 1) * self.step + self.taps - self.pad - window


@lru_cache(maxsize=16)
def filter_bank(config: ScalogramConfig) -> tuple[Band, ...]:
    """The wavelets of a scalogram as framed matrix products, coarse grids for large scales.

    The wavelet is PyWavelets' ``cmorB-C``, exp(-t^2 / B) exp(2 pi i C t) / sqrt(pi B), at t =
    (sample - centre) / scale, times 1 / sqrt(scale). Grid points lie symmetrically in their
    block, half a sample between samples where the step is even.
    """
    block = config.window // config.n_blocks
    scales = config.scales
    steps = [_grid_step(s, block) for s in scales]
    # Rows of one step still differ in support; grouping by octave keeps padding below half.
    octaves = [int(np.floor(np.log2(scales[-1] / s) + 1e-9)) for s in scales]
    bands = []
    start = 0
    for row in range(1, len(scales) + 1):
        if row < len(scales) and (steps[row], octaves[row]) == (steps[start], octaves[start]):
            continue
        bands.append(_band(config, slice(start, row), steps[start]))
        start = row
    return tuple(bands)


def scalogram(x: ArrayLike, config: ScalogramConfig) -> NDArray[np.float32]:
    """Block-averaged magnitudes of the complex Morlet transform.

    Parameters
    ----------
    x : array [shape=(..., window)], real
        Windows; samples beyond both ends count as zero.
    config : ScalogramConfig

    Returns
    -------
    array [shape=(..., n_frequencies, n_blocks)], float32, >= 0, in the unit of ``x`` times
    sqrt(samples)

    Raises
    ------
    InputError
        If the last axis is not ``config.window`` long.
    """
    x = np.asarray(x, dtype=np.float32)
    if x.shape[-1:] != (config.window,):
        raise InputError(
            f"got windows of shape {x.shape}: expected {config.window} samples on the last axis"
        )
    flat = x.reshape(-1, config.window)
    out = np.empty((len(flat), config.n_frequencies, config.n_blocks), dtype=np.float32)
    for start in range(0, len(flat), _BATCH):
        batch = flat[start : start + _BATCH]
        for band in filter_bank(config):
            out[start : start + _BATCH, band.rows] = _band_magnitude(batch, band, config)
    return out.reshape(*x.shape[:-1], config.n_frequencies, config.n_blocks)


def log_scalogram(x: ArrayLike, config: ScalogramConfig, *, eps: float) -> NDArray[np.float32]:
    """``log(scalogram(x) + eps)``: amplitude becomes an offset, silence has a floor.

    Parameters and errors as in :func:`scalogram`; ``eps`` > 0 is in the scalogram's unit.
    """
    out = scalogram(x, config)
    out += np.float32(eps)
    return np.log(out, out=out)


def _grid_step(scale: float, block: int) -> int:
    """The largest power of two that divides the block and is at most 1.5 scales."""
    step = 1
    while block % (2 * step) == 0 and 2 * step <= _STEP_PER_SCALE * scale:
        step *= 2
    return step


def _band(config: ScalogramConfig, rows: slice, step: int) -> Band:
    scales = config.scales[rows]
    reach = np.sqrt(-config.bandwidth * np.log(_TAIL)) * scales.max()
    centre = (step - 1) / 2  # of the first grid point, in samples of the window
    pad = int(np.ceil(reach - centre))
    taps = int(np.floor(reach + centre)) + pad + 1
    t = (np.arange(taps) - pad - centre)[:, None] / scales
    wavelet = np.exp(-(t**2) / config.bandwidth - 2j * np.pi * config.center * t)
    wavelet /= np.sqrt(np.pi * config.bandwidth * scales)
    weight = np.concatenate([wavelet.real, wavelet.imag], axis=1).astype(np.float32)
    return Band(rows=rows, step=step, pad=pad, weight=weight)


def _band_magnitude(x: NDArray, band: Band, config: ScalogramConfig) -> NDArray[np.float32]:
    padded = np.pad(x, ((0, 0), (band.pad, max(0, band.pad_right(config.window)))))
    frames = sliding_window_view(padded, band.taps, axis=-1)[:, :: band.step]
    frames = frames[:, : band.frames(config.window)]
    # BLAS takes no overlapping rows: one copy here makes the product fast.
    parts = frames.reshape(-1, band.taps) @ band.weight
    n_rows = parts.shape[-1] // 2
    magnitude = np.hypot(parts[:, :n_rows], parts[:, n_rows:])
    blocks = magnitude.reshape(len(x), config.n_blocks, -1, n_rows).mean(axis=2)
    return blocks.transpose(0, 2, 1)
