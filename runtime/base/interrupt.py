"""Ctrl-C, SIGTERM and SIGHUP end a diagnosis between two batches: all that is counted is written.

SIGHUP comes when the terminal goes away; ``nohup`` has it ignored, and so it stays.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


# A service manager stops with SIGTERM what a person stops with Ctrl-C.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def end_in_order() -> None:
    """Let all of them raise KeyboardInterrupt, as Ctrl-C does."""
    _handle(signal.default_int_handler)


class Interrupt:
    """Takes the signals from when it is made, but those that are ignored.

    The first one interrupts at once where samples are awaited. Elsewhere it only is ``asked``, to
    be looked at after each batch; a second one interrupts there too. But not a second SIGHUP: both
    the system and the shell send one when a terminal is closed.
    """

    def __init__(self) -> None:
        self.asked = self._is_reading = False
        _handle(self._take)

    def while_reading(self, chunks: Iterator[T]) -> Iterator[T]:
        """The same chunks; raises KeyboardInterrupt where one was asked for."""
        while True:
            self._is_reading = True
            if self.asked:
                raise KeyboardInterrupt
            chunk = next(chunks, None)
            self._is_reading = False
            if chunk is None:
                return
            yield chunk

    def until_asked(self, chunks: Iterator[T]) -> Iterator[T]:
        """The same chunks, which end where an interrupt was asked for."""
        with suppress(KeyboardInterrupt):
            yield from self.while_reading(chunks)

    def _take(self, number: int, _: Any) -> None:
        again, self.asked = self.asked and number != getattr(signal, "SIGHUP", None), True
        if again or self._is_reading:
            self._is_reading = False
            raise KeyboardInterrupt


def _handle(handler: Callable[..., Any]) -> None:
    for each in _SIGNALS:
        if each == signal.SIGTERM or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, handler)
