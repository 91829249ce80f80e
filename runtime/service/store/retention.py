"""What goes when it is too old or too much: the oldest waveforms first, then minutes, of which the
hours stay."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.keeping import delete_oldest
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.schema import DATABASE
from dlrsd.runtime.service.store.trend import HOUR
from dlrsd.runtime.service.store.writing import Operation, Writing

_ROOM: Final = 16 << 20  # bytes that are freed at once where the disk is full
_LEAST: Final = 1 << 20  # bytes that opening a database needs
_DAY_S: Final = 86_400.0
_PART: Final = 7 * 24 * HOUR  # minutes of one sensor that are deleted in one transaction
# In parts, so that no transaction is long.
_OLD: Final = (
    "DELETE FROM hour WHERE (series, hour, figure) IN (SELECT hour.series, hour, figure FROM "
    "series, hour WHERE hour.series = series.id AND hour < ? / 3600 LIMIT 5000)",
    "DELETE FROM event WHERE number IN (SELECT number FROM event WHERE time < ? LIMIT 5000)",
    "DELETE FROM action WHERE number IN (SELECT number FROM action WHERE time < ? LIMIT 5000)",
    "DELETE FROM alarm WHERE id IN (SELECT id FROM alarm WHERE ended < ? LIMIT 500)",
)
Write = Callable[[Operation], bool]


def make_room(writing: Writing, folder: Path) -> bool:
    """Delete the oldest waveforms of a full disk, but of no open alarm; says whether there were
    any."""
    with writing.lock:
        count, operation = delete_oldest(
            writing.connection, folder, lambda freed, start: freed >= _ROOM
        )
        if count:
            writing.later(operation)
            text = f"the disk is full: the {count} oldest waveforms were deleted"
            writing.events.add(Event(time=time.time(), kind="disk", text=text, count=count))
    return count > 0


def make_room_to_open(folder: Path) -> None:
    """Delete the oldest waveforms of a store that is not open, where the disk is so full that its
    database cannot even be read."""
    path = folder / DATABASE
    if not path.is_file() or shutil.disk_usage(folder).free > _LEAST:
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as c:
        c.execute("PRAGMA locking_mode = EXCLUSIVE")  # which needs no file beside it
        delete_oldest(c, folder, lambda freed, start: freed >= _ROOM)


def delete_old(
    c: sqlite3.Connection, folder: Path, limits: Limits, now: float, write: Write
) -> None:
    """Delete what is too old at ``now``, Unix time in s.

    Parameters
    ----------
    c : sqlite3.Connection
        To read.
    write : function
        Runs an operation as a transaction, and says whether it could.
    """
    oldest = now - limits.waveform_days * _DAY_S
    count, operation = delete_oldest(c, folder, lambda freed, start: start >= oldest)
    if count:
        write(operation)
    _drop_minutes(c, int((now - limits.minutes_days * _DAY_S) // 60), write)
    for statement in _OLD:
        part = _Part(statement, now - limits.keep_days * _DAY_S)
        while write(part) and part.deleted:
            pass
    write(_delete_changes)


def delete_beyond(
    c: sqlite3.Connection, folder: Path, limits: Limits, write: Write
) -> tuple[int, bool]:
    """Delete the oldest of what is over the size; how many waveforms, and whether that was
    enough."""
    most = limits.keep_gb * 1e9
    over = _size(c) - most
    if over <= 0:
        return 0, True
    count, operation = delete_oldest(c, folder, lambda freed, start: freed >= over + 0.05 * most)
    if count:
        write(operation)
    while _size(c) > most:
        first = _first_minute(c)
        if first is None or not _drop_minutes(c, first + 24 * HOUR, write):
            return count, False
        while c.execute("PRAGMA freelist_count").fetchone()[0] and write(_give_back):
            pass
    return count, True


class _Part:
    """Deletes some rows of what is old; says how many."""

    def __init__(self, statement: str, before: float) -> None:
        self._statement = statement
        self._before = before
        self.deleted = 0

    def __call__(self, c: sqlite3.Connection) -> None:
        self.deleted = c.execute(self._statement, (self._before,)).rowcount


def _delete_changes(c: sqlite3.Connection) -> None:
    """Of alarms that are gone."""
    c.execute("DELETE FROM change WHERE alarm NOT IN (SELECT id FROM alarm)")
    c.execute("DELETE FROM outbox WHERE change NOT IN (SELECT number FROM change)")


def _size(c: sqlite3.Connection) -> int:
    pages = c.execute("PRAGMA page_count").fetchone()[0]
    page = c.execute("PRAGMA page_size").fetchone()[0]
    return int(pages * page + c.execute("SELECT total(bytes) FROM waveform").fetchone()[0])


def _give_back(c: sqlite3.Connection) -> None:
    """Free pages, to the disk."""
    for _ in range(500):  # Python's sqlite3 stops after the first of many
        c.execute("PRAGMA incremental_vacuum(1)")


def _first_minute(c: sqlite3.Connection, series: int | None = None) -> int | None:
    if series is None:
        each = (_first_minute(c, number) for (number,) in c.execute("SELECT id FROM series"))
        return min((first for first in each if first is not None), default=None)
    query = "SELECT min(minute) FROM minute WHERE series = ?"
    first: int | None = c.execute(query, (series,)).fetchone()[0]
    return first


def _drop_minutes(c: sqlite3.Connection, before: int, write: Write) -> bool:
    """Delete minutes whose hours are rolled up; says whether there were any."""
    dropped = False
    for series, rolled in c.execute("SELECT id, rolled FROM series").fetchall():
        stop = min(before // HOUR, rolled) * HOUR
        first = _first_minute(c, series)
        while first is not None and first < stop:
            part = min(stop, first // HOUR * HOUR + _PART)
            if not write(partial(_drop, series=series, before=part)):
                return dropped
            dropped = True
            first = _first_minute(c, series)
    return dropped


def _drop(c: sqlite3.Connection, series: int, before: int) -> None:
    c.execute("DELETE FROM minute WHERE series = ? AND minute < ?", (series, before))
    c.execute("UPDATE series SET kept = max(kept, ?) WHERE id = ?", (before, series))
