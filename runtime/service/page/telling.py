"""Tell every browser what happens: one bounded queue each, and none that holds up the watch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

from dlrsd.runtime.service.page.live import Told

_MOST = 64  # waiting for one browser; who is farther behind is let go, and comes back for all


class Telling:
    """From the threads of the watch to the browsers; `subscribe` is what `Live` offers.

    `tell` may be called from any thread and returns at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[asyncio.Queue[Told | None], asyncio.AbstractEventLoop] = {}

    @property
    def listeners(self) -> int:
        """How many browsers listen: with none, nothing need be gathered for them."""
        with self._lock:
            return len(self._queues)

    def tell(self, told: Told) -> None:
        """Put it into every queue."""
        with self._lock:
            queues = list(self._queues.items())
        for queue, loop in queues:
            self._send(queue, loop, told)

    async def subscribe(self) -> AsyncGenerator[Told, None]:
        """What is told from now on, until the reader leaves or is too slow."""
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        with self._lock:
            self._queues[queue] = asyncio.get_running_loop()
        try:
            while (told := await queue.get()) is not None:
                yield told
        finally:
            self._forget(queue)

    def _send(
        self, queue: asyncio.Queue[Told | None], loop: asyncio.AbstractEventLoop, told: Told
    ) -> None:
        try:
            loop.call_soon_threadsafe(self._put, queue, told)
        except RuntimeError:  # the loop has ended, and with it who listened
            self._forget(queue)

    def _put(self, queue: asyncio.Queue[Told | None], told: Told) -> None:
        if queue.qsize() < _MOST:
            queue.put_nowait(told)
            return
        self._forget(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def _forget(self, queue: asyncio.Queue[Told | None]) -> None:
        with self._lock:
            self._queues.pop(queue, None)
