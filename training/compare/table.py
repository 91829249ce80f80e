"""The table of a comparison: a file with one row of each cell, whole and readable at any moment.

Parquet with nested columns, or CSV with JSON in them, told by the suffix, with the same rows. Every
write replaces the whole file at once, so a reader never meets half of it, and a process that is
killed leaves the table before its last write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import pyarrow as pa
from filelock import FileLock, Timeout
from pyarrow import csv, parquet

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import FormatError, parse_json
from dlrsd.training.compare.columns import arrow_schema, arrow_struct
from dlrsd.training.kinds.registry import KINDS, AnySettings
from dlrsd.training.runs.row import Row
from dlrsd.training.runs.schema1 import row_2

SUFFIXES = (".parquet", ".csv")
SCHEMA = arrow_schema(Row, settings=arrow_struct(*(kind.settings for kind in KINDS.values())))
_NESTED = [field.name for field in SCHEMA if pa.types.is_nested(field.type)]
_TEXT_SCHEMA = pa.schema(
    [field.with_type(pa.string()) if field.name in _NESTED else field for field in SCHEMA]
)
_WITHOUT_STRATA = [name for name in SCHEMA.names if name != "strata"]  # of tables before them
_OLD_COLUMNS = [name for name in _WITHOUT_STRATA if name != "kind"]  # of schema 1


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
        rows = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
        rows = [row if "kind" in row else row_2(row) for row in rows]
        rows = [row if "strata" in row else row | {"strata": {}} for row in rows]
        return [msgspec.convert(_complete(row), Row) for row in rows]
    except _NoTableError as error:
        raise InputError(
            f"{path} is no table of a comparison ({error}): choose another --out; it was left as "
            "it is"
        ) from error
    # What schema 1 had as text is taken apart on trust: a damaged cell shows itself there.
    except (
        pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError,
        RecursionError, FormatError, msgspec.MsgspecError,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path} is damaged or no table of a comparison ({reason:.120}): move it away or "
            "choose another --out; it was left as it is"
        ) from error


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Replace the table by one of these rows, all at once, ordered by cell."""
    ordered = sorted(rows, key=_place)
    with write_atomic(path, durable=True) as file:
        if path.suffix == ".csv":
            csv.write_csv(pa.Table.from_pylist(list(map(_as_text, ordered)), _TEXT_SCHEMA), file)
        else:
            parquet.write_table(pa.Table.from_pylist(ordered, SCHEMA), file)


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


def _place(row: Row) -> tuple[Any, ...]:
    settings = msgspec.json.encode(row["settings"], order="sorted")
    balance = row["balance"] or 0.0
    of = row["data"], row["protocol"], balance, row["classifier"], row["method"], row["seed"]
    return *of, settings


class _NoTableError(ValueError):
    """A file with other columns."""


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    table = parquet.read_table(path, partitioning=None)
    _require_columns(table.schema.names)
    rows = table.to_pylist(maps_as_pydicts="strict")
    for row in rows:
        if "kind" in row:  # fields of the other kinds of data are null
            row["settings"] = _without_null(row["settings"])
    return rows


def _read_csv(path: Path) -> list[dict[str, Any]]:
    # A line that was cut in its last field would still have all its columns.
    if not path.read_bytes().endswith(b"\n"):
        raise ValueError("its last line is cut")
    options = csv.ConvertOptions(
        column_types=_TEXT_SCHEMA, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    table = csv.read_csv(path, convert_options=options)
    _require_columns(table.schema.names)
    rows = table.to_pylist()
    for row in rows:
        if "kind" in row:
            own = [name for name in _NESTED if name in row]
            row |= {name: parse_json((row[name] or "").encode()) for name in own}
    return rows


def _complete(row: dict[str, Any]) -> dict[str, Any]:
    """A row with every field of its settings; as it is, if this version does not know them."""
    try:
        settings = msgspec.convert({"kind": row["kind"], **row["settings"]}, AnySettings)
    except (DlrsdError, msgspec.ValidationError):
        return row
    stated = msgspec.to_builtins(settings)
    del stated["kind"]
    for name in ("protocol", "seed", "classifier"):
        if row[name] != stated[name]:
            raise ValueError(f"a row of {name} {row[name]} has settings of {name} {stated[name]}")
    return row | {"settings": stated}


def _require_columns(names: list[str]) -> None:
    if names in (SCHEMA.names, _WITHOUT_STRATA, _OLD_COLUMNS):
        return
    missing = [name for name in SCHEMA.names if name not in names]
    raise _NoTableError(f"it has no column {missing[0]!r}" if missing else "it has other columns")


def _as_text(row: Row) -> dict[str, Any]:
    """A row for CSV, which knows no nesting: nested columns as JSON."""
    return {**row} | {
        name: msgspec.json.encode(value).decode() for name, value in row.items() if name in _NESTED
    }


def _without_null(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_null(value) if isinstance(value, dict) else value
        for name, value in facts.items()
        if value is not None
    }
