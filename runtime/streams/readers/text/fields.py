"""Columns of a table, as Arrow has read them, to the values of a series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.streams.readers.text.cells import Column
from dlrsd.runtime.streams.readers.text.times import to_times

_DAY_S = 86400.0

# Columns of one block, as Arrow has them, to the values of a series.
Make = Callable[[Sequence[Any]], NDArray[Any]]


class Field(Struct, frozen=True):
    """A series that some columns of a table make.

    Attributes
    ----------
    name : str
    columns : tuple of int
    make : function
        Of these columns, to an array of shape (n,).
    unit : str, optional
    utc : bool
    wraps : bool
        Whether it is a time of day, that begins anew at midnight.
    """

    name: str
    columns: tuple[int, ...]
    make: Make
    unit: str | None = None
    utc: bool = False
    wraps: bool = False


def number_maker(column: Column, pc: Any) -> Make:
    """What makes numbers of a column, whether Arrow has read it as such or as text."""

    def make(columns: Sequence[Any]) -> NDArray[Any]:
        values = columns[0]
        if str(values.type) in ("string", "large_string"):
            values = pc.utf8_trim_whitespace(values)
            for pattern, replacement in column.rewrites:
                values = pc.replace_substring_regex(values, pattern, replacement)
            if column.decimal == ",":
                values = pc.replace_substring(values, ",", ".")
            values = pc.cast(values, "float64")
        numbers: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return numbers

    return make


def label_maker(columns: Sequence[Any]) -> NDArray[Any]:
    """What text columns hold, as text; "" where missing."""
    return np.asarray(columns[0].fill_null("").to_numpy(zero_copy_only=False))


def time_maker(column: Column, pc: Any) -> Make:
    """What makes times of a column: datetime64[ns], or without a date seconds."""
    form = column.form
    assert form is not None  # noqa: S101 - for type checkers

    def make(columns: Sequence[Any]) -> NDArray[Any]:
        if form.pattern:
            return to_times(columns[0], form, pc)
        times: NDArray[Any] = columns[0].to_numpy(zero_copy_only=False)
        return times.astype("datetime64[ns]")

    return make


class Midnights:
    """Times of day that go on past midnight."""

    def __init__(self) -> None:
        self._last = np.nan
        self._days = 0.0

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        steps = np.diff(seconds, prepend=seconds[0] if np.isnan(self._last) else self._last)
        past = self._days + np.cumsum(steps < -_DAY_S / 2)
        self._last, self._days = float(seconds[-1]), float(past[-1])
        unwrapped: NDArray[np.float64] = seconds + past * _DAY_S
        return unwrapped
