"""NumPy arrays: one in a file, or several in an archive."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.holding import (
    TEXT_TIMES,
    Holding,
    MappedArray,
    Samples,
    check_packing,
    fields_of,
    is_series,
    other_fields,
)
from dlrsd.runtime.streams.readers.packed import Inflater, PackedArray
from dlrsd.runtime.streams.source import Source, Variable, refuse_variable

_WORDS = {
    "c": "complex numbers",
    "O": "Python objects",
    "U": "texts",
    "S": "texts",
    "b": "true or false",
}
_EXPECTED = "expected real numbers of shape (samples,) or (channels, samples)"
_MOST_MEMBERS = 10_000
_LONGEST_HEADER = 1 << 14
_LENGTHS = 26  # where a member of an archive says how long its name and what follows that are

_Stored = tuple[np.dtype[Any], tuple[int, ...], str, int]  # order, and where samples begin


def open_npy(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """An array of shape (samples,) or (channels, samples), or a vector of structures."""
    with path.open("rb") as file:
        try:
            dtype, shape, order, begin = _header(file)
            shape = _check(dtype, shape)
            if dtype.kind == "M":
                raise InputError("holds dates and no samples")
        except InputError as error:
            raise InputError(f"{path} cannot be read as NPY: it {error}; {_EXPECTED}") from None
    size, there = math.prod(shape) * dtype.itemsize, path.stat().st_size - begin
    if size > there:
        raise InputError(
            f"{path} cannot be read as NPY: it was cut, {there} bytes of {size} are left"
        )
    if not size:
        raise InputError(f"{path} holds no samples: {_EXPECTED}")
    array = MappedArray(path, dtype, shape, begin, order=order)
    fields, others = fields_of(array), other_fields(array)
    if not dtype.names:
        refuse_variable(variable, path)
    named = not isinstance(variable, str) and not dtype.names
    arrays: dict[str, Samples] = fields if dtype.names else {"": array}
    holding = Holding(arrays, left=others, labels={each: each for each in fields})
    return arrays_source(holding, None if named else variable, path, channels)


def open_npz(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """The arrays of an archive as `numpy.savez` writes it; single numbers state facts."""
    holding = Holding(facts={"": {}})
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise InputError(f"{path} holds more than {_MOST_MEMBERS} arrays: split it")
        for member in members:
            name = member.filename.removesuffix(".npy")
            try:
                _add(holding, path, archive, member)
            except InputError as error:
                holding.left[name] = str(error)
            except ValueError:
                holding.left[name] = "is no array"
    return arrays_source(holding, variable, path, channels)


def _add(holding: Holding, path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Keep an array as a series or a fact; an `InputError` says what else it is."""
    name = member.filename.removesuffix(".npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("is packed by other means than NumPy packs it")
    with archive.open(member) as file:
        dtype, shape, order, begin = _header(file)
        size = math.prod(shape) * dtype.itemsize
        if begin + size > member.file_size:
            raise InputError("was cut")
        check_packing(member.compress_size, member.file_size)
        if size and math.prod(shape) == 1 and size <= _LONGEST_HEADER and dtype.kind in "iufUSM":
            file.seek(begin)
            value = np.frombuffer(file.read(size), dtype)[0]
            holding.facts[""][name] = value if dtype.kind == "M" else value.item()
            return
    if dtype.kind in "US" and is_named_time(name):
        holding.text_times[name] = math.prod(shape)
        raise InputError(TEXT_TIMES)
    shape = _check(dtype, shape)
    if is_series(shape):
        array = _member(path, member, (dtype, shape, order, begin))
        fields = fields_of(array)
        holding.left |= {f"{name}/{each}": why for each, why in other_fields(array).items()}
        arrays = {f"{name}/{each}": fields[each] for each in fields}
        holding.arrays |= arrays if dtype.names else {name: array}
        holding.labels |= {f"{name}/{each}": each for each in fields} or {name: name}


def _member(path: Path, member: zipfile.ZipInfo, stored: _Stored) -> Samples:
    """An array in an archive, read along with its samples."""
    with path.open("rb") as file:
        file.seek(member.header_offset + _LENGTHS)
        begin = member.header_offset + _LENGTHS + 4 + sum(struct.unpack("<HH", file.read(4)))
    dtype, shape, order, offset = stored
    if member.compress_type == zipfile.ZIP_STORED:
        return MappedArray(path, dtype, shape, begin + offset, order=order)
    start = Inflater(path, begin, member.compress_size, -zlib.MAX_WBITS, member.CRC)
    return PackedArray(start, offset, dtype, shape, order)


def _header(file: IO[bytes]) -> _Stored:
    """Type, shape and order of an array, and where its samples begin."""
    beginning = io.BytesIO(file.read(_LONGEST_HEADER))
    version = np.lib.format.read_magic(beginning)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(beginning)
    else:
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(beginning)
    return dtype, shape, "F" if is_fortran else "C", beginning.tell()


def _check(dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array as a series, of structures a vector.

    An `InputError` says what the array holds, where that is no series.
    """
    if dtype.kind not in "iufVM" or (dtype.kind == "V" and not dtype.names):
        raise InputError(f"holds {_WORDS.get(dtype.kind, 'values of another kind')} ({dtype})")
    if dtype.names and math.prod(shape) == max(shape, default=0):
        shape = (max(shape),)
    if len(shape) not in (1, 2) or min(shape) < 0 or (dtype.names and len(shape) > 1):
        raise InputError(f"holds {dtype} values of shape {shape}")
    return shape
