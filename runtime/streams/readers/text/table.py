"""Tables of text: a row for each sample, a column for each channel or clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.readers.columns import (
    by_bundle,
    check_columns,
    note_left_out,
    refuse_clock_alone,
    refuse_left_out,
    refuse_strange_times,
    unit_as_name,
    unit_beside,
)
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.text.calendar import calendar_fields
from dlrsd.runtime.streams.readers.text.dialect import Dialect, sniff
from dlrsd.runtime.streams.readers.text.fields import Field, number_maker, time_maker
from dlrsd.runtime.streams.readers.text.lines import TextFile
from dlrsd.runtime.streams.readers.text.overview import check_overview
from dlrsd.runtime.streams.readers.text.preamble import parse_moment
from dlrsd.runtime.streams.readers.text.rows import RowReader
from dlrsd.runtime.streams.series import Series, assemble
from dlrsd.runtime.streams.source import Source, Variable, reader_library

_MOST_UNNAMED = 64  # columns
_HEAD = 1 << 14  # values that tell a clock
_OF_INFLUX = ("0", "result", "table", "_start", "_stop")  # what it exports beside the values
_WORDS = {"text": "text", "complex": "complex numbers"}
# Sets of short files without a clock, such as that of the IMS, are named by their time.
_NAMED_BY_TIME = re.compile(r"\d{4}(\.\d\d){5}")


def open_text(path: Path, variable: Variable) -> Source:
    """The table in a text file, sniffed by its content.

    Delimiter, decimal mark, encoding, header, units, facts in lines above, dates and times are
    told by the text itself. Values that are missing become NaN; a last row that was cut is left
    out and said; a damaged row within is refused with its line.
    """
    file = TextFile(path)
    try:
        return _open(file, path, variable)
    except InputError as error:
        file.close()
        if str(path) in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
    except BaseException:
        file.close()
        raise


def _open(file: TextFile, path: Path, variable: Variable) -> Source:
    pc = reader_library("pyarrow.compute", path)
    dialect = sniff(file, pc=pc)
    has_names = any(dialect.headings.names)
    names = _names(dialect)
    if not has_names and variable is None and len(names) > _MOST_UNNAMED:
        raise InputError(
            f"{path} has {len(names)} columns without names, which may be channels or the samples "
            f"of windows: name them in a header line, or write one sample of each channel a line"
        )
    if not has_names and by_bundle(variable):
        variable = None  # as many columns as the bundle has names are right
    if by_bundle(variable):
        check_columns([name for name in names if name], variable, path)
    reader = RowReader(file, dialect.delimiter, dialect.columns, names)
    fields = _fields(dialect, names, pc)
    left_out = _left_out(dialect, names)
    refuse_left_out(left_out, variable, path)
    if variable is None:
        texts = {name: i for i, name in enumerate(names) if dialect.columns[i].kind == "text"}
        refuse_strange_times({name: dialect.rows[0][i] for name, i in texts.items()}, path)
    heads = _heads(reader, fields, dialect.first_line, variable, path)
    said = dialect.headings.preamble
    start = said.start
    if start is None and _NAMED_BY_TIME.fullmatch(path.name):
        start = parse_moment(path.name, pc)
    if said.day is not None:
        of_day = next((float(head[0]) for field, head in heads if field.wraps), None)
        start = start if of_day is None else said.day + timedelta(seconds=of_day)
    if said.trigger is not None:
        since = next((float(head[0]) for field, head in heads if is_named_time(field.name)), 0.0)
        start = start or said.trigger + timedelta(seconds=since)
    series = [
        Series(
            field.name,
            head[:_HEAD],
            unit=field.unit,
            rate_hz=said.rate_hz,
            start=start,
            utc=field.utc,
        )
        for field, head in heads
    ]
    by_name = {field.name: field for field, _ in heads}

    def blocks(names: Sequence[str]) -> Iterator[Sequence[NDArray[Any]]]:
        yield from reader.arrays([by_name[name] for name in names], dialect.first_line)
        if reader.cut_row is not None:
            source.warnings.append(
                f"{path} ends within a row ({reader.cut_row.strip()!r:.40}): read up to the row "
                f"before"
            )

    refuse_clock_alone(series, path)
    check_overview(file, dialect, names, heads, variable)
    source = assemble(series, blocks, variable, path)
    numbered = [i for i, column in enumerate(dialect.columns) if column.kind == "text"]
    cells = {names[i]: [row[i] for row in dialect.rows] for i in numbered}
    source.unit = unit_beside(cells, source.unit or said.unit, path)
    if said.unclear and source.start is None:
        source.warnings.append(
            f"the start that {path} states ({said.unclear[:40]!r}) is not understood and left out: "
            f"write it like 2026-03-01 08:00:00"
        )
    source.close = file.close
    joined = {i for field in fields if len(field.columns) > 1 for i in field.columns}
    columns = [name for i, name in enumerate(names) if i not in joined]
    note_left_out(source, columns, series, left_out, variable, path)
    return source


def _names(dialect: Dialect) -> list[str]:
    """A name for each column, all different; a number where it has none."""
    given = dialect.headings.names or ("",) * len(dialect.columns)
    names: list[str] = []
    taken, stated = set(), set(given)
    for i, name in enumerate(given):
        fresh = name or str(i)
        if fresh in taken or (not name and fresh in stated):
            fresh = f"{name or 'column'} ({i})"
        names.append(fresh)
        taken.add(fresh)
    return names


def _fields(dialect: Dialect, names: Sequence[str], pc: Any) -> list[Field]:
    """The series that the columns make."""
    units = dialect.headings.units
    made, taken = calendar_fields(dialect.columns, names, dialect.rows, pc=pc)
    fields = list(made)
    if {"_time", "_value"} <= set(names):
        taken |= {i for i, name in enumerate(names) if name in _OF_INFLUX}
    for i, (column, name) in enumerate(zip(dialect.columns, names, strict=True)):
        unit = units[i] or column.unit or unit_as_name(name)
        if i in taken:
            continue
        if column.kind == "number" or (column.kind == "empty" and _is_channel(dialect, i)):
            fields.append(Field(name, (i,), number_maker(column, pc), unit=unit))
        elif column.kind == "time":
            assert column.form is not None  # noqa: S101 - for type checkers
            if column.form.has_date:
                field = Field(name, (i,), time_maker(column, pc), utc=column.form.utc)
            else:
                field = Field(name, (i,), time_maker(column, pc), unit="s", wraps=True)
            fields.append(field)
    return fields


def _is_channel(dialect: Dialect, i: int) -> bool:
    """Whether a column without a value in the rows looked at is named, and so a channel."""
    return bool(dialect.headings.names) and bool(dialect.headings.names[i])


def _left_out(dialect: Dialect, names: Sequence[str]) -> dict[str, str]:
    return {
        name: _WORDS[column.kind]
        for column, name in zip(dialect.columns, names, strict=True)
        if column.kind in _WORDS
    }


def _heads(
    reader: RowReader, fields: Sequence[Field], first_line: int, variable: Variable, path: Path
) -> list[tuple[Field, NDArray[Any]]]:
    """The fields with their first values; those that a bundle does not name may hold anything."""
    if not fields:
        raise NoRecordingError(
            f"{path} holds no series of real numbers: expected one for each channel"
        )
    if not by_bundle(variable):
        head = next(reader.arrays(fields, first_line), None)
        if head is None:
            raise NoRecordingError(f"{path} holds no rows: expected numbers")
        return list(zip(fields, head, strict=True))
    heads = []
    for field in fields:
        try:
            head = next(reader.arrays([field], first_line), None)
        except InputError:
            if field.name in variable:
                raise
            continue
        if head is not None:
            heads.append((field, head[0]))
    return heads
