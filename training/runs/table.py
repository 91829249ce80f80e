"""The table of a comparison: a file with one row of each cell, whole and readable at any moment.

Parquet or CSV, told by the suffix, with the same rows. Every write replaces the whole file at
once, so a reader never meets half of it, and a process that is killed leaves the table before its
last write (and perhaps a hidden ``.NAME.part`` beside it, which the next write replaces).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import InputError

Row = dict[str, Any]

SUFFIXES = (".parquet", ".csv")
_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
SCHEMA = pa.schema(
    {
        "data": _TEXT,
        "task": _TEXT,
        "protocol": _TEXT,
        "balance": _NUMBER,
        "seed": _COUNT,
        "classifier": _TEXT,
        "method": _TEXT,
        "epochs": _COUNT,
        "accuracy": _NUMBER,
        "macro_recall": _NUMBER,
        "worst_recall": _NUMBER,
        "worst_class": _TEXT,
        "g_mean": _NUMBER,
        "g_mean_paper": _NUMBER,
        "macro_f1": _NUMBER,
        "macro_auroc": _NUMBER,
        "n_test": _COUNT,
        # JSON from here on, but for the last two.
        "train_windows": _TEXT,
        "test_windows": _TEXT,
        "counts": _TEXT,
        "notes": _TEXT,
        "recall": _TEXT,
        "confusion": _TEXT,
        "classes": _TEXT,
        "settings": _TEXT,
        "version": _TEXT,
        "seconds": _NUMBER,
    }
)


def read_table(path: Path) -> list[Row]:
    """The rows of a table; none if there is no such file.

    Raises
    ------
    InputError
        If the file is damaged, or no table of a comparison.
    """
    if not path.exists():
        return []
    try:
        if path.suffix == ".csv":
            table = _read_csv(path)
        else:
            table = parquet.read_table(path, partitioning=None)
        if table.schema.names == SCHEMA.names:
            return table.cast(SCHEMA).to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} is damaged or no table of a comparison ({reason:.120}): move it away or "
            "choose another --out; it was left as it is"
        ) from error
    missing = [name for name in SCHEMA.names if name not in table.schema.names]
    what = f"it has no column {missing[0]!r}" if missing else "it has other columns"
    raise InputError(
        f"{path} is no table of a comparison ({what}): choose another --out; it was left as it is"
    )


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Replace the table by one of these rows, all at once, ordered by cell."""
    names = ("data", "protocol", "balance", "classifier", "method", "seed", "settings")
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in names))
    table = pa.Table.from_pylist(ordered, SCHEMA)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        if path.suffix == ".csv":
            csv.write_csv(table, file)
        else:
            parquet.write_table(table, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


@contextmanager
def own_table(path: Path) -> Iterator[None]:
    """Keep every other comparison from writing a table meanwhile.

    The lock is the system's, on ``NAME.lock``: it ends with the process, however that ends. The
    file stays.

    Raises
    ------
    InputError
        If another process owns it, or it cannot be written there.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"cannot tell the format of {str(path)!r}: expected a name that ends in "
            f"{' or '.join(SUFFIXES)}"
        )
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; choose another --out")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    try:
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(
            f"cannot write {path}: nothing can be written to folder {path.parent} "
            f"({error.strerror}); choose another --out"
        ) from error
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{path} is being written by another comparison: wait until it is done, or choose "
            "another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _read_csv(path: Path) -> pa.Table:
    # A line that was cut in its last field would still have all its columns.
    if not path.read_bytes().endswith(b"\n"):
        raise ValueError("its last line is cut")
    options = csv.ConvertOptions(
        column_types=SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return csv.read_csv(path, convert_options=options)
