"""What stands above the numbers of a table: facts, names and units of the columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.readers.text.cells import Column, is_missing, is_value
from dlrsd.runtime.streams.readers.text.preamble import (
    COMMENT,
    TRIGGER,
    Preamble,
    facts_of,
    read_preamble,
    read_rate,
    without_mark,
)
from dlrsd.runtime.streams.units import known_unit, time_unit

_LONGEST_NAME, _LONGEST_UNIT = 200, 10  # characters
_COUNTS = re.compile(r"sequence|index|samples?", re.IGNORECASE)  # in the place of a unit
# How a column is stored, in a row of its own below the names.
_STORED = re.compile(
    r"(float|double|real|single|u?int|integer|long|number|numeric|string|str|text|char|datetime)"
    r"\d{0,2}",
    re.IGNORECASE,
)
_KEY_AND_VALUE = re.compile(r"[^:=,;\t|]{1,60}[:=][^:=,;\t|]+")  # device: adxl
_FIRSTS = 100  # rows whose first cells tell row names


class Headings(Struct, frozen=True):
    """What stands above the rows of a table of n columns.

    Attributes
    ----------
    names : tuple of n str
        "" where a column has none; empty where none has.
    units : tuple of n (str or None)
    preamble : Preamble
        What the lines above state.
    """

    names: tuple[str, ...]
    units: tuple[str | None, ...]
    preamble: Preamble = Preamble()


def read_headings(
    lines: Sequence[str],
    rows: Sequence[Sequence[str]],
    n_columns: int,
    *,
    beside: Sequence[str] = (),
    where: str,
    pc: Any,
) -> Headings:
    """Names, units and facts.

    Parameters
    ----------
    lines : sequence of str
        Those above the first row of numbers.
    rows : sequence of sequence of str
        The cells of each of them.
    n_columns : int
        Of the numbers below.
    beside : sequence of str
        Lines of facts that stand beside the numbers.
    where : str
        What messages call the file.
    pc : module
        ``pyarrow.compute``.

    Raises
    ------
    InputError
        If a row of numbers among them is damaged, or there are fewer or more names than columns.
    """
    rows, below = _without_facts(rows)
    cells = [_fitted(row, n_columns) for row in rows]
    named = [i for i, row in enumerate(cells) if row is not None and _are_names(row)]
    facts = _of_facts(lines, n_columns)
    named = [i for i in named if lines[i] not in facts]
    named = [i for i in named if not all(map(_STORED.fullmatch, rows[i]))] or named
    names: tuple[str, ...] = ()
    units: tuple[str | None, ...] = (None,) * n_columns
    others = list(lines)
    if named:
        # Serial numbers, places and the like may stand below the units.
        first = next((i for i in reversed(named) if _are_only_units(cells[i])), named[-1])
        row = cells[first]
        assert row is not None  # noqa: S101 - for type checkers
        above = cells[first - 1] if first else None
        if above is not None and (first - 1 in named or _are_numbered(above)) and _are_units(row):
            units = tuple(_unit(cell) for cell in row)
            above = [
                unit if _COUNTS.fullmatch(unit) else name
                for name, unit in zip(above, row, strict=True)
            ]
            del others[first]
            first, row = first - 1, above
        names = tuple(row)
        del others[first]
        for i, found in enumerate(rows[first + 1 :], first + 1):
            if any(map(is_value, found)) and not (COMMENT.match(lines[i]) or facts_of([lines[i]])):
                raise InputError(
                    f"line {i + 1} of {where} is damaged: got {lines[i].strip()!r:.60}, expected "
                    f"a row of {n_columns} values"
                )
    elif _next_to_data(lines, rows, n_columns):
        listed = rows[_next_to_data(lines, rows, n_columns) - 1]
        raise InputError(
            f"the rows of {where} have {n_columns} values, but their header names {len(listed)}: "
            f"expected as many; decimal commas need semicolons or tabs between the columns"
        )
    triggers = _triggers(lines, where)
    preamble = read_preamble([*others, *below, *beside, *triggers], pc=pc)
    if preamble.units and not any(units):
        units = (None,) * (n_columns - len(preamble.units)) + preamble.units
        if len(units) > n_columns or len(preamble.units) < n_columns - 1:
            raise InputError(
                f"{where} states {len(preamble.units)} units ({', '.join(preamble.units)}), and "
                f"has {n_columns} columns: expected one unit for all, or one for each column"
            )
    return Headings(names, units, preamble)


def _without_facts(
    rows: Sequence[Sequence[str]],
) -> tuple[list[Sequence[str]], list[str]]:
    """The rows without a rate, or interval, and its name in the row above it, and these as lines.

    Oscilloscopes write ``X,CH1,Start,Increment`` above ``Sequence,Volt,-5.8e-02,3.9e-05``.
    """
    left, facts = list(rows), []
    for i, (names, values) in enumerate(pairwise(rows)):
        pairs = [(name, value) for name, value in zip(names, values, strict=False) if name]
        if any(is_value(name) for name, _ in pairs):
            continue
        found = [f"{name}: {value}" for name, value in pairs if is_value(value)]
        found = [line for line in found if read_rate(line) is not None]
        if found and not is_value(values[0]):
            facts += found
            gone = [j for j, value in enumerate(values) if is_value(value)]
            for k in (i, i + 1):
                left[k] = ["" if j in gone else cell for j, cell in enumerate(left[k])]
    return left, facts


def _triggers(lines: Sequence[str], where: str) -> list[str]:
    """The time of the trigger, as a line; LeCroy writes ``Segment,TrigTime`` above ``#1,...``."""
    if not any(line.startswith("Segment,TrigTime") for line in lines):
        return []
    times = [found[1] for line in lines if (found := re.match(r"#\d+,([^,]+)", line))]
    if len(times) > 1:
        raise InputError(
            f"{where} holds {len(times)} segments, of one trigger each: save each as a file"
        )
    return [f"{TRIGGER}: {time}" for time in times]


def _of_facts(lines: Sequence[str], n_columns: int) -> set[str]:
    """The lines that may seem to hold the names of columns, and state facts instead."""
    facts = {line for line in lines if (n_columns <= 2 or "=" in line) and facts_of([line])}
    if n_columns > 2:
        return facts
    counts = {line for line in lines if re.fullmatch(r"[^:=]{1,60}[:=]\s*\d[\d.]*\s*", line)}
    return facts | counts if facts or len(counts) > 1 else facts


def _fitted(row: Sequence[str], n: int) -> list[str] | None:
    """A row brought to n cells, where it only lacks or has too many empty ones."""
    cells = [re.sub(r"\s+", " ", cell.strip().strip('"').strip()) for cell in row]
    while len(cells) > n and not cells[-1]:
        cells.pop()
    if len(cells) == n:
        return cells
    # R leaves out the name of the row names; others end their rows with a delimiter.
    return None


def _are_names(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    if not filled or any(len(cell) > _LONGEST_NAME for cell in filled):
        return False
    if are_column_numbers(row):
        return True
    return not any(is_value(cell) for cell in filled) and not all(map(is_missing, filled))


def are_column_numbers(row: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, ... or 1, 2, 3, ..., perhaps behind an empty one."""
    numbered = list(row[1:] if not row[0] else row)
    return len(row) > 1 and numbered in (
        [str(i) for i in range(len(numbered))],
        [str(i + 1) for i in range(len(numbered))],
    )


def _are_numbered(row: Sequence[str]) -> bool:
    """Whether cells are a name and the numbers of channels: x-axis, 1, 2."""
    return not is_value(row[0]) and are_column_numbers(["", *row[1:]])


def _unit(cell: str) -> str | None:
    return None if _COUNTS.fullmatch(cell) else cell.strip("[]() ") or None


def _are_units(row: Sequence[str]) -> bool:
    """Whether cells are units: one that is known, or all in brackets, and nothing long."""
    filled = [cell for cell in row if cell and cell != "-"]
    if any(map(is_named_time, filled)):  # t, a
        return False
    is_known = any(known_unit(cell) or time_unit(cell) is not None for cell in filled)
    bracketed = filled and all(re.fullmatch(r"[(\[].*[)\]]", cell) for cell in filled)
    return (is_known and all(len(cell) <= _LONGEST_UNIT for cell in filled)) or bool(bracketed)


def _are_only_units(row: Sequence[str] | None) -> bool:
    """Whether cells are known units, or empty, and several are filled."""
    filled = [cell.strip("[]() ") for cell in row or () if cell and cell != "-"]
    known = [cell for cell in filled if known_unit(cell) or time_unit(cell) is not None]
    return 1 < len(filled) == len(known) and _are_units(row or ())


def _next_to_data(lines: Sequence[str], rows: Sequence[Sequence[str]], n: int) -> int:
    """1 + the index of a line of names of another number right above the numbers, or 0."""
    for i in reversed(range(len(lines))):
        if not lines[i].strip() or COMMENT.match(lines[i]):
            continue
        is_header = len(rows[i]) > 1 and not any(map(is_value, rows[i]))
        return i + 1 if is_header and len(rows[i]) != n and not facts_of([lines[i]]) else 0
    return 0


def header_cells(
    row: list[str], line: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> list[str]:
    """The cells of a line above the numbers, brought to their number where it is clear how."""
    n = len(columns)
    if len(row) == n:
        return row
    # Names may hold blanks where blanks delimit.
    text = without_mark(line) if COMMENT.match(line) else line
    text = re.sub(r"[ \t]{9,}", 8 * " ", text)  # else the patterns would search long blanks anew
    if _KEY_AND_VALUE.fullmatch(text.strip()):
        return row
    for pattern in (r"\t+", r"\s{2,}", r"\s+(?![(\[])", r"\s*[,;]\s*"):
        cells = re.split(pattern, text.strip())
        if len(cells) == n > 1:
            return [cell.strip().strip('"') for cell in cells]
    if not 1 < len(row) < n or any(map(is_value, row)) or facts_of([line]):
        return row
    if all(column.kind == "empty" for column in columns[len(row) :]):  # rows end with delimiters
        return row + [""] * (n - len(row))
    if len(row) == n - 1:
        firsts = [cells[0] for cells in rows[:_FIRSTS]]
        if columns[0].kind == "text" or _counts(firsts):  # R leaves out the name of its row names
            return ["", *row]
    return row


def _counts(cells: Sequence[str]) -> bool:
    numbers = [int(cell) for cell in cells if re.fullmatch(r"\d{1,18}", cell)]
    rises = all(b == a + 1 for a, b in pairwise(numbers))
    return len(numbers) == len(cells) > 1 and rises
