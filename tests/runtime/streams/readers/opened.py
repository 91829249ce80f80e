"""Reads a recording whole, for the tests of readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.stream import SignalSpec, StreamFormat, open_stream

RATE = 25_600
SPEC = SignalSpec(rate_hz=float(RATE), unit="g", channels=1)
N = 4_000
X = np.random.default_rng(0).normal(size=(3, N)).astype(np.float32)
T = np.arange(N) / RATE


class Opened(Struct):
    """What was read: samples (channels, n), and gaps by the sample before which they are."""

    samples: np.ndarray
    gaps: dict[int, int]
    rate: float | None
    unit: str | None
    start: str | None
    names: list[str]
    warnings: list[str]


def opened(path: Path, **stated: Any) -> Opened:
    """Read it; a rate or unit is None where nothing but the bundle states it."""
    stream = open_stream(path, StreamFormat(**stated), default=SPEC)
    chunks = list(stream)
    gaps, at = {}, 0
    for chunk in chunks:
        if chunk.gap_before:
            gaps[at] = chunk.gap_before
        at += chunk.samples.shape[1]
    said, by = stream.description, stream.description["stated_by"]
    return Opened(
        np.concatenate([chunk.samples for chunk in chunks], axis=1),
        gaps,
        said["rate_hz"] if by["rate"] != "bundle" else None,
        said["unit"] if by["unit"] != "bundle" else None,
        said["start"],
        said["channel_names"],
        said["warnings"],
    )


def refused(path: Path, match: str, **stated: Any) -> None:
    """Check that it is refused in one line that names it."""
    with pytest.raises(InputError, match=match) as caught:
        opened(path, **stated)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
