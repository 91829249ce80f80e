"""Cut a stream into blocks of seconds that follow each other and hold no gap.

Where samples are missing the block that was begun is given up and a new one begins behind them, so
that no block holds what was measured apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.streams.source import Chunk


class Block(Struct, frozen=True):
    """Consecutive samples.

    Attributes
    ----------
    start : int
        Number of the first, counted with missing samples.
    samples : array, shape (channels, length), float32
    """

    start: int
    samples: NDArray[np.float32]


class Blocks:
    """Blocks of a stream, as its chunks come in. Memory is that of one block and one chunk.

    Parameters
    ----------
    length : int > 0
        Samples of a block.

    Attributes
    ----------
    given_up : int
        Samples that lie before a gap, or at the end, in no whole block.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._parts: list[NDArray[np.float32]] = []
        self._held = 0
        self._start = 0
        self.given_up = 0

    def push(self, chunk: Chunk) -> Iterator[Block]:
        """Blocks that the next chunk completes."""
        if chunk.gap_before:
            self.end()
            self._start += chunk.gap_before
        samples = chunk.samples
        while samples.shape[1]:
            taken = samples[:, : self._length - self._held]
            samples = samples[:, taken.shape[1] :]
            self._parts.append(taken)
            self._held += taken.shape[1]
            if self._held == self._length:
                yield Block(self._start, np.concatenate(self._parts, axis=1))
                self._start += self._length
                self._parts, self._held = [], 0

    def end(self) -> None:
        """Give up the block that was begun."""
        self.given_up += self._held
        self._start += self._held
        self._parts, self._held = [], 0
