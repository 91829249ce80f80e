"""What readers of files of named arrays share: bounds, axes, and which fact goes with what.

A fact (a rate, a unit, a start) may stand at an array, or at the group it stands in, or at one
above: the nearest that states it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from msgspec import Struct, field

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import rate_of, start_of, unit_of
from dlrsd.runtime.streams.series import Series, asked_names, assemble, clocks_among, unit_of_series
from dlrsd.runtime.streams.source import BLOCK, Source, Variable

MOST_MEMORY = 1 << 30  # bytes of samples that are kept in memory, where they have to be
MOST_SERIES = 4096
# Samples that unpack to more times their bytes were not measured: the noise of a sensor does not
# pack. Less than `_FREE` bytes is never too much.
_MOST_PACKED = 200
_FREE = 1 << 24
# Where the shorter axis is not clearly that of channels, the rows may as well be windows.
_CLEARLY_CHANNELS, _MOST_CHANNELS, _LONGER = 8, 64, 128
_MOST_VALUES, _SHORTEST_BLOCK = 1 << 22, 1 << 10  # of all series at once; of each
_MOST_LISTED = 8
_EXPECTED = (
    "expected a vector for each channel, or a matrix; of complex numbers the real part or the "
    "magnitude, of a structure its fields, each kept as a vector of its own"
)


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
    warnings : list of str
    """

    arrays: dict[str, Samples] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
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
        self._where, self._last = slice(0), np.empty(0)

    def read(self, where: slice) -> np.ndarray:
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
        if base.kind in "iuf" and is_series(array.shape + shape)
    }


def _base(dtype: np.dtype[Any], field: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The type and shape of one field of a structure."""
    return dtype[field].base, dtype[field].shape


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


def arrays_source(holding: Holding, variable: Variable, path: Path) -> Source:
    """The arrays as series; of two axes, the one that is clearly longer is time.

    Raises
    ------
    InputError
        If there is none, it is not clear what an axis is, or which clock is whose, or what
        `variable` names is no series of real numbers.
    """
    asked = asked_names(variable)
    for name in asked & set(holding.left):
        raise InputError(f"{name} in {path} {holding.left[name]}: {_EXPECTED}")
    if not holding.arrays:
        raise InputError(
            f"{path} holds no series of real numbers"
            + (f" ({_listed(holding.left)})" if holding.left else "")
            + f": {_EXPECTED}"
        )
    lengths = {max(array.shape) for name, array in holding.arrays.items() if name in asked}
    arrays = {
        name: array
        for name, array in holding.arrays.items()
        if len(lengths) != 1 or max(array.shape) in lengths
    }
    for name, array in arrays.items():
        _check_axes(array.shape, name, path)
    width = sum(_width(array) for array in arrays.values())
    if width > MOST_SERIES:
        raise InputError(
            f"{path} holds {width} series: expected at most {MOST_SERIES}; name those to read as "
            f"variable"
        )
    kept = sum(getattr(array, "kept", 0) for array in arrays.values())
    check_memory(kept, path, "name those to read as variable, or keep them in HDF5 or MAT 7.3")
    step = min(BLOCK, max(_SHORTEST_BLOCK, _MOST_VALUES // width))

    def blocks(names: Sequence[str]) -> Iterator[list[np.ndarray]]:
        chosen = [arrays[name] for name in names]
        held = sum(getattr(array, "held", 0) for array in chosen)
        check_memory(held, path, "write it anew with shorter chunks: `h5repack -l CHUNK=65536`")
        for begin in range(0, max(chosen[0].shape), step):
            yield [_block(array, begin, begin + step) for array in chosen]

    series = [_series(holding, name, array, step) for name, array in arrays.items()]
    clocks = {clock.name for clock in clocks_among([s for s in series if s.name not in asked])}
    for each in series:
        if each.name not in clocks and unit_of_series(each) is None:
            each.unit = _nearest(holding, group_of(each.name), unit_of)
    source = assemble(_with_own_clocks(series, clocks, asked, path), blocks, variable, path)
    source.warnings[:0] = holding.warnings
    if holding.left:
        source.warnings.append(f"left out of {path}: {_listed(holding.left)}")
    return source


def group_of(name: str) -> str:
    """The path of the group that a series stands in; "" is the file."""
    return name.rpartition("/")[0]


def _series(holding: Holding, name: str, array: Samples, most: int) -> Series:
    head = _block(array, 0, most)
    getattr(array, "forget", int)()  # what it keeps for the samples after these
    return Series(
        name,
        head[0] if len(head) == 1 else head,
        max(array.shape),
        unit=unit_of(holding.facts.get(name, {})),
        rate_hz=_nearest(holding, name, rate_of),
        start=_nearest(holding, name, start_of),
        label=name.rpartition("/")[2],
    )


def _nearest(holding: Holding, name: str, fact: Callable[[dict[str, Any]], Any]) -> Any:
    """What is stated at a series or group, or at the nearest group above it that states it."""
    levels = (holding.facts.get(each, {}) for each in (name, *_groups(name)))
    return next((said for each in levels if (said := fact(each)) is not None), None)


def _groups(name: str) -> list[str]:
    """The groups that a series stands in, the nearest first."""
    groups = []
    while name:
        name = group_of(name)
        groups.append(name)
    return groups


def _with_own_clocks(
    series: list[Series], names: set[str], asked: set[str], path: Path
) -> list[Series]:
    """The series without the clocks of other groups than that of the channels."""
    clocks: dict[str, list[Series]] = {}
    for each in series:
        if each.name in names:
            clocks.setdefault(group_of(each.name), []).append(each)
    channels = asked or {each.name for each in series} - names
    owners = [next((g for g in _groups(name) if g in clocks), None) for name in sorted(channels)]
    if len(clocks) < 2 or None in owners:
        return series
    used = list(dict.fromkeys(owner for owner in owners if owner is not None))
    for group in used[1:]:
        heads = [(a.head, b.head) for a, b in zip(clocks[used[0]], clocks[group], strict=False)]
        if not all(np.array_equal(*pair) for pair in heads):
            raise InputError(
                f"{path} holds a clock for each of the groups {', '.join(map(repr, used))}: name "
                f"the series of one of them as variable"
            )
    kept = {each.name for each in clocks[used[0]]}
    return [each for each in series if each.name not in names or each.name in kept]


def _check_axes(shape: tuple[int, ...], name: str, path: Path) -> None:
    long, short = max(shape), min(shape) if len(shape) == 2 else 1
    if short > _MOST_CHANNELS or (short > _CLEARLY_CHANNELS and long <= _LONGER * short):
        raise InputError(
            f"{path} holds an array{f' {name}' if name else ''} of shape {shape}: expected one "
            f"axis of channels and a much longer one of time; if its rows are windows, keep them "
            f"as one long series, if they are channels, each as a series of its own"
        )
    if long == short > 1:
        raise InputError(
            f"{path} holds an array{f' {name}' if name else ''} of shape {shape}: expected one "
            f"axis (time) to be longer than the other (channels)"
        )


def _width(array: Samples) -> int:
    return min(array.shape) if len(array.shape) == 2 else 1


def _block(array: Samples, begin: int, end: int) -> np.ndarray:
    """Samples of all channels of an array, shape (channels, n)."""
    if len(array.shape) == 1:
        return np.asarray(array[begin:end])[None]
    if array.shape[1] == max(array.shape):
        return np.asarray(array[:, begin:end])
    return np.asarray(array[begin:end]).T


def _listed(left: dict[str, str]) -> str:
    some = "; ".join(f"{name} {why}" for name, why in list(left.items())[:_MOST_LISTED])
    rest = len(left) - _MOST_LISTED
    return some + (f"; and {rest} more" if rest > 0 else "")
