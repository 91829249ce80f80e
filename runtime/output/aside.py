"""A display that cannot hold up or end what it shows: text goes to a terminal from a thread."""

from __future__ import annotations

import os
import select
from collections import deque
from threading import Condition, Thread
from typing import TextIO

_MOST = 1 << 20  # characters that may wait; a reader who is further behind misses some
_PATIENCE_SECONDS = 2.0  # for a reader who takes nothing, at the end


class Aside:
    """Takes text for a file and returns at once, whatever becomes of it.

    A terminal may be stopped or closed, a pipe without a reader: then the text is dropped. What
    `rich` and ``print`` ask of a text file is there.
    """

    def __init__(self, file: TextIO) -> None:
        file.flush()
        self._fd, self._is_terminal = file.fileno(), file.isatty()
        self.encoding, self._errors = file.encoding, file.errors or "strict"
        self._waiting: deque[bytes] = deque()
        self._size = self._taken = 0
        self._is_writing = self._is_broken = False
        self._changed = Condition()
        Thread(target=self._run, daemon=True).start()

    def write(self, text: str) -> int:
        data = text.encode(self.encoding, self._errors)
        with self._changed:
            if not self._is_broken and self._size + len(data) <= _MOST:
                self._waiting.append(data)
                self._size += len(data)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        """Wait until all is shown, but not for a reader who takes nothing."""
        with self._changed:
            while (self._waiting or self._is_writing) and not self._is_broken:
                before = self._taken
                if not self._changed.wait(_PATIENCE_SECONDS) and self._taken == before:
                    return

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                data = self._waiting.popleft()
                self._size -= len(data)
                self._is_writing = True
            try:
                while data:
                    data = data[self._write(data) :]
                    self._taken += 1
            except OSError:
                with self._changed:
                    self._is_broken = True
                    self._changed.notify_all()
                return

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data[:4096])
        except BlockingIOError:  # of a terminal that someone set so
            select.select([], [self._fd], [], 1.0)
            return 0
