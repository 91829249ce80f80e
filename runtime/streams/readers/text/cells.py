"""What the cells of a column of text hold: numbers, times, or something else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.text.times import TimeForm, looks_like_time, time_form
from dlrsd.runtime.streams.units import known_unit, time_unit

MISSING = (
    *("", "nan", "NaN", "NAN", "-nan", "-NaN", "null", "NULL", "Null", "none", "None", "NA", "N/A"),
    *("n/a", "#N/A", "#NA", "#N/A N/A", "<NA>", "NaT", r"\N", "1.#IND", "-1.#IND", "1.#QNAN"),
    *("-1.#QNAN", "1.#INF", "-1.#INF", "-", "--", "---", "#DIV/0!", "#NV", "#VALUE!", "?"),
)
_IS_MISSING = frozenset(MISSING)
_MINUS = "\u2212"  # as word processors write it
_LONGEST = 80  # characters of a number or a time
Kind = Literal["number", "time", "complex", "text", "empty"]

_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?[iI]nf(inity)?")
_LONG = re.compile(r"[+-]?\d{16,18}|\d{19}")
# 20260314100058.123 is a time, and no number.
_PACKED = re.compile(
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d"
    r"([.,]?\d{3,9}|[.,]\d{1,2})?"
)
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
_FORTRAN = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)[dD][+-]?\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,'’ \xa0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?")
_MAY_BE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_MAY_BE_GERMAN = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_BELOW_THOUSAND = re.compile(r"[+-]?\d{1,3}")
_WITH_UNIT = re.compile(
    r"([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?) ?([^\d\s.,+-][^\d\s]*\d?)"
)
_SOME = r"[+-]?(?:\d+\.?\d*|\.\d+|nan|inf)(?:[eE][+-]?\d+)?"
_COMPLEX = re.compile(rf"\(?\s*{_SOME}\s*[+-]\s*{_SOME[5:]}\s*\*?[ij]\s*\)?|{_SOME}\s*\*?[ij]")


class Column(Struct, frozen=True):
    """What a column holds.

    Attributes
    ----------
    kind : str
    decimal : str
        "." or ",".
    rewrites : tuple of (regular expression, replacement)
        What makes of its cells numbers as Arrow reads them.
    unit : str, optional
        As it stands in every cell.
    form : TimeForm, optional
        Of times.
    is_long : bool
        Whether its numbers are integers that a float cannot hold.
    """

    kind: Kind
    decimal: str = "."
    rewrites: tuple[tuple[str, str], ...] = ()
    unit: str | None = None
    form: TimeForm | None = None
    is_long: bool = False


def is_missing(cell: str) -> bool:
    return cell.strip() in _IS_MISSING


def is_value(cell: str) -> bool:
    """Whether a cell holds a number or a time."""
    if len(cell) > _LONGEST or _POINT.fullmatch(cell):
        return len(cell) <= _LONGEST
    cell = cell.replace(_MINUS, "-")
    return bool(
        _POINT.fullmatch(cell)
        or _COMMA.fullmatch(cell)
        or _FORTRAN.fullmatch(cell)
        or _GROUPED.fullmatch(cell)
        or _is_quantity(cell)
        or _COMPLEX.fullmatch(cell)
        or looks_like_time(cell)
    )


def proves_decimal_comma(cell: str) -> bool:
    """Whether the comma of a cell stands before decimals, and cannot stand between thousands."""
    return bool(_COMMA.fullmatch(cell)) and not _MAY_BE_THOUSANDS.fullmatch(cell)


def may_be_thousands(cells: Sequence[str]) -> bool:
    """Whether all points of a column may stand between thousands, such as in 4.066."""
    known = [cell.replace(_MINUS, "-") for cell in cells if not is_missing(cell)]
    pointed = sum(bool(_MAY_BE_GERMAN.fullmatch(cell)) for cell in known)
    bare = sum(bool(_BELOW_THOUSAND.fullmatch(cell)) for cell in known)
    return pointed > 0 and pointed + bare == len(known)


def check_thousands(cells: Sequence[str], *, comma_is_decimal: bool, name: str) -> None:
    """Refuse numbers whose points stand between thousands, or may do so: 754 beside 4.066.

    They may if `may_be_thousands` and there are numbers below thousand without a point beside
    them, or decimal commas elsewhere.
    """
    known = [cell for cell in cells if not is_missing(cell)]
    if may_be_thousands(known) and (comma_is_decimal or any("." not in cell for cell in known)):
        raise _thousands(name, next(cell for cell in known if "." in cell))


def column_of(
    cells: Sequence[str], *, day_first: bool, comma_is_decimal: bool, name: str
) -> Column:
    """What a column holds, by some of its cells.

    A column in which at least half of the cells are numbers, or times, is one of them; the others
    are damaged, and whoever reads it finds them.

    Raises
    ------
    InputError
        If its numbers are grouped by thousands, or may be read in two ways.
    """
    known = [cell for cell in cells if not is_missing(cell)]
    if not known:
        return Column("empty")
    if all(map(_PACKED.fullmatch, known)):
        packed = time_form(known, day_first=day_first, column=name)
        if packed is not None:
            return Column("time", form=packed)
    if all(map(_POINT.fullmatch, known)):
        return Column("number", is_long=all(map(_LONG.fullmatch, known)))
    if any(_MINUS in cell for cell in known):
        plain = column_of(
            [cell.replace(_MINUS, "-") for cell in known],
            day_first=day_first,
            comma_is_decimal=comma_is_decimal,
            name=name,
        )
        return structs.replace(plain, rewrites=((_MINUS, "-"), *plain.rewrites))
    points = [cell for cell in known if _POINT.fullmatch(cell)]
    commas = [cell for cell in known if _COMMA.fullmatch(cell)]
    grouped = [
        cell
        for cell in known
        if _GROUPED.fullmatch(cell) and not (_POINT.fullmatch(cell) or _COMMA.fullmatch(cell))
    ]
    enough = (len(known) + 1) // 2
    if grouped and len(points) + len(commas) + len(grouped) >= enough:
        raise _thousands(name, grouped[0])
    if len(points) + len(commas) >= enough:
        if not commas:
            return Column("number", is_long=all(map(_LONG.fullmatch, points)))
        return _of_commas(name, points, commas, comma_is_decimal)
    if sum(bool(_FORTRAN.fullmatch(cell)) for cell in known) + len(points) >= enough:
        decimal = "," if any("," in cell for cell in known) else "."
        return Column("number", decimal=decimal, rewrites=(("[dD]", "e"),))
    if sum(bool(_COMPLEX.fullmatch(cell)) for cell in known) >= enough:
        return Column("complex")
    if sum(_is_quantity(cell) for cell in known) >= enough:
        return _of_quantities(known)
    likely = [cell for cell in known if looks_like_time(cell)]
    if len(likely) >= enough:
        form = time_form(likely, day_first=day_first, column=name)
        if form is not None:
            return Column("time", form=form)
        return _most_frequent_form(likely, day_first, name)
    return Column("text")


def _of_commas(
    name: str, points: Sequence[str], commas: Sequence[str], comma_is_decimal: bool
) -> Column:
    if any("." in cell for cell in points):
        pointed = next(cell for cell in points if "." in cell)
        raise InputError(
            f"column {name!r} holds numbers like {commas[0]} and like {pointed}: expected one "
            f"decimal mark; save it with one"
        )
    if not comma_is_decimal and all(_MAY_BE_THOUSANDS.fullmatch(cell) for cell in commas):
        raise _thousands(name, commas[0])
    return Column("number", decimal=",")


def _thousands(name: str, cell: str) -> InputError:
    return InputError(
        f"column {name!r} holds numbers such as {cell}, with marks between thousands, or what may "
        f"be such: save it without them, and with decimal points"
    )


def _is_quantity(cell: str) -> bool:
    found = _WITH_UNIT.fullmatch(cell)
    return bool(found and (known_unit(found[2]) or time_unit(found[2])))


def _of_quantities(cells: Sequence[str]) -> Column:
    found = [each for cell in cells if (each := _WITH_UNIT.fullmatch(cell))]
    unit, _ = Counter(each[2] for each in found).most_common(1)[0]
    decimal = "," if any("," in each[1] for each in found) else "."
    rewrites = ((rf" ?{re.escape(unit)}$", ""),)
    return Column("number", decimal=decimal, rewrites=rewrites, unit=unit)


def _most_frequent_form(cells: Sequence[str], day_first: bool, name: str) -> Column:
    """Of cells of several forms: that of the most; the others are found when they are read."""
    for some in (cells[:1], cells[-1:], cells[len(cells) // 2 :][:1]):
        form = time_form(some, day_first=day_first, column=name)
        if form is None:
            continue
        fitting = [c for c in cells if form.pattern and re.fullmatch(form.pattern, c)]
        if 2 * len(fitting) >= len(cells):
            return Column("time", form=time_form(fitting, day_first=day_first, column=name))
    return Column("text")
