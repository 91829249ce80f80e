"""Minutes rolled up to hours, and a figure over time from both."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.rows import FIGURES, Trend

HOUR: Final = 60  # minutes
_NAMED: Final[Mapping[str, str]] = {"line": "lines", "label": "labels"}


def roll_up(c: sqlite3.Connection, series: int, hour: int) -> None:
    """Write an hour from its minutes; a figure without a value has no row."""
    span = (series, hour * HOUR, (hour + 1) * HOUR)
    columns = ", ".join(f"min({f}), total({f}), count({f}), max({f})" for f in FIGURES)
    where = "FROM minute WHERE series = ? AND minute >= ? AND minute < ?"
    found = c.execute(f"SELECT {columns} {where}", span).fetchone()
    rows = [(f, *found[4 * i : 4 * i + 4]) for i, f in enumerate(FIGURES)]
    for kind, column in _NAMED.items():
        rows += c.execute(
            f"SELECT '{kind}:' || key, min(value), total(value), count(value), max(value) "  # noqa: S608
            "FROM minute, json_each(minute." + column + ") "
            "WHERE series = ? AND minute >= ? AND minute < ? GROUP BY key",
            span,
        ).fetchall()
    c.execute("DELETE FROM hour WHERE series = ? AND hour = ?", (series, hour))
    c.executemany(
        "INSERT INTO hour (series, figure, hour, low, total, minutes, high) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(series, figure, hour, *values) for figure, *values in rows if values[2]],
    )


def read_trend(
    c: sqlite3.Connection, series: int | None, figure: str, start: float, end: float, points: int
) -> Trend:
    """A figure from ``start`` to ``end``, Unix times in s, in at most ``points`` stretches.

    Raises
    ------
    InputError
        If nothing is called so.
    """
    column, arguments = _column(figure)
    first, last = math.floor(start / 60), math.ceil(end / 60)  # minutes, without the last
    width = max(1, math.ceil((last - first) / max(1, points - 1)))
    if width > HOUR // 4:  # more than three weeks of 2,000 points: reading minutes would take long
        width = math.ceil(width / HOUR) * HOUR
    if series is None:
        return _joined(figure, width, [])
    rolled, kept = c.execute("SELECT rolled, kept FROM series WHERE id = ?", (series,)).fetchone()
    # Hours where they are enough, or all there is.
    begin = math.ceil(first / HOUR)
    stop = max(begin, min(last, rolled * HOUR if width >= HOUR else kept) // HOUR)
    hours = c.execute(
        "SELECT hour * 60 / ?, min(low), total(total), sum(minutes), max(high) FROM hour "
        "WHERE series = ? AND figure = ? AND hour >= ? AND hour < ? GROUP BY 1",
        (width, series, figure, begin, stop),
    ).fetchall()
    minutes = [
        row
        for span in ((first, min(begin * HOUR, last)), (stop * HOUR, last))
        for row in c.execute(
            f"SELECT minute / ?, min(v), total(v), count(v), max(v) FROM (SELECT minute, {column} "  # noqa: S608 - our columns
            "AS v FROM minute WHERE series = ? AND minute >= ? AND minute < ?) "
            "WHERE v IS NOT NULL GROUP BY 1",
            (width, *arguments, series, *span),
        )
    ]
    return _joined(figure, width, [*hours, *minutes])


def _column(figure: str) -> tuple[str, tuple[str, ...]]:
    """The figure in SQL, with its arguments."""
    if figure in FIGURES:
        return figure, ()
    kind, _, name = figure.partition(":")
    if kind in _NAMED and name and not set(name) & {'"', "\\"}:
        return f"json_extract({_NAMED[kind]}, ?)", (f'$."{name}"',)
    raise InputError(
        f"got the figure {figure[:60]!r}: expected line:PLACE, label:CLASS, or one of "
        f"{', '.join(FIGURES)}"
    )


def _joined(figure: str, width: int, rows: list[tuple[Any, ...]]) -> Trend:
    if not rows:
        return Trend(figure=figure, width_s=60 * width, time=[], low=[], mean=[], high=[])
    table = np.array(rows, np.float64)
    stretches, at = np.unique(table[:, 0], return_inverse=True)
    n = len(stretches)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, at, table[:, 1])
    np.maximum.at(high, at, table[:, 4])
    mean = np.bincount(at, table[:, 2], n) / np.bincount(at, table[:, 3], n)
    return Trend(
        figure=figure,
        width_s=60 * width,
        time=(stretches * width * 60).tolist(),
        low=low.tolist(),
        mean=mean.tolist(),
        high=high.tolist(),
    )
