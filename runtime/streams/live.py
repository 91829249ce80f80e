"""A stream that is pushed: its chunks are brought to a bundle's rate and unit as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.facts import unit_factor
from dlrsd.runtime.streams.resample import Resampler
from dlrsd.runtime.streams.signal_spec import SignalSpec
from dlrsd.runtime.streams.source import Chunk
from dlrsd.runtime.streams.stream import SAME_RATE, SampleStream


def described(
    name: str,
    *,
    rate_hz: float,
    unit: str,
    channels: int,
    speed_rpm: float | None = None,
    load: float | None = None,
) -> dict[str, Any]:
    """What `SampleStream.description` says of a stream of which all is stated."""
    return {
        "source": name,
        "kind": "live",
        "dtype": None,
        "rate_hz": rate_hz,
        "channels": channels,
        "channel_names": [],
        "scale": 1.0,
        "unit": unit,
        "start": None,
        "resampled_to_hz": None,
        "speed_rpm": speed_rpm,
        "orders": None,
        "tacho": None,
        "load": load,
        "stated_by": {},
        "assumed": {},
        "trailing_bytes": 0,
        "warnings": [],
    }


class LiveStream:
    """The signal of a bundle, of chunks that somebody pushes.

    Parameters
    ----------
    description : dict
        As `described` makes it; the rate it is brought to is noted there.
    wanted : SignalSpec
        What the bundle expects.

    Attributes
    ----------
    stream : SampleStream
        It holds no chunks: they are what `push` returns.

    Raises
    ------
    InputError
        If the rate is below the bundle's, or the unit cannot be converted into the bundle's.
    """

    def __init__(self, description: dict[str, Any], wanted: SignalSpec) -> None:
        name, rate_hz, unit = (description[key] for key in ("source", "rate_hz", "unit"))
        channels, target_hz = description["channels"], wanted.rate_hz or rate_hz
        if rate_hz < target_hz * (1 - SAME_RATE):
            raise InputError(
                f"{name} is sampled at {rate_hz:g} Hz: expected at least the {target_hz:g} Hz of "
                "the bundle; use a bundle trained at this rate"
            )
        self._factor = np.float32(
            1 if wanted.unit is None else unit_factor(unit, wanted.unit, name)
        )
        self._resampler = None
        if rate_hz > target_hz * (1 + SAME_RATE):
            description["resampled_to_hz"] = target_hz
            self._resampler = Resampler(rate_hz=rate_hz, target_hz=target_hz, channels=channels)
        self.stream = SampleStream(
            chunks=iter(()),
            rate_hz=target_hz,
            unit=wanted.unit or unit,
            channels=channels,
            numbers=list(range(channels)),
            start=None,
            n_samples=None,
            description=description,
            close=lambda: None,
        )

    def push(self, chunk: Chunk) -> Iterator[Chunk]:
        """What the next chunk, float32 in the stream's own unit and rate, becomes."""
        samples = chunk.samples if self._factor == 1 else chunk.samples * self._factor
        same = Chunk(samples, chunk.gap_before)
        return iter((same,)) if self._resampler is None else self._resampler.push(same)
