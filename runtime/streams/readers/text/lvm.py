"""LabVIEW measurement files (LVM): text in segments, each with a header of its own.

Source of the format: NI, "Specification for the LabVIEW Measurement File (.lvm)". The rate is
1 / Delta_X. Segments follow each other by their date and time, or by X0 where that goes on, so what
is missing between them is a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.text.cells import Column
from dlrsd.runtime.streams.readers.text.fields import Field, number_maker
from dlrsd.runtime.streams.readers.text.lines import LONGEST_LINE, TextFile
from dlrsd.runtime.streams.readers.text.preamble import parse_moment
from dlrsd.runtime.streams.readers.text.rows import RowReader
from dlrsd.runtime.streams.series import Series, assemble
from dlrsd.runtime.streams.source import Source, Variable, reader_library, shorter_than_said

_END = b"***End_of_Header***"
_BEGIN = re.compile(rb"^Channels[\t,;]", re.MULTILINE)
_X = "X_Value"
_TIME = "time"  # what the clock of all segments together is called
_HEAD = 1 << 14


class _Segment(Struct, frozen=True):
    """A segment's header.

    Attributes
    ----------
    names : tuple of str
        Of all columns; ``X_Value`` is one of x, ``Comment`` of text.
    units : tuple of str
        Of each channel.
    delta : tuple of float
        Seconds between two samples of each channel; 0 where the header does not say.
    x0 : float
    samples : int
        Of each channel; 0 where the header does not say.
    start : datetime, optional
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    delta: tuple[float, ...]
    x0: float
    samples: int
    start: datetime | None


class _LvmFile:
    """The rows of an LVM file for `RowReader`: headers become empty lines, and are kept apart."""

    def __init__(self, file: TextFile) -> None:
        self.path = file.path
        self._file = file
        head, found, _ = file.beginning.partition(_END.decode())
        if not found:
            raise InputError(f"{self.path} has no end of its LVM header: it is cut")
        mark = re.search(r"^Separator(\t|,|;| )\w+", head, re.MULTILINE)
        self.delimiter = mark[1] if mark else "\t"
        self._common = _entries(head, self.delimiter)
        self.decimal = self._common.get("Decimal_Separator", ["."])[0] or "."
        self.has_x = self._common.get("X_Columns", ["One"])[0].lower() != "no"
        self.segment: _Segment | None = None  # of the latest block

    def line_number(self, block: int, line: int) -> int:
        """As of `TextFile`."""
        before = (data.count(b"\n") for i, (data, _) in enumerate(self.blocks()) if i < block)
        return sum(before) + line + 1

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """As of `TextFile`, each of one segment."""
        self.segment = None
        rest = b""
        for data, has_end in self._file.blocks():
            data, rest = rest + data, b""
            while data:
                begin = _BEGIN.search(data)
                rows = data if begin is None else data[: begin.start()]
                if rows:
                    yield self._trimmed(rows), has_end or begin is not None
                data = data[len(rows) :]
                header_end = data.find(b"\n", data.find(_END)) + 1 if _END in data else 0
                end = data.find(b"\n", header_end) + 1 if header_end else 0
                if data and not end:
                    if len(data) > LONGEST_LINE:
                        raise InputError(f"{self.path} has no end of a segment's header")
                    rest, data = data, b""
                elif data:
                    self.segment = self._parsed(data[:end].decode("utf-8", "replace"))
                    yield b"\n" * data.count(b"\n", 0, end), True
                    data = data[end:]

    def _trimmed(self, data: bytes) -> bytes:
        """Rows without what is behind the last number: comments stand in some rows only."""
        if self.segment is None:  # the header of the file
            return b"\n" * data.count(b"\n")
        n, mark = len(_without_comments(self.segment.names)), self.delimiter.encode()
        if data.count(mark) == (n - 1) * data.count(b"\n"):
            return data
        cell, mark = rb"[^\n\r" + re.escape(mark) + rb"]*", re.escape(mark)
        whole = rb"((?:" + cell + mark + rb"){%d}" % (n - 1) + cell + rb")" + mark + rb"[^\n]*$"
        data = re.sub(rb"^[\s" + mark + rb"]+$", self._blank, data, flags=re.MULTILINE)
        return re.sub(rb"^" + whole, rb"\1", data, flags=re.MULTILINE)

    @staticmethod
    def _blank(found: re.Match[bytes]) -> bytes:
        return b"\n" * found[0].count(b"\n")

    def _parsed(self, text: str) -> _Segment:
        entries = _entries(text, self.delimiter)
        names = [name.strip() for name in text.rstrip("\r\n").split("\n")[-1].split(self.delimiter)]
        dimension = entries.get("X_Dimension", [""])[0] or "Time"
        if dimension.lower() != "time":
            raise InputError(
                f"{self.path} holds values over {dimension}: expected samples over time"
            )
        n = sum(not _is_x(name) for name in _without_comments(names))

        def of_channels(key: str) -> list[str]:
            return (entries.get(key, []) + [""] * n)[:n]

        def numbers(key: str) -> list[float]:
            return [_float(cell.replace(self.decimal, ".")) for cell in of_channels(key)]

        day, time = (
            (entries.get(key) or self._common.get(key) or [""])[0] for key in ("Date", "Time")
        )
        pc = reader_library("pyarrow.compute", self.path)
        start = parse_moment(f"{day} {time.replace(self.decimal, '.')}", pc) if day else None
        return _Segment(
            names=tuple(names),
            units=tuple(of_channels("Y_Unit_Label")),
            delta=tuple(numbers("Delta_X")),
            x0=numbers("X0")[0],
            samples=int(numbers("Samples")[0]),
            start=start if start is not None and start.year > 1904 else None,
        )


def open_lvm(path: Path, variable: Variable) -> Source:
    """The channels of an LVM file, all segments one behind the other."""
    text = TextFile(path)
    try:
        source = _open(_LvmFile(text), path, variable)
    except BaseException:
        text.close()
        raise
    source.close = text.close
    return source


def _open(file: _LvmFile, path: Path, variable: Variable) -> Source:
    first = next((file.segment for _ in file.blocks() if file.segment), None)
    if first is None:
        raise InputError(f"{path} holds no segment with channels: expected one")
    names = _without_comments(first.names)
    columns = [Column("number", decimal=file.decimal)] * len(names)
    reader = RowReader(file, file.delimiter, columns, names)
    make = number_maker(columns[0], reader_library("pyarrow.compute", path))
    channels = {name: i for i, name in enumerate(names) if not _is_x(name)}

    def blocks(wanted: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
        fields = [Field(names[i], (i,), make) for i in (channels.get(name, 0) for name in wanted)]
        course = _Course(first, file.has_x)
        for values in reader.arrays(fields, 0):
            course.go_to(file.segment, path)
            if _TIME in wanted:
                place = wanted.index(_TIME)
                values[place] = course.times(values[place], len(values[-1]))
            course.row += len(values[-1])
            yield values
        if reader.cut_row is not None or 0 < course.row < course.segment.samples:
            source.warnings.append(shorter_than_said(path))
        if course.untimed:
            source.warnings.append(
                f"{course.untimed} segments of {path} do not state when they begin: each was taken "
                f"to follow the one before, after a gap of one sample"
            )

    with_time = file.has_x or first.delta[0] > 0
    series_names = [*([_TIME] if with_time else []), *channels]
    head = next(blocks(series_names), None)
    if head is None:
        raise InputError(f"{path} holds no rows: expected numbers")
    series = [Series(_TIME, head.pop(0)[:_HEAD], unit="s")] if with_time else []
    for values, name, unit, delta in zip(head, channels, first.units, first.delta, strict=True):
        rate = 1 / delta if delta > 0 and delta != 1 else None
        series.append(
            Series(name, values[:_HEAD], unit=unit or None, rate_hz=rate, start=first.start)
        )
    source = assemble(series, blocks, variable, path)
    return source


class _Course:
    """Where in time the rows of the segments lie.

    Attributes
    ----------
    segment : _Segment
        The present one.
    row : int
        The next row of it.
    untimed : int
        Segments that do not state when they begin.
    """

    def __init__(self, first: _Segment, has_x: bool) -> None:
        self._first = first
        self._has_x = has_x
        self._follows = False
        self._base = self._last = 0.0
        self.segment, self.row, self.untimed = first, 0, 0

    def go_to(self, segment: _Segment | None, path: Path) -> None:
        if segment is None or segment is self.segment:
            return
        first = self._first
        if (segment.names, segment.delta, segment.units) != (
            first.names,
            first.delta,
            first.units,
        ):
            raise InputError(
                f"{path} holds segments of different channels, units or Delta_X: expected one "
                f"measurement; save them as files of their own"
            )
        is_first = self.segment is first and not self.row
        self.segment, self.row, self._follows = segment, 0, False
        if first.start and segment.start and segment.start != first.start:
            self._base = (segment.start - first.start).total_seconds() - segment.x0
        elif is_first or segment.x0 != first.x0:
            self._base = -first.x0
        else:
            self._follows = True
            self.untimed += 1

    def times(self, x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Seconds since the first sample of the file."""
        delta = self.segment.delta[0]
        if not self._has_x:
            x = self.segment.x0 + np.arange(self.row, self.row + n, dtype=np.float64) * delta
        if self._follows:
            step = delta or (float(x[1] - x[0]) if n > 1 else 0.0)
            self._base, self._follows = self._last + 2 * step - float(x[0]), False
        times: NDArray[np.float64] = self._base + x
        self._last = float(times[-1])
        return times


def _entries(text: str, delimiter: str) -> dict[str, list[str]]:
    """The lines of a header by their first cell."""
    rows = [line.strip("\r").split(delimiter) for line in text.split("\n")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if row[0].strip()}


def _without_comments(names: Sequence[str]) -> list[str]:
    """Names of the columns of numbers, all different."""
    found: list[str] = []
    for name in names:
        if name.lower() == "comment" or (not name and name is names[-1]):
            continue
        fresh = name or str(len(found))
        while fresh in found:
            fresh += f" ({len(found)})"
        found.append(fresh)
    return found


def _is_x(name: str) -> bool:
    return name.startswith(_X)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
