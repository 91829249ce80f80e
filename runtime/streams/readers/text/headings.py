"""What stands above the numbers of a table: facts, names and units of the columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.attributes import rate_of, start_of, unit_of
from dlrsd.runtime.streams.readers.text.cells import is_missing, is_value
from dlrsd.runtime.streams.readers.text.times import TimeForm, time_form, to_times
from dlrsd.runtime.streams.units import known_unit, time_unit

COMMENT = re.compile(r"\s*(#+|%+|//+|!+|;+|\*+|--+|>+)\s*")
# Facts that other languages and programs have other words for; `attributes` knows the English ones.
_WORDS = {
    "abtastrate": "sample_rate",
    "abtastfrequenz": "sample_rate",
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

_LONGEST_FACT = 500  # characters


class Headings(Struct, frozen=True):
    """What stands above the rows of a table of n columns.

    Attributes
    ----------
    names : tuple of n str
        "" where a column has none; empty where none has.
    units : tuple of n (str or None)
    rate_hz, unit, start : optional
        Of the lines before.
    """

    names: tuple[str, ...]
    units: tuple[str | None, ...]
    rate_hz: float | None = None
    unit: str | None = None
    start: datetime | None = None


def read_headings(
    lines: Sequence[str], rows: Sequence[Sequence[str]], n_columns: int, *, where: str, pc: Any
) -> Headings:
    """Names, units and facts.

    Parameters
    ----------
    lines : sequence of str
        Those above the first row of numbers.
    rows : sequence of sequence of str
        The cells of each of them.
    n_columns : int
        Of the numbers below.
    where : str
        What messages call the file.
    pc : module
        ``pyarrow.compute``.

    Raises
    ------
    InputError
        If a row of numbers among them is damaged, or there are fewer or more names than columns.
    """
    cells = [_fitted(row, n_columns) for row in rows]
    named = [i for i, row in enumerate(cells) if row is not None and _are_names(row)]
    named = [i for i in named if not (n_columns <= 2 and _facts([lines[i]]))]
    names: tuple[str, ...] = ()
    units: tuple[str | None, ...] = (None,) * n_columns
    first = len(lines)
    if named:
        first = named[-1]
        row = cells[first]
        assert row is not None
        above = cells[first - 1] if first and first - 1 in named else None
        if above is not None and _are_units(row):
            units = tuple(cell.strip("[]() ") or None for cell in row)
            first, row = first - 1, above
        names = tuple(row)
        for i, found in enumerate(rows[first + 1 :], first + 1):
            if any(is_value(cell) for cell in found) and not COMMENT.match(lines[i]):
                raise InputError(
                    f"line {i + 1} of {where} is damaged: got {lines[i].strip()!r:.60}, expected "
                    f"a row of {n_columns} values"
                )
    elif _next_to_data(lines, rows, n_columns):
        listed = rows[_next_to_data(lines, rows, n_columns) - 1]
        raise InputError(
            f"the rows of {where} have {n_columns} values, but their header names {len(listed)}: "
            f"expected as many; decimal commas need semicolons or tabs between the columns"
        )
    facts = _facts(lines[:first])
    return Headings(names, units, rate_of(facts), unit_of(facts), _start(facts, pc))


def _fitted(row: Sequence[str], n: int) -> list[str] | None:
    """A row brought to n cells, where it only lacks or has too many empty ones."""
    cells = [re.sub(r"\s+", " ", cell.strip().strip('"').strip()) for cell in row]
    while len(cells) > n and not cells[-1]:
        cells.pop()
    if len(cells) == n:
        return cells
    # R leaves out the name of the row names; others end their rows with a delimiter.
    return None


def _are_names(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    if not filled or any(len(cell) > 200 for cell in filled):
        return False
    if are_column_numbers(row):
        return True
    return not any(is_value(cell) for cell in filled) and not all(map(is_missing, filled))


def are_column_numbers(row: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, ... or 1, 2, 3, ..., perhaps behind an empty one."""
    numbered = list(row[1:] if not row[0] else row)
    return len(row) > 1 and numbered in (
        [str(i) for i in range(len(numbered))],
        [str(i + 1) for i in range(len(numbered))],
    )


def _are_units(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell and cell != "-"]
    known = [cell for cell in filled if known_unit(cell) or time_unit(cell) is not None]
    bracketed = [cell for cell in filled if re.fullmatch(r"[(\[].*[)\]]", cell)]
    return bool(filled) and len(known) + len(set(bracketed) - set(known)) >= len(filled)


def _next_to_data(lines: Sequence[str], rows: Sequence[Sequence[str]], n: int) -> int:
    """1 + the index of a line of names of another number right above the numbers, or 0."""
    for i in reversed(range(len(lines))):
        if not lines[i].strip() or COMMENT.match(lines[i]):
            continue
        is_header = len(rows[i]) > 1 and not any(map(is_value, rows[i])) and not _facts([lines[i]])
        return i + 1 if is_header and len(rows[i]) != n else 0
    return 0


def _facts(lines: Sequence[str]) -> dict[str, Any]:
    """What lines like ``Sample rate: 25600 Hz``, ``# unit = g`` or ``Einheit;g`` state."""
    facts: dict[str, Any] = {}
    for line in lines:
        if len(line) > _LONGEST_FACT:
            continue
        bare = COMMENT.sub("", line, count=1) if COMMENT.match(line) else line
        found = re.match(r"\"?([^:=;,\t\"]{1,60}?)\"?\s*[:=;,\t]+(.*)", bare.strip())
        if not found:
            continue
        key, value = found[1].strip(), found[2].strip(' ",;\t')
        name = re.sub(r"[\s_]+", " ", re.sub(r"\s*[\[(].*", "", key).lower())
        unit = re.search(r"[\[(]\s*([^\])]+)", key)
        known = _WORDS.get(name)
        of_day = name in (*_DATES, *_TIMES)
        is_start = known == "start_time" or of_day or start_of({key: "2026-03-01T08:00:00"})
        if is_start and re.search(r"\d[-./: ]+\d", value):
            facts[name if of_day else "start_time"] = value
        if is_start:
            continue
        number = re.sub(r"(?<=\d),(?=\d)", ".", value.replace(";", " ").replace("\t", " "))
        number = re.sub(r"(?<=\d)[ ,]+(?=[A-Za-zµ])", " ", number)
        if known or rate_of({key: number}) or unit_of({key: value}):
            label = (
                f"{known}_{unit[1].strip().lower()}"
                if known and known != "unit" and unit
                else known
            )
            facts[label or key] = value if known == "unit" or unit_of({key: value}) else number
    return {
        key: value
        for key, value in facts.items()
        if key in (*_DATES, *_TIMES, "start_time")
        or rate_of({key: value}) is not None
        or unit_of({key: value})
    }


def _start(facts: Mapping[str, Any], pc: Any) -> datetime | None:
    whole = facts.get("start_time") or facts.get("start time")
    day = next((facts[key] for key in _DATES if key in facts), None)
    time = next((facts[key] for key in (*_TIMES, "start_time") if key in facts), None)
    for text in (f"{day} {time}" if day and time else None, whole, time, day):
        moment = parse_moment(text, pc) if text else None
        if moment is not None:
            return start_of({"start_time": moment})
    return None


def parse_moment(text: str, pc: Any) -> datetime | None:
    """The date and time that a text states, None where it states none or may mean two days."""
    iso = start_of({"start_time": text})
    if iso is not None:
        return iso
    try:
        form: TimeForm | None = time_form([text.strip()], day_first=False, column="start")
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
