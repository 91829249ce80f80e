"""The levels of one second of each sensor, as the rooms of the service tell them each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp import levels as dsp
from dlrsd.runtime.service.said import Levels


def levels_of(samples: NDArray[np.floating[Any]], rate_hz: float) -> list[Levels]:
    """Levels of one whole second without a gap, one a channel; see `dlrsd.runtime.dsp.levels`.

    A second that holds a gap is not given: what is left of it would tell its own length and not
    the machine, and there are 59 others in the minute.

    Parameters
    ----------
    samples : array, shape (channels, n), float32
        Acceleration in m/s2.
    rate_hz : float > 0
    """
    of_channels = np.stack(dsp.levels(samples, rate_hz), axis=1).tolist()
    return [Levels(**dict(zip(_NAMES, map(_finite, each), strict=True))) for each in of_channels]


_NAMES = dsp.Levels._fields


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
