"""Signal over a serial line, on which bytes are lost and nothing says where a block begins."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.base import BytesSource, Give
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.files import reading_of
from dlrsd.runtime.service.sources.link import Link
from dlrsd.runtime.service.sources.reading import Readable, blocks_in, read_signal
from dlrsd.runtime.service.sources.wire import HEADER_BYTES, MAGIC, decode_header, decode_payload

_LONGEST_BLOCK_S = 10.0  # on the line: what claims more is damaged
_BITS_PER_BYTE = 10


class SerialSource(BytesSource, frozen=True, kw_only=True, tag="serial"):
    """Blocks, or raw samples, over a serial port with 8 data bits, no parity and one stop bit.

    After damage blocks are found again by their first four bytes and their checksum. Raw samples
    are not: a single byte that is lost shifts all that follow, so they are for a line that loses
    none, such as USB.
    """

    port: Annotated[Text, Meta(description="Such as /dev/ttyUSB0, better /dev/serial/by-id/...")]
    baud: Annotated[int, Meta(ge=50, le=20_000_000, description="Bits a second")] = 115200

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what comes until cancelled."""
        link = Link(tell, self.port)
        await link.keep(lambda: self._attempt(give, link))

    async def _attempt(self, give: Give, link: Link) -> None:
        serial = require("serial", extra="watch", purpose="a source on a serial port")
        try:
            port = serial.Serial(self.port, self.baud, timeout=0, exclusive=True)
        except ValueError as error:
            raise InputError(f"it cannot be set: {error}") from error
        with port:
            async with reading_of(io.FileIO(os.dup(port.fileno()))) as reader:
                if self.format == "raw":
                    next_block = blocks_in(self, reader)
                else:
                    most = int(_LONGEST_BLOCK_S * self.baud / _BITS_PER_BYTE)
                    next_block = Resynchronised(reader, most, lambda why: link.say("refused", why))
                await read_signal(next_block, give, link.works)


class Resynchronised:
    """The next block of a line, found again after damage.

    Parameters
    ----------
    reader : Readable
    most : int
        Bytes that the samples of a block may have.
    say : function
        Is told once for each stretch that is left out after the first block.
    """

    def __init__(self, reader: Readable, most: int, say: Callable[[str], None]) -> None:
        self._reader = reader
        self._most = most
        self._say = say
        self._back = b""  # what was read and is to be read again
        self._began = False

    async def __call__(self) -> Block | None:
        """The next block; None at the end of the line."""
        skipped, why = 0, "no block begins there"
        while True:
            raw, payload = b"", b""
            try:
                raw = await self._read(HEADER_BYTES)
                header = decode_header(raw)
                if header.payload_bytes > self._most:
                    raise InputError(
                        f"a block that claims {header.payload_bytes} bytes of samples: expected at "
                        f"most {self._most}, which take {_LONGEST_BLOCK_S:g} s at this rate"
                    )
                payload = await self._read(header.payload_bytes)
                block = decode_payload(header, payload, arrived=time.time())
            except InputError as error:
                if raw.startswith(MAGIC):
                    why = str(error)
                damaged = raw + payload
                begins = damaged.find(MAGIC, 1)
                if begins < 0:
                    begins = len(damaged) - len(MAGIC) + 1
                self._back = damaged[begins:] + self._back
                skipped += begins
            except asyncio.IncompleteReadError:
                return None
            else:
                if skipped and self._began:
                    self._say(f"sent {skipped} bytes that are left out: {why}")
                self._began = True
                return block

    async def _read(self, n: int) -> bytes:
        if not self._back:
            return await self._reader.readexactly(n)
        part, self._back = self._back[:n], self._back[n:]
        return part + await self._reader.readexactly(n - len(part)) if len(part) < n else part
