"""Changes of alarms, the alarms they make up, and for whom each change waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Change, Event
from dlrsd.runtime.service.store.events import write_event
from dlrsd.runtime.service.store.rows import AlarmRow, encode, graver, to_change


def keep_change(c: sqlite3.Connection, change: Change, sinks: Iterable[str]) -> None:
    """Keep a change, its alarm as it stands now, and that every sink is to tell it.

    One whose id is there already changes nothing.
    """
    done = c.execute(
        "INSERT OR IGNORE INTO change (id, alarm, body) VALUES (?, ?, ?)",
        (change.id, change.alarm, encode(change)),
    )
    if not done.rowcount:
        return
    number = done.lastrowid
    ended = change.time if change.state == "normal" else None
    before = c.execute(
        "SELECT gravest, change, state FROM alarm WHERE id = ?", (change.alarm,)
    ).fetchone()
    if before is None:
        c.execute(
            "INSERT INTO alarm (id, machine, rule, state, gravest, began, changed, ended, change) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                change.alarm, change.machine, change.rule, change.state,
                graver(change.state, change.was), change.time, change.time, ended, number,
            ),
        )  # fmt: skip
    else:
        c.execute(
            "UPDATE alarm SET state = ?, gravest = ?, changed = ?, ended = ?, change = ? "
            "WHERE id = ?",
            (
                change.state, graver(before[0], change.state), change.time, ended,
                number if ended is None else before[1], change.alarm,
            ),
        )  # fmt: skip
        if graver(before[2], change.state) != before[2]:  # which nobody has seen yet
            c.execute(
                "UPDATE alarm SET acknowledged_by = NULL, acknowledged = NULL WHERE id = ?",
                (change.alarm,),
            )
    c.executemany("INSERT INTO outbox VALUES (?, ?)", [(sink, number) for sink in sinks])


def trim_outbox(c: sqlite3.Connection, sink: str, most: int, now: float) -> None:
    """Drop what waits longest for a sink beyond ``most`` changes, and say so."""
    count: int = c.execute("SELECT count(*) FROM outbox WHERE sink = ?", (sink,)).fetchone()[0]
    if count <= most:
        return
    c.execute(
        "DELETE FROM outbox WHERE sink = ?1 AND change IN "
        "(SELECT change FROM outbox WHERE sink = ?1 ORDER BY change LIMIT ?2)",
        (sink, count - most),
    )
    text = f"more than {most} changes wait for {sink}: the oldest are dropped"
    event = Event(time=now, kind="undelivered", text=text, source=sink, count=count - most)
    write_event(c, event)


def machine_of(c: sqlite3.Connection, alarm: str) -> str:
    """The machine of an alarm.

    Raises
    ------
    InputError
        If there is no such alarm.
    """
    found = c.execute("SELECT machine FROM alarm WHERE id = ?", (alarm,)).fetchone()
    if found is None:
        raise InputError(f"there is no alarm {alarm[:60]!r}")
    return str(found[0])


def keep_acknowledged(c: sqlite3.Connection, alarm: str, by: str, time: float) -> None:
    """Keep that a person has seen an alarm."""
    c.execute(
        "UPDATE alarm SET acknowledged_by = ?, acknowledged = ? WHERE id = ?", (by, time, alarm)
    )
    keep_action(c, time, by, "acknowledge", machine_of(c, alarm), None, alarm)


def keep_shelved(
    c: sqlite3.Connection, machine: str, rule: str, until: float, by: str, time: float
) -> None:
    """Keep that a person silenced a rule until then."""
    c.execute("INSERT OR REPLACE INTO shelf VALUES (?, ?, ?, ?)", (machine, rule, until, by))
    keep_action(c, time, by, "shelve", machine, rule, f"until {until!r}")


def end_shelved(c: sqlite3.Connection, machine: str, rule: str, by: str, time: float) -> None:
    """Keep that a person let a rule speak again."""
    c.execute("DELETE FROM shelf WHERE machine = ? AND rule = ?", (machine, rule))
    keep_action(c, time, by, "unshelve", machine, rule)


def keep_action(
    c: sqlite3.Connection,
    time: float,
    person: str,
    kind: str,
    machine: str,
    rule: str | None = None,
    detail: str | None = None,
) -> None:
    """Keep what a person did."""
    c.execute(
        "INSERT INTO action (time, person, kind, machine, rule, detail) VALUES (?, ?, ?, ?, ?, ?)",
        (time, person, kind, machine, rule, detail),
    )


def read_undelivered(c: sqlite3.Connection, sink: str, most: int) -> list[Change]:
    rows = c.execute(
        "SELECT body FROM outbox JOIN change ON number = change "
        "WHERE sink = ? ORDER BY outbox.change LIMIT ?",
        (sink, most),
    )
    return [to_change(body) for (body,) in rows]


def read_changes(c: sqlite3.Connection, alarm: str) -> list[Change]:
    rows = c.execute("SELECT body FROM change WHERE alarm = ? ORDER BY number", (alarm,))
    return [to_change(body) for (body,) in rows]


def read_alarms(
    c: sqlite3.Connection,
    *,
    machine: str | None,
    open_only: bool,
    before: float | None,
    most: int,
    alarm: str | None = None,
) -> list[AlarmRow]:
    """Alarms, the latest to begin first."""
    where: dict[str, Any] = {}
    if machine is not None:
        where["machine = ?"] = machine
    if before is not None:
        where["began < ?"] = before
    if alarm is not None:
        where["alarm.id = ?"] = alarm
    words = [*where, *(["ended IS NULL"] if open_only else [])]
    rows = c.execute(
        "SELECT alarm.id, machine, rule, state, gravest, began, changed, ended, acknowledged_by, "  # noqa: S608 - our words
        "acknowledged, until, shelved_by, body FROM alarm JOIN change ON number = change "
        f"LEFT JOIN shelf USING (machine, rule) WHERE {' AND '.join(words) or 'TRUE'} "
        "ORDER BY began DESC, alarm.rowid DESC LIMIT ?",
        (*where.values(), most),
    )
    return [_to_alarm(row) for row in rows]


def _to_alarm(row: tuple[Any, ...]) -> AlarmRow:
    names = (
        "id", "machine", "rule", "state", "gravest", "began", "changed", "ended",
        "acknowledged_by", "acknowledged", "shelved_until", "shelved_by",
    )  # fmt: skip
    told = to_change(row[-1])
    return AlarmRow(
        **dict(zip(names, row[:-1], strict=True)),
        text=told.text, sensor=told.sensor, value=told.value, limit=told.limit, unit=told.unit,
        place=told.place, evidence=told.evidence,
    )  # fmt: skip
