"""Events as they are kept: what chatters becomes one row an hour."""

from __future__ import annotations

import sqlite3
from threading import Lock
from typing import Final

from msgspec.structs import replace

from dlrsd.runtime.service.said import Event

_TOGETHER_S: Final = 60.0  # events of one kind this close are one
_LONGEST_S: Final = 3600.0  # and no longer than this

_SAME_S: Final = 0.01

_Key = tuple[str, str | None, str | None, float | None]


class Events:
    """Events that wait for the next transaction, one of each kind, machine and source."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, Event] = {}
        self._lock = Lock()

    def add(self, event: Event) -> None:
        key = _key(event)
        with self._lock:
            before = self._waiting.get(key)
            self._waiting[key] = _together(before, event) if before else event

    def flush(self, c: sqlite3.Connection) -> list[Event]:
        """Write them in the transaction that goes on; returns what to `forget` once it is done."""
        with self._lock:
            events = list(self._waiting.values())
        for event in events:
            write_event(c, event)
        return events

    def forget(self, written: list[Event]) -> None:
        with self._lock:
            for event in written:
                key = _key(event)
                now = self._waiting[key]
                if now is event:
                    del self._waiting[key]
                else:  # more came meanwhile
                    self._waiting[key] = replace(
                        now,
                        count=now.count - event.count,
                        seconds=_less(now.seconds, event.seconds),
                    )


def write_event(c: sqlite3.Connection, event: Event) -> None:
    """Keep an event; see `Store.write_event`."""
    if _is_of_the_store(event):
        # Told again from the same beginning on: the watch ended before it had kept more.
        c.execute(
            "DELETE FROM event WHERE kind = ? AND machine = ? AND source IS NULL "
            "AND abs(time - seconds - ?) < ?",
            (event.kind, event.machine, event.time - (event.seconds or 0.0), _SAME_S),
        )
        insert_event(c, event)
        return
    before = c.execute(
        "SELECT number FROM event WHERE kind = ? AND machine IS ? AND source IS ? "
        "AND time BETWEEN ? AND ? AND began > ? ORDER BY time DESC LIMIT 1",
        (
            event.kind, event.machine, event.source, event.time - _TOGETHER_S,
            event.time + _TOGETHER_S, event.time - _LONGEST_S,
        ),
    ).fetchone()  # fmt: skip
    if before is None:
        insert_event(c, event)
        return
    c.execute(
        "UPDATE event SET time = ?, text = ?, count = count + ?, "
        "seconds = CASE WHEN seconds IS NULL THEN ?4 ELSE seconds + ifnull(?4, 0) END "
        "WHERE number = ?5",
        (event.time, event.text, event.count, event.seconds, before[0]),
    )


def insert_event(c: sqlite3.Connection, event: Event) -> None:
    """Keep an event as a row of its own."""
    c.execute(
        "INSERT INTO event (began, time, kind, machine, source, text, count, seconds) "
        "VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            event.time, event.kind, event.machine, event.source, event.text, event.count,
            event.seconds,
        ),
    )  # fmt: skip


def record_gap(c: sqlite3.Connection, now: float) -> None:
    """Say how long nobody watched, where the watch before did not end in order; begin anew."""
    found = c.execute("SELECT time, in_order FROM heartbeat").fetchone()
    if found and not found[1]:
        seconds = now - found[0]
        if seconds >= 0:
            text = f"nobody watched for {seconds:.1f} s: the watch before did not end in order"
            insert_event(c, Event(time=now, kind="gap", text=text, seconds=seconds))
        else:
            text = (
                f"the clock is {-seconds:.1f} s before the end of the watch before, which did not "
                "end in order: how long nobody watched is not known"
            )
            insert_event(c, Event(time=now, kind="clock", text=text))
            insert_event(c, Event(time=now, kind="gap", text=text))
    c.execute("INSERT OR REPLACE INTO heartbeat VALUES (1, ?, 0)", (now,))


def _together(a: Event, b: Event) -> Event:
    seconds = None if a.seconds is b.seconds is None else (a.seconds or 0) + (b.seconds or 0)
    return replace(b, count=a.count + b.count, seconds=seconds)


def _less(a: float | None, b: float | None) -> float | None:
    return a if a is None or b is None else a - b


def _key(event: Event) -> _Key:
    """What is told as one."""
    alone = event.time if _is_of_the_store(event) else None
    return event.kind, event.machine, event.source, alone


def _is_of_the_store(event: Event) -> bool:
    """Whether it says what of a machine's signal is not in the store: each stands alone."""
    return event.kind == "gap" and event.machine is not None and event.source is None
