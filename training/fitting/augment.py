"""What the same fault could as well have looked like: views of windows, variations of heatmaps.

A window's position in time is arbitrary, so a circular shift is as true as the original. Shifts
stay within drawn windows: nothing else of the recording is looked at. A sensor's noise varies:
some white noise is added, of up to ``NOISE`` of the window's RMS.

At another speed a heatmap lies a little higher or lower on its log frequency axis, and at another
load or along another path to the sensor some frequencies come through stronger and some weaker.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dlrsd.training.frontends.front_end import NOISE

SHIFT_ROWS = 0.6  # up or down: 8 % of the speed, with 32 rows from 100 to 4500 Hz
RESPONSE = 0.3  # standard deviation of the level, in those of a row of heatmaps
_KNOTS = 8  # of the response over frequency: about one for every 0.8 octaves


def views(
    windows: NDArray[np.float32],
    count: int,
    *,
    rng: np.random.Generator,
    shifted: bool = True,
    noise: float = NOISE,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Circularly shifted, slightly noisy copies of windows, each window equally often.

    Parameters
    ----------
    windows : array [shape=(n, channels, window)], n >= 1
    count : int >= 0
        How many views to make.
    rng : numpy Generator
        Source of the order, the shifts (one for all channels of a window) and the noise.
    shifted : bool
        False leaves the shifts out: the seam would break the lines of an order map.
    noise : float >= 0
        Most white noise that is added, in units of the window's RMS.

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
    shown = windows[order]
    if shifted:
        length = windows.shape[-1]
        shift = rng.integers(0, length, count)
        position = (np.arange(length) + shift[:, None]) % length
        shown = np.take_along_axis(shown, position[:, None, :], axis=-1)
    rms = np.sqrt((shown**2).mean(axis=-1, keepdims=True))
    level = rng.uniform(0, noise, (count, 1, 1)).astype(np.float32) * rms
    return shown + level * rng.standard_normal(shown.shape, dtype=np.float32), order


def vary(heatmaps: Tensor, *, rng: np.random.Generator) -> Tensor:
    """Heatmaps at slightly other speeds, through slightly other frequency responses.

    Parameters
    ----------
    heatmaps : tensor [shape=(n, channels, F, T)]
        Standardised; rows log-spaced in frequency.
    rng : numpy Generator
        Source of a shift for each heatmap, uniform within ``SHIFT_ROWS`` rows, and of a smooth
        response for each of its channels, normal with ``RESPONSE``.
    """
    n, channels, rows, _ = heatmaps.shape
    shift = torch.from_numpy(rng.uniform(-SHIFT_ROWS, SHIFT_ROWS, n).astype(np.float32))
    place = (torch.arange(rows) + shift[:, None]).clamp(0, rows - 1)
    below = place.floor().long().clamp(max=rows - 2)
    weight = (place - below)[:, None, :, None]
    index = below[:, None, :, None].expand_as(heatmaps)
    moved = heatmaps.gather(2, index) * (1 - weight) + heatmaps.gather(2, index + 1) * weight
    knots = rng.standard_normal((n, channels, _KNOTS), dtype=np.float32)
    level = F.interpolate(torch.from_numpy(knots), size=rows, mode="linear", align_corners=True)
    return moved + RESPONSE * level[..., None]
