"""The metadata of a TDMS segment: which channels have samples in it, and their properties.

The layout is that of "TDMS File Format Internal Structure" (National Instruments).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError

NO_DATA, AS_BEFORE = 0xFFFFFFFF, 0
_FORMAT_CHANGING, _DIGITAL_LINE = 0x1269, 0x126A
_TEXT, _TIME, _DAQMX = 0x20, 0x44, 0xFFFFFFFF
# What NumPy calls values of a type; "V" and "c" are told apart from numbers later.
_TYPES = {
    1: "i1", 2: "i2", 3: "i4", 4: "i8", 5: "u1", 6: "u2", 7: "u4", 8: "u8", 9: "f4", 10: "f8",
    0x19: "f4", 0x1A: "f8", 0x21: "b1", _TIME: "V16", 0x08000C: "c8", 0x10000D: "c16",
}  # fmt: skip
_DAQMX_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
_CODES = {
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f4": "f", "f8": "d", "b1": "?",
}  # fmt: skip
_FORMS = {order + code: struct.Struct(order + code) for order in "<>" for code in _CODES.values()}
_BEGINNING_OF_TIME = datetime(1904, 1, 1, tzinfo=timezone.utc)


class Scaler(Struct, frozen=True):
    """Raw values of a DAQmx channel: in the rows of which buffer, and at which byte of a row."""

    number: int
    dtype: str
    buffer: int
    offset: int


class Layout(Struct, frozen=True):
    """How a channel's values stand in each chunk of a segment.

    Attributes
    ----------
    dtype : str
        Empty for texts and raw values of DAQmx.
    count : int
        Values in a chunk.
    size : int
        Their bytes; 0 for DAQmx, whose rows of all channels have `widths` bytes in each buffer.
    scalers : tuple of Scaler
    widths : tuple of int
    is_digital : bool
    """

    dtype: str
    count: int
    size: int
    scalers: tuple[Scaler, ...] = ()
    widths: tuple[int, ...] = ()
    is_digital: bool = False


class Metadata:
    """Reads the bytes of a segment's metadata, in their order."""

    def __init__(self, data: bytes, order: str, path: Path) -> None:
        self._data, self._order, self._path = data, order, path
        self._at = 0

    def objects(self) -> Iterator[tuple[str, Layout | int, dict[str, Any]]]:
        """Each object: its path, its layout (or `NO_DATA`, or `AS_BEFORE`), its properties."""
        for _ in range(self._take("I")):
            path = self._text()
            head = self._take("I")
            layout = head if head in (NO_DATA, AS_BEFORE) else self._layout(head)
            properties = dict(self._property() for _ in range(self._take("I")))
            yield path, layout, properties

    def _layout(self, head: int) -> Layout:
        kind, dimension, count = self._take("I"), self._take("I"), self._take("Q")
        if dimension != 1:
            raise self._damaged(f"an array of {dimension} axes")
        if head in (_FORMAT_CHANGING, _DIGITAL_LINE):
            return self._daqmx_layout(count, is_digital=head == _DIGITAL_LINE)
        if kind == _TEXT:
            return Layout("", count, self._take("Q"))
        if kind not in _TYPES and count:
            raise self._damaged(f"values of type {kind:#x}")
        dtype = _TYPES.get(kind, "")
        return Layout(dtype, count, count * int(dtype[1:] or 0))

    def _daqmx_layout(self, count: int, *, is_digital: bool) -> Layout:
        scalers = []
        for _ in range(self._take("I")):
            kind, buffer = self._take("I"), self._take("I")
            offset = self._take("I")
            self._take("B" if is_digital else "I")
            if kind >= len(_DAQMX_TYPES):
                raise self._damaged(f"raw values of type {kind}")
            number = self._take("I")
            scalers.append(Scaler(number, _DAQMX_TYPES[kind], buffer, offset))
        widths = tuple(self._take("I") for _ in range(self._take("I")))
        for each in scalers:
            if each.buffer >= len(widths) or (
                each.offset + int(each.dtype[1:]) > widths[each.buffer] and not is_digital
            ):
                raise self._damaged("raw values beyond their row")
        return Layout("", count, 0, tuple(scalers), widths, is_digital)

    def _property(self) -> tuple[str, Any]:
        name, kind = self._text(), self._take("I")
        if kind == _TEXT:
            return name, self._text()
        if kind == _TIME:
            return name, self._time()
        dtype = _TYPES.get(kind, "")
        if dtype in _CODES:
            return name, self._take(_CODES[dtype])
        raise self._damaged(f"a property of type {kind:#x}")

    def _time(self) -> datetime | None:
        if self._order == "<":
            fraction, seconds = self._take("Q"), self._take("q")
        else:
            seconds, fraction = self._take("q"), self._take("Q")
        micros = round(fraction / 2**64 * 1e6)
        try:
            return _BEGINNING_OF_TIME + timedelta(seconds=seconds, microseconds=micros)
        except OverflowError:
            return None

    def _text(self) -> str:
        length = self._take("I")
        begin, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise self._damaged("a text beyond its segment")
        return self._data[begin : self._at].decode("utf-8", "replace")

    def _take(self, code: str) -> Any:
        form = _FORMS[self._order + code]
        begin, self._at = self._at, self._at + form.size
        if self._at > len(self._data):
            raise self._damaged("metadata beyond its segment")
        return form.unpack_from(self._data, begin)[0]

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self._path} cannot be read as TDMS: it says {what}")


@lru_cache(maxsize=4096)
def parts_of(path: str) -> tuple[str, ...]:
    """Group and channel of an object's path, as in ``/'group'/'channel'``.

    >>> parts_of("/'it''s'/'a'"), parts_of("/")
    (("it's", 'a'), ())
    """
    return tuple(part.replace("''", "'") for part in re.findall(r"/'((?:[^']|'')*)'", path))
