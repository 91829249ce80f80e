"""Blocks out of a stream of bytes: TCP, a serial port, a pipe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import structs

from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.service.sources.base import BytesSource, Give
from dlrsd.runtime.service.sources.wire import HEADER_BYTES, decode_header, decode_payload
from dlrsd.runtime.streams.raw import decode_raw

LIMIT = 1 << 18  # bytes that a StreamReader takes before it is read
_RAW_BLOCK_S = 0.1

NextBlock = Callable[[], Awaitable[Block | None]]


class Readable(Protocol):
    """What bytes are read from, such as a `asyncio.StreamReader`."""

    async def readexactly(self, n: int) -> bytes:
        """So many bytes, or an `asyncio.IncompleteReadError` with those that were left."""
        ...


def blocks_in(source: BytesSource, reader: Readable) -> NextBlock:
    """A function that waits for the next block; None at the end.

    It raises an `InputError` where what comes is no block, an `EOFError` where it ends within one
    (`asyncio.IncompleteReadError`), an `OSError` where it breaks off.
    """
    if source.format == "raw" and source.dtype is not None and source.rate is not None:
        return _Raw(source, reader)
    return lambda: _block(reader)


async def read_signal(next_block: NextBlock, give: Give, works: Callable[[], None]) -> None:
    """Give the blocks of a stream until it ends.

    Parameters
    ----------
    next_block : function
        Of `blocks_in`; what it raises ends it.
    give : function
    works : function
        Called with the first block: the stream is what it should be.
    """
    begins = True
    while (block := await next_block()) is not None:
        if begins:
            begins = False
            works()
            if block.sequence is None:  # nobody knows what was lost before
                block = structs.replace(block, missing_before=None)
        await give(block)


async def _block(reader: Readable) -> Block | None:
    try:
        raw = await reader.readexactly(HEADER_BYTES)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    header = decode_header(raw)
    payload = await reader.readexactly(header.payload_bytes)
    return decode_payload(header, payload, arrived=time.time())


class _Raw:
    """About 0.1 s of raw samples; fewer at the end, where a broken frame is left out."""

    def __init__(self, source: BytesSource, reader: Readable) -> None:
        self._reader = reader
        self._dtype = source.dtype or "f32le"
        self._rate = source.rate or 0.0
        self._channels = source.channels or 1
        self._frame = int(self._dtype[1:-2]) // 8 * self._channels
        most = MOST_BLOCK_BYTES // self._frame
        self._size = self._frame * max(1, min(round(_RAW_BLOCK_S * self._rate), most))

    async def __call__(self) -> Block | None:
        try:
            data = await self._reader.readexactly(self._size)
        except asyncio.IncompleteReadError as error:
            data = error.partial[: len(error.partial) // self._frame * self._frame]
        if not data:
            return None
        samples = decode_raw(data, self._dtype).reshape(-1, self._channels).T
        return Block(samples=samples, rate_hz=self._rate, arrived=time.time())
