"""NumPy arrays: one in a file, or several in an archive."""

from __future__ import annotations

import io
import math
import zipfile
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.holding import (
    Holding,
    MappedArray,
    check_packing,
    fields_of,
    is_series,
)
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


def open_npy(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """An array of shape (samples,) or (channels, samples), or a vector of structures."""
    with path.open("rb") as file:
        try:
            dtype, shape, order, begin = _header(file)
            _check(dtype, shape)
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
    fields = fields_of(array)
    if not fields:
        refuse_variable(variable, path)
    named = not isinstance(variable, str) and not fields
    holding = Holding(fields or {"": array}, labels={each: each for each in fields})
    return arrays_source(holding, None if named else variable, path, channels)


def open_npz(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """The arrays of an archive as `numpy.savez` writes it; single numbers state facts."""
    holding, archive = Holding(facts={"": {}}), zipfile.ZipFile(path)
    try:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise InputError(f"{path} holds more than {_MOST_MEMBERS} arrays: split it")
        for member in members:
            name = member.filename.removesuffix(".npy")
            try:
                _add(holding, name, archive, member)
            except InputError as error:
                holding.left[name] = str(error)
            except ValueError:
                holding.left[name] = "is no array"
        source = arrays_source(holding, variable, path, channels)
    except BaseException:
        archive.close()
        raise
    source.close = archive.close
    return source


def _add(holding: Holding, name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Keep an array as a series or a fact; an `InputError` says what else it is."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("is packed by other means than NumPy packs it")
    with archive.open(member) as file:
        dtype, shape, _, begin = _header(file)
    if begin + math.prod(shape) * dtype.itemsize > member.file_size:
        raise InputError("was cut")
    check_packing(member.compress_size, member.file_size)
    array = _Member(archive, member, dtype, shape)
    if math.prod(shape) == 1 and dtype.itemsize <= _LONGEST_HEADER and dtype.kind in "iufUS":
        holding.facts[""][name] = array[()].reshape(-1)[0].item()
        return
    _check(dtype, shape)
    if is_series(shape):
        fields = fields_of(array)
        holding.arrays |= {f"{name}/{each}": fields[each] for each in fields} or {name: array}
        holding.labels |= {f"{name}/{each}": each for each in fields} or {name: name}


class _Member:
    """An array in an archive, read when it is first asked for."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        member: zipfile.ZipInfo,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
    ) -> None:
        self._archive, self._member = archive, member
        self.dtype, self.shape = dtype, shape
        self.kept = math.prod(shape) * dtype.itemsize

    def __getitem__(self, where: Any) -> np.ndarray:
        some: np.ndarray = self._array[where]
        return some

    @cached_property
    def _array(self) -> np.ndarray:
        with self._archive.open(self._member) as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...], str, int]:
    """Type, shape and order of an array, and where its samples begin."""
    beginning = io.BytesIO(file.read(_LONGEST_HEADER))
    version = np.lib.format.read_magic(beginning)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(beginning)
    else:
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(beginning)
    return dtype, shape, "F" if is_fortran else "C", beginning.tell()


def _check(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Raise an `InputError` that says what an array holds, where that is no series."""
    if dtype.kind not in "iufVM" or (dtype.kind == "V" and not dtype.names):
        raise InputError(f"holds {_WORDS.get(dtype.kind, 'values of another kind')} ({dtype})")
    if len(shape) not in (1, 2) or min(shape) < 0:
        raise InputError(f"holds {dtype} values of shape {shape}")
