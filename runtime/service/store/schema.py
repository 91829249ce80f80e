"""The tables of a store, and the steps from those of an older version to today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from dlrsd.runtime.base.errors import InputError

DATABASE: Final = "store.db"
APPLICATION_ID: Final = 0x646C7273  # "dlrs", by which a store is told from another's database

_VERSION_1 = """
CREATE TABLE series (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL, sensor TEXT NOT NULL,
  rolled INTEGER NOT NULL,  -- hours before this one are rolled up
  kept INTEGER NOT NULL,    -- the first minute that is kept; of those before are hours only
  UNIQUE (machine, sensor)
);
CREATE TABLE minute (
  series INTEGER NOT NULL, minute INTEGER NOT NULL,
  seconds INTEGER NOT NULL, running_seconds INTEGER NOT NULL,
  fit_seconds INTEGER NOT NULL, windows INTEGER NOT NULL,
  velocity_mm_s REAL, acceleration_m_s2 REAL, peak_m_s2 REAL, crest REAL, kurtosis REAL,
  envelope_m_s2 REAL, novelty REAL, unfit_share REAL NOT NULL, speed_rpm REAL, load REAL,
  temperature_c REAL, zone TEXT, place TEXT, lines TEXT, labels TEXT, worst_time REAL, worst TEXT,
  PRIMARY KEY (series, minute)
) WITHOUT ROWID;
CREATE TABLE hour (
  series INTEGER NOT NULL, hour INTEGER NOT NULL, figure TEXT NOT NULL,
  low REAL NOT NULL, total REAL NOT NULL, minutes INTEGER NOT NULL, high REAL NOT NULL,
  PRIMARY KEY (series, hour, figure)
) WITHOUT ROWID;
CREATE TABLE epoch (
  machine TEXT NOT NULL, number INTEGER NOT NULL, began REAL NOT NULL,
  PRIMARY KEY (machine, number)
) WITHOUT ROWID;
CREATE TABLE alarm (
  id TEXT PRIMARY KEY, machine TEXT NOT NULL, rule TEXT NOT NULL, state TEXT NOT NULL,
  gravest TEXT NOT NULL, began REAL NOT NULL, changed REAL NOT NULL, ended REAL,
  change INTEGER NOT NULL,  -- the one that tells it: the latest that is not its end
  acknowledged_by TEXT, acknowledged REAL
);
CREATE INDEX alarm_by_time ON alarm (began);
CREATE INDEX alarm_by_machine ON alarm (machine, began);
CREATE INDEX alarm_open ON alarm (began) WHERE ended IS NULL;
CREATE TABLE change (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alarm TEXT NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX change_by_alarm ON change (alarm);
CREATE TABLE outbox (
  sink TEXT NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (sink, change)
) WITHOUT ROWID;
CREATE TABLE snapshot (machine TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE shelf (
  machine TEXT NOT NULL, rule TEXT NOT NULL, until REAL NOT NULL, shelved_by TEXT NOT NULL,
  PRIMARY KEY (machine, rule)
) WITHOUT ROWID;
CREATE TABLE action (  -- who did what, never changed
  number INTEGER PRIMARY KEY, time REAL NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL,
  machine TEXT NOT NULL, rule TEXT, detail TEXT
);
CREATE TABLE event (
  number INTEGER PRIMARY KEY, began REAL NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL,
  machine TEXT, source TEXT, text TEXT NOT NULL, count INTEGER NOT NULL, seconds REAL
);
CREATE INDEX event_by_kind ON event (kind, machine, source, time);
CREATE INDEX event_by_machine ON event (machine, time);
CREATE INDEX event_by_time ON event (time);
CREATE TABLE watched (machine TEXT PRIMARY KEY, upto REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE heartbeat (
  one INTEGER PRIMARY KEY CHECK (one = 1), time REAL NOT NULL, in_order INTEGER NOT NULL
);
CREATE TABLE waveform (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, source TEXT NOT NULL,
  sensors TEXT NOT NULL, start REAL NOT NULL, seconds REAL NOT NULL, bytes INTEGER NOT NULL,
  alarm TEXT, worst REAL
);
CREATE INDEX waveform_by_alarm ON waveform (alarm);
CREATE INDEX waveform_by_start ON waveform (start);
CREATE TABLE label (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL, sensor TEXT NOT NULL, start REAL NOT NULL,
  seconds REAL NOT NULL, class TEXT NOT NULL, person TEXT NOT NULL, time REAL NOT NULL,
  name TEXT NOT NULL UNIQUE, windows INTEGER NOT NULL
);
CREATE INDEX label_by_sensor ON label (machine, sensor, start)
"""

#: What brings a store from version n to n + 1; a released one never changes.
STEPS: Final = (_VERSION_1,)


def open_database(path: Path, steps: Sequence[str] = STEPS) -> sqlite3.Connection:
    """Open a store's database for writing, make it where it is missing, bring it up to date.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    steps : sequence of str
        SQL that brings it from each version to the next; each statement begins a line.

    Raises
    ------
    InputError
        If it is another's, of a newer version, damaged, or cannot be written. Nothing is changed.
    """
    _require_database(path)
    connection = None
    try:
        connection = _connect(path)
        version = _version(connection, path, len(steps))
        if not version:  # free pages can be given back to the disk
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        for number in range(version, len(steps)):
            _step(connection, steps[number], number + 1)
        _require_writable(connection)
    except (sqlite3.Error, InputError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, InputError):
            raise
        raise refused(path, error) from error
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    """A connection for writing, on which transactions are begun and ended by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
    connection.execute("PRAGMA synchronous = FULL")  # a commit waits until the disk has it
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, beside the one that writes."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(
        address, uri=True, isolation_level=None, check_same_thread=False, timeout=10
    )


def check_database(path: Path) -> int:
    """Look at all of a database, which nobody writes to; returns its version.

    Raises
    ------
    InputError
        If it is no store of this version or an older one, is damaged, or has other tables, views
        or triggers, which a stranger may have put there.
    """
    _require_database(path)
    try:
        with closing(connect_to_read(path)) as connection:
            version = _version(connection, path, len(STEPS))
            connection.execute("PRAGMA trusted_schema = OFF")
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found == "ok" and _layout(connection) != _layout_of(version):
                found = f"it is not laid out as version {version}"
    except sqlite3.Error as error:
        raise refused(path, error) from error
    if found != "ok" or not version:
        raise _damaged(path, found if version else "it is empty")
    return version


def _layout(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _layout_of(version: int) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for number, step in enumerate(STEPS[:version]):
            _step(connection, step, number + 1)
        return _layout(connection)


def refused(path: Path, error: sqlite3.Error) -> InputError:
    """What to tell a person whose database cannot be opened."""
    reason = " ".join(str(error).split())
    if "readonly" in reason or "unable to open" in reason:
        return InputError(
            f"cannot write {path}: {reason}; expected a folder and a disk that may be written to: "
            "give it to this user, or name another folder"
        )
    if "I/O error" in reason:
        return InputError(
            f"cannot read or write {path}: {reason}; the disk is full, or it fails: free some of "
            "it, or look at what the system says of it"
        )
    if "full" in reason:
        return InputError(f"cannot write {path}: the disk is full; free some of it")
    if "locked" in reason:
        return InputError(f"{path} is being written by another process: end that first")
    return _damaged(path, reason)


def _damaged(path: Path, reason: str) -> InputError:
    short = " ".join(reason.replace("*", "").split())[:100]
    return InputError(
        f"{path} is damaged ({short}): restore it from a backup, or move it away to begin anew; "
        "nothing was changed"
    )


def _require_database(path: Path) -> None:
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if head and head != b"SQLite format 3\0":
        raise InputError(
            f"{path} is no database, expected one that a watch wrote: move it away, restore it "
            "from a backup, or name another folder"
        )


_QUICK = 64 << 20  # bytes that are looked at within a second


def _version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    identity: int = connection.execute("PRAGMA application_id").fetchone()[0]
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if identity == 0 and not tables:
        return 0  # new, or ended by force while it was made
    if identity != APPLICATION_ID:
        raise InputError(
            f"{path} is another program's database: move it away, or name another folder"
        )
    if version > newest:
        raise InputError(
            f"{path} is of version {version}, expected at most {newest}: a newer dlrsd wrote it; "
            "update this one, or name another folder"
        )
    if path.stat().st_size <= _QUICK:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _damaged(path, found)
    return version


def _step(connection: sqlite3.Connection, step: str, version: int) -> None:
    """One step, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(step):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version:d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(step: str) -> Iterator[str]:
    text = ""
    for line in step.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip():
        yield text


def _require_writable(connection: sqlite3.Connection) -> None:
    """Meet a disk that takes nothing now, and not at the first alarm."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("PRAGMA application_id = %d" % APPLICATION_ID)  # noqa: UP031
    connection.execute("COMMIT")
