"""Rows of the trend: one a minute and sensor, and when a machine's trend began anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from dlrsd.runtime.service.said import Minute
from dlrsd.runtime.service.store.rows import COLUMNS, to_minute, to_row
from dlrsd.runtime.service.store.trend import HOUR, roll_up

Merge = Callable[[Minute, Minute], Minute]

_NAMES = ", ".join(COLUMNS)
_SELECT = f"SELECT {_NAMES} FROM minute WHERE series = ? AND minute = ?"  # noqa: S608 - ours
_PLACES = ", ".join("?" * (len(COLUMNS) + 2))
_INSERT = f"INSERT OR REPLACE INTO minute (series, minute, {_NAMES}) VALUES ({_PLACES})"  # noqa: S608
_RANGE = f"SELECT minute, {_NAMES} FROM minute WHERE series = ? AND minute >= ? AND minute < ?"  # noqa: S608


def keep_minute(c: sqlite3.Connection, row: Minute, merge: Merge) -> None:
    """Keep a minute, merged with what is there of it, and roll up the hours that are over."""
    series, rolled, kept = _series(c, row)
    if row.minute < kept:
        return
    before = c.execute(_SELECT, (series, row.minute)).fetchone()
    if before is not None:
        row = merge(to_minute(row.machine, row.sensor, row.minute, before), row)
    c.execute(_INSERT, (series, row.minute, *to_row(row)))
    hour = row.minute // HOUR
    if hour < rolled:
        roll_up(c, series, hour)
    elif hour > rolled:
        for (each,) in c.execute(
            "SELECT DISTINCT minute / 60 FROM minute "
            "WHERE series = ? AND minute >= ? AND minute < ?",
            (series, rolled * HOUR, hour * HOUR),
        ).fetchall():
            roll_up(c, series, each)
        c.execute("UPDATE series SET rolled = ? WHERE id = ?", (hour, series))


def find_series(c: sqlite3.Connection, machine: str, sensor: str) -> int | None:
    found = c.execute(
        "SELECT id FROM series WHERE machine = ? AND sensor = ?", (machine, sensor)
    ).fetchone()
    return found[0] if found else None


def read_minutes(
    c: sqlite3.Connection, machine: str, sensor: str, first: int, last: int
) -> list[Minute]:
    """Minutes from ``first`` to before ``last``."""
    series = find_series(c, machine, sensor)
    rows = c.execute(_RANGE, (series, first, last))
    return [to_minute(machine, sensor, minute, tuple(row)) for minute, *row in rows]


def read_latest(c: sqlite3.Connection) -> dict[tuple[str, str], Minute]:
    """The latest minute of each sensor."""
    latest = {}
    for series, machine, sensor in c.execute("SELECT id, machine, sensor FROM series").fetchall():
        row = c.execute(
            f"SELECT minute, {_NAMES} FROM minute WHERE series = ? ORDER BY minute DESC LIMIT 1",  # noqa: S608
            (series,),
        ).fetchone()
        if row is not None:
            latest[machine, sensor] = to_minute(machine, sensor, row[0], tuple(row[1:]))
    return latest


def begin_epoch(c: sqlite3.Connection, machine: str, time: float) -> None:
    """Begin the next epoch of a machine, which was in its epoch 0 until the first such call."""
    c.execute(
        "INSERT INTO epoch SELECT ?1, ifnull(max(number), 0) + 1, ?2 FROM epoch WHERE machine = ?1",
        (machine, time),
    )


def read_epochs(c: sqlite3.Connection, machine: str) -> list[float]:
    """When each epoch of a machine began, Unix times in s; the first at minus infinity."""
    rows = c.execute("SELECT began FROM epoch WHERE machine = ? ORDER BY number", (machine,))
    return [float("-inf"), *(began for (began,) in rows)]


def _series(c: sqlite3.Connection, row: Minute) -> tuple[int, int, int]:
    """Its number, the first hour that is not rolled up, and the first minute that is kept."""
    where = (row.machine, row.sensor)
    query = "SELECT id, rolled, kept FROM series WHERE machine = ? AND sensor = ?"
    found = c.execute(query, where).fetchone()
    if found is None:
        hour = row.minute // HOUR
        c.execute(
            "INSERT INTO series (machine, sensor, rolled, kept) VALUES (?, ?, ?, 0)", (*where, hour)
        )
        found = c.execute(query, where).fetchone()
    return found[0], found[1], found[2]
