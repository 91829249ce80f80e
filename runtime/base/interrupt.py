"""Ctrl-C and SIGTERM end a diagnosis between two batches: all that is counted is written whole."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupt:
    """Takes both signals from when it is made; SIGINT only where it is not ignored.

    The first one interrupts at once where samples are awaited. Elsewhere it only is ``asked``, to
    be looked at after each batch; a second one interrupts there too.
    """

    def __init__(self) -> None:
        self.asked = self._is_reading = False
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._take)
        signal.signal(signal.SIGTERM, self._take)

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

    def _take(self, *_: Any) -> None:
        again, self.asked = self.asked, True
        if again or self._is_reading:
            raise KeyboardInterrupt
