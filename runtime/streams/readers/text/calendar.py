"""Times that stand in several columns: a date and a time of day, a time and its milliseconds, or
year, month, day, hour, ...

Columns of a calendar are told by their names. Without names, hour, minute, second and a part of
it in front of the channels are told by their ranges and by rising evenly together, as the files of
the FEMTO (PRONOSTIA) bearings have them: microseconds beside vibration, tenths beside temperature.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.streams.clock import find_clock
from dlrsd.runtime.streams.readers.text.cells import Column
from dlrsd.runtime.streams.readers.text.fields import Field, Make, number_maker, time_maker

_PARTS = {
    "year": r"years?|jahr|yyyy|yr|année|año|y",
    "month": r"months?|monat|mon|mo|mois|mes",
    "day": r"days?|tag|dd|jour|día|dia|d",
    "hour": r"hours?|stunden?|hh|hr|h|heures?|hora",
    "minute": r"minutes?|minuten?|min|minuto",
    "second": r"seconds?|sekunden?|sec|ss|s|secondes?|segundo",
    "millisecond": r"milli_?seconds?|milli_?sekunden?|ms|msec|millis",
    "microsecond": r"micro_?seconds?|mikro_?sekunden?|us|µs|usec|micros",
}
_NANOS = {
    "hour": 3_600_000_000_000,
    "minute": 60_000_000_000,
    "second": 1_000_000_000,
    "tenth": 100_000_000,
    "hundredth": 10_000_000,
    "millisecond": 1_000_000,
    "microsecond": 1000,
}
_ONLY_MICROS = 1000  # parts of a second, from which on they are microseconds
_SMALL = ("millisecond", "microsecond")
_OF_DAY, _DATE = ("hour", "minute", "second"), ("year", "month", "day")


def calendar_fields(
    columns: Sequence[Column], names: Sequence[str], rows: Sequence[Sequence[str]], *, pc: Any
) -> tuple[list[Field], set[int]]:
    """Clocks that several columns make together, and these columns.

    Parameters
    ----------
    columns : sequence of Column
    names : sequence of str
        Of the columns; numbers where they have none.
    rows : sequence of sequence of str
        Some rows that follow each other.
    pc : module
        ``pyarrow.compute``.
    """
    parts = _named_parts(columns, names) or _unnamed_parts(columns, names, rows)
    if parts:
        has_date = all(part in parts for part in _DATE)
        used = [part for part in parts if has_date or part in _NANOS]
        indices = tuple(parts[part] for part in used)
        makes = [number_maker(columns[i], pc) for i in indices]
        field = Field(
            "time",
            indices,
            _calendar_maker(used, makes),
            unit=None if has_date else "s",
            wraps=not has_date,
        )
        return [field], set(parts.values())
    found = next(_times(columns, names, pc), None)
    if found is None:
        return [], set()
    following = max(found.columns) + 1
    part = _fraction(columns, names, rows, found.columns, following)
    if part:
        found = structs.replace(
            found,
            name=f"{found.name} {names[following]}",
            columns=(*found.columns, following),
            make=_fraction_maker(found.make, number_maker(columns[following], pc), _NANOS[part]),
        )
    return ([found], set(found.columns)) if len(found.columns) > 1 else ([], set())


def _times(columns: Sequence[Column], names: Sequence[str], pc: Any) -> Iterator[Field]:
    """Times of a date and a time of day beside each other, or else of a column alone."""
    for day, time in ((i, j) for i in range(len(columns)) for j in (i + 1, i - 1)):
        if 0 <= time < len(columns) and _is_pair(columns[day], columns[time]):
            makes = [time_maker(columns[day], pc), time_maker(columns[time], pc)]
            form = columns[time].form
            utc = form is not None and form.utc
            yield Field(f"{names[day]} {names[time]}", (day, time), _pair_maker(makes), utc=utc)
    for i, column in enumerate(columns):
        if column.form is not None and column.form.has_time:
            form = column.form
            unit = None if form.has_date else "s"
            make = time_maker(column, pc)
            yield Field(names[i], (i,), make, unit=unit, utc=form.utc, wraps=not form.has_date)


def _fraction(
    columns: Sequence[Column],
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    times: Sequence[int],
    following: int,
) -> str | None:
    """Whether the column behind times of whole seconds holds their milli- or microseconds."""
    if following >= len(columns) or columns[following].kind != "number":
        return None
    if any(re.search(r":\d\d:\d\d[.,:]\d", row[i]) for row in rows for i in times):
        return None
    bare = _bare(names[following])
    return next((part for part in _SMALL if re.fullmatch(_PARTS[part], bare)), None)


def _fraction_maker(make_time: Make, make_number: Make, nanos: int) -> Make:
    def make(columns: Sequence[Any]) -> NDArray[Any]:
        time, fraction = make_time(columns[:-1]), make_number(columns[-1:])
        if time.dtype.kind == "f":
            return np.asarray(time + fraction * (nanos / 1e9))
        times: NDArray[Any] = time + np.rint(fraction * nanos).astype("m8[ns]")
        return times

    return make


def _bare(name: str) -> str:
    return re.sub(r"\s*[(\[].*", "", name).strip().lower()


def _named_parts(columns: Sequence[Column], names: Sequence[str]) -> dict[str, int]:
    parts: dict[str, int] = {}
    for i, (column, name) in enumerate(zip(columns, names, strict=True)):
        for part, pattern in _PARTS.items():
            if column.kind == "number" and re.fullmatch(pattern, _bare(name)):
                parts.setdefault(part, i)
    # One alone is a clock of its own, such as "s".
    return parts if all(part in parts for part in _OF_DAY) else {}


def _unnamed_parts(
    columns: Sequence[Column], names: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[str, int]:
    is_unnamed = all(name == str(i) for i, name in enumerate(names))
    if not is_unnamed or len(columns) < 5 or any(c.kind != "number" for c in columns[:4]):
        return {}
    try:
        first = np.array([[float(cell.replace(",", ".")) for cell in row[:4]] for row in rows])
    except ValueError:
        return {}
    whole = (first[:, :3] == np.floor(first[:, :3])).all() and (first >= 0).all()
    if not whole or (first.max(axis=0) >= (24, 60, 60, 1_000_000)).any():
        return {}
    for least in ("tenth", "hundredth", "millisecond", "microsecond"):
        if first[:, 3].max() * _NANOS[least] >= _NANOS["second"]:
            continue
        parts = {"hour": 0, "minute": 1, "second": 2, least: 3}
        seconds = np.asarray(sum(first[:, i] * (_NANOS[part] / 1e9) for part, i in parts.items()))
        steps = np.diff(seconds)
        is_proven = first[:, 3].max() >= _ONLY_MICROS or np.ptp(first[:, 2]) > 0
        is_even = steps.max(initial=0) < 2 * np.median(steps) if len(steps) else False
        if is_proven and is_even and find_clock("time", seconds, unit="s") is not None:
            return parts
    return {}


def _calendar_maker(parts: Sequence[str], makes: Sequence[Make]) -> Make:
    def make(columns: Sequence[Any]) -> NDArray[Any]:
        values = {
            part: make([column]) for part, make, column in zip(parts, makes, columns, strict=True)
        }
        nanos = sum(np.rint(values[part] * size) for part, size in _NANOS.items() if part in values)
        if "year" not in values:
            return np.asarray(nanos) / 1e9
        times: NDArray[Any] = _days(values) + np.asarray(nanos).astype("m8[ns]")
        return times

    return make


def _days(values: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    year, month, day = (values[part].astype(np.int64) for part in _DATE)
    months = (np.where(year < 100, year + 2000, year) - 1970).astype("M8[Y]").astype("M8[M]")
    days: NDArray[Any] = ((months + (month - 1)).astype("M8[D]") + (day - 1)).astype("M8[ns]")
    return days


def _is_pair(day: Column, time: Column) -> bool:
    return (
        day.form is not None
        and time.form is not None
        and (day.form.has_date and not day.form.has_time)
        and (time.form.has_time and not time.form.has_date)
    )


def _pair_maker(makes: Sequence[Callable[[Sequence[Any]], NDArray[Any]]]) -> Make:
    def make(columns: Sequence[Any]) -> NDArray[Any]:
        day, seconds = (make([column]) for make, column in zip(makes, columns, strict=True))
        times: NDArray[Any] = day + np.rint(seconds * 1e9).astype("m8[ns]")
        return times

    return make
