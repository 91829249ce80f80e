"""What tables of every kind share: the columns a bundle names, and those that are left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.clock import find_clock, is_named_time
from dlrsd.runtime.streams.series import Series
from dlrsd.runtime.streams.source import Source, Variable
from dlrsd.runtime.streams.units import known_unit, time_unit

_UNITS = re.compile(r"(y[ _]?|eng\w*[ _]?)?(unit|units|uom|eu|einheit|unité|unidad)", re.IGNORECASE)
_TIME = re.compile(r"\s*(\d{4}-\d\d-\d\d|\d?\d[./]\d?\d[./]\d{4}|\d?\d:\d\d:\d\d)")


def by_bundle(variable: Variable) -> TypeGuard[Sequence[str]]:
    """Whether a bundle names the columns, and not a person."""
    return variable is not None and not isinstance(variable, str)


def unit_as_name(name: str) -> str | None:
    """The unit that a column's whole name is: ``g``, ``m/s2``, ``mV``; a letter alone is none."""
    unit = known_unit(name)
    return unit if len(name) > 1 or unit == "g" else None


def check_columns(columns: Sequence[str], wanted: Sequence[str], path: Path) -> None:
    """Raise an `InputError` where a table lacks columns that the bundle names."""
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputError(
            f"{path} lacks {', '.join(missing)} of the bundle's {len(wanted)} columns: it holds "
            f"{', '.join(columns)}; rename its columns, or name them as variable in that order"
        )


def refuse_left_out(left_out: Mapping[str, str], variable: Variable, path: Path) -> None:
    """Raise an `InputError` where a column that holds no numbers is asked for."""
    asked = variable.split(",") if isinstance(variable, str) else variable or ()
    for name in asked:
        if name.strip() in left_out:
            raise InputError(
                f"{path} has no series {name.strip()!r} of real numbers: that column holds "
                f"{left_out[name.strip()]}"
            )


def refuse_strange_times(examples: Mapping[str, str], path: Path) -> None:
    """Raise an `InputError` where a column of text is named like a time, or looks like one.

    Parameters
    ----------
    examples : mapping of str to str
        A cell of each column of text.
    path : Path
    """
    for name, example in examples.items():
        if (is_named_time(name) and re.search(r"\d", example)) or _TIME.match(example):
            raise InputError(
                f"the times in column {name!r} of {path} are not understood, such as "
                f"{example!r:.60}: write them like 2026-03-01 08:00:00.125, a zone like +01:00; "
                f"or name the channels as variable"
            )


def unit_beside(cells: Mapping[str, Sequence[str]], unit: str | None, path: Path) -> str | None:
    """The unit that a column of text says in each row, or `unit` where none does.

    Parameters
    ----------
    cells : mapping of str to sequence of str
        Some of each column of text.
    unit : str, optional
        What the file states elsewhere.
    path : Path

    Raises
    ------
    InputError
        If these differ.
    """
    texts = [each for name in cells if _UNITS.fullmatch(name.strip()) for each in cells[name]]
    said = {unit_as_name(text) or text for text in map(str.strip, texts) if text}
    if not any(map(unit_as_name, said)):  # unit 3 of a plant
        return unit
    units = said | ({unit} if unit else set())
    if len(units) > 1:
        raise InputError(
            f"{path} states several units, {', '.join(sorted(units))[:80]}: write the samples of "
            f"each unit into a file of its own"
        )
    return next(iter(units), None)


def refuse_lists(
    series: Sequence[Series], left_out: Mapping[str, str], variable: Variable, path: Path
) -> None:
    """Raise an `InputError` where all samples are in lists, beside row numbers at most."""
    lists = [name for name, what in left_out.items() if what == "lists"]
    if lists and variable is None and all(map(_is_clock, series)):
        raise InputError(
            f"{path} holds lists in {', '.join(lists)}, a window or a recording in each row: "
            f"expected a row for each sample; write each list as a recording of its own"
        )


def refuse_clock_alone(series: Sequence[Series], path: Path) -> None:
    """Raise an `InputError` where a table's only series is its clock: no channel was understood."""
    if len(series) == 1:
        only = series[0]
        is_time = only.is_date or is_named_time(only.name) or time_unit(only.unit) is not None
        if is_time and _is_clock(only):
            raise InputError(
                f"{path} holds no series of real numbers beside its clock {only.name!r}: expected "
                f"one for each channel"
            )


def note_left_out(
    source: Source,
    columns: Sequence[str],
    series: Sequence[Series],
    left_out: Mapping[str, str],
    variable: Variable,
    path: Path,
) -> None:
    """Say which columns are left out: those without numbers, or those a bundle does not name.

    Parameters
    ----------
    source : Source
        Takes the warning.
    columns : sequence of str
        All of the table.
    series : sequence of Series
        Those of numbers and times; clocks are of use, and are not said.
    left_out : mapping of str to str
        What the other columns hold.
    variable : Variable
        Of what a person chose, nothing is left out.
    path : Path
        What the warning calls the file.
    """
    if variable is None and left_out:
        source.warnings.append(
            f"columns of {path} that hold no numbers are left out: "
            + ", ".join(f"{name} ({what})" for name, what in left_out.items())
        )
    if not by_bundle(variable):
        return
    clocks = {each.name for each in series if each.is_date or _is_clock(each)}
    beside = [name for name in columns if name not in {*source.channel_names, *clocks}]
    if beside:
        source.warnings.append(
            f"columns of {path} that the bundle does not name are left aside: " + ", ".join(beside)
        )


def _is_clock(series: Series) -> bool:
    unit = series.unit if time_unit(series.unit) is not None else None
    return find_clock(series.name, series.head, unit=unit) is not None
