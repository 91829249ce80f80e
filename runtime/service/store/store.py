"""What was measured and said, kept over kills and power cuts: the side that writes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.locks import own_folder
from dlrsd.runtime.service.said import Change, Event, Minute
from dlrsd.runtime.service.store.deciding import (
    end_shelved,
    keep_acknowledged,
    keep_change,
    keep_shelved,
    machine_of,
    read_undelivered,
    trim_outbox,
)
from dlrsd.runtime.service.store.events import Events, record_gap
from dlrsd.runtime.service.store.keeping import bring_together
from dlrsd.runtime.service.store.labels import keep_only_listed, unlist_missing
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.minutes import Merge, begin_epoch, keep_minute, read_epochs
from dlrsd.runtime.service.store.retention import make_room, make_room_to_open
from dlrsd.runtime.service.store.schema import DATABASE, open_database
from dlrsd.runtime.service.store.writing import Operation, Writing


class Store:
    """A folder that one process writes to; `Reading` reads it beside, from any thread or process.

    Every method may be called from any thread. A disk that takes nothing raises nothing here: what
    is to be written waits in memory, is tried again with the next write, and an event says it.
    """

    def __init__(
        self, folder: Path, limits: Limits, sinks: Sequence[str], stack: ExitStack, now: float
    ) -> None:
        self.folder = folder
        self.limits = limits
        self._sinks = tuple(sinks)
        self._stack = stack
        self._events = Events()
        self._is_closed = False
        connection = open_database(folder / DATABASE)
        self._stack.callback(connection.close)
        self.writing = Writing(
            connection, self._events, make_room=lambda: make_room(self.writing, folder)
        )
        # Decided, but not on a disk that is full: told all the same.
        self._undecided: list[Change] = []
        self._told: dict[str, set[str]] = {}
        self._begin(now)

    @classmethod
    def open(
        cls, folder: Path, limits: Limits, *, sinks: Sequence[str] = (), now: float | None = None
    ) -> Store:
        """Open a store, or make it where there is none; ``now`` is the Unix time in s.

        Where the watch before did not end in order, an event of kind "gap" says how long nobody
        watched. What waits for a sink that is not in ``sinks`` any more is dropped.

        Raises
        ------
        InputError
            If another process has it, it is damaged, another program's, of a newer version, or
            cannot be written.
        """
        stack = ExitStack()
        with stack:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error
            stack.enter_context(
                own_folder(folder, busy=f"{folder} is in use by another watch: end that first")
            )
            make_room_to_open(folder)
            store = cls(folder, limits, sinks, stack, time.time() if now is None else now)
            store._stack = stack.pop_all()
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, now: float | None = None) -> None:
        """End in order: the next opening records no gap. Once more does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._beat(time.time() if now is None else now, in_order=True)
        self._stack.close()

    # Measured

    def write_minutes(
        self, rows: Sequence[Minute], merge: Merge, *, upto: Mapping[str, float] | None = None
    ) -> None:
        """Keep minutes in one transaction.

        Parameters
        ----------
        rows : sequence of Minute
            Those older than what is kept are left out.
        merge : function (Minute, Minute) -> Minute
            Makes one of the kept and the new row of one minute.
        upto : dict of machine to float, optional
            Unix time in s up to which each machine's signal is in what was kept so far.
        """

        def operation(c: sqlite3.Connection) -> None:
            for row in rows:
                keep_minute(c, row, merge)
            _keep_upto(c, upto or {})

        self.write(operation)

    def begin_epoch(self, machine: str, time: float) -> None:
        """Begin a machine's trend anew, after a repair; the old one is kept."""
        self.write(lambda c: begin_epoch(c, machine, time))

    def epoch_began(self, machine: str) -> float:
        """When the present epoch of a machine began, Unix time in s; the first never did."""
        with self.writing.lock:
            return read_epochs(self.writing.connection, machine)[-1]

    def write_event(self, event: Event) -> None:
        """Keep an event, with the next transaction (a heartbeat's, at the latest).

        Those of one kind, machine and source that follow each other within a minute are one row an
        hour: the time and text of the latest, ``count`` and ``seconds`` of all.
        """
        self._events.add(event)

    def heartbeat(self, now: float, upto: Mapping[str, float] | None = None) -> None:
        """Say that the watch goes on; about once a second. ``upto`` as in `write_minutes`."""
        self._beat(now, upto or {})

    def upto(self) -> dict[str, float]:
        """By machine, the Unix time in s up to which its signal is in what was kept: what comes
        later and before the first new block was not watched."""
        with self.writing.lock:
            return dict(self.writing.connection.execute("SELECT machine, upto FROM watched"))

    # Said

    def decide(self, changes: Sequence[Change], machine: str, snapshot: bytes) -> None:
        """Keep changes of a machine, and what its rules know now, in one transaction.

        Each change goes to every sink. One whose ``id`` is there already is ignored.

        Raises
        ------
        ValueError
            If there is none, or one without an id or an alarm.
        """
        if not changes or not all(each.id and each.alarm for each in changes):
            raise ValueError("no change, or one without an id or an alarm")
        self._say(changes, machine, snapshot)

    def snapshot(self, machine: str) -> bytes | None:
        """What the rules of a machine knew at its last decision."""
        with self.writing.lock:
            found = self.writing.connection.execute(
                "SELECT body FROM snapshot WHERE machine = ?", (machine,)
            ).fetchone()
        return found[0] if found else None

    def acknowledge(
        self, alarm: str, by: str, time: float, snapshot: bytes, changes: Sequence[Change] = ()
    ) -> None:
        """Keep who has seen an alarm, and in the same transaction what that changes, if anything.

        Raises
        ------
        InputError
            If there is no such alarm.
        """
        with self.writing.lock:
            machine = machine_of(self.writing.connection, alarm)
        self._say(changes, machine, snapshot, lambda c: keep_acknowledged(c, alarm, by, time))

    def shelve(
        self, machine: str, rule: str, until: float, by: str, time: float, snapshot: bytes
    ) -> None:
        """Keep who silenced a rule of a machine until when."""
        self._say((), machine, snapshot, lambda c: keep_shelved(c, machine, rule, until, by, time))

    def unshelve(
        self,
        machine: str,
        rule: str,
        by: str,
        time: float,
        snapshot: bytes,
        changes: Sequence[Change] = (),
    ) -> None:
        """Keep who let a rule speak again, and in the same transaction what it then says."""
        self._say(changes, machine, snapshot, lambda c: end_shelved(c, machine, rule, by, time))

    # Told

    def undelivered(self, sink: str, most: int) -> list[Change]:
        """The changes that a sink has not confirmed, in the order they were decided."""
        with self.writing.lock:
            told = self._told.get(sink, set())
            kept = read_undelivered(self.writing.connection, sink, most + len(told))
            passed = told | {change.id for change in kept}
            waiting = self._undecided if sink in self._sinks else []
            return [
                *(change for change in kept if change.id not in told),
                *(change for change in waiting if change.id not in passed),
            ][:most]

    def delivered(self, sink: str, ids: Sequence[str]) -> None:
        """A sink has told these changes: it is not given them again."""
        if not ids:
            return

        def operation(c: sqlite3.Connection) -> None:
            c.executemany(
                "DELETE FROM outbox WHERE sink = ? AND "
                "change = (SELECT number FROM change WHERE id = ?)",
                [(sink, each) for each in ids],
            )

        with self.writing.lock:
            self._told.setdefault(sink, set()).update(ids)
            self.write(operation)

    # Inside

    def _begin(self, now: float) -> None:
        def operation(c: sqlite3.Connection) -> None:
            sinks = msgspec.json.encode(self._sinks).decode()
            c.execute(
                "DELETE FROM outbox WHERE sink NOT IN (SELECT value FROM json_each(?))", (sinks,)
            )
            record_gap(c, now)
            bring_together(self.folder, c)
            unlist_missing(self.folder, c)

        self.write(operation)
        keep_only_listed(self.folder, self.writing.connection)

    def _say(
        self,
        changes: Sequence[Change],
        machine: str,
        snapshot: bytes,
        first: Operation | None = None,
    ) -> None:
        new = list(changes)

        def operation(c: sqlite3.Connection) -> None:
            if first:
                first(c)
            for change in new:
                keep_change(c, change, self._sinks)
            for sink in self._sinks if new else ():
                trim_outbox(c, sink, self.limits.undelivered, new[-1].time)
            c.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?)", (machine, snapshot))

        with self.writing.lock:
            if not self.write(operation):
                self._undecided += new

    def _beat(
        self, now: float, upto: Mapping[str, float] | None = None, *, in_order: bool = False
    ) -> None:
        def operation(c: sqlite3.Connection) -> None:
            c.execute("INSERT OR REPLACE INTO heartbeat VALUES (1, ?, ?)", (now, in_order))
            _keep_upto(c, upto or {})

        self.write(operation, durable=in_order, wait=False)

    def write(self, operation: Operation, *, durable: bool = True, wait: bool = True) -> bool:
        """A transaction of another part of the store; see `Writing.write`."""
        with self.writing.lock:
            done = self.writing.write(operation, durable=durable, wait=wait)
            if done:
                self._undecided.clear()
                self._told.clear()
            return done


def _keep_upto(c: sqlite3.Connection, upto: Mapping[str, float]) -> None:
    c.executemany("INSERT OR REPLACE INTO watched VALUES (?, ?)", list(upto.items()))
