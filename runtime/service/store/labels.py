"""What people said that signal is: the table of it, and its files.

labelled/outer race/pump-0f3c.../DE-20260131T120000-5e1b....npy
labelled/outer race/pump-0f3c.../DE-20260131T120000-5e1b....npy.json
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.rows import LabelRow

LABELLED: Final = "labelled"
_CLASS = re.compile(r"\w(?:[\w .()+-]{0,62}[\w)+-])?")
_NO_CLASSES = ("unknown fault", "undecided")  # what verdicts say where no class holds
_NAME = re.compile(r"([^/]+)/[\w-]{1,40}-[0-9a-f]{16}/[\w-]{1,40}-\d{8}T\d{6}-[0-9a-f]{16}\.npy")


def require_class(label: str) -> None:
    if not _CLASS.fullmatch(label):
        raise InputError(
            f"got the class {label[:60]!r}: expected letters, digits, blanks and _ . ( ) + -, at "
            "most 64, the first a letter or digit"
        )
    if label in _NO_CLASSES:
        raise InputError(f"{label!r} says that no class holds: expected the name of one")


def read_labelled(c: sqlite3.Connection) -> dict[str, int]:
    """How many windows there are of each class."""
    rows = c.execute("SELECT class, sum(windows) FROM label GROUP BY class ORDER BY class")
    return dict(rows.fetchall())


def read_labels(c: sqlite3.Connection, machine: str | None, most: int) -> list[LabelRow]:
    """What was said, the latest signal first."""
    rows = c.execute(
        "SELECT machine, sensor, start, seconds, class, person, time, windows FROM label "
        "WHERE machine = ?1 OR ?1 IS NULL ORDER BY start DESC, id DESC LIMIT ?2",
        (machine, most),
    )
    return [LabelRow(*row) for row in rows]


def label_path(folder: Path, name: str) -> Path:
    """Where a file of windows lies.

    Raises
    ------
    InputError
        If its name would lead elsewhere, which a foreign database may say.
    """
    found = _NAME.fullmatch(name)
    path = folder / LABELLED / name
    is_link = any(each.is_symlink() for each in (path, path.parent, path.parent.parent))
    if found is None or not _CLASS.fullmatch(found[1]) or is_link:
        raise InputError(f"the store names the file {name[:80]!r}: it is damaged, or not ours")
    return path


def keep_only_listed(folder: Path, c: sqlite3.Connection) -> None:
    """Delete files that the table lists no more, which a kill may leave; a person's own stay."""
    listed = {name for (name,) in c.execute("SELECT name FROM label")}
    root = folder / LABELLED
    for path in root.glob("*/*/*.npy"):
        name = path.relative_to(root).as_posix()
        if _NAME.fullmatch(name) and name not in listed:
            with suppress(OSError):
                path.unlink()
                path.with_name(f"{path.name}.json").unlink(missing_ok=True)
                path.parent.rmdir()  # a class without a recording cannot be trained on
                path.parent.parent.rmdir()


def unlist_missing(folder: Path, c: sqlite3.Connection) -> None:
    """Take off the table what a person deleted by hand."""
    for number, name in c.execute("SELECT id, name FROM label").fetchall():
        if not label_path(folder, name).is_file():
            c.execute("DELETE FROM label WHERE id = ?", (number,))
