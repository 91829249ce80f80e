"""What the lines above a table state: rate, unit and start, in the words of many programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import rate_of, start_of, unit_of
from dlrsd.runtime.streams.readers.text.times import time_form, to_times

COMMENT = re.compile(r"\s*(#+|%+|//+|!+|;+|\*+|--+|>+)\s*")
_LONGEST = 500  # characters of a line that states a fact
# Facts that other languages and programs have other words for; `attributes` knows the English ones.
_WORDS = {
    "abtastrate": "sample_rate",
    "abtastfrequenz": "sample_rate",
    "time step": "dt",
    "timestep": "dt",
    "interval": "dt",
    "sampling period": "dt",
    "sample period": "dt",
    "samplerate": "sample_rate",
    "sample rate": "sample_rate",
    "messrate": "sample_rate",
    "frequence d'echantillonnage": "sample_rate",
    "fréquence d'échantillonnage": "sample_rate",
    "frecuencia de muestreo": "sample_rate",
    "sampling rate": "sample_rate",
    "sample frequency": "sample_rate",
    "abtastintervall": "dt",
    "abtastzeit": "dt",
    "schrittweite": "dt",
    "sample interval": "dt",
    "sampling interval": "dt",
    "einheit": "unit",
    "einheiten": "unit",
    "unité": "unit",
    "unite": "unit",
    "unidad": "unit",
    "units": "unit",
    "y unit": "unit",
    "startzeit": "start_time",
    "beginn": "start_time",
    "messbeginn": "start_time",
    "start": "start_time",
    "start time": "start_time",
    "aufnahmezeit": "start_time",
    "zeitpunkt": "start_time",
}
_DATES = ("date", "datum", "start date", "startdatum", "fecha")
_TIMES = ("time", "zeit", "uhrzeit", "heure", "hora", "start time", "startzeit")
_GROUPED = re.compile(r"[1-9]\d{0,2}([.,]\d{3})+(?!\d).*")


class Preamble(Struct, frozen=True):
    """What lines above a table state of all its columns, each where a line does.

    Attributes
    ----------
    rate_hz : float, optional
    unit : str, optional
    units : tuple of str
        Where a line states one for each column.
    start : datetime, optional
    day : datetime, optional
        Midnight of the day, where a line states no time.
    """

    rate_hz: float | None = None
    unit: str | None = None
    units: tuple[str, ...] = ()
    start: datetime | None = None
    day: datetime | None = None


def read_preamble(lines: Sequence[str], *, pc: Any) -> Preamble:
    """What lines like ``Sample rate: 25600 Hz``, ``# unit = g`` or ``Einheit;g`` state.

    Raises
    ------
    InputError
        If a rate may be read in two ways: ``25,600 Hz``.
    """
    facts = facts_of(lines)
    unit = unit_of(facts)
    units = tuple(part.strip() for part in re.split(r"[,;\t|]", unit)) if unit else ()
    if len(units) > 1:
        unit = None
    day = next((facts[key] for key in _DATES if key in facts), None)
    time = next((facts[key] for key in (*_TIMES, "start_time") if key in facts), None)
    texts = [f"{day} {time}" if day and time else None, facts.get("start_time"), time, day]
    moments = [moment for text in texts if text and (moment := parse_moment(text, pc))]
    start = moments[0] if moments else None
    if start is not None and not re.search(r"\d:\d\d", f"{time} {day} {facts.get('start_time')}"):
        return Preamble(rate_of(facts), unit, units, day=start)
    return Preamble(rate_of(facts), unit, units, start=start)


def without_mark(line: str) -> str:
    """A line without the mark of a comment in front."""
    found = COMMENT.match(line)
    return line[found.end() :] if found else line


def facts_of(lines: Sequence[str]) -> dict[str, Any]:
    """The facts by their key, as `attributes` reads them; dates and times as they are written."""
    facts: dict[str, Any] = {}
    for line in lines:
        found = re.match(
            r"\"?([^:=;,\t\"]{1,60}?)\"?\s*[:=;,\t]+(.*)",
            without_mark(line[: _LONGEST + 1]).strip(),
        )
        if found and len(line) <= _LONGEST:
            facts |= _fact(found[1].strip(), found[2].strip(' ",;\t'))
    return facts


def _fact(key: str, value: str) -> dict[str, Any]:
    bare, _, unit = key.replace("[", "(").partition("(")
    name = re.sub(r"[\s_]+", " ", bare).strip().lower()
    known = _WORDS.get(name)
    if name in (*_DATES, *_TIMES):
        return {name: value} if re.search(r"\d[-./: ]+\d", value) else {}
    if known == "start_time" or start_of({key: "2026-03-01T08:00:00"}):
        return {"start_time": value} if re.search(r"\d[-./: ]+\d", value) else {}
    if known == "unit" or unit_of({key: value}):
        return {known or key: value} if value else {}
    number = re.sub(r"(?<=\d),(?=\d)", ".", re.sub(r"[;\t]", " ", value))
    number = re.sub(r"(?<=\d)[ ,]+(?=[A-Za-zµ])", " ", number)
    label = known or key
    if known and unit.strip(" )]"):
        label = f"{known}_{unit.strip(' )]').lower()}"
    rate = rate_of({label: number})
    if rate is not None and _GROUPED.fullmatch(value):
        raise InputError(
            f"{key!r} is {value}, whose mark may stand between thousands or before decimals: write "
            f"it without marks, such as 25600"
        )
    return {} if rate is None else {label: number}


def parse_moment(text: str, pc: Any) -> datetime | None:
    """The date and time that a text states, None where it states none or may mean two days."""
    iso = start_of({"start_time": text})
    if iso is not None:
        return iso
    try:
        form = time_form([text.strip()], day_first=False, column="start")
    except InputError:
        return None
    if form is None or not form.has_date or not form.pattern:
        return None
    import pyarrow

    moment = to_times(pyarrow.array([text.strip()]), form, pc)[0]
    found: Any = np.datetime64(moment, "us").astype(datetime)
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=timezone.utc) if form.utc else found
