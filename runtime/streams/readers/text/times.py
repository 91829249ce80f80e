"""Dates and times as people and programs write them, told by a column's own cells.

ISO 8601 is left to Arrow. Of the others one pattern is found that all cells fit; where day and
month, or day and year, cannot be told apart, the column is refused with an example of what to
write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError

_NAMES = (
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    ["jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"],
    ["jan", "feb", "mrz", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"],
)
_MONTHS = {name: i + 1 for names in _NAMES for i, name in enumerate(names)}
_NAMED_MONTH = "(?P<name>" + "|".join(f"(?i:{name})" for name in _MONTHS) + r")[a-zä]{0,6}\.?"
_TWO = r"\d{1,2}"
_YEAR = r"(?P<year>\d{4}|\d\d)"
_DATES = (
    rf"(?P<year>\d{{4}})[-/.](?P<month>{_TWO})[-/.](?P<day>{_TWO})",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
    rf"(?P<day>{_TWO})\. ?(?P<month>{_TWO})\. ?{_YEAR}",
    rf"(?P<first>{_TWO})(?:/|-)(?P<second_>{_TWO})(?:/|-){_YEAR}",
    rf"(?P<day>{_TWO})[-./ ]{{0,2}}{_NAMED_MONTH}[-., /]{{0,2}}{_YEAR}",
    rf"{_NAMED_MONTH}[-., ]{{1,2}}(?P<day>{_TWO}),? {_YEAR}",
)
_FRACTION = r"(?:[.,:](?P<fraction>\d{1,9})\d*)?"
_CLOCKS = (
    rf"(?P<hour>\d{{1,3}}):(?P<minute>\d\d)(?::(?P<second>\d\d){_FRACTION})?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?",
    rf"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d){_FRACTION}",
    r"(?P<hour>\d\d)\.(?P<minute>\d\d)\.(?P<second>\d\d)",
    r"(?P<minute>\d{1,4}):(?P<second>\d\d)[.,](?P<fraction>\d{1,9})\d*",  # elapsed, as by Excel
)
_PACKED = r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?P<fraction>\d{3,9})"
# Hours that abbreviations of one meaning are ahead of UTC; EST, IST and others have several.
_ZONES = {"CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "WET": 0, "WEST": 1}
_ZONE = r"(?: ?(?P<zone>Z|z|(?:UTC|GMT)?[+-]\d\d?(?::?\d\d)?|UTC|GMT|" + "|".join(_ZONES) + "))?"
# Whatever other zone may stand behind a time, to be told from the cells beside it.
_OTHER_ZONE = re.compile(r" ?(?:[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)*|\[[A-Z][A-Za-z_/]+\])$")
_DAYS = r"(?:(?P<days>\d+) days?,? ?)?"  # elapsed, as pandas writes it
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:?\d\d|[+-]\d\d)?"
)
# What says that a day comes before its month: names of columns in languages that write so.
DAY_FIRST = re.compile(
    r"\s*(datum|zeit|uhrzeit|zeitstempel|zeitpunkt|heure|horodatage|fecha|hora)\b.*", re.IGNORECASE
)


class BadCellError(ValueError):
    """A cell does not hold what its column does; its row counts from the block's first."""

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row


class TimeForm(Struct, frozen=True):
    """How the times of a column are written.

    Attributes
    ----------
    pattern : str
        A regular expression of named groups, that all cells fit; empty for ISO 8601.
    has_date, has_time : bool
        Without a date they are times of day, or elapsed.
    utc : bool
        Whether they state a zone; they are read as UTC then.
    """

    pattern: str
    has_date: bool
    has_time: bool
    utc: bool


def is_iso(cell: str) -> bool:
    """Whether Arrow reads a cell as a time by itself."""
    return _ISO.fullmatch(cell) is not None


def looks_like_time(cell: str) -> bool:
    """Whether a cell may be a date or a time."""
    if not (cell[:1].isdigit() or cell[:3].lower() in _MONTHS):
        return False
    bare = _OTHER_ZONE.sub("", cell)
    return (
        is_iso(cell)
        or is_iso(bare)
        or any(pattern.fullmatch(each) for pattern in _COMPILED for each in {cell, bare})
    )


def time_form(cells: Sequence[str], *, day_first: bool, column: str) -> TimeForm | None:
    """How the times of a column are written, or None where its cells are none.

    Parameters
    ----------
    cells : sequence of str
        Some that are not missing, from all over the column.
    day_first : bool
        Whether something else says that a day comes before its month.
    column : str
        What messages call it.

    Raises
    ------
    InputError
        If a day cannot be told from a month, or from a year of two digits.
    """
    if not cells:
        return None
    iso = [_ISO.fullmatch(cell) for cell in cells]
    zones = {found["zone"] is None for found in iso if found}
    if all(iso) and len(zones) == 1:
        return TimeForm("", has_date=True, has_time=True, utc=zones == {False})
    for pattern, has_date, has_time in _FORMS:
        found = [re.fullmatch(pattern, cell) for cell in cells]
        matches = [each for each in found if each]
        if len(matches) < len(cells):
            continue
        utc = has_time and "(?P<zone>" in pattern and all(each["zone"] for each in matches)
        _check_year(pattern, matches, day_first, column)
        if "(?P<first>" in pattern:
            pattern = _day_and_month(pattern, matches, day_first, column)
        return TimeForm(pattern, has_date, has_time, utc)
    return None


def to_times(strings: Any, form: TimeForm, pc: Any) -> NDArray[Any]:
    """Times of an Arrow array of strings.

    Parameters
    ----------
    strings : pyarrow.Array of strings, shape (n,)
        Null where missing.
    form : TimeForm
        Not that of ISO 8601.
    pc : module
        ``pyarrow.compute``.

    Returns
    -------
    array, shape (n,)
        datetime64[ns], or without a date seconds as float64; NaT or NaN where missing.

    Raises
    ------
    BadCellError
        If one does not fit the form.
    """
    trimmed = pc.utf8_trim_whitespace(strings)
    fields = pc.extract_regex(trimmed, pattern=f"^(?:{form.pattern})$")
    missing = np.asarray(pc.is_null(strings))
    if not (np.asarray(pc.is_null(fields)) == missing).all():
        row = int(np.flatnonzero(np.asarray(pc.is_null(fields)) != missing)[0])
        raise BadCellError(row, str(strings[row]))
    names = {fields.type.field(i).name for i in range(fields.type.num_fields)}

    def numbers(name: str, default: int = 0) -> NDArray[np.int64]:
        if name not in names:
            return np.full(len(strings), default)
        texts = pc.fill_null(pc.struct_field(fields, name), "")
        digits = pc.replace_substring_regex(texts, "^$", str(default))
        return np.asarray(pc.cast(digits, "int64"))

    hours = numbers("hour")
    if "half" in names:
        half = pc.fill_null(pc.utf8_lower(pc.struct_field(fields, "half")), "")
        is_pm, is_am = np.asarray(pc.equal(half, "p")), np.asarray(pc.equal(half, "a"))
        hours = np.where(is_pm | is_am, hours % 12 + 12 * is_pm, hours)
    nanos = (hours * 60 + numbers("minute")) * 60 + numbers("second") + numbers("days") * 86400
    nanos *= 1_000_000_000
    if "fraction" in names:
        digits = pc.utf8_rpad(pc.fill_null(pc.struct_field(fields, "fraction"), ""), 9, "0")
        nanos += np.asarray(pc.cast(digits, "int64"))
    if not form.has_date:
        seconds: NDArray[np.float64] = np.where(missing, np.nan, nanos / 1e9)
        return seconds
    if "zone" in names:
        nanos = nanos - _offsets(fields, pc)
    if "name" in names:
        month = _named_months(fields, pc)
    else:
        month = numbers("month", 1)
    year = numbers("year", 1970)
    year = np.where(year < 100, year + np.where(year < 70, 2000, 1900), year)
    day = numbers("day", 1)
    months = (year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)
    days = months.astype("M8[D]") + (day - 1)
    is_real = (month >= 1) & (month <= 12) & (days.astype("M8[M]") == months)
    if not (is_real | missing).all():
        row = int(np.flatnonzero(~(is_real | missing))[0])
        raise BadCellError(row, str(strings[row]))
    times: NDArray[Any] = days.astype("M8[ns]") + nanos.astype("m8[ns]")
    times[missing] = np.datetime64("NaT")
    return times


def _forms() -> list[tuple[str, bool, bool]]:
    """Patterns with whether they have a date and a time, the most definite first."""
    plain, compact, dotted, elapsed = _CLOCKS
    with_time = [rf"{date}(?:[T_]|,? ?){plain}{_ZONE}" for date in _DATES[:1] + _DATES[2:]]
    forms = [(pattern, True, True) for pattern in with_time]
    forms += [(rf"{_DATES[1]}[T _-]?(?:{clock}){_ZONE}", True, True) for clock in (compact, plain)]
    forms += [(rf"{_DATES[1]}{_PACKED}", True, True), (rf"{_DATES[0]}\.{dotted}", True, True)]
    forms += [(date, True, False) for date in _DATES[:1] + _DATES[2:]]
    forms += [(rf"{_DAYS}{elapsed}", False, True), (rf"{_DAYS}{plain}{_ZONE}", False, True)]
    return forms


_FORMS = _forms()
_COMPILED = [re.compile(pattern) for pattern, *_ in _FORMS]


def _check_year(pattern: str, found: Sequence[re.Match[str]], day_first: bool, column: str) -> None:
    """Refuse numbers such as 26-03-04, of which the first or the last may be the year.

    Between dots the day comes first, where something else says so; a number above 31 is no day.
    """
    if _YEAR not in pattern or "(?P<name>" in pattern:
        return
    years = [each["year"] for each in found]
    is_dotted = "(?P<first>" not in pattern
    if all(len(year) == 4 for year in years) or max(map(int, years)) > 31:
        return
    if not (is_dotted and day_first):
        raise InputError(
            f"the years in column {column!r} have two digits, and may be days, such as "
            f"{found[0][0]!r}: write them with four, like 2026-03-01 08:00:00"
        )


def _day_and_month(
    pattern: str, found: Sequence[re.Match[str]], day_first: bool, column: str
) -> str:
    first = max(int(each["first"]) for each in found)
    second = max(int(each["second_"]) for each in found)
    if first <= 12 and second <= 12 and not day_first:
        example = found[0][0]
        raise InputError(
            f"the dates in column {column!r} may be read in two ways, such as {example!r}: write "
            f"the year first, like 2026-03-01 08:00:00, or the day with dots, like 01.03.2026"
        )
    is_day = first > 12 or (second <= 12 and day_first)
    names = ("day", "month") if is_day else ("month", "day")
    pattern = pattern.replace("(?P<first>", f"(?P<{names[0]}>")
    return pattern.replace("(?P<second_>", f"(?P<{names[1]}>")


def _offsets(fields: Any, pc: Any) -> Any:
    """Nanoseconds that the zones are ahead of UTC."""
    texts = pc.fill_null(pc.struct_field(fields, "zone"), "")
    encoded = texts.dictionary_encode()
    seconds = []
    for text in encoded.dictionary.to_pylist():
        found = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d\d?):?(\d\d)?", text)
        size = int(found[2]) * 3600 + int(found[3] or 0) * 60 if found else 0
        size = _ZONES.get(text, 0) * 3600 or size
        seconds.append(-size if found and found[1] == "-" else size)
    return np.array(seconds or [0], np.int64)[np.asarray(encoded.indices)] * 1_000_000_000


def _named_months(fields: Any, pc: Any) -> Any:
    encoded = pc.fill_null(pc.struct_field(fields, "name"), "jan").dictionary_encode()
    months = [_MONTHS[text.lower()] for text in encoded.dictionary.to_pylist()]
    return np.array(months or [1], np.int64)[np.asarray(encoded.indices)]
