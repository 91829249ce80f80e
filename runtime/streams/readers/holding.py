"""What a file of named arrays holds, and the bounds of what is read of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from msgspec import Struct, field

from dlrsd.runtime.base.errors import InputError

MOST_MEMORY = 1 << 30  # bytes of samples that are kept in memory, where they have to be
# Samples that unpack to more times their bytes were not measured: the noise of a sensor does not
# pack. Less than `_FREE` bytes is never too much.
_MOST_PACKED = 200
_FREE = 1 << 24
TEXT_TIMES = "holds times as text, which are read in tables only"
_OTHERS = {
    "c": "is complex",
    "b": "is true or false",
    "V": "is a structure",
    "m": "holds durations",
}


class Samples(Protocol):
    """An array of one or two axes that can be sliced, in memory or not."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, where: Any) -> np.ndarray: ...


class Holding(Struct):
    """What a file of named arrays holds.

    Attributes
    ----------
    arrays : dict of str to Samples
        By path, as "group/name".
    facts : dict of str to dict
        What is stated beside them: by path of the array, or of a group, "" being the file.
    left : dict of str to str
        What is no series of real numbers: by path, and why not, as in "is complex".
    text_times : dict of str to int
        Texts that are named like a time, and how many they are.
    labels : dict of str to str
        The part of a path that says what an array is, where that is not what follows the last "/".
    warnings : list of str
    """

    arrays: dict[str, Samples] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    text_times: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class MappedArray:
    """An array in a file, mapped anew for each slice.

    The pages of a lasting map count as memory of the process.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, *, order: str
    ) -> None:
        self.dtype, self.shape = dtype, shape
        self._where = (path, dtype, "r", offset, shape, order)

    def __getitem__(self, where: Any) -> np.ndarray:
        array: np.ndarray = np.memmap(*self._where)  # type: ignore[call-overload]
        return np.array(array[where])


class Scaled:
    """Stored numbers times a factor, plus an offset; those that stand for a missing one are NaN."""

    def __init__(
        self, array: Samples, factor: float, offset: float, missing: Sequence[float] = ()
    ) -> None:
        self._array, self._factor, self._offset = array, factor, offset
        self._missing = missing
        self.dtype, self.shape = np.dtype("f8"), array.shape
        self.held = getattr(array, "held", 0)

    def __getitem__(self, where: Any) -> np.ndarray:
        stored = self._array[where]
        scaled: np.ndarray = np.asarray(stored * self._factor + self._offset, self.dtype)
        scaled[np.isin(stored, self._missing)] = np.nan
        return scaled

    def forget(self) -> None:
        """Give back what the stored numbers keep."""
        getattr(self._array, "forget", int)()


class _Column:
    """One channel of a matrix; those of one are read one after another."""

    def __init__(self, index: int, records: _Records) -> None:
        self._index, self._records = index, records
        array = records.array
        self.dtype, self.shape = array.dtype, (max(array.shape),)
        self.held = getattr(array, "held", 0)

    def __getitem__(self, where: slice) -> np.ndarray:
        is_row = self._records.array.shape[1] == max(self._records.array.shape)
        values = self._records.read((slice(None), where) if is_row else where)
        column: np.ndarray = values[self._index] if is_row else values[:, self._index]
        return column


class _Field:
    """A field of a vector of structures; fields of one are read one after another."""

    def __init__(self, name: str, records: _Records) -> None:
        self._name, self._records = name, records
        base, shape = _base(records.array.dtype, name)
        self.dtype, self.shape = base, records.array.shape + shape
        self.held = getattr(records.array, "held", 0)

    def __getitem__(self, where: Any) -> np.ndarray:
        first, rest = (where[0], where[1:]) if isinstance(where, tuple) else (where, ())
        values: np.ndarray = self._records.read(first)[self._name]
        return values[(slice(None), *rest)]


class _Records:
    def __init__(self, array: Samples) -> None:
        self.array = array
        self._where: Any = None
        self._last = np.empty(0)

    def read(self, where: Any) -> np.ndarray:
        if where != self._where:
            self._where, self._last = where, self.array[where]
        return self._last


def fields_of(array: Samples) -> dict[str, Samples]:
    """The fields of real numbers of a vector of structures; none of any other array."""
    if len(array.shape) != 1 or not array.dtype.names:
        return {}
    records = _Records(array)
    bases = {name: _base(array.dtype, name) for name in array.dtype.names}
    return {
        name: _Field(name, records)
        for name, (base, shape) in bases.items()
        if base.kind in "iufM" and is_series(array.shape + shape)
    }


def other_fields(array: Samples) -> dict[str, str]:
    """Why each of the other fields of a vector of structures is no series of real numbers."""
    kept, fields = fields_of(array), array.dtype.names or ()
    kinds = {name: _base(array.dtype, name)[0].kind for name in fields if name not in kept}
    return {
        name: "has several axes" if kind in "iufM" else _OTHERS.get(kind, "holds texts or objects")
        for name, kind in kinds.items()
    }


def columns_of(array: Samples) -> list[Samples]:
    """The channels of a matrix, each as samples of its own."""
    records = _Records(array)
    return [_Column(i, records) for i in range(min(array.shape))]


def _base(dtype: np.dtype[Any], field: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The type and shape of one field of a structure."""
    return dtype[field].base, dtype[field].shape


def text_of(characters: str, shape: Sequence[int]) -> str:
    """The text of an array of characters as MATLAB has it: column by column, a text in each row.

    Different ones are separated by commas.

    >>> text_of("gm / s", (2, 3)), text_of("gg", (2, 1)), text_of("gg", (1, 2))
    ('g, m/s', 'g', 'gg')
    """
    n_rows = max(1, shape[0]) if len(shape) == 2 else 1
    rows = [characters[i::n_rows].strip() for i in range(n_rows)]
    return rows[0] if len(set(rows)) == 1 else ", ".join(rows)


def group_of(name: str) -> str:
    """The path of the group that a series stands in; "" is the file."""
    return name.rpartition("/")[0]


def is_series(shape: Sequence[int]) -> bool:
    """Whether an array of this shape can be samples of one or several channels."""
    return len(shape) in (1, 2) and max(shape) > 1 and min(shape) > 0


def check_packing(packed: int, size: int) -> None:
    """Raise an `InputError` where so many bytes cannot have been packed into so few.

    The message goes on after the name of what holds them.
    """
    if size > max(_FREE, _MOST_PACKED * packed):
        raise InputError(
            f"says it unpacks from {packed} to {size} bytes: expected at most "
            f"{_MOST_PACKED} times as many, for noise does not pack"
        )


def check_memory(size: int, path: Path, what_helps: str) -> None:
    """Raise an `InputError` where so many bytes are not to be kept in memory."""
    if size > MOST_MEMORY:
        raise InputError(
            f"{path} has to be read whole and holds {size} bytes of samples: expected at most "
            f"{MOST_MEMORY}; {what_helps}"
        )
