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
_LONGEST_S = 0.3  # that one call spends on what waits
_MOST_ROOMS = 3  # times that one call makes room
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
        self.trouble: str | None = None  # why something waits

    @property
    def is_behind(self) -> bool:
        """Whether something waits for the disk."""
        return bool(self._waiting)

    def later(self, operation: Operation) -> None:
        """Run an operation with the next transaction."""
        with self.lock:
            self._waiting.append(operation)

    def write(self, operation: Operation, *, durable: bool = True, wait: bool = True) -> bool:
        """Run an operation in one transaction, after those that had to wait before it.

        Those are run one by one, for a moment at most; the first that fails again ends that.

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
            Whether it is committed; where not, it waits in memory and is tried with the next,
            unless it was not to ``wait``.
        """
        with self.lock:
            self._waiting.append(operation)
            end, rooms = time.monotonic() + _LONGEST_S, _MOST_ROOMS
            while self._waiting and time.monotonic() < end:
                reason = self._run_first(durable)
                if reason is None:
                    continue
                if "full" in reason and rooms and self._make_room():
                    rooms -= 1
                    continue
                break
            else:
                reason = None
            done = operation not in self._waiting
            if not done and not wait:
                self._waiting.remove(operation)
            self._note(reason)
            return done

    def _run_first(self, durable: bool) -> str | None:
        """Run what waits longest, as a transaction, with the events so far; says why that
        failed."""
        c, operation = self.connection, self._waiting[0]
        try:
            c.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            c.execute("BEGIN IMMEDIATE")
            operation(c)
            written = self.events.flush(c)
            c.execute("COMMIT")
        except BaseException as error:
            if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                if c.in_transaction:
                    c.execute("ROLLBACK")
                return " ".join(str(error).split())
            self._waiting.popleft()  # a mistake in it: it would stop all that follow
            if c.in_transaction:
                c.execute("ROLLBACK")
            raise
        self._waiting.popleft()
        self.events.forget(written)
        return None

    def _note(self, reason: str | None) -> None:
        """Say once why something has to wait, and what is lost of it where that is too much."""
        if reason is None:
            self.trouble = self.trouble if self.is_behind else None
            return
        if self.trouble is None:
            self._tell(f"the store cannot be written ({reason}): it is kept in memory meanwhile")
        self.trouble = reason
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._tell(f"the store cannot be written ({reason}): the oldest of it is lost")

    def _tell(self, text: str) -> None:
        self.events.add(Event(time=time.time(), kind="disk", text=text))
