"""What went wrong that nobody thought of: said, counted, survived."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.sinks.lines import one_line
from dlrsd.runtime.service.sources.base import Give, Source
from dlrsd.runtime.service.sources.counted import Counted, Tell

_log = logging.getLogger(__name__)


class Failures:
    """Says each at once the first time, and as a count while it goes on.

    Parameters
    ----------
    tell : function
        Is given each `Event`, of kind "refused".
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._of: dict[str, Counted] = {}

    def say(self, what: str, error: Exception) -> None:
        """Something could not be done; ``what`` is the same each time that it is the same."""
        counted = self._of.setdefault(what, Counted(self._tell))
        counted.add("refused", time.time(), f"{what}: {in_words(error)}")

    def tick(self, now: float) -> None:
        """Tell what was counted; to be called every second or so."""
        for counted in self._of.values():
            counted.tick(now)


def in_words(error: Exception) -> str:
    """An error on one line; one that nobody thought of by its type, its traceback in the log."""
    if isinstance(error, DlrsdError):
        return one_line(str(error), most=1000)
    _log.info("in full:", exc_info=error)
    return one_line(f"{type(error).__name__}: {error}", most=300)


async def failure_of(source: Source, give: Give, tell: Tell) -> Exception | None:
    """What ended a source, if it did not end by itself."""
    try:
        await source.run(give, tell)
    except Exception as error:
        return error
    return None


async def end_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End tasks, and wait until they did."""
    listed = list(tasks)
    for task in listed:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*listed, return_exceptions=True)
