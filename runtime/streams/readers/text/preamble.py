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
from dlrsd.runtime.streams.stream_format import parse_start
from dlrsd.runtime.streams.units import known_unit

TRIGGER = "time of trigger"  # the key of the moment from which a clock counts
COMMENT = re.compile(r"\s*(#+|%+|//+|!+|;+|\*+|--+|>+)\s*")
_SAME_RATE = 1e-2  # a rate and an interval of few digits
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
    "frequenza di campionamento": "sample_rate",
    "taxa de amostragem": "sample_rate",
    "bemonsteringsfrequentie": "sample_rate",
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
    "vertical unit": "unit",
    "vertical units": "unit",
    "startzeit": "start_time",
    "beginn": "start_time",
    "messbeginn": "start_time",
    "start": "start_time",
    "start time": "start_time",
    "aufnahmezeit": "start_time",
    "aufnahmedatum": "start_time",
    "messdatum": "start_time",
    "zeitpunkt": "start_time",
}
_DATES = ("date", "datum", "start date", "startdatum", "fecha")
_TIMES = ("time", "zeit", "uhrzeit", "heure", "hora", "start time", "startzeit")
# A date or a time of day; CH1-2 and Sensor 1-2 are names.
_MOMENT = re.compile(
    r"(?<![^\W_])"
    r"(\d{1,2}:\d\d|\d{1,4}[-./ ]+\d{1,2}[-./ ]+\d{1,4}|\d{1,2}[- ]\d{4}\b|\d{8}[ T]?\d{4})"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}([., '’\xa0\u202f]\d{3})+(?!\d).*")
_PER_SECOND = re.compile(
    r"\b([kM]?)(?:samples?|sa?) ?(?:/|per) ?s(?:ec(?:onds?)?)?\b", re.IGNORECASE
)
_NEXT_FACT = re.compile(r"[;,\t]\s*(?=\"?[^\W\d][^:=;,\t]{0,40}[:=])")
_FACT = re.compile(r"\"?([^:=;,\t\"]{1,60}?)\"?\s*([:=;,\t])[:=;,\t\s]*(.*)")
# Without a mark between them; "rate 1" is rather the name of a column, "sample time 10 s" a length.
_BARE_FACT = re.compile(
    r"((?!(?i:rate|period|increment|sf|sr|ts|sampl\w* time)\b)[^\W\d][^\d:=;,\t]{1,59}?)"
    r"\s+()(\d[\d.,eE+-]*.{0,9})"
)


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
    trigger : datetime, optional
        The moment from which the clock of the table counts.
    unclear : str, optional
        A start that a line states, and that is not understood.
    """

    rate_hz: float | None = None
    unit: str | None = None
    units: tuple[str, ...] = ()
    start: datetime | None = None
    day: datetime | None = None
    trigger: datetime | None = None
    unclear: str | None = None


def read_preamble(lines: Sequence[str], *, pc: Any) -> Preamble:
    """What lines like ``Sample rate: 25600 Hz``, ``# unit = g`` or ``Einheit;g`` state.

    Raises
    ------
    InputError
        If a rate is not understood, such as ``25,600 Hz``, or two lines contradict each other.
    """
    stated = [fact for line in lines for fact in _facts_in(line)]
    _refuse_contradictions("rates", [(rate_of({key: value}), line) for key, value, line in stated])
    _refuse_contradictions("units", [(_known_unit(key, text), line) for key, text, line in stated])
    facts = {key: value for key, value, _ in stated}
    unit = unit_of(facts)
    units = tuple(part.strip() for part in re.split(r"[,;\t|]", unit)) if unit else ()
    unit, units = (units[0], ()) if len(set(units)) == 1 else (None, units)
    day = next((facts[key] for key in _DATES if key in facts), None)
    time = next((facts[key] for key in (*_TIMES, "start_time") if key in facts), None)
    texts = [f"{day} {time}" if day and time else None, facts.get("start_time"), time, day]
    moments = [moment for text in texts if text and (moment := parse_moment(text, pc))]
    start = moments[0] if moments else None
    dates = [text for text in texts if text and re.search(r"\d+[-./ ]\d+[-./ ]\d", text)]
    dates = [text for text in dates if parse_start(text) is None]  # one that nobody set is clear
    unclear = dates[0] if dates and start is None else None
    if start is not None and not re.search(r"\d:\d\d", f"{time} {day} {facts.get('start_time')}"):
        return Preamble(rate_of(facts), unit, units, day=start)
    trigger = parse_moment(facts[TRIGGER], pc) if TRIGGER in facts else None
    return Preamble(rate_of(facts), unit, units, start, trigger=trigger, unclear=unclear)


def read_rate(line: str) -> float | None:
    """The rate in Hz that a line states, or None."""
    return rate_of(facts_of([line]))


def without_mark(line: str) -> str:
    """A line without the mark of a comment in front."""
    found = COMMENT.match(line)
    return line[found.end() :] if found else line


def facts_of(lines: Sequence[str]) -> dict[str, Any]:
    """The facts by their key, as `attributes` reads them; dates and times as they are written.

    A line may state several, such as ``fs=25600; unit=g``, or one fact for each column.

    Raises
    ------
    InputError
        If a rate may be read in two ways, differs between columns, or is in no known unit.
    """
    return {key: value for line in lines for key, value, _ in _facts_in(line)}


def _facts_in(line: str) -> list[tuple[str, Any, str]]:
    """The facts in a line: key, value, and how they are written."""
    facts: list[tuple[str, Any, str]] = []
    if len(line) > _LONGEST:
        return facts
    for part in _NEXT_FACT.split(without_mark(line).strip().strip("{}")):
        found = _FACT.match(part.strip()) or _BARE_FACT.fullmatch(part.strip())
        if found:
            fact = _fact(found[1].strip(), found[3].strip(' ",;\t'), found[2])
            facts += [(key, value, part.strip()) for key, value in fact.items()]
    return facts


def _refuse_contradictions(what: str, stated: Sequence[tuple[Any, str]]) -> None:
    """Raise an `InputError` where lines state facts that differ, each with the line it is from."""
    known = [(value, line) for value, line in stated if value is not None]
    for value, line in known:
        first, before = known[0]
        is_same = value == first or (
            isinstance(value, float) and abs(value - first) <= _SAME_RATE * abs(first)
        )
        if not is_same:
            raise InputError(
                f"the lines above the numbers state two {what}, {before!r:.80} and {line!r:.80}: "
                f"leave one"
            )


def _known_unit(key: str, text: Any) -> str | None:
    return known_unit(str(text)) if unit_of({key: text}) else None


def _fact(key: str, value: str, mark: str) -> dict[str, Any]:
    bare, _, unit = key.replace("[", "(").partition("(")
    name = re.sub(r"[\s_]+", " ", bare).strip().lower()
    known = _WORDS.get(name)
    if name in (*_DATES, *_TIMES, TRIGGER):
        return {name: value} if _MOMENT.search(value) else {}
    if known == "start_time" or start_of({key: "2026-03-01T08:00:00"}):
        return {"start_time": value} if _MOMENT.search(value) else {}
    if known == "unit" or unit_of({key: value}):
        return {known or key: value} if value else {}
    label = known or key
    if known and unit.strip(" )]"):
        label = f"{known}_{unit.strip(' )]').lower()}"
    if rate_of({label: "2"}) is None:
        return {}
    number = _one_number(key, value, mark)
    return {} if number is None or rate_of({label: number}) is None else {label: number}


def _one_number(key: str, value: str, mark: str) -> str | None:
    """The number that a fact states, with its unit, where a line may have one for each column."""
    text = _PER_SECOND.sub(r"\1Hz", value)
    cells = [cell.strip(' "') for cell in re.split("," if mark == "," else r"[;\t]|,\s", text)]
    numbers: list[str] = []
    unit = ""
    for cell in filter(None, cells):
        found = re.fullmatch(r"([+-]?[\d.,]+(?:[eE][+-]?\d+)?|nan)?\s*([^\d\s,.]*)(.*)", cell)
        if _GROUPED.fullmatch(cell) and not _are_equal(cell):
            raise InputError(
                f"{key!r} is {value}, whose mark may stand between thousands or before decimals: "
                f"write it without marks, such as 25600"
            )
        if not found or not (found[1] or (numbers and _is_unit(cell))):
            break
        if numbers and found[2] and not _is_unit(found[2]):
            break  # the number of something else
        unit = unit or found[2].strip("()[]")
        if found[1]:
            pair = found[1].split(",")
            numbers.append(pair[0] if _are_equal(found[1]) else found[1].replace(",", "."))
            if len(pair) == 2 and all(re.fullmatch(r"[1-9]\d{2,}", each) for each in pair):
                numbers.append(pair[1])
    if len(set(numbers)) > 1:
        raise InputError(
            f"{key!r} is {value}: expected one for all channels, and no comma in it, such as 25600"
        )
    if numbers and unit and not _is_unit(unit):
        if not (re.search("sampl|abtast", key, re.IGNORECASE) and unit[0].isalpha()):
            return None
        raise InputError(
            f"{key!r} is {value}, in a unit that is not known: write it in Hz or s, such as 25600 "
            f"Hz"
        )
    return f"{numbers[0]} {unit}".strip() if numbers else None


def _are_equal(text: str) -> bool:
    """Whether a text is one number several times, between commas."""
    cells = text.split(",")
    return len(cells) > 1 and len(set(cells)) == 1


def _is_unit(text: str) -> bool:
    """Whether a text is a unit of a rate or of an interval."""
    number = f"2 {text.strip('()[]')}"
    return rate_of({"rate": number}) is not None or rate_of({"dt": number}) is not None


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
