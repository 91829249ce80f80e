"""MATLAB files of versions 5 to 7, read without trust: no element takes more than it should.

The layout is that of "MAT-File Format" (MathWorks, R2023b), chapter 1, level 5.
"""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import IO

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.holding import (
    Holding,
    MappedArray,
    Samples,
    check_packing,
    is_series,
    text_of,
)
from dlrsd.runtime.streams.readers.packed import Inflater, PackedArray

_MATRIX, _COMPRESSED = 14, 15
_DTYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
    16: "u1", 17: "u2",
}  # fmt: skip
_NUMBERS = range(6, 16)  # classes of an array: double, single, and integers
_STRUCTURE, _TEXT, _OPAQUE = 2, 4, 17
_KINDS = {
    1: "is a cell array", 2: "is an array of structures", 3: "is an object", 4: "is text",
    5: "is a sparse matrix", 16: "is a function", 17: "is an object, a table or a timetable",
}  # fmt: skip
_IS_COMPLEX, _IS_LOGICAL = 0x0800, 0x0200
_MOST_NESTED, _MOST_FIELDS, _LONGEST_TEXT = 8, 4096, 256
_MOST_STRUCTURES, _MOST_ARRAYS = 64, 20_000
_PIECE = 1 << 16

Shape = tuple[int, ...]


def read_mat5(path: Path) -> Holding:
    """Vectors and matrices of real numbers, those in structures among them.

    Only their headers are read; packed samples, when they are first asked for.

    Raises
    ------
    InputError
        If an element is damaged, or would take more memory than it should; packed ones may raise
        it when they are first read.
    """
    with path.open("rb") as file:
        order = {b"IM": "<", b"MI": ">"}.get(file.read(128)[126:])
        if order is None:
            raise InputError(f"{path} does not begin as a MAT file does")
        reading = _Reading(path, order)
        size, position = path.stat().st_size, 128
        while position + 8 <= size:
            file.seek(position)
            kind, count = np.frombuffer(file.read(8), f"{order}u4").tolist()
            position += 8 + count
            if position > size:
                raise InputError(
                    f"{path} cannot be read as MAT: it was cut, an element goes on beyond its end"
                )
            stream = _Stream(file, count, path)
            if kind == _COMPRESSED:
                stream = _Packed(file, count, path)
                kind, stream.left = np.frombuffer(stream.take(8), f"{order}u4").tolist()
                try:
                    check_packing(count, stream.left)
                except InputError as error:
                    raise InputError(f"an element of {path} {error}") from None
            if kind == _MATRIX:
                reading.matrix(stream)
    return reading.holding


class _Stream:
    """The bytes of an element, as they stand in the file."""

    def __init__(self, file: IO[bytes], count: int, path: Path) -> None:
        self._file, self.left, self._path = file, count, path
        self.begin = self.position = file.tell()

    def take(self, count: int) -> bytes:
        """Exactly so many bytes."""
        if count > self.left:
            raise InputError(f"{self._path} is damaged: a part is longer than what it stands in")
        self.left -= count
        self.position += count
        data = self._read(count)
        if len(data) != count:
            raise InputError(f"{self._path} is damaged: an element ends before it should")
        return data

    def skip(self, count: int) -> None:
        while count > 0:
            count -= len(self.take(min(count, _PIECE)))

    def _read(self, count: int) -> bytes:
        return self._file.read(count)


class _Packed(_Stream):
    """The same, unpacked as they are taken; `position` counts what was unpacked."""

    def __init__(self, file: IO[bytes], count: int, path: Path) -> None:
        super().__init__(file, 8, path)
        self.position = 0
        self.start = Inflater(path, self.begin, count)
        self._inflater = self.start.copy()

    def _read(self, count: int) -> bytes:
        return self._inflater.read(count)


class _Reading:
    """What was read of a file so far."""

    def __init__(self, path: Path, order: str) -> None:
        self.holding = Holding()
        self._path, self._order = path, order
        self._count = 0

    def matrix(self, stream: _Stream, group: str = "", field: str = "", depth: int = 0) -> None:
        """Keep an array, or the fields of a structure, of which the tag was taken."""
        if not stream.left:
            return  # an empty field
        flags = int(np.frombuffer(self._part(stream, 8), f"{self._order}u4")[0])
        kind = flags & 0xFF
        shape: Shape = ()
        if kind != _OPAQUE:
            shape = tuple(np.frombuffer(self._part(stream, 128), f"{self._order}i4").tolist())
        name = self._part(stream, _LONGEST_TEXT).decode("utf-8", "replace") or field
        if not name or (shape and min(shape) < 0):
            return  # what MATLAB keeps for itself
        path = f"{group}/{name}" if group else name
        why = _KINDS.get(kind, f"is of class {kind}")
        facts = self.holding.facts.setdefault(group, {})
        self._count += 1
        if self._count > _MOST_ARRAYS:
            raise InputError(f"{self._path} holds more than {_MOST_ARRAYS} arrays: split it")
        count = math.prod(shape)
        if kind == _STRUCTURE and 0 < count <= _MOST_STRUCTURES and depth < _MOST_NESTED:
            self._structures(stream, path, count, depth)
        elif kind == _TEXT and math.prod(shape) <= _LONGEST_TEXT:
            facts[name] = text_of(self._text(stream), shape)
        elif kind not in _NUMBERS:
            self.holding.left[path] = why
        elif flags & (_IS_COMPLEX | _IS_LOGICAL):
            self.holding.left[path] = "is complex" if flags & _IS_COMPLEX else "is true or false"
        elif math.prod(shape) == 1:
            facts[name] = np.asarray(self._numbers(stream, (1,))[:1])[0].item()
        elif is_series(shape):
            self.holding.arrays[path] = self._numbers(stream, shape)
        elif math.prod(shape) and len(shape) > 2:
            self.holding.left[path] = f"has {len(shape)} axes"

    def _structures(self, stream: _Stream, path: str, count: int, depth: int) -> None:
        width = int(np.frombuffer(self._part(stream, 8), f"{self._order}i4")[0])
        text = self._part(stream, _MOST_FIELDS * 64)
        if not 0 < width <= 64 or len(text) // width > _MOST_FIELDS:
            raise InputError(f"{self._path} is damaged: the structure {path} has no fields")
        cells = [text[begin : begin + width] for begin in range(0, len(text), width)]
        names = [cell.split(b"\0")[0].decode("ascii", "replace") for cell in cells]
        for i, name in product(range(count), names):
            kind, size, _ = self._tag(stream)
            if kind != _MATRIX or size > stream.left:
                raise InputError(f"{self._path} is damaged: in the structure {path}")
            rest, stream.left = stream.left - size, size
            self.matrix(stream, path if count == 1 else f"{path}[{i}]", name, depth + 1)
            stream.skip(stream.left)
            stream.left = rest

    def _numbers(self, stream: _Stream, shape: Shape) -> Samples:
        kind, count, small = self._tag(stream)
        dtype = np.dtype(self._order + _DTYPES.get(kind, "V1"))
        size = math.prod(shape) * dtype.itemsize
        if count != size or dtype.kind == "V":
            raise InputError(
                f"{self._path} is damaged: an array of shape {shape} has {count} bytes of samples"
            )
        if small is not None or size <= 8:
            data = small if small is not None else stream.take(size)
            return np.frombuffer(data, dtype).reshape(shape, order="F")
        if isinstance(stream, _Packed):
            return PackedArray(stream.start, stream.position, dtype, shape, "F")
        return MappedArray(self._path, dtype, shape, stream.position, order="F")

    def _text(self, stream: _Stream) -> str:
        kind, count, small = self._tag(stream)
        data = small if small is not None else stream.take(min(count, 4 * _LONGEST_TEXT))
        wide = {4: "utf-16", 17: "utf-16", 18: "utf-32"}.get(kind)
        codec = "utf-8" if wide is None else wide + ("-le" if self._order == "<" else "-be")
        return data.decode(codec, "replace")

    def _part(self, stream: _Stream, most: int) -> bytes:
        """The bytes of a small part of an element, and the padding after them."""
        _, count, small = self._tag(stream)
        if small is not None:
            return small
        if count > most:
            raise InputError(f"{self._path} is damaged: a header of {count} bytes")
        data = stream.take(count)
        stream.skip(min(-count % 8, stream.left))
        return data

    def _tag(self, stream: _Stream) -> tuple[int, int, bytes | None]:
        """The type of a part, its bytes, and the part itself where the tag holds it."""
        head = stream.take(8)
        kind, count = np.frombuffer(head, f"{self._order}u4").tolist()
        if kind >> 16:
            return kind & 0xFFFF, kind >> 16, head[4 : 4 + (kind >> 16)]
        return kind, count, None
