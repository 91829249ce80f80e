"""What readers of files of named arrays share: bounds, axes, and which fact goes with what.

A fact (a rate, a unit, a start) may stand at an array, or at the group it stands in, or at one
above: the nearest that states it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import start_of, unit_of
from dlrsd.runtime.streams.clock import find_clock, is_named_time
from dlrsd.runtime.streams.readers.beside import fold_facts, groups_of, nearest, nearest_rate
from dlrsd.runtime.streams.readers.holding import (
    Holding,
    Samples,
    check_memory,
    columns_of,
    group_of,
)
from dlrsd.runtime.streams.readers.unclear import listed, say_unclear, scale_note
from dlrsd.runtime.streams.series import Series, asked_names, assemble, clocks_among, unit_of_series
from dlrsd.runtime.streams.source import BLOCK, Source, Variable

MOST_SERIES = 4096
# Where the shorter axis is not clearly that of channels, the rows may as well be windows.
_CLEARLY_CHANNELS, _MOST_CHANNELS, _LONGER = 8, 64, 128
_MOST_VALUES, _SHORTEST_BLOCK = 1 << 22, 1 << 10  # of all series at once; of each
_LONGEST_NAME = 200
# Control characters, ends of lines, and halves of characters.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EXPECTED = (
    "expected a vector for each channel, or a matrix; of complex numbers the real part or the "
    "magnitude, of a structure, a cell array or a table its parts, each kept as a vector of its own"
)


@np.errstate(all="ignore")  # a number beyond all bounds is no clock
def arrays_source(
    holding: Holding, variable: Variable, path: Path, channels: int | None = None
) -> Source:
    """The arrays as series; of two axes, the one that is clearly longer is time.

    Parameters
    ----------
    holding : Holding
    variable : Variable
    path : Path
        What messages call the file.
    channels : int > 0, optional
        As someone states it: so many rows, or columns, of a matrix are channels.

    Raises
    ------
    InputError
        If there is none, it is not clear what an axis is, or which clock is whose, or what
        `variable` names is no series of real numbers.
    """
    fold_facts(holding)
    holding.arrays = _considered(holding, asked_names(variable), channels, path)
    variable = _split_matrices(holding, variable)
    asked = asked_names(variable)
    arrays = _near(holding.arrays, asked)
    _check_width(arrays, path)
    series, clocks = _described(holding, arrays, asked, path)
    if asked and not clocks and _total_width(holding.arrays) <= MOST_SERIES:
        arrays = holding.arrays  # the clock may stand anywhere
        series, clocks = _described(holding, arrays, asked, path)
    step = _step(arrays)

    def blocks(names: Sequence[str]) -> Iterator[list[np.ndarray]]:
        chosen = [arrays[name] for name in names]
        lasting = [array for array in chosen if max(array.shape) > step]
        held = sum(getattr(array, "held", 0) for array in lasting)
        check_memory(held, path, "write it anew with shorter chunks: `h5repack -l CHUNK=65536`")
        for begin in range(0, max(chosen[0].shape), step):
            yield [_block(array, begin, begin + step) for array in chosen]

    if not asked and channels is None:
        _refuse_events([each for each in series if each.name not in clocks], path)
    source = assemble(_with_own_clocks(series, clocks, asked, path), blocks, variable, path)
    source.scale_note = scale_note(holding, arrays, source.channel_names)
    source.warnings[:0] = holding.warnings
    say_unclear(holding, source, path)
    if holding.left:
        source.warnings.append(f"left out of {path}: {listed(holding.left)}")
    return source


def _considered(
    holding: Holding, asked: set[str], channels: int | None, path: Path
) -> dict[str, Samples]:
    """The arrays that may be channels, or their clock."""
    _set_unreadable_names_aside(holding)
    for name in asked & set(holding.left):
        raise InputError(f"{name} in {path} {holding.left[name]}: {_EXPECTED}")
    if not holding.arrays:
        raise InputError(
            f"{path} holds no series of real numbers"
            + (f" ({listed(holding.left)})" if holding.left else "")
            + f": {_EXPECTED}"
        )
    wanted = asked | {re.sub(r"\[\d+\]$", "", name) for name in asked}
    lengths = {max(array.shape) for name, array in holding.arrays.items() if name in wanted}
    arrays = {
        name: array
        for name, array in holding.arrays.items()
        if not lengths or name in wanted or max(array.shape) in lengths  # as a clock would be
    }
    unclear = {name: _unclear_axes(array.shape, channels) for name, array in arrays.items()}
    for name, why in unclear.items():
        if why is not None and (not asked or name in wanted):
            raise InputError(f"{path} holds an array{f' {name}' if name else ''} {why}")
    return {name: array for name, array in arrays.items() if unclear[name] is None}


def _set_unreadable_names_aside(holding: Holding) -> None:
    """Leave out what is named so that no message can say it, as only damaged files name it."""
    for name in [*holding.arrays, *holding.left]:
        if _UNWRITABLE.search(name) or len(name) > _LONGEST_NAME:
            holding.arrays.pop(name, None)
            holding.left.pop(name, None)
            holding.left[_UNWRITABLE.sub("?", name[:_LONGEST_NAME])] = (
                "has a name that cannot be written"
            )


def _near(arrays: dict[str, Samples], asked: set[str]) -> dict[str, Samples]:
    """Of arrays those that are asked for, and those of their groups and the groups above."""
    homes = {group for name in asked for group in groups_of(name)}
    near = {n: array for n, array in arrays.items() if n in asked or group_of(n) in homes}
    if _total_width(near) > MOST_SERIES:  # a clock among so many is looked for by its name
        near = {n: near[n] for n in near if n in asked or is_named_time(n.rpartition("/")[2])}
    return near if asked & arrays.keys() else arrays


def _described(
    holding: Holding, arrays: dict[str, Samples], asked: set[str], path: Path
) -> tuple[list[Series], set[str]]:
    """The arrays as series, with what is stated of them, and which of them are clocks."""
    step = _step(arrays)
    series = [_series(holding, name, array, step, path) for name, array in arrays.items()]
    others = [each for each in series if each.name not in asked]
    clocks = {clock.name for clock in clocks_among(others)}
    for each in series:
        if each.name not in clocks and unit_of_series(each) is None:
            each.unit = nearest(holding, group_of(each.name), unit_of)
    return series, clocks


def _step(arrays: dict[str, Samples]) -> int:
    """How many samples of each are read at once."""
    return min(BLOCK, max(_SHORTEST_BLOCK, _MOST_VALUES // _total_width(arrays)))


def _total_width(arrays: dict[str, Samples]) -> int:
    return sum(_width(array) for array in arrays.values())


def _check_width(arrays: dict[str, Samples], path: Path) -> None:
    if (width := _total_width(arrays)) > MOST_SERIES:
        raise InputError(
            f"{path} holds {width} series: expected at most {MOST_SERIES}; name those to read as "
            f"variable"
        )


def _series(holding: Holding, name: str, array: Samples, most: int, path: Path) -> Series:
    head = _block(array, 0, most)
    getattr(array, "forget", int)()  # what it keeps for the samples after these
    return Series(
        name,
        head[0] if len(head) == 1 else head,
        max(array.shape),
        unit=unit_of(holding.facts.get(name, {})),
        rate_hz=nearest_rate(holding, name, path),
        start=nearest(holding, name, start_of),
        utc=getattr(array, "utc", False),
        label=holding.labels.get(name, name.rpartition("/")[2]),
    )


def _split_matrices(holding: Holding, variable: Variable) -> Variable:
    """Replace each matrix that holds a clock by its columns; the `variable` that then is asked."""
    asked = asked_names(variable)
    for name, array in list(holding.arrays.items()):
        if len(array.shape) != 2 or min(array.shape) < 2:
            continue
        columns = {f"{name}[{i}]" if name else str(i): c for i, c in enumerate(columns_of(array))}
        head = _block(array, 0, _SHORTEST_BLOCK)
        clocks = [find_clock("", row) is not None for row in head]
        if (any(clocks) and not all(clocks)) or columns.keys() & asked:
            del holding.arrays[name]
            holding.arrays |= columns
            facts = holding.facts.pop(name, {})
            for each, is_clock in zip(columns, clocks, strict=True):
                holding.facts[each] = {} if is_clock else facts
            if name in asked:
                kept = [c for c, is_clock in zip(columns, clocks, strict=True) if not is_clock]
                asked = (asked - {name}) | set(kept)
                names = variable.split(",") if isinstance(variable, str) else variable or ()
                variable = [
                    each
                    for one in names
                    for each in (kept if one.strip() == name else [one.strip()])
                ]
    return variable


def _with_own_clocks(
    series: list[Series], names: set[str], asked: set[str], path: Path
) -> list[Series]:
    """The series without the clocks of other groups than that of the channels."""
    clocks: dict[str, list[Series]] = {}
    for each in series:
        if each.name in names:
            clocks.setdefault(group_of(each.name), []).append(each)
    channels = asked or {each.name for each in series} - names
    owners = [next((g for g in groups_of(name) if g in clocks), None) for name in sorted(channels)]
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


def _refuse_events(series: Sequence[Series], path: Path) -> None:
    """Raise an `InputError` where so many groups hold a short series that they may be windows."""
    homes = {group_of(each.name) for each in series}
    n, labels = max((each.length for each in series), default=0), {e.label for e in series}
    if len(labels) == 1 and len(homes) > _MOST_CHANNELS and n <= _LONGER * len(homes):
        raise InputError(
            f"{path} holds {labels.pop()!r} in {len(homes)} groups, {n} samples in each: are these "
            f"windows or channels? Where they are channels, name them as variable; windows have to "
            f"be kept as one long series"
        )


def _unclear_axes(shape: tuple[int, ...], channels: int | None) -> str | None:
    """Why it is not clear which axis of an array is that of channels, or None."""
    if len(shape) == 1 or (channels == min(shape) and shape[0] != shape[1]):
        return None
    if shape[0] == shape[1]:
        return f"of shape {shape}: expected one axis (time) to be longer than the other (channels)"
    long, short = max(shape), min(shape)
    if short > _MOST_CHANNELS or (short > _CLEARLY_CHANNELS and long <= _LONGER * short):
        return (
            f"of shape {shape}: are these windows or channels? Where they are {short} channels, "
            f"state channels {short}; windows have to be kept as one long series, "
            f"array.reshape(-1)"
        )
    return None


def _width(array: Samples) -> int:
    return min(array.shape) if len(array.shape) == 2 else 1


def _block(array: Samples, begin: int, end: int) -> np.ndarray:
    """Samples of all channels of an array, shape (channels, n)."""
    if len(array.shape) == 1:
        return np.asarray(array[begin:end])[None]
    if array.shape[1] == max(array.shape):
        return np.asarray(array[:, begin:end])
    return np.asarray(array[begin:end]).T
