"""A block of signal as a source delivers it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

MOST_BLOCK_BYTES = 64 * 2**20  # of one block's samples; a minute of 16 channels at 25.6 kHz in s16


class Block(Struct, frozen=True, kw_only=True):
    """Consecutive samples, and where they stand among all of their source.

    Parameters
    ----------
    samples : array, shape (channels, n)
        In the numbers that were sent (``<i2``, ``<i4``, ``<f4`` or ``<f8``).
    rate_hz : float > 0
    sequence : int >= 0, optional
        Number of the block, by which lost and doubled ones are known. None where the source has
        no such thing (a pipe, a serial port): what comes then is taken in the order it comes.
    time : float, optional
        When the first sample was measured, Unix time in s (UTC). None: nobody said.
    arrived : float
        When the block came, Unix time in s by the clock of this box.
    missing_before : int >= 0, optional
        Samples that its source knows to be missing before it, whatever the sequence says. None:
        some may be, and nobody knows how many (a connection was cut, a file begins).
    sensor : str, optional
        Name of the one sensor it is of. None: its channels are those of the machine's facts.
    """

    samples: NDArray[np.generic]
    rate_hz: float
    arrived: float
    sequence: int | None = None
    time: float | None = None
    missing_before: int | None = 0
    sensor: str | None = None


class Slow(Struct, frozen=True, kw_only=True):
    """A slow value: speed, load or temperature.

    Parameters
    ----------
    name : str
        "speed_rpm", "load" or "temperature_c".
    value : float
    time : float
        When it was measured, Unix time in s.
    """

    name: str
    value: float
    time: Annotated[float, Meta(description="Unix time in s")]
