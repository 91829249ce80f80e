"""The signal of one source: from blocks in any order to pieces of seconds, kept for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.indicators.parts import severity
from dlrsd.runtime.service.said import Event, Second
from dlrsd.runtime.service.sources.arrivals import Arrivals, Placed
from dlrsd.runtime.service.store.tap import Tap
from dlrsd.runtime.service.watching.channels import Channel
from dlrsd.runtime.service.watching.pieces import Piece, SecondCutter
from dlrsd.runtime.streams.facts import unit_factor

Record = Callable[[float, int, np.dtype[Any]], Tap]


def feed_name(number: int, sensor: str | None) -> str:
    """What a source is called in the store: its number in the file, and the sensor it names."""
    return f"{number + 1}" if sensor is None else f"{number + 1} {sensor}"


class Feed:
    """One source of a machine, or one sensor's part of it where its blocks name sensors.

    Parameters
    ----------
    channels : sequence of Channel
    unit : {"g", "m/s2"}
    scale : float
        From what is sent to the unit.
    silent_s : float > 0
    record : function
        Given rate, channels and dtype, opens what keeps the signal as it was sent.
    tell : function
        Is given what happened to blocks.
    now : float
        Unix time in s.

    Attributes
    ----------
    heard : float
        When the last block that fits came, Unix time in s.
    refuses : bool
        Whether the last block was of another kind than those before.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        unit: str,
        scale: float,
        silent_s: float,
        record: Record,
        tell: Callable[[Event], None],
        now: float,
    ) -> None:
        self.channels, self.unit, self.scale = channels, unit, scale
        self._silent_s, self._open = silent_s, record
        self.sensors = [channel.machine.sensors[0].name for channel in channels]
        self._arrivals = Arrivals(tell, silent_s=silent_s, now=now)
        self._cutter: SecondCutter | None = None
        self._tap: Tap | None = None
        self.rate_hz = self._upto = 0.0
        self.heard, self.refuses = now, False
        self._heard, self._refused = time.monotonic(), 0
        self.is_heard = False  # yet

    def push(self, block: Block) -> list[Piece]:
        """The pieces that a block completes."""
        placed = self._arrivals.push(block)
        refused = self._arrivals.counts.refused
        self.refuses, self._refused = refused > self._refused, refused
        if not self.refuses:
            self.heard, self._heard, self.is_heard = block.arrived, time.monotonic(), True
        return self._pieces(placed, block.rate_hz)

    def tick(self, now: float) -> list[Piece]:
        """The pieces that waited long enough for blocks that did not come."""
        return self._pieces(self._arrivals.tick(now), self.rate_hz)

    def end(self, now: float) -> list[Piece]:
        """What is left when no more comes."""
        pieces = self._pieces(self._arrivals.flush(now), self.rate_hz)
        return pieces + (list(self._cutter.end(is_last=True)) if self._cutter else [])

    def silent(self) -> float | None:
        """For how many seconds nothing came that fits, where that is too long. A clock of this box
        that is set changes nothing of it."""
        passed = time.monotonic() - self._heard
        return passed if passed > self._silent_s else None

    def signal(self, samples: NDArray[Any], channel: Channel) -> NDArray[np.float32]:
        """A sensor's part of samples as they were sent, in the feed's unit, its tacho beside it."""
        own = samples[channel.number : channel.number + 1].astype(np.float32)
        if self.scale != 1:
            own *= np.float32(self.scale)
        if channel.tacho is None:
            return own
        return np.concatenate((own, samples[channel.tacho][None].astype(np.float32)))

    def last(self, sensor: str, seconds: float) -> tuple[NDArray[np.float32], float] | None:
        """The last seconds of a sensor without a gap, m/s2, and their Unix time. Any thread."""
        excerpt = self._tap.ring.take(self._upto - seconds, self._upto) if self._tap else None
        if excerpt is None:
            return None
        first = max((at + count for at, count in excerpt.gaps), default=0)
        channel = self.channels[self.sensors.index(sensor)]
        factor = np.float32(self.scale * unit_factor(self.unit, "m/s2", sensor))
        samples = excerpt.samples[channel.number, first:].astype(np.float32) * factor
        return samples, excerpt.start + first / self.rate_hz

    def record(self, piece: Piece, seconds: Sequence[Second]) -> None:
        """Keep a piece as it was sent, now that it was looked at; the worst second for longer."""
        if self._tap is None:
            return
        self._tap.push(piece.samples, piece.time, missing=piece.gap_before)
        self._upto = piece.time + piece.samples.shape[1] / self.rate_hz
        for second in seconds:
            if second.unfit is None and second.running == "running":
                self._tap.second(second.time, max(severity(second.levels)))

    def _pieces(self, placed: Sequence[Placed], rate_hz: float) -> list[Piece]:
        found: list[Piece] = []
        for each in placed:
            if self._cutter is None or self._tap is None:
                self.rate_hz = rate_hz
                self._cutter = SecondCutter(rate_hz)
                self._tap = self._open(rate_hz, len(each.samples), each.samples.dtype)
            found += self._cutter.push(each.samples, each.start, each.time)
        return found
