"""Rows of text to arrays: Arrow reads them block by block, and what it refuses is found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.text.cells import MISSING, Column, is_missing
from dlrsd.runtime.streams.readers.text.dialect import BLANKS, split
from dlrsd.runtime.streams.readers.text.fields import Field, Midnights
from dlrsd.runtime.streams.readers.text.times import BadCellError, is_iso, to_times
from dlrsd.runtime.streams.source import reader_library

_COMMENTS = re.compile(rb"^[ \t]*(#|%|//|!).*$", re.MULTILINE)
_BLANK_LINES = re.compile(rb"^ +(?=\r?$)", re.MULTILINE)
_RUNS = re.compile(rb"[ \t]{2,}|\t")
_EDGES = re.compile(rb"^ | (?=\r?$)", re.MULTILINE)
_HARD_BLANK = "\xa0".encode()
_NULLS = [*MISSING, *(f" {text}" for text in MISSING), *(f"{text} " for text in MISSING)]
_ENOUGH = 20  # rows tell how long their last cell is at least


class Lines(Protocol):
    """Whose `blocks` are rows of text, as those of a `TextFile`."""

    path: Path

    def blocks(self) -> Iterator[tuple[bytes, bool]]: ...

    def line_number(self, block: int, line: int) -> int: ...


class RowReader:
    """Reads rows of a table.

    Parameters
    ----------
    file : Lines
    delimiter : str
    columns : sequence of Column
    names : sequence of str
        Of the columns, for messages.
    """

    def __init__(
        self, file: Lines, delimiter: str, columns: Sequence[Column], names: Sequence[str]
    ) -> None:
        self._file = file
        self._delimiter = delimiter
        self._columns = columns
        self._names = names
        self._arrow = reader_library("pyarrow", file.path)
        self._csv = reader_library("pyarrow.csv", file.path)
        self._pc = reader_library("pyarrow.compute", file.path)
        marks = {each.decimal for each in columns if each.kind == "number"}
        # Arrow is told one decimal mark for all, and none that is the delimiter.
        self._as_text = len(marks) > 1 or (marks == {","} and delimiter == ",")
        self._types = [self._type(column) for column in columns]
        self._decimal = "," if marks == {","} and not self._as_text else "."
        self._column_names = [str(i) for i in range(len(columns))]
        self._is_plain = True
        self.cut_row: str | None = None  # what the file ends with, where that is no whole row

    def arrays(self, fields: Sequence[Field], first_line: int) -> Iterator[list[NDArray[Any]]]:
        """The fields' values, block by block.

        Raises
        ------
        InputError
            If a row is damaged, with its line.
        """
        needed = tuple(sorted({i for field in fields for i in field.columns}))
        wraps = [Midnights() if field.wraps else None for field in fields]
        skip, tail = first_line, b""
        for index, (data, has_end) in enumerate(self._file.blocks()):
            if skip:
                data, skip = _blanked(data, skip)
            if not has_end and not self._is_whole_row(data, tail):
                self.cut_row = data.decode("utf-8", "replace")[:60]
                return
            tail = data[-4096:]
            table = self._table(data, needed, index)
            if not table.num_rows:
                continue
            yield [
                values if wrap is None else wrap(values)
                for field, wrap in zip(fields, wraps, strict=True)
                for values in [self._made(field, table, data, index)]
            ]

    def _table(self, data: bytes, needed: Sequence[int], index: int) -> Any:
        arrow = self._arrow
        types = {str(i): self._types[i] for i in needed}
        are_numbers = all(each == arrow.float64() for each in types.values())
        # Numbers alone are read as they are: a comment, a quote, "n/a" are none, and end that.
        if self._is_plain and are_numbers and 0 in needed and self._delimiter != BLANKS:
            try:
                return self._read(data, types, nulls=[""], quote=False)
            except arrow.ArrowInvalid:
                self._is_plain = False
        data = self._normalised(data)
        try:
            return self._read(data, types, nulls=_NULLS, quote='"' if b'"' in data else False)
        except arrow.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return arrow.table({})
            raise self._damaged(data, needed, index, error) from error

    def _read(
        self, data: bytes, types: dict[str, Any], *, nulls: Sequence[str], quote: str | bool
    ) -> Any:
        csv = self._csv
        return csv.read_csv(
            self._arrow.BufferReader(data),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                column_names=self._column_names,
            ),
            parse_options=csv.ParseOptions(delimiter=self._delimiter, quote_char=quote),
            convert_options=csv.ConvertOptions(
                check_utf8=False,
                column_types=types,
                include_columns=list(types),
                decimal_point=self._decimal,
                null_values=nulls,
                strings_can_be_null=True,
            ),
        )

    def _type(self, column: Column) -> Any:
        arrow = self._arrow
        if column.kind == "time":
            assert column.form is not None  # noqa: S101 - for type checkers
            if column.form.pattern:
                return arrow.string()
            return arrow.timestamp("ns", tz="UTC" if column.form.utc else None)
        if column.kind != "number" or column.rewrites or self._as_text:
            return arrow.string()
        return arrow.int64() if column.is_long else arrow.float64()

    def _made(self, field: Field, table: Any, data: bytes, index: int) -> NDArray[Any]:
        columns = [table.column(str(i)).chunk(0) for i in field.columns]  # a block is one
        try:
            return field.make(columns)
        except (BadCellError, self._arrow.ArrowInvalid) as error:
            raise self._damaged(self._normalised(data), field.columns, index, error) from error

    def _normalised(self, data: bytes) -> bytes:
        if any(mark in data for mark in (b"#", b"%", b"/", b"!")):
            data = _COMMENTS.sub(b"", data)
        if _HARD_BLANK in data:
            data = data.replace(_HARD_BLANK, b" ")
        if b" " in data and b"\n " in data:
            data = _BLANK_LINES.sub(b"", data)
        if self._delimiter == BLANKS:
            data = _EDGES.sub(b"", _RUNS.sub(b" ", data))
        return data

    def _is_whole_row(self, data: bytes, before: bytes) -> bool:
        """Whether a last row without an end is one, and was not cut within its last number."""
        text = self._normalised(data).decode("utf-8", "replace").strip("\r\n")
        if not text.strip():
            return True
        if self._problem(text, range(len(self._columns))):
            return False
        cells = split(text, self._delimiter)
        rows = [
            split(line, self._delimiter)
            for line in before.decode("utf-8", "replace").split("\n")[1:]
        ]
        lengths = [len(row[-1]) for row in rows if len(row) == len(cells)]
        shortest = min(lengths, default=0)
        return len(cells[-1]) >= (shortest if len(lengths) >= _ENOUGH else min(1, shortest))

    def _damaged(
        self, data: bytes, needed: Sequence[int], index: int, error: Exception
    ) -> InputError:
        """What is wrong with the first damaged row of a block, with its line in the file."""
        lines = data.decode("utf-8", "replace").split("\n")
        rows = [i for i, line in enumerate(lines) if line.strip("\r")]
        problems = ((i, self._problem(lines[i].strip("\r"), needed)) for i in rows)
        line, problem = next((found for found in problems if found[1]), (-1, ""))
        if not problem:  # Arrow has found more than we
            row = re.search(r"Row #(\d+)", str(error))
            line = rows[int(row[1]) - 1] if row and int(row[1]) <= len(rows) else 0
            problem = " ".join(str(error).split())[:300]
        number = self._file.line_number(index, line)
        return InputError(f"{self._file.path} cannot be read as CSV: line {number}: {problem}")

    def _problem(self, line: str, needed: Sequence[int]) -> str:
        """What is wrong with a row, empty where nothing is."""
        cells, n = split(line, self._delimiter), len(self._columns)
        if len(cells) != n:
            return f"Expected {n} columns, got {len(cells)}"
        for i in needed:
            column = self._columns[i]
            if is_missing(cells[i]) or column.kind not in ("number", "time"):
                continue
            if not self._fits(column, cells[i]):
                what = "a number" if column.kind == "number" else "a time like those before"
                return f"got {cells[i]!r:.40} in column {self._names[i]!r}, expected {what}"
        return ""

    def _fits(self, column: Column, cell: str) -> bool:
        if column.kind == "time" and column.form and column.form.pattern:
            try:
                to_times(self._arrow.array([cell]), column.form, self._pc)
            except BadCellError:
                return False
            return True
        if column.kind == "time":
            return is_iso(cell)
        if column.is_long:
            return re.fullmatch(r"[+-]?\d{1,18}", cell) is not None
        for pattern, replacement in column.rewrites:
            cell = re.sub(pattern, replacement, cell)
        if "." in cell and column.decimal == ",":
            return False
        try:
            float(cell.replace(column.decimal, "."))
        except ValueError:
            return False
        return "_" not in cell


def _blanked(data: bytes, n: int) -> tuple[bytes, int]:
    """Data with its first n lines empty, and how many of n are left."""
    begin = done = 0
    while done < n:
        end = data.find(b"\n", begin)
        if end < 0:
            return b"\n" * done, n - done
        begin, done = end + 1, done + 1
    return b"\n" * done + data[begin:], 0
