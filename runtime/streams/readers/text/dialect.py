"""How a table of text is written: what separates its columns, where its numbers begin."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.text.cells import (
    Column,
    check_thousands,
    column_of,
    is_missing,
    is_value,
    may_be_thousands,
    proves_decimal_comma,
)
from dlrsd.runtime.streams.readers.text.doubts import (
    is_one_column,
    refuse_bare_facts,
    refuse_decimal_commas,
    refuse_packed_times,
)
from dlrsd.runtime.streams.readers.text.headings import (
    Headings,
    are_column_numbers,
    header_cells,
    read_headings,
)
from dlrsd.runtime.streams.readers.text.lines import TextFile
from dlrsd.runtime.streams.readers.text.preamble import COMMENT, without_mark
from dlrsd.runtime.streams.readers.text.times import DAY_FIRST

BLANKS = " "  # as a delimiter: runs of blanks and tabs
_DELIMITERS = ("\t", ";", "|", ",", BLANKS)
_SAMPLED = 100  # rows whose cells tell what the columns hold
_FEW = 30  # rows that tell the delimiter
_MOST_CELLS = 20_000  # that are looked at
_PREAMBLE = 50  # lines
MOST_COLUMNS = 1 << 14


class Dialect(Struct, frozen=True):
    """How a table is written.

    Attributes
    ----------
    delimiter : str
        One character; `BLANKS` are runs of blanks and tabs.
    first_line : int
        Index of the first row of numbers among the lines.
    columns : tuple of Column
    headings : Headings
    rows : sequence of sequence of str
        The cells of some rows that follow each other.
    """

    delimiter: str
    first_line: int
    columns: tuple[Column, ...]
    headings: Headings
    rows: Sequence[Sequence[str]]


def sniff(file: TextFile, *, pc: Any) -> Dialect:
    """How the table in a text file is written, by its own beginning and end.

    Raises
    ------
    NoRecordingError
        If it holds no rows of numbers.
    InputError
        If it may be read in two ways.
    """
    lines = _logical_lines(file)
    body = [line for line in lines if line.strip() and not _is_comment(line)]
    if not body:
        raise NoRecordingError(f"{file.path} holds no rows: expected numbers")
    said = re.fullmatch(r"\"?sep=(.)\"?", body[0].strip() if body[0].strip() else "", re.IGNORECASE)
    said = said or re.fullmatch(r"sep=(\t)", body[0].strip("\n\r"), re.IGNORECASE)
    if said:
        lines[lines.index(body.pop(0))] = ""
    delimiter = said[1] if said else _delimiter(body)
    sampled = max(_FEW, min(_SAMPLED, _MOST_CELLS // len(split(body[-1], delimiter))))
    rows = [split(line, delimiter) for line in body[-sampled:]]
    rows = [row for row in rows if _is_mostly_values(row)]
    if not rows:
        raise NoRecordingError(
            f"{file.path} holds no rows of numbers: expected a column for each channel, separated "
            f"by commas, semicolons, tabs or blanks"
        )
    if not said and delimiter == "," and is_one_column(rows, body):
        delimiter, rows = ";", [[",".join(row)] for row in rows]
    n = Counter(map(len, rows)).most_common(1)[0][0]
    if n > MOST_COLUMNS:
        raise InputError(
            f"{file.path} has {n} columns: expected at most {MOST_COLUMNS}, one for each channel, "
            f"and a row for each sample"
        )
    rows = [row for row in rows if len(row) == n]
    ending = [split(line, delimiter) for line in file.places(2)[-1][-sampled:]]
    far = [row for row in ending if len(row) == n and _is_mostly_values(row)]
    columns = _columns(rows + far, body, lines, delimiter)
    first = _first_row(lines, delimiter, columns, rows)
    _check_rows(file, lines[first:], delimiter, columns)
    above = lines[:first]
    split_above = [
        split(without_mark(line) if _is_comment(line) else line, delimiter) for line in above
    ]
    split_above = [
        header_cells(row, line, columns, rows) for row, line in zip(split_above, above, strict=True)
    ]
    refuse_bare_facts([split(line, delimiter) for line in body[:_SAMPLED]])
    beside = _facts_beside(lines[first : first + _PREAMBLE], delimiter, rows)
    headings = read_headings(above, split_above, n, beside=beside, where=str(file.path), pc=pc)
    if delimiter == "," and not said and not headings.names:
        refuse_decimal_commas(rows)
    names = headings.names or tuple(map(str, range(n)))
    for column, name, unit in zip(zip(*rows, strict=True), names, headings.units, strict=True):
        if unit is None:
            refuse_packed_times(column, name)
    return Dialect(delimiter, first, columns, headings, rows)


def _logical_lines(file: TextFile) -> list[str]:
    """The first lines; a name between quotes may go over several, and stands in the first."""
    lines = file.beginning.split("\n")
    if not file.is_whole:
        lines.pop()
    for i in range(min(_PREAMBLE, len(lines))):
        j = i + 1
        while lines[i].count('"') % 2 and j < min(len(lines), i + 5):
            lines[i], lines[j] = f"{lines[i]} {lines[j]}", ""
            j += 1
        if lines[i].count('"') % 2:
            lines[i:j] = file.beginning.split("\n")[i:j]
    return lines


def _check_rows(
    file: TextFile, lines: Sequence[str], delimiter: str, columns: Sequence[Column]
) -> None:
    """Raise a `NoRecordingError` where hardly a line is a row: a text that holds some numbers."""
    filled = (line for line in lines if line.strip() and not _is_comment(line))
    body = list(islice(filled, _FEW))
    rows = [row for row in (split(line, delimiter) for line in body) if len(row) == len(columns)]
    is_prose = delimiter == BLANKS and any(column.kind == "text" for column in columns[1:])
    is_prose = is_prose and columns[0].kind != "time"  # else a log of named values
    if is_prose or 2 * sum(map(_is_mostly_values, rows)) < len(body):
        raise NoRecordingError(
            f"{file.path} holds no table of numbers: expected a row for each sample, with a column "
            f"for each channel"
        )
    if file.is_whole and len(columns) > max(8, 4 * len(rows)):
        raise InputError(
            f"{file.path} holds {len(rows)} rows of {len(columns)} columns: expected a row for "
            f"each sample and a column for each channel; turn the table"
        )


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without blanks and quotes around them."""
    if delimiter == BLANKS:
        line = re.sub(r"[ \t]+", BLANKS, line.strip())
    if '"' in line and len(line) < csv.field_size_limit():
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    else:
        cells = line.split(delimiter)
    return [cell.strip() for cell in cells]


def _is_comment(line: str) -> bool:
    return line.lstrip()[:1] in tuple("#%/!") and COMMENT.match(line) is not None


def _is_mostly_values(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if not is_missing(cell)]
    return bool(filled) and 2 * sum(map(is_value, filled)) >= len(filled)


def _delimiter(body: Sequence[str]) -> str:
    """The delimiter by which most cells of the last rows are numbers or times."""
    scores = {}
    for delimiter in _DELIMITERS:
        rows = [split(line, delimiter) for line in body[-_FEW:]]
        n, times = Counter(map(len, rows)).most_common(1)[0]
        cells = [
            cell for row in rows if len(row) == n for cell in row[:200] if not is_missing(cell)
        ]
        share = sum(map(is_value, cells)) / max(1, len(cells))
        if n > 1:
            scores[delimiter] = round(share, 2) * (times / len(rows)) ** 0.5
    best = max(scores, key=lambda each: scores[each], default="\t")
    # A line that is one number or time has no delimiter; with a comma, `is_one_column` decides.
    bare = [line.strip().strip('"') for line in body[-_FEW:]]
    alone = sum(is_value(line) and ("," not in line or ":" in line) for line in bare) / len(bare)
    if alone > scores.get(best, 0) or (alone == 1 and best == BLANKS):  # a date and a time
        return "\t"
    return best


def _columns(
    rows: Sequence[Sequence[str]], body: Sequence[str], lines: Sequence[str], delimiter: str
) -> tuple[Column, ...]:
    cells = list(zip(*rows, strict=True))
    comma_is_decimal = any(proves_decimal_comma(cell) for column in cells for cell in column)
    above = [split(line, delimiter) for line in lines[:_PREAMBLE]]
    day_first = comma_is_decimal or any(DAY_FIRST.fullmatch(cell) for row in above for cell in row)
    names = next(
        (row for row in above if len(row) == len(cells) and not _is_mostly_values(row)),
        list(map(str, range(len(cells)))),
    )
    doubtful = [i for i, column in enumerate(cells) if may_be_thousands(column)]
    if doubtful:
        wide = [split(line, delimiter) for line in body[-_MOST_CELLS // len(cells) :]]
        wide = [row for row in wide if len(row) == len(cells) and _is_mostly_values(row)]
    for i in doubtful:
        column = (*cells[i], *(row[i] for row in wide))
        check_thousands(column, comma_is_decimal=comma_is_decimal, name=names[i][:60])
    return tuple(
        column_of(column, day_first=day_first, comma_is_decimal=comma_is_decimal, name=name[:60])
        for column, name in zip(cells, names, strict=True)
    )


def _first_row(
    lines: Sequence[str],
    delimiter: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
) -> int:
    """The index of the first line whose cells are what the columns hold."""
    for i, line in enumerate(lines):
        if not line.strip() or _is_comment(line):
            continue
        cells = split(line, delimiter)
        if len(cells) != len(columns):
            continue
        fits = [
            is_missing(cell) or column.kind not in ("number", "time") or is_value(cell)
            for cell, column in zip(cells, columns, strict=True)
        ]
        has_value = any(
            not is_missing(cell) and column.kind in ("number", "time")
            for cell, column in zip(cells, columns, strict=True)
        )
        if all(fits) and has_value and not _numbers_columns(cells, rows):
            return i
    return 0


def _facts_beside(lines: Sequence[str], delimiter: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of the facts that stand in columns in front of the numbers, empty further below."""
    shares = [sum(map(is_missing, column)) / len(rows) for column in zip(*rows, strict=True)]
    n = next((i for i, share in enumerate(shares) if share < 1 / 2), 0)
    cells = [split(line, delimiter) for line in lines]
    return [",".join(row[:n]) for row in cells if len(row) == len(shares) and n > 1 and row[0]]


def _numbers_columns(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether cells are the numbers of the columns, and not the first row of integers."""
    if not are_column_numbers(cells):
        return False
    return not cells[0] or any(re.search(r"[.,eE]", cell) for row in rows for cell in row[1:])
