"""Whom a watch tells: every output with its own delivery, and what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sinks.delivery import Outbox, Telemetry, deliver
from dlrsd.runtime.service.sinks.payload import Message
from dlrsd.runtime.service.sinks.sink import Sink


class Outlets:
    """The outputs of a watch, all in the thread of the loop.

    Parameters
    ----------
    sinks : sequence of Sink
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._all = [(sink, woken := asyncio.Event(), Telemetry(sink, woken)) for sink in sinks]

    def __len__(self) -> int:
        return len(self._all)

    def deliver(self, outbox: Outbox, tell: Callable[[Event], None]) -> list[asyncio.Task[None]]:
        """Begin to deliver to each, until cancelled."""
        return [
            asyncio.create_task(deliver(sink, outbox, woken, telemetry, tell))
            for sink, woken, telemetry in self._all
        ]

    def put(self, message: Message) -> None:
        """Let each have a message that may be dropped."""
        for _, _, telemetry in self._all:
            telemetry.put(message)

    def wake(self) -> None:
        """Changes of alarms wait in the store."""
        for _, woken, _ in self._all:
            woken.set()
