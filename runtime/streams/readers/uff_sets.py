"""Data sets 58 of a universal file: their headers, and where their values stand.

The layout is that of "Universal File Data Set 58" and "58b" (SDRC), in columns of fixed width.
"""

from __future__ import annotations

import mmap
import re
import warnings
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Literal

import numpy as np
from msgspec import Struct

_MARK = re.compile(rb"^ {4}-1 *\r?$", re.MULTILINE)
_MARK_HERE = re.compile(rb"[\r\n]{0,2} {4}-1 *\r?$", re.MULTILINE)
_LINES = 11  # of a header
_MOST_SETS = 10_000
_DATES = ("%d-%b-%y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_SINGLE = 2  # precision
_LITTLE, _IEEE = 1, 2
_PIECE = 1 << 20  # bytes of text that are parsed at once


class TimeSet(Struct, frozen=True):
    """A data set 58 as its header has it.

    Attributes
    ----------
    begin, end : int
        Bytes of its values.
    byte_order : {"", "<", ">"}
        Empty where they are text.
    is_ieee : bool
        Whether binary values are those of every computer of today.
    function : int
        1 is a time response, 0 unknown.
    value_type : int
        2 single and 4 double precision, 5 and 6 complex.
    count : int
    abscissa : {"", "f4", "f8"}
        What the abscissa is written as before each value; empty where the header has it.
    first, step : float
        Of the abscissa; the first is 0 where it is written before each value.
    abscissa_type, ordinate_type : int
        17 is time, 18 frequency, 12 acceleration.
    abscissa_unit, ordinate_unit : str
    date : datetime, optional
    """

    begin: int
    end: int
    byte_order: Literal["", "<", ">"]
    is_ieee: bool
    function: int
    value_type: int
    count: int
    abscissa: Literal["", "f4", "f8"]
    first: float
    step: float
    abscissa_type: int
    abscissa_unit: str
    ordinate_type: int
    ordinate_unit: str
    date: datetime | None

    @property
    def dtype(self) -> str:
        return "f4" if self.value_type == _SINGLE else "f8"


def read_headers(data: mmap.mmap) -> tuple[list[TimeSet], int | None]:
    """The data sets 58 of a file, and the code of its units (data set 164), if it states one."""
    sets: list[TimeSet] = []
    unit_code = None
    position, count = 0, 0
    while (mark := _MARK.search(data, position)) is not None:
        begin = mark.end() + 1
        lines, at = _lines(data, begin, 1 + _LINES)
        number = lines[0].split()[:1] if lines else []
        position = begin
        if number and number[0].lower() in ("58", "58b") and len(lines) == 1 + _LINES:
            sets.append(_header(data, lines, at))
            position = sets[-1].end
            if (count := count + 1) > _MOST_SETS:
                raise ValueError(f"it has more than {_MOST_SETS} data sets, split it")
        elif number == ["164"] and len(lines) > 1:
            unit_code = _integer(lines[1][:10])
        end = _MARK_HERE.match(data, position) or _MARK.search(data, position)
        if end is None:
            break
        position = end.end()
    return sets, unit_code


def values_of(data: mmap.mmap, each: TimeSet) -> tuple[np.ndarray | None, np.ndarray]:
    """Abscissa, where the header does not have it, and values, as far as they stand in the file."""
    raw = data[each.begin : each.end]
    if not each.byte_order:
        values = _numbers(raw, each, (2 if each.abscissa else 1) * each.count)
        if not each.abscissa:
            return None, values
        values = values[: len(values) // 2 * 2]
        return values[::2], values[1::2]
    fields = [("x", each.byte_order + each.abscissa)] if each.abscissa else []
    rows = np.dtype([*fields, ("y", each.byte_order + each.dtype)])
    values = np.frombuffer(raw, rows, min(len(raw) // rows.itemsize, each.count))
    return values["x"] if each.abscissa else None, values["y"]


def _lines(data: mmap.mmap, begin: int, count: int) -> tuple[list[str], int]:
    """Up to so many lines, and where the next begins."""
    lines = []
    for _ in range(count):
        end = data.find(b"\n", begin, begin + 200)
        if end < 0:
            break
        lines.append(data[begin:end].decode("latin-1").rstrip("\r"))
        begin = end + 1
    return lines, begin


def _header(data: mmap.mmap, lines: list[str], begin: int) -> TimeSet:
    kind, ids, dofs, form, across, along = (
        lines[0],
        lines[1:6],
        lines[6],
        lines[7],
        *lines[8:10],
    )
    count, value_type = _integer(form[10:20]), _integer(form[:10])
    is_even = _integer(form[20:30]) == 1
    order: Literal["", "<", ">"] = ""
    abscissa: Literal["", "f4", "f8"] = "" if is_even else "f8"
    mark = _MARK.search(data, begin)
    end = mark.start() if mark else len(data)
    if kind[6:7].lower() == "b":
        order = "<" if _integer(kind[7:13]) == _LITTLE else ">"
        forms = _binary_forms(count, value_type, is_even)
        end, abscissa = _binary_end(data, begin, _integer(kind[31:43]), forms)
    return TimeSet(
        begin=begin,
        end=end,
        byte_order=order,
        is_ieee=not order or _integer(kind[13:19]) == _IEEE,
        function=_integer(dofs[:5]),
        value_type=value_type,
        count=count,
        abscissa=abscissa,
        first=_number(form[30:43]) if is_even else 0.0,
        step=_number(form[43:56]),
        abscissa_type=_integer(across[:10]),
        abscissa_unit=across[47:67].strip(),
        ordinate_type=_integer(along[:10]),
        ordinate_unit=along[47:67].strip(),
        date=next((found for line in ids[2:3] if (found := _date(line)) is not None), None),
    )


Form = tuple[int, Literal["", "f4", "f8"]]  # bytes of all values, and the type of the abscissa


def _binary_forms(count: int, value_type: int, is_even: bool) -> list[Form]:
    if is_even:
        return [(count * (4 if value_type == _SINGLE else 8), "")]
    if value_type == _SINGLE:
        return [(count * 8, "f4")]
    return [(count * 16, "f8"), (count * 12, "f4")]  # programs differ


def _binary_end(
    data: mmap.mmap, begin: int, said: int, forms: list[Form]
) -> tuple[int, Literal["", "f4", "f8"]]:
    """Where binary values end, and in which form they are: the header's count of bytes may lie."""
    for size, abscissa in forms:
        if 0 < size <= len(data) - begin and _MARK_HERE.match(data, begin + size):
            return begin + size, abscissa
    size, abscissa = next((form for form in forms if form[0] == said), forms[0])
    if 0 < size <= len(data) - begin:
        return begin + size, abscissa
    beginning = max(begin, len(data) - 100)
    mark = re.search(rb"[\r\n]{0,2} {4}-1\s*\Z", data[beginning:])
    return beginning + mark.start() if mark else len(data), abscissa


def _numbers(text: bytes, each: TimeSet, wanted: int) -> np.ndarray:
    """Up to so many numbers of a text, line by line."""
    parts, begin, count = [np.empty(0)], 0, 0
    while begin < len(text) and count < wanted:
        end = text.find(b"\n", begin + _PIECE) + 1 or len(text)
        piece = text[begin:end].replace(b"D", b"E").replace(b"d", b"e")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                numbers = np.fromstring(piece, sep=" ")
            except (ValueError, DeprecationWarning):  # no blank between them
                numbers = np.array(_cells(piece, each), dtype=np.float64)
        parts.append(numbers)
        count += len(numbers)
        begin = end
    return np.concatenate(parts)[:wanted]


def _cells(text: bytes, each: TimeSet) -> list[bytes]:
    widths = (13,) if each.value_type == _SINGLE else (20,) if not each.abscissa else (13, 20)
    row = re.compile(b"".join(b"(.{%d})" % width for width in widths))
    found = [cells for line in text.splitlines() for cells in row.findall(line)]
    return list(chain.from_iterable([cell] if isinstance(cell, bytes) else cell for cell in found))


def _date(line: str) -> datetime | None:
    """As the format has it, 01-MAR-26 08:00:00, or with a year of four digits."""
    text = line.strip()[:20].strip()
    for form in _DATES:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def _number(text: str) -> float:
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return 0.0
