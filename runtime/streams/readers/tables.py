"""Recordings as tables, CSV and Parquet: a column per channel; the first one may be a clock.

The clock gives the sampling rate, the time of the first sample and the gaps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import (
    BLOCK,
    Chunk,
    Source,
    Variable,
    choose_series,
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
    source = _table_source(reader.schema, reader, variable, path, named=has_header)
    source.close = file.close
    return source


def open_parquet(path: Path, variable: Variable) -> Source:
    """The numeric columns of a Parquet file."""
    # Read by pages of this size: row groups may be as long as the recording.
    file = reader_library("pyarrow.parquet", path).ParquetFile(
        path, buffer_size=1 << 18, pre_buffer=False
    )
    batches = file.iter_batches(batch_size=BLOCK)
    source = _table_source(file.schema_arrow, batches, variable, path, named=True)
    source.n_samples = file.metadata.num_rows
    source.close = file.close
    return source


def _table_source(
    schema: Any, batches: Iterable[Any], variable: Variable, path: Path, *, named: bool
) -> Source:
    """Arrow record batches: a column per channel; the first one may be a clock."""
    filled = (batch for batch in batches if batch.num_rows)
    head = next(filled, None)
    if head is None:
        raise InputError(f"{path} holds no rows: expected numbers")
    numeric = [each.name for each in schema if re.match(r"u?int|float|double|half", str(each.type))]
    clock = _find_clock(schema, head, numeric, named)
    if _is_bundles(variable):
        _check_columns(schema.names, variable, path)
    names = choose_series({name: 0 for name in numeric if name != clock}, variable, path)
    everything = chain([head], filled)

    def samples(batch: Any) -> np.ndarray:
        return np.stack(
            [batch.column(name).to_numpy(zero_copy_only=False).astype(float) for name in names]
        )

    beside = [name for name in schema.names if name not in (clock, *names)]
    warnings = []
    if _is_bundles(variable) and beside:
        warnings.append(
            f"columns of {path} that the bundle does not name are left aside: " + ", ".join(beside)
        )
    untimed = (Chunk(samples(batch)) for batch in everything)
    if clock is None:
        return Source(untimed, len(names), tuple(names), warnings=warnings)

    said = _CLOCK.fullmatch(clock) if named else None
    seconds = _SECONDS.get((said[2] or "").lower(), 1.0) if said else 1.0
    times = _times(head.column(clock), seconds)
    steps = np.diff(times)
    usual = float(np.median(steps)) if steps.size else 0.0
    chunks: Iterator[Chunk] = untimed
    if usual > 0:
        interval = float(steps[(steps >= 0) & (steps < _LONGEST_STEP * usual)].mean())
        chunks = _timed(everything, clock, seconds, interval, _LONGEST_STEP * usual, samples)
    source = Source(chunks, len(names), tuple(names), warnings=warnings)
    is_timestamp = str(schema.field(clock).type).startswith("timestamp")
    is_counter = not said and not is_timestamp and usual == 1 and float(times[0]).is_integer()
    if usual > 0 and not is_counter:
        source.rate_hz = 1 / interval
    if not usual > 0:
        source.warnings.append(
            f"the times in column {clock!r} of {path} do not increase from row to row: no rate "
            f"and no gaps are taken from them"
        )
    if is_timestamp:
        source.start = datetime(1970, 1, 1) + timedelta(seconds=float(times[0]))
        if schema.field(clock).type.tz:
            source.start = source.start.replace(tzinfo=timezone.utc)
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


def _find_clock(schema: Any, head: Any, numeric: Sequence[str], named: bool) -> str | None:
    first: str = schema.names[0]
    if len(schema.names) < 2:
        return None
    if str(schema.field(first).type).startswith("timestamp"):
        return first
    if first not in numeric:
        return None
    if named and first:
        return first if _CLOCK.fullmatch(first) else None
    # Without a name: vibration does not rise 16 times in a row, a clock or a row number does.
    values = _times(head.column(first), 1.0)
    return first if len(values) > 16 and bool((np.diff(values) > 0).all()) else None


def _times(column: Any, seconds: float) -> np.ndarray:
    if str(column.type).startswith("timestamp"):
        column, seconds = column.cast("timestamp[ns]").cast("int64"), 1e-9
    times: np.ndarray = column.to_numpy(zero_copy_only=False).astype(float) * seconds
    return times


def _timed(
    batches: Iterable[Any],
    clock: str,
    seconds: float,
    interval: float,
    longest: float,
    samples: Callable[[Any], np.ndarray],
) -> Iterator[Chunk]:
    """Split at the jumps of the clock, and count what is missing there."""
    last = None
    for batch in batches:
        times, values = _times(batch.column(clock), seconds), samples(batch)
        steps = np.diff(times, prepend=times[0] if last is None else last)
        last = times[-1]
        # A clock that was set back says nothing on how much was lost: count one.
        jumps = np.flatnonzero((steps > longest) | (steps < 0))
        bounds = np.unique([0, *jumps, len(times)])
        for begin, end in pairwise(bounds.tolist()):
            lost = max(1, round(steps[begin] / interval) - 1) if begin in jumps else 0
            yield Chunk(values[:, begin:end], lost)


def _is_number(text: str, decimal: str) -> bool:
    try:
        float(text.replace(decimal, ".") or "nan")
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    return re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text) is not None
