"""A connection that is made again whenever it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.service.said import EventKind
from dlrsd.runtime.service.sources.counted import Counted, Tell

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Link:
    """Keeps trying, waits longer each time up to half a minute, and tells of it once.

    Parameters
    ----------
    tell : function
    name : str
        What messages call it.
    """

    def __init__(self, tell: Tell, name: str) -> None:
        self._name = name
        self._events = Counted(tell)
        self._pause = _FIRST_PAUSE_S
        self._is_down = False

    def works(self) -> None:
        """Something came of it."""
        self._pause = _FIRST_PAUSE_S
        if self._is_down:
            self._is_down = False
            self.say("back", "is there again")

    def say(self, kind: EventKind, text: str) -> None:
        """Tell what happened to it; ``text`` follows its name."""
        self._events.add(kind, time.time(), f"{self._name} {text}")

    def rest(self) -> None:
        """Wait long before the next attempt: it would hardly be another."""
        self._pause = _LONGEST_PAUSE_S

    def broke(self, kind: EventKind, text: str) -> None:
        """Tell that it works no more, and why."""
        self._is_down = True
        self.say(kind, text)

    async def keep(self, attempt: Callable[[], Awaitable[None]]) -> None:
        """Make the connection and what comes of it, again and again, until cancelled.

        ``attempt`` returns or raises an `OSError` or `EOFError` when it ended, a `DlrsdError` when
        what came is not understood.
        """
        try:
            while True:
                try:
                    await attempt()
                    self.broke("silent", "ended; tried again")
                except DlrsdError as error:
                    self.broke("refused", f"is refused: {error}; tried again")
                except EOFError:
                    self.broke("silent", "ended within a block; tried again")
                except (OSError, asyncio.TimeoutError) as error:
                    self.broke("silent", f"does not work: {_reason(error)}; tried again")
                except Exception as error:  # libraries meet what nobody thought of
                    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                    self.broke("refused", f"does not work: {what}; tried again")
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
                self._events.tick(time.time())
        finally:
            self._events.flush(time.time())


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or "it does not answer"
