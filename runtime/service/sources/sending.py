"""A sender of blocks: what a sensor does, for a simulated machine and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.wire import encode


def blocks_of(
    samples: NDArray[np.generic],
    *,
    rate_hz: float,
    size: int,
    time: float | None = None,
    sequence: int | None = 0,
) -> Iterator[Block]:
    """Signal as consecutive blocks.

    Parameters
    ----------
    samples : array, shape (channels, n)
        Of int16, int32, float32 or float64; a rest that fills no block is the last one.
    rate_hz : float > 0
    size : int > 0
        Samples of a block.
    time : float, optional
        Unix time of the first sample in s.
    sequence : int >= 0, optional
        Number of the first block.
    """
    for index, start in enumerate(range(0, samples.shape[1], size)):
        began = None if time is None else time + start / rate_hz
        yield Block(
            samples=samples[:, start : start + size],
            rate_hz=rate_hz,
            arrived=0.0 if began is None else began,
            sequence=None if sequence is None else sequence + index,
            time=began,
        )


async def send_blocks(host: str, port: int, blocks: Iterable[Block] | AsyncIterable[Block]) -> None:
    """Send blocks to a listening source, as fast as they come and are taken.

    Raises
    ------
    OSError
        If nobody listens there, or who does ends the connection.
    """
    _, writer = await asyncio.open_connection(host, port)
    try:
        if isinstance(blocks, AsyncIterable):
            async for block in blocks:
                writer.write(encode(block))
                await writer.drain()
        else:
            for block in blocks:
                writer.write(encode(block))
                await writer.drain()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
