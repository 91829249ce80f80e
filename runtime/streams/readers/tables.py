"""Recordings as tables, CSV and Parquet: a column per channel; the first one may be a clock.

The clock gives the sampling rate, the time of the first sample and the gaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.series import Series, assemble
from dlrsd.runtime.streams.source import (
    BLOCK,
    Source,
    Variable,
    reader_library,
)

_BEGINNING = 1 << 16  # characters in which a CSV file shows its form
# A first column so named holds the time of each row, in seconds unless its name has the unit.
_CLOCK = re.compile(
    r"(time|timestamp|datetime|date|t)[ _]*[\[(]?(s|sec|seconds|ms|us|ns)?[\])]?", re.IGNORECASE
)
_SECONDS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# Steps of a clock up to this many usual ones are jitter; a longer one is a gap.
_LONGEST_STEP = 1.5


def open_csv(path: Path, variable: Variable) -> Source:
    """Numbers separated by commas, or by semicolons or tabs and then maybe with decimal commas.

    A header line is told by its words; lines before it that are empty or start with # or % are
    skipped. Values that are missing become NaN.
    """
    arrow, csv = reader_library("pyarrow", path), reader_library("pyarrow.csv", path)
    nulls = [*csv.ConvertOptions().null_values, r"\N"]
    nulls += [f" {text}" for text in nulls]
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = file.read(_BEGINNING).splitlines()
    rows = [i for i, line in enumerate(lines) if line.strip() and line[0] not in "#%"]
    if not rows:
        raise InputError(f"{path} holds no rows: expected numbers")
    delimiter = next((mark for mark in "\t;," if mark in lines[rows[0]]), ",")
    has_commas = any("," in lines[row] for row in rows[1:] or rows)
    decimal = "," if has_commas and delimiter != "," else "."

    def cells(row: int) -> list[str]:
        return [cell.strip().strip('"') for cell in lines[row].split(delimiter)]

    first = cells(rows[0])
    has_header = not all(
        _is_number(cell, decimal) or _is_timestamp(cell) or cell in nulls for cell in first
    )
    names = first if has_header else [str(i) for i in range(len(first))]
    if not has_header and not isinstance(variable, str):
        variable = None  # as many columns as the bundle has names are right
    types = dict.fromkeys(names, arrow.float64())
    stamp = cells(rows[1])[0] if has_header and len(rows) > 1 else first[0]
    if _is_timestamp(stamp):
        zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", stamp) else None
        types[names[0]] = arrow.timestamp("ns", tz=zone)
    if _is_bundles(variable):  # the others may hold anything
        has_clock = _is_timestamp(stamp) or _is_number(stamp, decimal)
        others = set(names[has_clock:]) - set(variable)
        types |= dict.fromkeys(others, arrow.string())
    file = arrow.OSFile(str(path))  # a path would stay open until the reader is collected
    reader = csv.open_csv(
        file,
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=1 << 18,
            skip_rows=rows[0] + has_header,
            column_names=names,
        ),
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(
            column_types=types, decimal_point=decimal, null_values=nulls
        ),
    )
    source = _table_source(reader.schema, reader, variable, path)
    source.close = file.close
    return source


def open_parquet(path: Path, variable: Variable) -> Source:
    """The numeric columns of a Parquet file."""
    # Read by pages of this size: row groups may be as long as the recording.
    file = reader_library("pyarrow.parquet", path).ParquetFile(
        path, buffer_size=1 << 18, pre_buffer=False
    )
    batches = file.iter_batches(batch_size=BLOCK)
    source = _table_source(file.schema_arrow, batches, variable, path)
    source.n_samples = file.metadata.num_rows
    source.close = file.close
    return source


def _table_source(schema: Any, batches: Iterable[Any], variable: Variable, path: Path) -> Source:
    """Arrow record batches: each column is a series."""
    filled = (batch for batch in batches if batch.num_rows)
    head = next(filled, None)
    if head is None:
        raise InputError(f"{path} holds no rows: expected numbers")
    kept = [
        each for each in schema if re.match(r"u?int|float|double|half|timestamp", str(each.type))
    ]
    if _is_bundles(variable):
        _check_columns(schema.names, variable, path)
    series = [
        Series(each.name, _values(head.column(each.name)), utc=bool(getattr(each.type, "tz", None)))
        for each in kept
    ]

    def blocks(names: Sequence[str]) -> Iterator[list[np.ndarray]]:
        for batch in chain([head], filled):
            yield [_values(batch.column(name)) for name in names]

    source = assemble(series, blocks, variable, path)
    beside = [name for name in schema.names if name not in source.channel_names]
    if _is_bundles(variable) and beside:
        source.warnings.append(
            f"columns of {path} that the bundle does not name are left aside: " + ", ".join(beside)
        )
    return source


def _is_bundles(variable: Variable) -> TypeGuard[Sequence[str]]:
    return variable is not None and not isinstance(variable, str)


def _check_columns(columns: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputError(
            f"{path} lacks {', '.join(missing)} of the bundle's {len(wanted)} columns: it holds "
            f"{', '.join(columns)}; rename its columns, or name them as variable in that order"
        )


def _values(column: Any) -> np.ndarray:
    if str(column.type).startswith("timestamp"):
        times: np.ndarray = column.cast("timestamp[ns]").to_numpy(zero_copy_only=False)
        return times.astype("datetime64[ns]")
    values: np.ndarray = column.to_numpy(zero_copy_only=False)
    return values


def _is_number(text: str, decimal: str) -> bool:
    try:
        float(text.replace(decimal, ".") or "nan")
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    return re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text) is not None
