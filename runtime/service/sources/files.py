"""Bytes of an open pipe, device or file, read without holding up the loop of events."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dlrsd.runtime.service.sources.reading import LIMIT, Readable


@asynccontextmanager
async def reading_of(file: io.FileIO) -> AsyncIterator[Readable]:
    """What reads an open file; it is closed at the end of the ``with`` block."""
    mode = os.fstat(file.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or file.isatty()):
        with file:
            yield _Ready(file)
        return
    reader = asyncio.StreamReader(limit=LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), file
    )
    try:
        yield reader
    finally:
        transport.close()


class _Ready:
    """A file whose bytes are there whenever they are asked for."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    async def readexactly(self, n: int) -> bytes:
        data = await asyncio.to_thread(self._read, n)
        if len(data) < n:
            raise asyncio.IncompleteReadError(data, n)
        return data

    def _read(self, n: int) -> bytes:
        parts: list[bytes] = []
        while n and (part := self._file.read(n)):
            parts.append(part)
            n -= len(part)
        return b"".join(parts)
