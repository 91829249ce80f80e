"""Numbers of a table that may be read in two ways: they are refused where nothing decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, pairwise, takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.counters import is_named_counter
from dlrsd.runtime.streams.readers.columns import unit_as_name
from dlrsd.runtime.streams.readers.text.cells import is_missing
from dlrsd.runtime.streams.units import time_unit_in, unit_in

_MOST_FACTS = 10  # numbers above a column
_ENOUGH = 8  # different numbers
_BEYOND = 10  # times the samples
_WHOLE = re.compile(r"[1-9]\d{1,17}")
_HOURS_MINUTES_SECONDS = re.compile(r"([01]\d|2[0-3])[0-5]\d[0-5]\d(\.?\d{3}|\.?\d{6}|\.\d*)")


def is_one_column(rows: Sequence[Sequence[str]], body: Sequence[str]) -> bool:
    """Whether pairs of integers between commas are numbers with decimal commas.

    Raises
    ------
    InputError
        If they may be either.
    """
    pairs = [row for row in rows if len(row) == 2]
    seconds = [second for _, second in pairs]
    if len(pairs) < len(rows) or not all(
        re.fullmatch(r"[+-]?\d+", first) and re.fullmatch(r"\d+(e[+-]?\d+)?", second, re.IGNORECASE)
        for first, second in pairs
    ):
        return False
    if any(len(second) > 1 and second[0] == "0" for second in seconds):
        return True
    header = [line for line in body if not re.search(r"\d", line)]
    if header:
        return "," not in header[-1]
    if all(len(second) == 1 for second in seconds):
        raise InputError(
            f"rows like {','.join(pairs[0])} may be one column with decimal commas or two of "
            f"integers: write a header line, or decimal points"
        )
    return False


def refuse_decimal_commas(rows: Sequence[Sequence[str]]) -> None:
    """Refuse rows such as ``0,000039,0,123456``, without names, whose commas may be decimal ones.

    A zero in front of other digits, and no point anywhere, tell that.
    """
    if any("." in cell for row in rows for cell in row):
        return
    columns = list(zip(*rows, strict=True))
    for before, behind in pairwise(columns):
        digits = all(re.fullmatch(r"\d+([eE][+-]?\d+)?", cell) for cell in behind)
        padded = any(re.match(r"0\d", cell) for cell in behind)
        if digits and padded and all(re.fullmatch(r"[+-]?\d+", cell) for cell in before):
            raise InputError(
                f"rows like {','.join(rows[0])[:60]} may hold decimal commas or integers: write "
                f"decimal points, or semicolons between the columns, or a header line"
            )


def refuse_bare_facts(rows: Sequence[Sequence[str]]) -> None:
    """Refuse rows of integers, far beyond all the decimal numbers behind them.

    Some programs write the rate and the number of samples there.
    """
    begun = list(dropwhile(lambda row: not any(map(_is_number, row)), rows))  # behind names
    first = list(takewhile(lambda row: all(map(_WHOLE.fullmatch, row)), begun))
    behind = begun[len(first) :]
    if not 0 < len(first) <= min(_MOST_FACTS, len(behind) - 1):
        return
    if all(map(_are_beyond, zip(*first, strict=False), zip(*behind, strict=False))):
        facts = ", ".join(cell for row in first for cell in row)
        raise InputError(
            f"its numbers begin with {facts:.60}, far beyond those behind, and so no samples: "
            f"write what they are in front of them, such as Fs: 25600, or take them out"
        )


def _are_beyond(facts: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether integers are far beyond numbers, most of them with decimals."""
    numbers = [float(cell.replace(",", ".")) for cell in cells if _is_number(cell)]
    decimals = [cell for cell in cells if re.search(r"[.,]\d|\d[eE]", cell)]
    largest = max(map(abs, numbers), default=0)
    return 2 * len(decimals) > len(numbers) and min(map(int, facts)) > _BEYOND * largest


def refuse_packed_times(cells: Sequence[str], name: str) -> None:
    """Refuse a column that rises and may be times of day without colons, such as 100058.999.

    As seconds, each full minute would be a gap of 40. A name or unit that says a unit decides.
    """
    known = [cell.replace(",", ".") for cell in cells if not is_missing(cell)]
    if not known or not all(map(_HOURS_MINUTES_SECONDS.fullmatch, known)) or _has_unit(name):
        return
    if "." not in known[0] and not (is_named_time(name) or name.isdigit()):
        return  # row numbers, counters: `refuse_packed_numbers`
    if len(set(known)) > 1 and all(float(a) <= float(b) for a, b in pairwise(known)):
        raise _packed(name, cells[0])


def refuse_packed_numbers(looks: Sequence[NDArray[Any]], name: str) -> None:
    """Refuse a column, by any name, whose rising numbers all are hours, minutes and seconds.

    They are where they pass a minute without a second above 59; or, with milli- or microseconds
    and not named as row numbers are, where they are integers of so many digits.

    Parameters
    ----------
    looks : sequence of arrays, each of shape (n,)
        Rows that follow each other.
    name : str
        Of the column. One that says a unit decides.
    """
    if _has_unit(name) or any(each.dtype.kind not in "iuf" for each in looks):
        return
    rises = [each[np.isfinite(each)].astype(float) for each in looks]
    known = np.concatenate(rises)
    if len(np.unique(known)) < _ENOUGH or known.min() < 0:
        return
    if any((np.diff(each) < 0).any() for each in rises):
        return
    for parts in (1.0, 1e3, 1e6):  # of a second
        clock = known / parts
        second, minute, hour = clock % 100, clock // 100 % 100, clock // 10_000
        if (second >= 60).any() or (minute >= 60).any() or (hour >= 24).any():
            continue
        minutes, seconds = np.unique(clock // 100), np.unique(clock // 1)
        passes = len(minutes) > 1 and (
            len(seconds) >= _ENOUGH or any(_skips_seconds(each / parts) for each in rises)
        )
        is_long = parts > 1 and hour.min() >= 1 and (known == np.rint(known)).all()
        if passes or (is_long and not is_named_counter(name)):
            raise _packed(name, f"{known[0]:.15g}")


def _skips_seconds(clock: NDArray[np.float64]) -> bool:
    """Whether times like 95959 and 100000 follow each other, a second or less apart."""
    seconds = clock % 100 + clock // 100 % 100 * 60 + clock // 10_000 * 3600
    return bool(((np.diff(clock // 100) > 0) & (np.diff(seconds) <= 1)).any())


def _has_unit(name: str) -> bool:
    return bool(time_unit_in(name) is not None or unit_as_name(name) or unit_in(name))


def _packed(name: str, cell: str) -> InputError:
    return InputError(
        f"the times in column {name!r} may be hours, minutes and seconds or one number, such as "
        f"{cell}: write them like 10:00:58.999, or name a unit, like {name} (s)"
    )


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", cell) is not None
