"""Which of a file's clocks is followed, and how sure it is that it is one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import Clock, find_clock, is_named_time
from dlrsd.runtime.streams.units import time_unit_in

if TYPE_CHECKING:
    from dlrsd.runtime.streams.series import Series

# Two clocks that differ by more contradict each other.
_SAME_RATE = 1e-2
_ENOUGH = 16  # values, to tell that times fall
# Nothing but a time, perhaps with its unit.
_TIME = re.compile(
    r"(time|time ?stamp|date ?time|zeit|zeitstempel|uhrzeit)(\s*[\[(]?[mnuµ]?s(ec)?[\])]?)?",
    re.IGNORECASE,
)
_SAME_CLOCK_S = 86_400.0  # clocks further apart count from other moments


def names_time(name: str) -> bool:
    """Whether a name, or the last part of it, says a time."""
    return is_named_time(name) or is_named_time(name.rpartition("/")[2])


def timeless_series(series: Sequence[Series], clocks: Sequence[Clock]) -> set[str]:
    """Series that are named like a time, or are dates, and do not rise evenly."""
    names = {clock.name for clock in clocks}
    return {
        each.name
        for each in series
        if each.name not in names
        and each.width == 1
        and (each.is_date or (is_named_time(each.label or each.name) and _never_falls(each.head)))
    }


def refuse_falling(series: Sequence[Series], path: Path) -> None:
    """Raise an `InputError` where times fall evenly: what is read backwards is another signal.

    Parameters
    ----------
    series : sequence of Series
        Those that are no clocks.
    path : Path
    """
    for each in series:
        if _TIME.fullmatch(each.name.strip()) and each.width == 1 and _is_shuffled(each.head):
            raise InputError(
                f"the times in column {each.name!r} of {path} do not rise: sort the rows, the "
                f"earliest first, or name the channels as variable"
            )
        is_time = each.is_date or names_time(each.name) or time_unit_in(each.name) is not None
        if not (is_time and each.width == 1 and len(each.head) >= _ENOUGH):
            continue
        if find_clock(each.name, each.head) is None and find_clock(each.name, each.head[::-1]):
            raise InputError(
                f"the times in column {each.name!r} of {path} fall from row to row: sort it, the "
                f"earliest row first"
            )


def _is_shuffled(values: NDArray[Any]) -> bool:
    """Whether numbers all differ, and rise in as many steps as they fall."""
    if values.dtype.kind not in "iufM" or len(values) < _ENOUGH:
        return False
    rises = float((values[1:] > values[:-1]).mean())
    return 0.1 < rises < 0.9 and len(np.unique(values)) == len(values)


def _never_falls(values: NDArray[Any]) -> bool:
    return bool((np.diff(values.astype(float)) >= 0).mean() > 0.9) if len(values) > 1 else False


def unclear_times(name: str, path: Path) -> str:
    """The warning on times that are no clock."""
    return (
        f"the times in column {name!r} of {path} do not increase evenly from row to row: no rate "
        f"and no gaps are taken from them"
    )


def best_clock(clocks: Sequence[Clock], path: Path) -> Clock | None:
    """The clock among several that agree: one that tells the rate, of the finest ticks."""
    rated = [clock for clock in clocks if clock.rate_hz is not None]
    if not rated:
        return clocks[0] if clocks else None
    named = [clock for clock in rated if names_time(clock.name) or clock.start] or rated
    first = named[0]
    for other in named[1:]:
        if abs(other.interval - first.interval) > _SAME_RATE * first.interval:
            raise InputError(
                f"{path} holds clocks that contradict each other: {first.name!r} has a sample "
                f"every {first.interval:g} s, {other.name!r} every {other.interval:g} s; write "
                f"each with its channels into a file of its own"
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


def doubt_of(clock: Clock | None, path: Path) -> str:
    """A sentence where a clock is told by nothing but how evenly it rises, else nothing."""
    if clock is None or not _is_doubtful(clock):
        return ""
    if not clock.name or clock.name.isdigit():  # nothing names it
        return ""
    return (
        f"column {clock.name!r} of {path} rises evenly and is taken for the clock, in seconds: if "
        f"it is none, leave it out, or state the rate"
    )


def beside_clock(clocks: Sequence[Clock], clock: Clock | None, path: Path) -> list[str]:
    """A warning where series are left out for how evenly they rise beside the clock, else none."""
    names = [each.name for each in clocks if each is not clock and _is_doubtful(each)]
    if clock is None or not names:
        return []
    return [
        f"columns of {path} that rise evenly beside its clock {clock.name!r} are left out: "
        f"{', '.join(names)}; name the channels as variable if they are some"
    ]


def _is_doubtful(clock: Clock) -> bool:
    """Whether nothing but how evenly it rises says that it is a clock."""
    if clock.has_unit or clock.rate_hz is None:
        return False
    return not names_time(clock.name) and time_unit_in(clock.name) is None


def left_aside(clock: str, rate_hz: float, path: Path | str) -> str:
    """The warning where a stated rate wins over a clock."""
    return (
        f"column {clock!r} of {path} rises evenly, but not at the stated {rate_hz:g} Hz: it is "
        f"not taken for the clock, and no gaps are taken from it"
    )


def note_on(clock: Clock | None, doubt: str) -> str:
    """What a person should know of a rate by a clock that states no unit."""
    if clock is None or clock.rate_hz is None or clock.has_unit:
        return ""
    return (
        f"its clock {clock.name!r} states no unit and was read as seconds; state it in its name, "
        f"like {clock.name or 'time'} (ms)"
        + (", or state the rate if it is no clock" if doubt else "")
    )
