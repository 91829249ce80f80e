"""Rows of the files of a plant, fast where they are clean and patient where they are not; a grid.

Arrow converts a whole column at once, or refuses it for one bad field. So a file that it refuses
is read once more as text, and what does not read as a time or a number becomes missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from dlrsd.runtime.base.errors import InputError

STEP_S = 900  # one sample about every quarter of an hour

_YEAR = 366 * 24 * 3600
_NULLS = ["\\N", "", "NULL", "null", "NA", "NaN", "nan"]
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_TIME = r"^\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(\.\d*)?Z?\s*$"


class Rows(NamedTuple):
    """Readings of several units, in the order of their file."""

    units: tuple[str, ...]  # names, numbers by value
    unit: NDArray[np.int64]  # (rows,), into units
    seconds: NDArray[np.int64]  # (rows,), since 1970
    values: NDArray[np.floating]  # (values, rows), NaN where missing


def no_rows(n_values: int) -> Rows:
    """Of a file that is not there."""
    return Rows((), np.empty(0, int), np.empty(0, int), np.empty((n_values, 0)))


def read_rows(path: Path, names: Sequence[str], number: pa.DataType) -> tuple[Rows, dict[str, int]]:
    """Read rows of a unit's name, a time and values.

    Parameters
    ----------
    path : a CSV file without a header.
    names : of the values.
    number : their type, pyarrow's float32 or float64.

    Returns
    -------
    rows : those that have a name and a time.
    counts : ``rows``, ``unreadable_rows`` (another number of columns, no name or no time),
        ``null_values`` (``\\N``, nothing, or no number) and ``empty_files``.

    Raises
    ------
    InputError
        If rows are there and none can be read.
    """
    types = {"unit": pa.string(), "time": pa.timestamp("s")} | dict.fromkeys(names, number)
    table, unreadable = read_columns(path, types)
    if table is None:
        return no_rows(len(names)), {"empty_files": 1}
    n_rows = table.num_rows + unreadable
    whole = pc.and_(pc.is_valid(table["unit"]), pc.is_valid(table["time"]))
    if not pc.all(whole).as_py():
        table = table.filter(whole)
    if not table.num_rows:
        raise InputError(
            f"no row of {path} can be read: expected {len(types)} columns, the unit's name, "
            f"a time such as 2010-10-25 20:44:55, {', '.join(names)}"
        )
    encoded = table["unit"].dictionary_encode().combine_chunks()
    found = [str(name).strip() for name in encoded.dictionary.to_pylist()]
    units = sorted(set(found), key=natural)
    values = np.stack([table[name].to_numpy() for name in names])
    rows = Rows(
        tuple(units),
        np.array([units.index(name) for name in found])[encoded.indices.to_numpy()],
        table["time"].to_numpy().astype("M8[s]").astype(np.int64),
        values,
    )
    return rows, {
        "rows": n_rows,
        "unreadable_rows": n_rows - table.num_rows,
        "null_values": int((~np.isfinite(values)).sum()),
    }


def read_columns(path: Path, types: Mapping[str, pa.DataType]) -> tuple[pa.Table | None, int]:
    """Read a CSV file without a header as columns of these types, null where a field is not.

    Returns
    -------
    table : None of a file without rows.
    unreadable : rows with another number of columns.

    Raises
    ------
    InputError
        If every row has another number of columns.
    """
    widths: Counter[int] = Counter()

    def skip(row: Any) -> str:
        widths[row.actual_columns] += 1
        return "skip"

    def read(column_types: Mapping[str, pa.DataType], encoding: str) -> pa.Table:
        widths.clear()
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=list(types), encoding=encoding),
            parse_options=csv.ParseOptions(invalid_row_handler=skip),
            convert_options=csv.ConvertOptions(
                column_types=column_types, null_values=_NULLS, strings_can_be_null=True
            ),
        )

    try:
        try:
            table = read(types, "utf8")
        except pa.ArrowInvalid:
            # In this encoding every byte is a character.
            text = read(dict.fromkeys(types, pa.string()), "latin-1")
            table = pa.table({name: _converted(text[name], to) for name, to in types.items()})
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return None, 0
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is no CSV file ({reason:.120})") from error
    if not table.num_rows and widths:
        raise InputError(
            f"the rows of {path} have {widths.most_common(1)[0][0]} columns: expected "
            f"{len(types)} ({', '.join(types)}), and no header"
        )
    return (table if table.num_rows else None), widths.total()


def fit_grid(seconds: NDArray[np.int64]) -> tuple[int, int]:
    """First second and number of slots of the grid that fits most times."""
    if not seconds.size:
        return 0, 0
    # The phase of the polling, to the minute: a grid beside it would tear neighbours apart.
    angle = np.angle(np.exp(2j * np.pi * (seconds % STEP_S) / STEP_S).mean())
    phase = round(angle / (2 * np.pi) * STEP_S / 60) * 60
    slots = np.unique((seconds - phase + STEP_S // 2) // STEP_S)
    breaks = np.flatnonzero(np.diff(slots) * STEP_S > _YEAR) + 1
    main = max(np.split(slots, breaks), key=len)
    return int(main[0]) * STEP_S + phase, int(main[-1] - main[0]) + 1


def fill_grid(rows: Rows, start: int, n: int, report: Counter[str]) -> NDArray[np.floating]:
    """Values on a grid, shape (units * values, n); counts ``stray_times``, ``duplicate_slots``."""
    slot = (rows.seconds - start + STEP_S // 2) // STEP_S
    inside = (slot >= 0) & (slot < n)
    report["stray_times"] += int((~inside).sum())
    taken = np.zeros((len(rows.units), n), bool)
    taken[rows.unit[inside], slot[inside]] = True
    report["duplicate_slots"] += int(inside.sum() - taken.sum())
    grid = np.full((len(rows.units), len(rows.values), n), np.nan, rows.values.dtype)
    for index, values in enumerate(rows.values):
        there = inside & np.isfinite(values)
        grid[rows.unit[there], index, slot[there]] = values[there]  # the last of equals stays
    return grid.reshape(len(rows.units) * len(rows.values), n)


def natural(text: str) -> list[Any]:
    """A key that sorts plant_2 before plant_10, and numbers before names."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def _converted(column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_string(to):
        return column
    if pa.types.is_timestamp(to):
        parts = pc.replace_substring_regex(column, _TIME, r"\1 \2\3")
        short = pc.match_substring_regex(parts, r"^\S+ \d\d:\d\d$")
        parts = pc.if_else(short, pc.binary_join_element_wise(parts, ":00", ""), parts)
        return pc.strptime(parts, "%Y-%m-%d %H:%M:%S", unit=to.unit, error_is_null=True)
    number = pc.match_substring_regex(column, _NUMBER)
    clean = pc.utf8_trim_whitespace(column)
    return pc.if_else(number, clean, pa.scalar(None, pa.string())).cast(to)
