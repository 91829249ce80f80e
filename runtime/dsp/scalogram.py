"""The scalogram: complex Morlet magnitudes averaged over time blocks.

A row of the scalogram is the magnitude of the signal's product with one complex Morlet wavelet,
taken on a time grid and averaged over blocks; `filter_bank` says how that becomes a few matrix
products. The same code runs on NumPy, CuPy and torch arrays.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_obj,
    is_cupy_array,
    is_numpy_array,
    is_torch_array,
)
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.filter_bank import filter_bank
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

# Windows at a time: what is between two products then stays in a CPU's cache.
_BATCH = {"cpu": 32, "gpu": 8192}


Array = Any  # NumPy, CuPy, torch or another array of the standard


def scalogram(x: Array, config: ScalogramConfig) -> Array:
    """Block-averaged magnitudes of the complex Morlet transform.

    Parameters
    ----------
    x : array, shape (..., window), real
        Windows, of NumPy, CuPy, torch or anything NumPy takes; samples beyond both ends count as
        zero.
    config : ScalogramConfig

    Returns
    -------
    array, shape (..., n_frequencies, n_blocks), float32, >= 0, in the unit of ``x`` times
    sqrt(samples), of the library and on the device of ``x``

    Raises
    ------
    InputError
        If the last axis is not ``config.window`` long.
    """
    x = x if is_array_api_obj(x) else np.asarray(x)
    xp = array_namespace(x)
    if tuple(x.shape[-1:]) != (config.window,):
        raise InputError(
            f"got windows of shape {tuple(x.shape)}: expected {config.window} samples on the last "
            "axis"
        )
    flat = xp.reshape(xp.astype(x, xp.float32, copy=False), (-1, config.window))
    on_gpu = is_cupy_array(x) or (is_torch_array(x) and x.is_cuda)
    size = _BATCH["gpu" if on_gpu else "cpu"]
    out = [
        _rows(flat[at : min(at + size, flat.shape[0]), :], config)
        for at in range(0, flat.shape[0], size)
    ]
    shape = (*x.shape[:-1], config.n_frequencies, config.n_blocks)
    return xp.reshape(xp.concat(out, axis=0) if out else flat, shape)


def log_scalogram(x: Array, config: ScalogramConfig, *, eps: float) -> Array:
    """``log(scalogram(x) + eps)``: amplitude becomes an offset, silence has a floor.

    Parameters and errors as in :func:`scalogram`; ``eps`` > 0 is in the scalogram's unit.
    """
    out = scalogram(x, config)
    out += eps
    return array_namespace(out).log(out)


def full_scalogram(
    x: NDArray[Any], config: ScalogramConfig, *, n_frequencies: int = 128
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The scalogram at every sample and in fine frequency steps, for pictures.

    Parameters
    ----------
    x : array, shape (n,), real
        A signal at ``config.rate_hz`` of any length; samples beyond both ends count as zero.
    config : ScalogramConfig
        Gives the wavelet and the range of frequencies.
    n_frequencies : int > 0

    Returns
    -------
    frequencies : array, shape (n_frequencies,), Hz, ascending and log-spaced
    magnitudes : array, shape (n_frequencies, n), float32, in the unit of `scalogram`
    """
    fine = replace(config, n_frequencies=n_frequencies)
    scales = fine.scales[:, None]
    reach = int(np.ceil(4 * np.sqrt(config.bandwidth) * scales.max()))
    size = 1 << int(np.ceil(np.log2(len(x) + 2 * reach)))  # no wavelet reaches around the end
    t = np.fft.fftfreq(size, 1 / size) / scales
    wavelet = np.exp(-(t**2) / config.bandwidth - 2j * np.pi * config.center * t)
    wavelet /= np.sqrt(np.pi * config.bandwidth * scales)
    spectrum = np.fft.fft(np.asarray(x, np.float64), size) * np.fft.fft(
        wavelet[:, -np.arange(size)]
    )
    return fine.frequencies, np.abs(np.fft.ifft(spectrum)[:, : len(x)]).astype(np.float32)


def _rows(x: Array, config: ScalogramConfig) -> Array:
    xp = array_namespace(x)
    decimators, bands, average = _weights(config, xp, device(x))
    signals = [(xp.reshape(x, (x.shape[0], config.n_blocks, -1)), 0)]
    for weight in decimators:
        signal, halo = signals[-1]
        halo += weight.shape[0] // 2
        signals.append((_product(signal, weight, config.n_blocks + 2 * halo), halo))
    magnitudes = []
    for level, weight in bands:
        parts = _product(signals[level][0], weight, config.n_blocks)
        points = parts.shape[2] // 2
        parts = parts * parts
        magnitudes.append(xp.sqrt(parts[:, :, :points] + parts[:, :, points:]))
    return xp.matrix_transpose(xp.concat(magnitudes, axis=2) @ average)


def _product(signal: Array, weight: Array, blocks: int) -> Array:
    """Product of ``blocks`` frames with a weight: the frames lie amid the signal, zeros around."""
    xp = array_namespace(signal)
    n, length, samples = signal.shape
    frame = weight.shape[0]
    margin = (blocks + frame - 1 - length) // 2
    if margin > 0:
        zeros = xp.zeros((n, margin, samples), dtype=signal.dtype, device=device(signal))
        signal, margin = xp.concat([zeros, signal, zeros], axis=1), 0
    signal = signal[:, -margin : -margin + blocks + frame - 1, :]
    if is_numpy_array(signal):  # copies a frame at once, not block by block
        flat = signal.reshape(n, -1)
        frames = sliding_window_view(flat, frame * samples, axis=1)[:, ::samples]
    else:  # the standard has no strided views
        frames = xp.concat([signal[:, k : k + blocks, :] for k in range(frame)], axis=2)
    frames = xp.reshape(frames, (n * blocks, frame * samples))
    return xp.reshape(frames @ xp.reshape(weight, (frame * samples, -1)), (n, blocks, -1))


@lru_cache(maxsize=16)
def _weights(
    config: ScalogramConfig, xp: Any, where: Any
) -> tuple[list[Array], list[tuple[int, Array]], Array]:
    """The bank's weights as arrays of a library on a device."""

    def there(weight: NDArray[Any]) -> Array:
        return xp.asarray(weight, device=where)

    bank = filter_bank(config)
    bands = [(band.level, there(band.weight)) for band in bank.bands]
    return [there(w) for w in bank.decimators], bands, there(np.ascontiguousarray(bank.average.T))
