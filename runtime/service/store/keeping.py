"""Waveforms as files beside the database, and the table that lists them."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import msgspec

from dlrsd.runtime.base.errors import ExtraMissingError, InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.service.store.rows import WaveformRow
from dlrsd.runtime.service.store.waveform import About, Waveform, read_waveform, waveform_bytes
from dlrsd.runtime.service.store.writing import Operation

WAVEFORMS: Final = "waveforms"
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}/[\w-]{1,60}-[0-9a-f]{16}\.parquet", re.ASCII)


def waveform_name(about: About) -> str:
    """Path of its file within the folder of waveforms: one for each alarm and source, and for each
    day and source."""
    day = datetime.fromtimestamp(about.start, timezone.utc).date().isoformat()
    what = json.dumps([about.machine, about.source, about.alarm])
    word = re.sub(r"[^\w]+", "-", about.machine, flags=re.ASCII)[:40]
    return f"{day}/{word}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.parquet"


def waveform_path(folder: Path, name: str) -> Path:
    """Where a waveform lies.

    Raises
    ------
    InputError
        If its name would lead elsewhere, which a foreign database may say.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"the store names the waveform {name[:80]!r}: it is damaged, or not ours")
    path = folder / WAVEFORMS / name
    if path.is_symlink() or path.parent.is_symlink():
        raise InputError(f"{path} is a link, expected a file")
    return path


def write_waveform(folder: Path, waveform: Waveform) -> Operation:
    """Write the file of a waveform onto the disk; returns what lists it then.

    Raises
    ------
    OSError
        Where the disk is full, say.
    """
    name, content = waveform_name(waveform.about), waveform_bytes(waveform)
    path = waveform_path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_atomic(path, durable=True) as file:
        file.write(content)
    return lambda c: _list(c, name, waveform.about, waveform.seconds, len(content))


def is_worse(c: sqlite3.Connection, about: About) -> bool:
    """Whether a second is worse than the one that is kept of its day."""
    found = c.execute(
        "SELECT worst FROM waveform WHERE name = ?", (waveform_name(about),)
    ).fetchone()
    return found is None or about.worst is None or found[0] is None or about.worst > found[0]


def read_waveforms(
    c: sqlite3.Connection, machine: str | None, alarm: str | None, most: int
) -> list[WaveformRow]:
    """The latest first."""
    where = {"machine = ?": machine, "alarm = ?": alarm}
    chosen = {word: value for word, value in where.items() if value is not None}
    rows = c.execute(
        "SELECT id, machine, source, sensors, start, seconds, bytes, alarm, worst FROM waveform "  # noqa: S608 - our words
        f"WHERE {' AND '.join(chosen) or 'TRUE'} ORDER BY start DESC, id DESC LIMIT ?",
        (*chosen.values(), most),
    )
    return [
        WaveformRow(
            id=row[0], machine=row[1], source=row[2], sensors=msgspec.json.decode(row[3]),
            start=row[4], seconds=row[5], bytes=row[6], alarm=row[7], worst=row[8],
        )
        for row in rows
    ]  # fmt: skip


def fetch_waveform(c: sqlite3.Connection, folder: Path, number: int) -> Waveform:
    """One by its id.

    Raises
    ------
    InputError
        If there is none, or its file is gone or damaged.
    """
    found = c.execute("SELECT name FROM waveform WHERE id = ?", (number,)).fetchone()
    if found is None:
        raise InputError(f"there is no waveform {number}: it may be deleted by now")
    return read_waveform(waveform_path(folder, found[0]))


def delete_oldest(
    c: sqlite3.Connection, folder: Path, enough: Callable[[int, float], bool]
) -> tuple[int, Operation]:
    """Delete the files of the oldest waveforms, but of no open alarm.

    Parameters
    ----------
    enough : function (int, float) -> bool
        Asked before each: whether so many bytes deleted are enough, and when the next began.

    Returns
    -------
    count : int
        Of deleted files.
    operation : Operation
        What takes them off the table.
    """
    rows = c.execute(
        "SELECT id, name, start FROM waveform WHERE alarm IS NULL OR alarm NOT IN "
        "(SELECT id FROM alarm WHERE ended IS NULL) ORDER BY start"
    ).fetchall()
    gone, freed = [], 0
    for number, name, start in rows:
        if enough(freed, start):
            break
        with suppress(OSError, InputError):  # of one that is gone, or may not be deleted
            path = waveform_path(folder, name)
            size = path.stat().st_size
            path.unlink()
            freed += size
            gone.append((number,))
            with suppress(OSError):
                path.parent.rmdir()  # where it was the last of its day
    return len(gone), lambda c: _unlist(c, gone)


def bring_together(folder: Path, c: sqlite3.Connection) -> None:
    """Make table and files agree after a kill: list what was written and not listed yet."""
    listed = dict(c.execute("SELECT name, id FROM waveform"))
    there = {path.relative_to(folder / WAVEFORMS).as_posix(): path for path in _files(folder)}
    _unlist(c, [(listed[name],) for name in listed.keys() - there.keys()])
    for name in there.keys() - listed.keys():
        with suppress(InputError, ExtraMissingError):
            waveform = read_waveform(waveform_path(folder, name))
            if waveform_name(waveform.about) == name:
                size = there[name].stat().st_size
                _list(c, name, waveform.about, waveform.seconds, size)


def _files(folder: Path) -> Iterator[Path]:
    for path in (folder / WAVEFORMS).glob("*/*.parquet"):
        if _NAME.fullmatch(path.relative_to(folder / WAVEFORMS).as_posix()) and path.is_file():
            yield path


def _list(c: sqlite3.Connection, name: str, about: About, seconds: float, size: int) -> None:
    c.execute(
        "INSERT INTO waveform "
        "(name, machine, source, sensors, start, seconds, bytes, alarm, worst) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "sensors = excluded.sensors, start = excluded.start, seconds = excluded.seconds, "
        "bytes = excluded.bytes, worst = excluded.worst",
        (
            name, about.machine, about.source, msgspec.json.encode(about.sensors).decode(),
            about.start, seconds, size, about.alarm, about.worst,
        ),
    )  # fmt: skip


def _unlist(c: sqlite3.Connection, numbers: list[tuple[int]]) -> None:
    c.executemany("DELETE FROM waveform WHERE id = ?", numbers)
