"""What all blocks of a sensor have in common: their rate, channels and dtype."""

from __future__ import annotations

import numpy as np

from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block

_SAME_RATE = 1e-3  # a measured rate is another each time


class Agreed:
    """What was stated beforehand, else what the first block has.

    Parameters
    ----------
    rate_hz : float, optional
    channels : int, optional
    """

    def __init__(self, rate_hz: float | None, channels: int | None) -> None:
        self._rate = rate_hz
        self._channels = channels
        self._dtype: np.dtype[np.generic] | None = None

    def refusal(self, block: Block) -> str:
        """Why a block is another kind, in words; empty where it is not."""
        samples, rate = block.samples, block.rate_hz
        channels, n = samples.shape
        if rate == self._rate and samples.dtype == self._dtype and channels == self._channels and n:
            return ""
        wanted = self._rate if self._rate is not None else rate
        width = self._channels if self._channels is not None else channels
        dtype = self._dtype if self._dtype is not None else samples.dtype
        second = max(rate, 1.0) * channels * samples.dtype.itemsize
        if second > MOST_BLOCK_BYTES:
            return (
                f"a block of {channels} channels in {samples.dtype} at {rate:g} Hz, a second of "
                f"which takes {second:.3g} bytes: expected at most {MOST_BLOCK_BYTES}; correct the "
                "sensor"
            )
        is_near = abs(rate - wanted) <= _SAME_RATE * wanted  # not if it is NaN
        if is_near and rate > 0 and channels == width and samples.dtype == dtype and n:
            self._rate, self._channels, self._dtype = wanted, width, dtype
            return ""
        return (
            f"a block of {n} samples of {channels} channels in {samples.dtype} at {rate:g} Hz: "
            f"expected {width} channels in {dtype} at {wanted:g} Hz, as before; correct the "
            "sensor, or reload the watch if it was changed"
        )
