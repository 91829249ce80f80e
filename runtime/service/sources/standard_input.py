"""Signal from standard input: what another program writes into a pipe."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Annotated, Literal

from msgspec import Meta

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.said import Event, EventKind
from dlrsd.runtime.service.sources.base import BytesSource, Give
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.files import reading_of
from dlrsd.runtime.service.sources.reading import blocks_in, read_signal
from dlrsd.runtime.streams.opening import open_binary


class StandardInput(BytesSource, frozen=True, kw_only=True, tag="stdin"):
    """Raw samples, or blocks, until the pipe ends; one source at most can have it."""

    format: Annotated[
        Literal["blocks", "raw"],
        Meta(description="raw: interleaved samples and no more; blocks: each with its header"),
    ] = "raw"

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what comes until it ends, or is not understood."""
        kind: EventKind = "stopped"
        text = "standard input has ended"
        try:
            async with reading_of(open_binary(None)) as reader:
                await read_signal(blocks_in(self, reader), give, lambda: None)
        except DlrsdError as error:
            kind, text = "refused", f"standard input is refused and read no more: {error}"
        except EOFError:
            text = "standard input has ended within a block"
        except OSError as error:
            text = f"standard input has ended: {error.strerror}"
        finally:
            with suppress(OSError):  # another program may hold the pipe too
                os.set_blocking(0, True)
        tell(Event(time=time.time(), kind=kind, text=text))
