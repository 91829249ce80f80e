"""The input of a fusion: a window, and beside it what its lines and its shape say as numbers.

Three kinds of numbers stand behind the samples: the order map (`order_map`), features of time,
spectrum and envelope (`window_features`), and the lines of the places (`fault_lines`). Each kind
has an expert of its own in the graph, the scalogram of the samples a fourth.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.fault_lines import SHAPE, fault_lines
from dlrsd.runtime.dsp.order_map import order_map
from dlrsd.runtime.dsp.order_map_config import LINES, Kinematics, OrderMapConfig
from dlrsd.runtime.dsp.window_features import N_FEATURES, window_features

PART = 1024  # samples of a scalogram, of which a window holds several


def kinds_of(n_bands: int) -> dict[str, int]:
    """How many numbers of each kind a channel has, in their order."""
    return {
        "order map": n_bands * (len(LINES) + 1),
        "features": N_FEATURES,
        "lines": SHAPE[0] * SHAPE[1],
    }


def fusion_numbers(
    windows: NDArray[Any], config: OrderMapConfig, kinematics: Kinematics, *, level: bool
) -> NDArray[np.float32]:
    """Order map, features and lines of windows of one machine.

    Parameters
    ----------
    windows : array, shape (n, channels, window), finite
    config : OrderMapConfig
    kinematics : Kinematics
    level : bool
        Whether the amplitude counts among the features; across machines it says nothing.

    Returns
    -------
    array, shape (n, channels, sum of `kinds_of`), float32
    """
    n, channels, _ = windows.shape
    maps = order_map(windows, config, kinematics).reshape(n, channels, -1)
    heard = windows if level else unit_rms(windows)
    machines = np.tile(np.array(astuple(kinematics)), (n, 1))
    features = window_features(heard, config.rate_hz, machines).reshape(n, channels, -1)
    lines = fault_lines(windows, config.rate_hz, kinematics).reshape(n, channels, -1)
    parts = [maps, features, lines]
    return np.concatenate(parts, axis=2, dtype=np.float32)


def fusion_input(
    windows: NDArray[Any], config: OrderMapConfig, kinematics: Kinematics, *, level: bool
) -> NDArray[np.float32]:
    """Windows with `fusion_numbers` behind the samples: shape (n, channels, window + numbers)."""
    numbers = fusion_numbers(windows, config, kinematics, level=level)
    return np.concatenate([windows, numbers], axis=2, dtype=np.float32, casting="same_kind")


def unit_rms(windows: NDArray[Any]) -> NDArray[Any]:
    """Windows (n, channels, window), each scaled to an RMS of 1 over all channels and samples."""
    power = np.square(windows, dtype=np.float64).mean(axis=(1, 2), keepdims=True)
    rms = np.maximum(np.sqrt(power), np.finfo(np.float32).tiny)
    scaled: NDArray[Any] = windows / rms.astype(np.result_type(windows, np.float32))
    return scaled
