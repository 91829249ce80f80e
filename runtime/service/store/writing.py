"""Transactions that outlast a full disk: what cannot be written now is written later, in order."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from threading import RLock

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.events import Events

Operation = Callable[[sqlite3.Connection], None]
_MOST_WAITING = 240  # operations; of two hundred machines each minute some 50 MB


class Writing:
    """The one connection that writes, from any thread.

    Parameters
    ----------
    connection : sqlite3.Connection
    events : Events
        They go along with every transaction; that something has to wait becomes one of them.
    make_room : function
        Called where the disk is full; says whether it freed any of it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        events: Events,
        *,
        make_room: Callable[[], bool],
    ) -> None:
        self.connection = connection
        self.lock = RLock()
        self._make_room = make_room
        self.events = events
        self._waiting: deque[Operation] = deque()
        self._in_trouble = False

    @property
    def is_behind(self) -> bool:
        """Whether something waits for the disk."""
        return bool(self._waiting)

    def later(self, operation: Operation) -> None:
        """Run an operation with the next transaction."""
        with self.lock:
            self._waiting.append(operation)

    def write(self, operation: Operation, *, durable: bool = True, wait: bool = True) -> bool:
        """Run an operation in one transaction, with those that had to wait before it.

        Parameters
        ----------
        operation : function of the connection
            Run again where the first try fails: what it does to anything but the connection must
            bear that.
        durable : bool
            Wait until the disk has it. Without, a power cut may lose the last seconds of it,
            never their order; a kill loses nothing.
        wait : bool
            Try it again later where it cannot be written now.

        Returns
        -------
        bool
            Whether it is committed; where not, it waits in memory and is tried with the next.
        """
        with self.lock:
            self._waiting.append(operation)
            reason = self._try(durable)
            tries = 3
            while reason and "full" in reason and tries and self._make_room():
                reason = self._try(durable)
                tries -= 1
            self._in_trouble = self._in_trouble and reason is not None
            if reason is None:
                return True
            self._say(reason)
            if not wait:
                self._waiting.remove(operation)
            return False

    def _try(self, durable: bool) -> str | None:
        """Run all that waits; says why that failed."""
        c = self.connection
        done = 0
        try:
            c.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            c.execute("BEGIN IMMEDIATE")
            for operation in self._waiting:
                operation(c)
                done += 1
            written = self.events.flush(c)
            c.execute("COMMIT")
        except BaseException as error:
            if c.in_transaction:
                c.execute("ROLLBACK")
            if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                return " ".join(str(error).split())
            if done < len(self._waiting):
                del self._waiting[done]  # a mistake in it: it would stop all that follow
            raise
        self._waiting.clear()
        self.events.forget(written)
        return None

    def _say(self, reason: str) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            self._tell(f"the store cannot be written ({reason}): it is kept in memory meanwhile")
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._tell(f"the store cannot be written ({reason}): the oldest of it is lost")

    def _tell(self, text: str) -> None:
        self.events.add(Event(time=time.time(), kind="disk", text=text))
