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
    is_even : bool
        Whether the header has the abscissa; else it alternates with the values.
    step : float
        Of the abscissa.
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
    is_even: bool
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
    """Abscissa (of an uneven one) and values of a real data set, those that stand in the file."""
    per_sample = 1 if each.is_even else 2
    raw = data[each.begin : each.end]
    if not each.byte_order:
        values = _numbers(raw, each, per_sample * each.count)
    elif not each.is_even and each.dtype == "f8" and len(raw) < 16 * each.count:
        # a single for the abscissa beside a double
        fields = [("x", each.byte_order + "f4"), ("y", each.byte_order + "f8")]
        pairs = np.frombuffer(raw[: len(raw) // 12 * 12], fields)[: each.count]
        return pairs["x"], pairs["y"]
    else:
        dtype = np.dtype(each.byte_order + each.dtype)
        whole = len(raw) // dtype.itemsize
        values = np.frombuffer(raw, dtype, min(whole, per_sample * each.count))
    if each.is_even:
        return None, values
    values = values[: len(values) // 2 * 2]
    return values[::2], values[1::2]


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
    kind, ids, dofs, form, abscissa, ordinate = (
        lines[0],
        lines[1:6],
        lines[6],
        lines[7],
        *lines[8:10],
    )
    order: Literal["", "<", ">"] = ""
    is_ieee = True
    mark = _MARK.search(data, begin)
    end = mark.start() if mark else len(data)
    if kind[6:7].lower() == "b":
        order = "<" if _integer(kind[7:13]) == _LITTLE else ">"
        is_ieee = _integer(kind[13:19]) == _IEEE
        said = begin + _integer(kind[31:43])
        end = said if begin < said <= len(data) else _end_of_file(data, begin)
    return TimeSet(
        begin=begin,
        end=end,
        byte_order=order,
        is_ieee=is_ieee,
        function=_integer(dofs[:5]),
        value_type=_integer(form[:10]),
        count=_integer(form[10:20]),
        is_even=_integer(form[20:30]) == 1,
        step=_number(form[43:56]),
        abscissa_type=_integer(abscissa[:10]),
        abscissa_unit=abscissa[47:67].strip(),
        ordinate_type=_integer(ordinate[:10]),
        ordinate_unit=ordinate[47:67].strip(),
        date=next((found for line in ids[2:3] if (found := _date(line)) is not None), None),
    )


def _end_of_file(data: mmap.mmap, begin: int) -> int:
    """Where the values of the last set end, whatever its header says."""
    beginning = max(begin, len(data) - 100)
    mark = re.search(rb"[\r\n]{0,2} {4}-1\s*\Z", data[beginning:])
    return beginning + mark.start() if mark else len(data)


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
    widths = (13,) if each.value_type == _SINGLE else (20,) if each.is_even else (13, 20)
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
