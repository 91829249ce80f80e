"""Samples as they are stored to samples in a unit, and those for who listens at their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.streams.source import Chunk, Source

Factor = float | NDArray[np.float64]

_LONGEST_GAP_S = 366 * 86_400.0  # boxes without a clock begin in 1970 and are set later


def of_channels(factor: float, channels: int, aside: int | None) -> Factor:
    """A factor that holds for all channels but the tacho."""
    if aside is None or factor == 1:
        return factor
    factors = np.full((channels, 1), factor)
    factors[aside] = 1
    return factors


def scaled(source: Source, factor: Factor, description: dict[str, Any]) -> Iterator[Chunk]:
    """The samples times a factor; what is known at their end is added to the description."""
    for chunk in source.chunks:
        samples = chunk.samples
        with np.errstate(over="ignore", invalid="ignore"):  # becomes infinite, and is flagged
            if np.any(factor != 1):
                samples = np.multiply(samples, factor, dtype=np.float32, casting="unsafe")
            samples = samples.astype(np.float32, copy=False)
        yield Chunk(samples, _bearable(chunk.gap_before, description))
    description["trailing_bytes"] = source.trailing_bytes
    source.close()


def told(
    chunks: Iterator[Chunk], heard: Callable[[Chunk], None], conversion: Factor
) -> Iterator[Chunk]:
    """The same chunks; each is handed to who listens first, without the conversion."""
    for chunk in chunks:
        own = chunk.samples
        if np.any(conversion != 1):
            own = own / np.float32(conversion)
        heard(Chunk(own, chunk.gap_before))
        yield chunk


def _bearable(gap: int, description: dict[str, Any]) -> int:
    """The samples that are missing; of a clock set ahead by years nobody knows how many."""
    if gap <= _LONGEST_GAP_S * description["rate_hz"]:
        return gap
    said = (
        "was set ahead by more than a year: how much is missing is not known; one sample is taken"
    )
    description["warnings"].append(f"the clock of {description['source']} {said}")
    return 1
