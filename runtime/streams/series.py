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
from dlrsd.runtime.streams.chosen_clock import (
    beside_clock,
    best_clock,
    doubt_of,
    left_aside,
    names_time,
    note_on,
    refuse_falling,
    timeless_series,
    unclear_times,
)
from dlrsd.runtime.streams.clock import (
    Clock,
    find_clock,
    is_named_turning,
    is_other_quantity,
)
from dlrsd.runtime.streams.long_tables import refuse_numbered_sensors
from dlrsd.runtime.streams.source import (
    Chunk,
    Source,
    Variable,
    choose_series,
    common_fact,
    stacked,
)
from dlrsd.runtime.streams.timeline import Timeline
from dlrsd.runtime.streams.units import CLOCK_UNITS, known_unit, time_unit, unit_in

Blocks = Callable[[Sequence[str]], Iterator[Sequence[NDArray[Any]]]]

# A clock and an attribute that differ by more contradict each other.
_SAME_RATE = 1e-2
_LOOKED_AT = 1 << 14  # values that tell sensors apart


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
    heads = {each.name: each.head[:_LOOKED_AT] for each in series if each.head.ndim == 1}
    refuse_numbered_sensors(heads, asked, path, is_chosen=variable is not None)
    clocks = _spared(clocks_among(others), series) if len(series) > 1 else []
    aside = {clock.name for clock in clocks} | timeless_series(
        others if len(series) > 1 else [], clocks
    )
    lengths = {
        each.name: each.length
        for each in series
        if each.name in asked or not (each.name in aside or each.is_date)
    }
    names = choose_series(lengths, variable, path)
    by_name = {each.name: each for each in series}
    chosen = [by_name[name] for name in names]
    found = {each.name for each in clocks}
    refuse_falling([each for each in others if each.name not in found], path)
    fitting = [clock for clock in clocks if by_name[clock.name].length == chosen[0].length]
    clock = best_clock(fitting, path)
    unclear = [unclear_times(name, path) for name in sorted(aside - {each.name for each in clocks})]
    doubt = doubt_of(clock, path)
    stated = common_fact("sampling rates", [each.rate_hz for each in chosen], path)
    warnings = [*unclear, *([doubt] if doubt else [])]
    if clock and doubt and stated and not _agree(stated, clock):
        warnings = [*unclear, left_aside(clock.name, stated, path)]
        clock = None
    warnings += beside_clock(clocks, clock, path)
    unit, units, unit_unclear = _unit(chosen, asked, path)
    source = Source(
        iter(()),
        sum(each.width for each in chosen),
        channel_names=_channel_names(chosen),
        rate_hz=_rate(stated, clock, path),
        unit=unit,
        units=units,
        unit_unclear=unit_unclear,
        start=_start(chosen, fitting, path),
        n_samples=chosen[0].length or None,
        rate_note=note_on(clock, doubt),
        rate_unclear=unclear[0] if unclear and clock is None else "",
        warnings=warnings,
        clock=clock.name if clock and clock.rate_hz and not stated else "",
        clock_doubt=doubt,
    )

    def chunks() -> Iterator[Chunk]:
        if clock is None or not source.follows_clock:
            yield from (Chunk(stacked(block)) for block in blocks(names))
            return
        timed = (
            (np.asarray(block[0]).reshape(-1), stacked(block[1:]))
            for block in blocks([clock.name, *names])
        )
        yield from Timeline(clock, source.warnings, str(path))(timed)

    source.chunks = chunks()
    if clock is not None:
        source.n_samples = None  # a sample that came twice is left out
    return source


def _unit(
    chosen: Sequence[Series], asked: set[str], path: Path
) -> tuple[str | None, tuple[str | None, ...], str]:
    """The unit in common; where there is none, those of all channels, and what is wrong."""
    try:
        return common_fact("units", _units(chosen, asked), path), (), ""
    except InputError as error:
        units = tuple(unit_of_series(each) for each in chosen for _ in range(each.width))
        return None, units, str(error)


def _units(chosen: Sequence[Series], asked: set[str]) -> list[str | None]:
    """Of the samples: of all channels but a tacho or a speed that a person named beside others."""
    units = [
        unit_of_series(each)
        for each in chosen
        if each.name not in asked or not is_named_turning(each.label or each.name)
    ]
    return units or [unit_of_series(each) for each in chosen]


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
    return [clock for clock in clocks if names_time(clock.name)] or clocks[:1]


def _rate(stated: float | None, clock: Clock | None, path: Path) -> float | None:
    if clock is None or clock.rate_hz is None:
        return stated
    if stated is None:
        return clock.rate_hz
    if not _agree(stated, clock):
        raise InputError(
            f"{path} states {stated:g} Hz, but its clock {clock.name!r} has a sample every "
            f"{clock.interval:g} s ({clock.rate_hz:g} Hz): correct the file, or leave one out"
        )
    return stated


def _agree(rate_hz: float, clock: Clock) -> bool:
    """Whether a stated rate is that of a clock, in any unit where that states none."""
    if clock.rate_hz is None:
        return True
    units = (1.0,) if clock.has_unit else CLOCK_UNITS
    return any(abs(rate_hz / unit - clock.rate_hz) <= _SAME_RATE * clock.rate_hz for unit in units)


def _start(chosen: Sequence[Series], clocks: Sequence[Clock], path: Path) -> datetime | None:
    by_clock = next((clock.start for clock in clocks if clock.start is not None), None)
    return by_clock or common_fact("start times", [each.start for each in chosen], path)


def _channel_names(chosen: Sequence[Series]) -> tuple[str, ...]:
    if not any(each.name for each in chosen):
        return ()
    return tuple(
        each.name if each.width == 1 else f"{each.name}[{i}]"
        for each in chosen
        for i in range(each.width)
    )
