"""A source that runs in a test, and what came of it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.base import Source

WAIT_S = 30.0  # on a machine that is slow at times


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """What a running source gave and told."""

    def __init__(self) -> None:
        self.given: list[Block | Slow] = []
        self.told: list[Event] = []
        self.task: asyncio.Task[None] | None = None

    @property
    def blocks(self) -> list[Block]:
        return [each for each in self.given if isinstance(each, Block)]

    @property
    def slow(self) -> list[Slow]:
        return [each for each in self.given if isinstance(each, Slow)]

    async def give(self, what: Block | Slow) -> None:
        self.given.append(what)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    async def until(self, true: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not true():
            if self.task is not None and self.task.done():
                self.task.result()
                if true():
                    return
                raise AssertionError(f"it ended too early: {self.told}")
            assert time.monotonic() - began < WAIT_S, (self.told, len(self.given))
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(source: Source) -> AsyncIterator[Running]:
    """Run a source while the block of the ``with`` does."""
    it = Running()
    it.task = asyncio.create_task(source.run(it.give, it.told.append))
    try:
        yield it
    finally:
        it.task.cancel()
        with suppress(asyncio.CancelledError):
            await it.task
