"""Universal files (UFF): data sets 58 of time samples, as text or binary."""

from __future__ import annotations

import mmap
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import is_set
from dlrsd.runtime.streams.clock import find_clock
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.holding import Holding, MappedArray, check_memory
from dlrsd.runtime.streams.readers.uff_sets import TimeSet, read_headers, values_of
from dlrsd.runtime.streams.series import asked_names
from dlrsd.runtime.streams.source import BLOCK, Source, Variable, shorter_than_said
from dlrsd.runtime.streams.units import time_unit

_TIME, _UNKNOWN_ABSCISSA, _ACCELERATION = 17, 0, 12
_FUNCTIONS = {
    2: "an auto spectrum", 3: "a cross spectrum", 4: "a frequency response",
    5: "a transmissibility", 6: "a coherence", 7: "an auto correlation",
    8: "a cross correlation", 9: "a power density",
    10: "an energy density", 11: "a probability density", 12: "a spectrum",
}  # fmt: skip
# By the type of an ordinate. Where a program states none, an acceleration is the usual one.
_QUANTITIES = {
    2: "a stress", 3: "a strain", 5: "a temperature", 8: "a displacement", 9: "a force",
    11: "a velocity", 13: "a force", 15: "a pressure", 19: "a speed",
}  # fmt: skip
# The unit of accelerations by the code of a file's system of units (data set 164).
_SYSTEMS = {1: "m/s2", 2: "ft/s2", 3: "m/s2", 4: "mm/s2", 5: "mm/s2", 6: "cm/s2", 7: "in/s2"}
_CLOCK = "time"
_PARTS = 16


def open_uff(path: Path, variable: Variable) -> Source:
    """The time samples of a universal file, a data set 58 for each channel."""
    with _mapped(path) as data:
        sets, system = read_headers(data)
    holding, whole, headers = Holding(), {}, {}
    for i, each in enumerate(sets):
        name, mapped = str(i), _mapped_values(path, each)
        if (why := _why_not(each, system)) is not None or (mapped and not mapped.shape[0]):
            holding.left[name] = why or "was cut before its first sample"
            continue
        if mapped is None:
            whole[name] = _Values(path, each)
        holding.arrays[name], headers[name] = mapped or whole[name], each
        holding.facts[name] = _facts(each, system)
    if not headers:
        raise InputError(
            f"{path} has no data set 58 of time samples: expected one for each channel"
            + "".join(f"; set {name} {why}" for name, why in list(holding.left.items())[:4])
        )
    asked = asked_names(variable) & headers.keys()
    chosen = {name: whole[name] for name in whole if name in (asked or whole)}
    size = sum(each.header.end - each.header.begin for each in chosen.values())
    check_memory(size, path, "name fewer sets as variable")
    _add_clock(holding, chosen, path)
    lengths = {name: holding.arrays[name].shape[0] for name in asked or headers}
    source = arrays_source(holding, variable, path)
    if any(n < headers[name].count for name, n in lengths.items()):
        source.warnings.append(shorter_than_said(path))
    return source


def _mapped_values(path: Path, each: TimeSet) -> MappedArray | None:
    """The values of a data set where they stand in the file as they are."""
    if not each.byte_order or each.abscissa:
        return None
    dtype = np.dtype(each.byte_order + each.dtype)
    count = max(0, min(each.count, (each.end - each.begin) // dtype.itemsize))
    return MappedArray(path, dtype, (count,), each.begin, order="C")


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _why_not(each: TimeSet, system: int | None) -> str | None:
    """Why a data set is no series of real numbers over time, or None."""
    if each.function not in (0, 1):
        return f"is {_FUNCTIONS.get(each.function, f'a function of kind {each.function}')}"
    if each.abscissa_type not in (_TIME, _UNKNOWN_ABSCISSA):
        return f"is not over time, but over {each.abscissa_unit or f'type {each.abscissa_type}'}"
    if each.value_type in (5, 6):
        return "is complex"
    if each.value_type not in (2, 4) or not each.is_ieee:
        return "is written as no computer of today does"
    if each.abscissa_unit.upper() not in ("", "NONE") and time_unit(each.abscissa_unit) is None:
        return f"is over {each.abscissa_unit!r}: expected a unit of time"
    if each.count < 1:
        return "has no samples"
    other = _QUANTITIES.get(each.ordinate_type)
    return f"is {other} in no stated unit" if other and not _unit(each, system) else None


def _facts(each: TimeSet, system: int | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if unit := _unit(each, system):
        facts["unit"] = unit
    if not each.abscissa and each.step:
        facts["dt"] = each.step * (time_unit(each.abscissa_unit) or 1.0)
    if each.date is not None and is_set(each.date):
        facts["start"] = _later(each.date, each.first, each.abscissa_unit)
    return facts


def _unit(each: TimeSet, system: int | None) -> str:
    """The unit of the values; empty where nothing states it."""
    if each.ordinate_unit.upper() not in ("", "NONE"):
        return each.ordinate_unit
    return _SYSTEMS.get(system or 0, "") if each.ordinate_type == _ACCELERATION else ""


def _later(date: datetime, first: float, unit: str) -> datetime:
    """When the first sample was taken: the abscissa counts from the date of the set."""
    with suppress(OverflowError, ValueError):  # of a number beyond all bounds
        return date + timedelta(seconds=first * (time_unit(unit) or 1.0))
    return date


class _Values:
    """The samples of a data set, read when they are first asked for."""

    def __init__(self, path: Path, each: TimeSet) -> None:
        self._path, self.header = path, each
        self.dtype = np.dtype("f8")

    @property
    def shape(self) -> tuple[int]:
        return (len(self._read[1]),)

    def __getitem__(self, where: Any) -> np.ndarray:
        some: np.ndarray = self._read[1][where]
        return some

    @property
    def abscissa(self) -> np.ndarray | None:
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[np.ndarray | None, np.ndarray]:
        with _mapped(self._path) as data:
            return values_of(data, self.header)


def _add_clock(holding: Holding, series: dict[str, _Values], path: Path) -> None:
    """Keep the times of sets that have their own, which have to be the same."""
    clocks = {name: each.abscissa for name, each in series.items() if each.abscissa is not None}
    if not clocks:
        return
    (first, times), *others = clocks.items()
    if any(not np.array_equal(times, other) for _, other in others):
        raise InputError(
            f"the data sets {', '.join(clocks)} of {path} each have times of their own: name those "
            f"that were taken together as variable"
        )
    unit = series[first].header.abscissa_unit
    if find_clock(_CLOCK, times[:BLOCK], unit=unit) is None or _drifts(times):
        raise InputError(f"{path} is sampled at uneven times: expected one sampling interval")
    for name in clocks:
        if (start := holding.facts[name].get("start")) is not None:
            holding.facts[name]["start"] = _later(start, float(times[0]), unit)
    holding.arrays[_CLOCK] = times
    holding.facts[_CLOCK] = {"unit": unit}


def _drifts(times: np.ndarray) -> bool:
    """Whether the steps of times grow or shrink, as those over angles do; gaps are no drift."""
    steps = [part.mean() for part in np.array_split(np.diff(times), _PARTS) if part.size]
    return bool((np.abs(steps - np.median(steps)) > 0.05 * np.median(steps)).mean() > 0.2)
