"""What a benchmark diagnoses: windows of a recording, or noise with impulses."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.diagnosis.diagnose import kind_of
from dlrsd.runtime.streams.stream import StreamFormat, open_stream

WINDOWS = 2048
_FEWEST = 256  # labels still tell a share of 99.5 % from all
_SAMPLES = 2**21  # of a channel; long windows are fewer, or they fill the memory of a box


def window_count(bundle: Bundle) -> int:
    """How many windows a benchmark takes: `WINDOWS`, fewer of more than 1024 samples."""
    return max(_FEWEST, min(WINDOWS, _SAMPLES // bundle.window))


def synthetic_windows(bundle: Bundle, n: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Noise with decaying impulses, at levels that the bundle's quality limits accept.

    Returns
    -------
    array, shape (n, channels, window), float32, in the bundle's unit
    """
    rng = np.random.default_rng(seed)
    shape = (n, bundle.channels, bundle.window)
    t = np.arange(bundle.window)
    ring = np.exp(-t / rng.uniform(10, 100, (n, 1))) * np.sin(t * rng.uniform(0.1, 2.4, (n, 1)))
    period = rng.integers(max(1, bundle.window // 16), max(2, bundle.window // 2), (n, 1))
    impulses = np.take_along_axis(ring, t % period, axis=1)[:, None]
    x = rng.standard_normal(shape) + rng.uniform(0, 8, (n, 1, 1)) * impulses
    level: NDArray[np.float64] | float = 1.0
    if bundle.front_end.sees_level:
        low, high = 2 * bundle.quality.level_low, bundle.quality.level_high / 2
        level = np.exp(rng.uniform(np.log(low), np.log(high), (n, 1, 1)))
    scaled: NDArray[np.float64] = level * x / np.sqrt(np.mean(x**2, axis=(1, 2), keepdims=True))
    return scaled.astype(np.float32)


def recorded_windows(source: str, bundle: Bundle, n: int | None = None) -> NDArray[np.float32]:
    """The first windows of a recording, `window_count` or ``n`` of them, every channel on its own
    for a one-channel bundle.

    Returns
    -------
    array, shape (at most n, channels, window), float32, in the bundle's unit and rate

    Raises
    ------
    InputError
        If it cannot be read, holds no complete window, or does not fit the bundle.
    """
    n = window_count(bundle) if n is None else n
    wanted = n * bundle.hop + bundle.window
    with open_stream(source, StreamFormat(), default=bundle.signal) as stream:
        if bundle.channels not in (1, stream.channels):
            raise InputError(
                f"{source} has {stream.channels} channels, the bundle takes {bundle.channels}: "
                "give a recording of the bundle's sensors"
            )
        parts, length = [], 0
        for chunk in stream:
            parts.append(chunk.samples)
            length += chunk.samples.shape[1]
            if length >= wanted:
                break
    if length < bundle.window:
        raise InputError(
            f"{source} holds {length} samples at {bundle.rate_hz:g} Hz, a window takes "
            f"{bundle.window}: give a longer recording"
        )
    signal = np.concatenate(parts, axis=1)
    kind = kind_of(bundle)
    cut = sliding_window_view(kind.filled(signal, bundle), bundle.window, axis=1)
    windows = cut[:, :: bundle.hop].swapaxes(0, 1).reshape(-1, bundle.channels, bundle.window)[:n]
    fit: NDArray[np.float32] = windows[kind.is_fit(windows)]
    if not len(fit):
        raise InputError(f"{source} holds NaN or infinities in every window: give another one")
    return fit
