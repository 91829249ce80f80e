"""Named series of a file, and what each is: a clock, row numbers, or a channel.

Readers hand over what a file holds; what it means is decided here, for every kind of file alike. A
fact is stated (by an attribute, a name, a unit) or measured (by a clock), never guessed; two that
contradict each other are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import Clock, find_clock, is_named_time, is_other_quantity
from dlrsd.runtime.streams.source import (
    Chunk,
    Source,
    Variable,
    choose_series,
    common_fact,
    stacked,
)
from dlrsd.runtime.streams.timeline import Timeline
from dlrsd.runtime.streams.units import CLOCK_UNITS, known_unit, time_unit, time_unit_in, unit_in

Blocks = Callable[[Sequence[str]], Iterator[Sequence[NDArray[Any]]]]

# A clock and an attribute, or two clocks, that differ by more contradict each other.
_SAME_RATE = 1e-2
_ENOUGH = 16  # values, to tell that times fall
_SAME_CLOCK_S = 86_400.0  # clocks further apart count from other moments


class Series(Struct):
    """A named series of a file, before it is decided what it is.

    Attributes
    ----------
    name : str
        Empty where the file has no names.
    head : array, shape (m,) or (width, m)
        Its first values: integers, floats or datetime64. Some thousand tell a clock's rate.
    length : int >= 0
        Samples; 0 where that is not known before they are read, and then of all series.
    unit : str, optional
        As an attribute, a header or a row of units states it.
    rate_hz : float, optional
        As an attribute states it.
    start : datetime, optional
        Of its first sample, as an attribute states it.
    utc : bool
        Whether datetime64 values are in UTC.
    label : str
        The part of the name that says what it is, where the rest are its groups; else empty.
    """

    name: str
    head: NDArray[Any]
    length: int = 0
    unit: str | None = None
    rate_hz: float | None = None
    start: datetime | None = None
    utc: bool = False
    label: str = ""

    @property
    def width(self) -> int:
        """How many channels it would be."""
        return 1 if self.head.ndim == 1 else len(self.head)

    @property
    def is_date(self) -> bool:
        return self.head.dtype.kind == "M"


def assemble(series: Sequence[Series], blocks: Blocks, variable: Variable, path: Path) -> Source:
    """Decide what each series is, and read the channels along their clock.

    Parameters
    ----------
    series : sequence of Series
        All that the file holds, with different names.
    blocks : function
        Given names, consecutive blocks of these series, each of shape (n,) or (width, n), in the
        order of the names.
    variable : Variable
        The series that are the channels; by default all but clocks and row numbers.
    path : Path
        What messages call the file.

    Raises
    ------
    InputError
        If no series is left, their lengths differ, or facts contradict each other.
    """
    asked = asked_names(variable)
    others = [each for each in series if each.name not in asked]
    clocks = _spared(clocks_among(others), series) if len(series) > 1 else []
    aside = {clock.name for clock in clocks} | _timeless(others if len(series) > 1 else [], clocks)
    lengths = {
        each.name: each.length
        for each in series
        if each.name in asked or not (each.name in aside or each.is_date)
    }
    names = choose_series(lengths, variable, path)
    by_name = {each.name: each for each in series}
    chosen = [by_name[name] for name in names]
    _refuse_falling(others, path)
    fitting = [clock for clock in clocks if by_name[clock.name].length == chosen[0].length]
    clock = _best(fitting, path)
    unclear = [_unclear(name, path) for name in sorted(aside - {each.name for each in clocks})]
    warnings = [*unclear, *_whence(clock, path)]
    source = Source(
        iter(()),
        sum(each.width for each in chosen),
        channel_names=_channel_names(chosen),
        rate_hz=_rate(chosen, clock, path),
        unit=common_fact("units", [unit_of_series(each) for each in chosen], path),
        start=_start(chosen, fitting, path),
        n_samples=chosen[0].length or None,
        rate_note=_note(clock),
        rate_unclear=unclear[0] if unclear and clock is None else "",
        warnings=warnings,
    )
    if clock is None:
        source.chunks = (Chunk(stacked(block)) for block in blocks(names))
    else:
        timed = (
            (np.asarray(block[0]).reshape(-1), stacked(block[1:]))
            for block in blocks([clock.name, *names])
        )
        source.chunks = Timeline(clock, source.warnings, str(path))(timed)
        source.n_samples = None  # a sample that came twice is left out
    return source


def unit_of_series(series: Series) -> str | None:
    """The unit of a series by its attribute, or else by its name."""
    if series.unit is not None and series.unit.strip().upper() not in ("", "NONE"):
        return known_unit(series.unit) or series.unit.strip()
    return unit_in(series.label or series.name)


def asked_names(variable: Variable) -> set[str]:
    """The names in a `Variable`; none for all series."""
    if variable is None:
        return set()
    names = variable.split(",") if isinstance(variable, str) else variable
    return {name.strip() for name in names}


def clocks_among(series: Sequence[Series]) -> list[Clock]:
    """The clocks, and row numbers, among series."""
    found = []
    for each in series:
        unit = each.unit if time_unit(each.unit) is not None else None
        clock = (
            find_clock(each.label or each.name, each.head, unit=unit, utc=each.utc)
            if each.width == 1
            else None
        )
        # What has the unit of a signal is one, be it as even as it may.
        is_signal = unit_of_series(each) is not None or is_other_quantity(each.label or each.name)
        if clock is not None and (unit is not None or not is_signal):
            found.append(structs.replace(clock, name=each.name))
    return found


def _spared(clocks: list[Clock], series: Sequence[Series]) -> list[Clock]:
    """The clocks without those that must be channels, for there is nothing else."""
    if len(clocks) < len(series) or len(clocks) < 2:
        return clocks
    return [clock for clock in clocks if _is_time(clock.name)] or clocks[:1]


def _is_time(name: str) -> bool:
    return is_named_time(name) or is_named_time(name.rpartition("/")[2])


def _timeless(series: Sequence[Series], clocks: Sequence[Clock]) -> set[str]:
    """Series that are named like a time, or are dates, and do not rise evenly."""
    names = {clock.name for clock in clocks}
    return {
        each.name
        for each in series
        if each.name not in names
        and each.width == 1
        and (each.is_date or (is_named_time(each.label or each.name) and _never_falls(each.head)))
    }


def _refuse_falling(series: Sequence[Series], path: Path) -> None:
    """Raise an `InputError` where times fall evenly: what is read backwards is another signal."""
    for each in series:
        is_time = each.is_date or _is_time(each.name) or time_unit_in(each.name) is not None
        if not (is_time and each.width == 1 and len(each.head) >= _ENOUGH):
            continue
        if find_clock(each.name, each.head) is None and find_clock(each.name, each.head[::-1]):
            raise InputError(
                f"the times in column {each.name!r} of {path} fall from row to row: sort it, the "
                f"earliest row first"
            )


def _never_falls(values: NDArray[Any]) -> bool:
    return bool((np.diff(values.astype(float)) >= 0).mean() > 0.9) if len(values) > 1 else False


def _unclear(name: str, path: Path) -> str:
    return (
        f"the times in column {name!r} of {path} do not increase evenly from row to row: no rate "
        f"and no gaps are taken from them"
    )


def _best(clocks: Sequence[Clock], path: Path) -> Clock | None:
    """The clock among several that agree: one that tells the rate, of the finest ticks."""
    rated = [clock for clock in clocks if clock.rate_hz is not None]
    if not rated:
        return clocks[0] if clocks else None
    named = [clock for clock in rated if _is_time(clock.name) or clock.start] or rated
    first = named[0]
    for other in named[1:]:
        if abs(other.interval - first.interval) > _SAME_RATE * first.interval:
            raise InputError(
                f"{path} holds clocks that contradict each other: {first.name!r} has a sample "
                f"every {first.interval:g} s, {other.name!r} every {other.interval:g} s; give one "
                f"of them as the only clock, or name the channels as variable"
            )
    for other in named[1:]:
        if type(other.origin) is type(first.origin) and other.seconds == first.seconds:
            apart = abs(float(other.origin - first.origin)) * first.seconds
            if 2 * first.interval < apart < _SAME_CLOCK_S and not first.start:
                raise InputError(
                    f"{path} holds clocks that begin {apart:g} s apart, {first.name!r} and "
                    f"{other.name!r}: name the channels that were taken together as variable"
                )
    return min(named, key=lambda clock: (not clock.has_unit, clock.tick / clock.interval))


def _rate(chosen: Sequence[Series], clock: Clock | None, path: Path) -> float | None:
    stated: float | None = common_fact("sampling rates", [each.rate_hz for each in chosen], path)
    if clock is None or clock.rate_hz is None:
        return stated
    if stated is None:
        return clock.rate_hz
    units = (1.0,) if clock.has_unit else CLOCK_UNITS
    if all(abs(stated / unit - clock.rate_hz) > _SAME_RATE * clock.rate_hz for unit in units):
        raise InputError(
            f"{path} states {stated:g} Hz, but its clock {clock.name!r} has a sample every "
            f"{clock.interval:g} s ({clock.rate_hz:g} Hz): correct the file, or leave one out"
        )
    return stated


def _start(chosen: Sequence[Series], clocks: Sequence[Clock], path: Path) -> datetime | None:
    by_clock = next((clock.start for clock in clocks if clock.start is not None), None)
    return by_clock or common_fact("start times", [each.start for each in chosen], path)


def _whence(clock: Clock | None, path: Path) -> list[str]:
    """A sentence where a clock is told by nothing but how evenly it rises."""
    if clock is None or clock.start is not None or clock.rate_hz is None:
        return []
    if not clock.name or clock.name.isdigit():  # nothing names it
        return []
    if _is_time(clock.name) or time_unit_in(clock.name) is not None:
        return []
    return [
        f"column {clock.name!r} of {path} rises evenly and is taken for the clock, in seconds: if "
        f"it is none, leave it out or call it what it is"
    ]


def _note(clock: Clock | None) -> str:
    if clock is None or clock.rate_hz is None or clock.has_unit:
        return ""
    return (
        f"its clock {clock.name!r} states no unit and was read as seconds; state it in its name, "
        f"like {clock.name or 'time'} (ms)"
    )


def _channel_names(chosen: Sequence[Series]) -> tuple[str, ...]:
    if not any(each.name for each in chosen):
        return ()
    return tuple(
        each.name if each.width == 1 else f"{each.name}[{i}]"
        for each in chosen
        for i in range(each.width)
    )
