"""Blocks out of a stream of bytes: TCP, a serial port, a pipe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.base import BytesSource, Give
from dlrsd.runtime.service.sources.wire import HEADER_BYTES, decode_header, decode_payload
from dlrsd.runtime.streams.raw import decode_raw

LIMIT = 1 << 18  # bytes that a StreamReader takes before it is read
_RAW_BLOCK_S = 0.1


async def read_signal(
    source: BytesSource, reader: asyncio.StreamReader, give: Give, works: Callable[[], None]
) -> None:
    """Give the blocks of a stream until it ends.

    Parameters
    ----------
    source : BytesSource
        What the stream holds.
    reader : asyncio.StreamReader
    give : function
    works : function
        Called with the first block: the stream is what it should be.

    Raises
    ------
    InputError
        If what comes is no block.
    EOFError
        If it ends within one (`asyncio.IncompleteReadError`).
    OSError
        If it breaks off.
    """
    read = _raw_block if source.format == "raw" else _block
    begins = True
    while True:
        block = await read(source, reader)
        if block is None:
            return
        if begins:
            begins = False
            works()
            if block.sequence is None:  # nobody knows what was lost before
                block = msgspec.structs.replace(block, missing_before=None)
        await give(block)


async def _block(_: BytesSource, reader: asyncio.StreamReader) -> Block | None:
    try:
        raw = await reader.readexactly(HEADER_BYTES)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    header = decode_header(raw)
    payload = await reader.readexactly(header.payload_bytes)
    return decode_payload(header, payload, arrived=time.time())


async def _raw_block(source: BytesSource, reader: asyncio.StreamReader) -> Block | None:
    """About 0.1 s of raw samples; fewer at the end, where a broken frame is left out."""
    assert source.dtype is not None and source.rate is not None  # noqa: S101, PT018
    channels = source.channels or 1
    frame = int(source.dtype[1:-2]) // 8 * channels
    try:
        data = await reader.readexactly(frame * max(1, round(_RAW_BLOCK_S * source.rate)))
    except asyncio.IncompleteReadError as error:
        data = error.partial[: len(error.partial) // frame * frame]
    if not data:
        return None
    samples = decode_raw(data, source.dtype).reshape(-1, channels).T
    return Block(samples=samples, rate_hz=source.rate, arrived=time.time())
