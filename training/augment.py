"""Views of a window: what the same fault could as well have looked like.

A window's position in time is arbitrary, so a circular shift is as true as the original. Shifts
stay within drawn windows: nothing else of the recording is looked at. A sensor's noise varies:
some white noise is added, of up to ``NOISE`` of the window's RMS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOISE = 0.3


def views(
    windows: NDArray[np.float32], count: int, *, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Circularly shifted, slightly noisy copies of windows, each window equally often.

    Parameters
    ----------
    windows : array [shape=(n, channels, window)], n >= 1
    count : int >= 0
        How many views to make.
    rng : numpy Generator
        Source of the order, the shifts (one for all channels of a window) and the noise.

    Returns
    -------
    views : array [shape=(count, channels, window)], float32
    parent : array [shape=(count,)], int
        Index of the window each is a view of.
    """
    rounds = -(-count // len(windows))
    order = np.concatenate(
        [np.empty(0, np.int64), *(rng.permutation(len(windows)) for _ in range(rounds))]
    )[:count]
    length = windows.shape[-1]
    shift = rng.integers(0, length, count)
    position = (np.arange(length) + shift[:, None]) % length
    shifted = np.take_along_axis(windows[order], position[:, None, :], axis=-1)
    rms = np.sqrt((shifted**2).mean(axis=-1, keepdims=True))
    level = rng.uniform(0, NOISE, (count, 1, 1)).astype(np.float32) * rms
    return shifted + level * rng.standard_normal(shifted.shape, dtype=np.float32), order
