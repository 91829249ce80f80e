"""Minutes, changes and events as rows of a table, and what is read of alarms and waveforms."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct, convert, structs

from dlrsd.runtime.evidence.place import Place
from dlrsd.runtime.service.alarms.state import GRAVITY
from dlrsd.runtime.service.said import Change, Event, Levels, Minute, State

LEVELS: Final = Levels.__struct_fields__
_PLAIN = (
    "seconds", "running_seconds", "fit_seconds", "windows", "novelty", "unfit_share", "speed_rpm",
    "load", "temperature_c",
    "zone", "place", "worst_time",
)  # fmt: skip
_TEXTS = ("lines", "labels", "worst")  # as JSON
#: Columns of the table ``minute`` after its key.
COLUMNS: Final = (*LEVELS, *_PLAIN, *_TEXTS)
#: Figures of a minute that have a trend of their own; beside them ``line:PLACE``, ``label:CLASS``.
FIGURES: Final = (*LEVELS, "novelty", "unfit_share", "speed_rpm", "load", "temperature_c")


class AlarmRow(Struct, frozen=True, kw_only=True):
    """An alarm, from leaving normal to coming back; what it tells is of its latest change but the
    last. Times are Unix times in s."""

    id: str
    machine: str
    rule: str
    state: State  # now
    gravest: State
    began: float
    changed: float
    ended: float | None
    text: str
    sensor: str | None
    value: float | None
    limit: float | None
    unit: str | None
    place: Place | None
    evidence: str | None
    acknowledged_by: str | None
    acknowledged: float | None
    shelved_until: float | None
    shelved_by: str | None


class Trend(Struct, frozen=True, kw_only=True):
    """A figure over time, rolled up to stretches of one length; those without a value are left
    out.

    Parameters
    ----------
    width_s : int
        Length of a stretch.
    time : list of float
        Starts of the stretches, Unix time in s.
    low, mean, high : list of float
        Of the minutes in each.
    """

    figure: str
    width_s: int
    time: list[float]
    low: list[float]
    mean: list[float]
    high: list[float]


#: As JSON; numbers of NumPy are numbers.
encode = msgspec.json.Encoder(enc_hook=float).encode


class WaveformRow(Struct, frozen=True, kw_only=True):
    """A waveform that is kept: of an alarm, or the worst second of its day by ``worst``."""

    id: int
    machine: str
    source: str
    sensors: list[str]
    start: float
    seconds: float
    bytes: int
    alarm: str | None
    worst: float | None


class LabelRow(NamedTuple):
    """What a person said that a stretch of a sensor's signal is."""

    machine: str
    sensor: str
    start: float
    seconds: float
    label: str
    by: str
    time: float
    windows: int


def graver(a: State, b: State) -> State:
    return max(a, b, key=GRAVITY.index)


def to_row(minute: Minute) -> tuple[Any, ...]:
    """The values of `COLUMNS`."""
    return (
        *structs.astuple(minute.levels),
        *(getattr(minute, name) for name in _PLAIN),
        *(_json(getattr(minute, name)) for name in _TEXTS),
    )


def to_minute(machine: str, sensor: str, minute: int, row: tuple[Any, ...]) -> Minute:
    n = len(LEVELS)
    fields = dict(zip(COLUMNS[n:], row[n:], strict=True))
    for name in _TEXTS:
        if fields[name] is not None:
            fields[name] = msgspec.json.decode(fields[name])
    fields |= {"machine": machine, "sensor": sensor, "minute": minute}
    return convert({**fields, "levels": dict(zip(LEVELS, row[:n], strict=True))}, Minute)


def to_change(body: bytes) -> Change:
    return msgspec.json.decode(body, type=Change)


def to_event(row: tuple[Any, ...]) -> Event:
    """Of time, kind, text, machine, source, count, seconds."""
    return convert(dict(zip(Event.__struct_fields__, row, strict=True)), Event)


def _json(value: Any) -> str | None:
    if isinstance(value, dict):  # JSON has no NaN
        value = {name: float(each) for name, each in value.items() if math.isfinite(each)}
    return None if value is None else encode(value).decode()
