"""Clocks among a file's series: any series that rises evenly is one, whatever its name or kind.

Vibration never rises evenly for thousands of samples; times, time stamps and row numbers do. What
"evenly" means is judged by the clock's own resolution: a time printed with five digits stands still
for several rows and then jumps, which is no gap. A clock gives the sampling rate, the time of the
first sample where it is a time of day, and, through `timeline.Timeline`, what is missing.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.streams.attributes import is_set
from dlrsd.runtime.streams.counters import Counter, find_counter, is_named_counter
from dlrsd.runtime.streams.units import time_unit, time_unit_in

# Fewer values than this rise by chance: a name has to say what they are.
_ENOUGH = 16
# So many of the steps may be gaps, or out of order, before a series is no clock.
_UNEVEN_SHARE = 0.1
# A step is even within this share of the usual one, or within the clock's resolution.
_EVEN = 0.5
_MOST = 1e30  # what is beyond is damage, and no time
_DRIFT = 0.05  # of its interval, over the values looked at: clocks run evener than that
_TURNING = re.compile(r"(?i)tach|key.?phas|rpm|speed|drehzahl|puls|encoder")
_OTHER_QUANTITY = re.compile(
    r".*(temp|position|angle|winkel|revolution|cycle|pulse|order|freq|speed|rpm|distance|displace"
    r"|load|torque|pressure|phase|weg|drehzahl).*",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(rel\w*|abs\w*|elapsed|sample|sampling|acq\w*|record\w*|local|utc|system|date)?[ _.-]*"
    r"(time|times|timestamp|time ?stamps?|date|datetime|date ?time|clock|t|x|x[ _]?values?|zeit"
    r"|zeitstempel|zeitpunkt|uhrzeit|datum|temps|tiempo|tempo|heure|ts)(?![a-z]).*",
    re.IGNORECASE,
)
# Seconds since 1970 (also in ms, us, ns) and since 1904 (LabVIEW), from 2001 to 2060.
_UNIX = (9.783e8, 2.84e9)
_LABVIEW = (3.061e9, 4.922e9)
_FROM_1904_TO_1970 = 2_082_844_800
# Days of spreadsheets and of MATLAB from 2001 to 2060, and on which of them 1970 began. Steps of a
# microsecond and less are parts of a day, not seconds.
_DAYS = ((36_892.0, 58_440.0, 25_569.0), (730_852.0, 752_400.0, 719_529.0))
_STEP_OF_DAYS = 1e-6


class Clock(Struct, frozen=True):
    """A series that rises evenly.

    Attributes
    ----------
    name : str
    seconds : float
        Of one unit of its values; 1 where nothing states a unit. Of row numbers the rows of one.
    origin : int or float
        Its first value; time 0.
    interval : float > 0
        From one sample to the next, in seconds; of row numbers 1.
    tick : float >= 0
        Its resolution, in seconds.
    rate_hz : float > 0, optional
        None for row numbers. The simplest number that its resolution allows.
    start : datetime, optional
        Of its first value, where that is a time of day.
    has_unit : bool
        Whether the unit is stated, or follows from the values.
    counter : Counter, optional
        Of row numbers.
    """

    name: str
    seconds: float
    origin: Any
    interval: float
    tick: float
    rate_hz: float | None = None
    start: datetime | None = None
    has_unit: bool = True
    counter: Counter | None = None

    def times(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Seconds since the first value, NaN where there is none, of values of any shape."""
        times: NDArray[np.float64] = _relative(values, self.origin) * self.seconds
        return times


def find_clock(
    name: str, values: NDArray[Any], *, unit: str | None = None, utc: bool = False
) -> Clock | None:
    """The clock that a series is, or None.

    Parameters
    ----------
    name : str
        May say the unit: ``Zeit [ms]``.
    values : array, shape (n,), integers, floats or datetime64
        The first values; some thousand tell the rate exactly.
    unit : str, optional
        As an attribute states it.
    utc : bool
        Whether datetime64 values are in UTC; else they are in no stated zone.
    """
    if values.ndim != 1 or len(values) < 2 or values.dtype.kind not in "iufM":
        return None
    is_date = values.dtype.kind == "M"
    if is_date:
        values = values.astype("datetime64[ns]")
    missing = np.isnat(values) if is_date else ~(np.abs(values.astype(float)) <= _MOST)
    if missing.mean() > _UNEVEN_SHARE:
        return None
    known = values[~missing]
    counter = None if is_date else count_of_rows(name, known)
    if len(values) < _ENOUGH and not (is_date or is_named_time(name) or counter):
        return None
    if counter is not None:
        rows = counter.rows / counter.step
        tick = counter.rows if counter.rows > 1 else 0.0
        return Clock(name, rows, known[0], 1.0, tick, counter=counter)
    relative = _relative(known, known[0])
    measured = _interval(relative, eps=_spacing(known))
    if measured is None or not 0 < measured[0] < np.inf:  # beside numbers beyond all bounds
        return None
    interval, tick, spread = measured
    seconds, start, has_unit = _unit_and_start(name, known[0], interval, unit, utc)
    # The mean of so many is more exact than one reading.
    accuracy = max(1e-9, max(spread / 16, _spacing(known)) / (interval * len(known)))
    return Clock(
        name=name,
        seconds=seconds,
        origin=known[0],
        interval=interval * seconds,
        tick=tick * seconds,
        rate_hz=_simplest_rate(interval * seconds, accuracy),
        start=start,
        has_unit=has_unit,
    )


def is_named_time(name: str) -> bool:
    """Whether a name says that its series is a time."""
    return _NAMED.fullmatch(name.strip("\ufeff \t")) is not None


def is_named_turning(name: str) -> bool:
    """Whether a name says that its series tells how the shaft turns: a tacho's pulses, a speed.

    >>> is_named_turning("Tacho (V)"), is_named_turning("shaft_rpm"), is_named_turning("acc (g)")
    (True, True, False)
    """
    return _TURNING.search(name) is not None


def is_other_quantity(name: str) -> bool:
    """Whether a name says that its series is no time, be it as even as it may: an angle, say."""
    return _OTHER_QUANTITY.fullmatch(name) is not None and not is_named_time(name)


def count_of_rows(name: str, values: NDArray[Any]) -> Counter | None:
    """How values number the rows, or None where they do not, or their name says a time."""
    if is_named_time(name) or time_unit_in(name) is not None:
        return None
    if values[0] > _UNIX[0] and not is_named_counter(name):
        return None
    return find_counter(name, values)


def _relative(values: NDArray[Any], origin: Any) -> NDArray[np.float64]:
    """Values minus the origin as floats, without losing digits of large integers."""
    if values.dtype.kind == "M":
        times = values.astype("datetime64[ns]")
        passed: NDArray[np.float64] = (times - origin).astype(np.int64).astype(np.float64)
        passed[np.isnat(times)] = np.nan
        return passed
    if values.dtype.kind in "iu":
        return (values.astype(np.int64) - np.int64(origin)).astype(np.float64)
    floats = values.astype(np.float64)
    floats[np.abs(floats) > _MOST] = np.nan
    return floats - float(origin)


def _spacing(values: NDArray[Any]) -> float:
    """The step between neighbouring numbers of this type and size."""
    if values.dtype.kind != "f":
        return 0.0
    return float(np.spacing(np.median(np.abs(values)).astype(values.dtype)))


def _interval(times: NDArray[np.float64], *, eps: float) -> tuple[float, float, float] | None:
    """Interval, tick and spread of times that rise evenly, None of others."""
    steps = np.diff(times)
    falls = int((steps < -4 * eps).sum())
    begins_again = times[-1] - times[0] < steps[steps > 0].sum() / 2
    if falls > 1 and (begins_again or falls > _UNEVEN_SHARE / 10 * len(steps)):
        return None
    # A coarse clock stands still for some rows: it is even over so many that it does not. Over more
    # of them the interval is the more exact, as long as gaps are told from its ticks.
    found, least, is_steady = None, 0.0, False
    stride, most = 1, max(1, len(times) // _ENOUGH)
    while stride <= (len(times) // 2 if found else most):
        apart = times[stride:] - times[:-stride]
        usual = float(np.median(apart))
        off = np.abs(apart - usual)
        even = off <= (least or _EVEN * usual) + 2 * eps
        if usual > 0 and even.mean() >= 1 - _UNEVEN_SHARE:
            interval, spread = float(apart[even].mean()) / stride, float(np.ptp(apart[even]))
            is_steady = _is_steady(apart, even, spread)
            least = least or max(_EVEN * interval, 2 * spread, 1.01 * _tick(steps, interval))
            found = interval, _tick(steps, interval), spread
        elif found:
            break
        stride *= 2
    return found if is_steady else None


def _is_steady(apart: NDArray[np.float64], even: NDArray[np.bool_], spread: float) -> bool:
    """Whether the interval is the same in both halves: what speeds up is no clock."""
    half = len(apart) // 2
    first, second = apart[:half][even[:half]], apart[half:][even[half:]]
    if min(len(first), len(second)) < _ENOUGH:
        return True
    apart_by = abs(float(first.mean()) - float(second.mean()))
    usual = float(apart[even].mean())
    return bool(apart_by <= max(_DRIFT * usual, 2 * min(spread, usual) / half**0.5))


def _tick(steps: NDArray[np.float64], interval: float) -> float:
    rises = steps[steps > 0]
    typical = float(np.median(rises)) if rises.size else interval
    if typical > (1 + _EVEN) * interval:
        return typical
    return float(np.quantile(np.abs(rises - interval), 0.9)) if rises.size else 0.0


def _simplest_rate(interval: float, accuracy: float) -> float:
    """The rate, or of slow signals the interval, with the fewest digits within the accuracy."""
    figure = interval if interval >= 1 else 1 / interval
    accuracy = max(accuracy, 1e-12)
    rounded = (float(f"{figure:.{digits}g}") for digits in range(1, 14))
    simple = next((each for each in rounded if abs(each - figure) <= accuracy * figure), figure)
    return 1 / simple if interval >= 1 else simple


def _unit_and_start(
    name: str, first: Any, step: float, unit: str | None, utc: bool
) -> tuple[float, datetime | None, bool]:
    """Seconds of the unit, the time of the first value, and whether the unit is known."""
    if isinstance(first, np.datetime64):
        micros = int(first.astype("datetime64[us]").astype(np.int64))
        return 1e-9, _set(datetime(1970, 1, 1) + timedelta(microseconds=micros), utc), True
    stated = time_unit(unit) or time_unit_in(name)
    days = next((each for each in _DAYS if each[0] < float(first) < each[1]), None)
    if days and not stated and step < _STEP_OF_DAYS:
        moment = datetime(1970, 1, 1) + timedelta(days=float(first) - days[2])
        return 86_400.0, _set(moment, utc=False), True
    for seconds in (stated,) if stated else (1.0, 1e-3, 1e-6, 1e-9):
        since = float(first) * seconds
        if _UNIX[0] < since < _UNIX[1] and (stated or float(first) > 1e8):
            return seconds, _since_1970(first, seconds), True
        if _LABVIEW[0] < since < _LABVIEW[1] and seconds == 1:
            return 1.0, _since_1970(float(first) - _FROM_1904_TO_1970, 1.0), True
    return stated or 1.0, None, stated is not None


def _since_1970(value: Any, seconds: float) -> datetime | None:
    exact = int(value) if isinstance(value, (int, np.integer)) else float(value)
    micros = round(exact * seconds * 1e6) if seconds > 1e-9 else int(exact // 1000)
    return _set(datetime(1970, 1, 1) + timedelta(microseconds=micros), utc=True)


def _set(moment: datetime, utc: bool) -> datetime | None:
    if not is_set(moment):
        return None
    return moment.replace(tzinfo=timezone.utc) if utc else moment
