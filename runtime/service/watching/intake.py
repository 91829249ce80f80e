"""What comes of all sources of one machine: pieces of signal, slow values, and what befell them."""

from __future__ import annotations

from collections import Counter, deque
from functools import partial
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.base import SignalSource
from dlrsd.runtime.service.sources.counted import Counted
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.tap import Tap
from dlrsd.runtime.service.watching.channels import Channel, channels_of
from dlrsd.runtime.service.watching.conditions import Heard
from dlrsd.runtime.service.watching.feed import Feed, feed_name
from dlrsd.runtime.service.watching.pieces import Piece
from dlrsd.runtime.service.watching.rehearsal import (
    NO_FAULT,
    RehearsedFault,
    rehearsed_fault,
)
from dlrsd.runtime.service.watching.setup import Setup


class Intake:
    """The sources of a machine. The thread of the loop fills it, a worker empties it.

    Parameters
    ----------
    setup : Setup
    recorder : Recorder
        Keeps the signal as it was sent, around alarms.
    now : float
        Unix time in s.

    Attributes
    ----------
    waiting : deque of (Feed, Piece)
        Pieces that nobody has looked at yet.
    heard : Heard
        Slow values.
    counted : Counter
        Events by kind, since the watch began.
    """

    def __init__(self, setup: Setup, recorder: Recorder, now: float) -> None:
        self._setup, self._recorder = setup, recorder
        self.waiting: deque[tuple[Feed, Piece]] = deque()
        self.heard = Heard()
        self.counted: Counter[str] = Counter()
        self._events: deque[Event] = deque()
        self._names = Counted(partial(self.tell, None))
        self._feeds: dict[tuple[int, str | None], Feed] = {}
        self._faults: dict[int, RehearsedFault] = {}
        for at, source in enumerate(setup.sources):
            if setup.rehearse and (fault := rehearsed_fault(setup.machine)) is not None:
                self._faults[at] = fault
            if isinstance(source, SignalSource):
                self._begin(at, source, now)
        if setup.rehearse and not self._faults:
            self.tell(None, Event(time=now, kind="refused", text=NO_FAULT))

    def receive(self, at: int, block: Block | Slow) -> bool:
        """Take what a source gives; whether there is work to be done."""
        if isinstance(block, Slow):
            self.heard.take(block)
            return False
        if at in self._faults:
            block = self._faults[at].added(block)
        feed = self._feeds.get((at, block.sensor))
        if feed is None:
            known = ", ".join(repr(name) for number, name in self._feeds if number == at and name)
            text = f"a block names the sensor {block.sensor!r:.80}: expected {known or 'no name'}"
            self._names.add("refused", block.arrived, text)
            return False
        self.waiting.extend((feed, piece) for piece in feed.push(block))
        return bool(self.waiting)

    def tick(self, now: float) -> bool:
        """Let go of what waits for blocks that did not come; whether there is work to be done."""
        for feed in self._feeds.values():
            self.waiting.extend((feed, piece) for piece in feed.tick(now))
        return bool(self.waiting)

    def end(self, now: float) -> None:
        """No more comes: what is left becomes work."""
        for feed in self._feeds.values():
            self.waiting.extend((feed, piece) for piece in feed.end(now))

    def tell(self, at: int | None, event: Event) -> None:
        """Take down an event of a source, or of the machine itself; any thread."""
        source = None if at is None else f"{at + 1}"
        self._events.append(structs.replace(event, machine=self._setup.name, source=source))
        self.counted[event.kind] += event.count

    def take_events(self) -> list[Event]:
        """Those that nobody has taken yet."""
        return [self._events.popleft() for _ in range(len(self._events))]

    @property
    def refuses(self) -> bool:
        """Whether blocks of a source are refused for now, for they are of another kind."""
        return any(feed.refuses for feed in self._feeds.values())

    def silent(self) -> dict[str, float]:
        """For how many seconds nothing came, of each source of which that is too long."""
        return {
            f"source {feed_name(*key)}": passed
            for key, feed in self._feeds.items()
            if (passed := feed.silent()) is not None
        }

    def last(self, sensor: str, seconds: float) -> tuple[NDArray[np.float32], float] | None:
        """As of `Feed.last`, of the source that has the sensor."""
        for feed in list(self._feeds.values()):
            if sensor in feed.sensors and (found := feed.last(sensor, seconds)) is not None:
                return found
        return None

    def silent_sensors(self) -> dict[str, float]:
        """The same by sensor."""
        return {
            name: passed
            for feed in self._feeds.values()
            if (passed := feed.silent()) is not None
            for name in feed.sensors
        }

    def _begin(self, at: int, source: SignalSource, now: float) -> None:
        """Listen for a source; where its blocks name sensors, for each by itself."""
        if not source.names_sensors:
            self._feed(at, source, None, now)
            return
        for name in source.sensors or [sensor.name for sensor in self._setup.machine.sensors]:
            self._feed(at, structs.replace(source, sensors=[name]), name, now)

    def _feed(self, at: int, source: SignalSource, sensor: str | None, now: float) -> None:
        channels = channels_of(self._setup.machine, source)
        self._feeds[at, sensor] = Feed(
            channels,
            unit=source.unit,
            scale=source.scale,
            silent_s=source.silent_s,
            record=partial(self._record, at, source, sensor, channels),
            tell=partial(self._tell_of, at, sensor),
            now=now,
        )

    def _tell_of(self, at: int, sensor: str | None, event: Event) -> None:
        """An event of one of the sensors that blocks name."""
        text = event.text if sensor is None else f"sensor {sensor}: {event.text}"
        self.tell(at, structs.replace(event, text=text))

    def _record(
        self,
        at: int,
        source: SignalSource,
        sensor: str | None,
        channels: list[Channel],
        rate_hz: float,
        count: int,
        dtype: np.dtype[Any],
    ) -> Tap:
        names = {each.number: each.machine.sensors[0].name for each in channels}
        return self._recorder.tap(
            self._setup.name,
            feed_name(at, sensor),
            [names.get(number, f"channel {number}") for number in range(count)],
            rate_hz=rate_hz,
            dtype=dtype,
            scale=[source.scale if number in names else 1.0 for number in range(count)],
            unit=source.unit,
        )
