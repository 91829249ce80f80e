"""Long tables: a row for each sensor and time, with a column that tells the sensors apart.

Read as it stands, such a table blends its sensors into one channel, or halves its rate.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.counters import is_named_counter

_ROWS_EACH = 4  # of a name, on average: else they are remarks, or row names
_STANDS = 0.25  # share of steps at which the time of a long table stands still, at least
_ALTERNATES = 0.25  # share of steps at which another sensor comes
_MOSTLY = 0.95
_MOST_NAMES = 64  # that come in no order
_LONGEST_PERIOD = 15  # integers that go through more in turn are row numbers that begin anew
_BLOCKS = 0.01  # share of steps at which another sensor comes, at most, of one after the other
_OF_SENSORS = re.compile(
    r"(sensor|channel|device|node|accelerometer|kanal|ger(ä|ae)t|bearing|axis|achse|capteur)"
    r"([ _.-]*(id|no|nr|num|number|name|index|serial))?\.?",
    re.IGNORECASE,
)
_MOST_LISTED = 5
_NUMBERS_OF_SENSORS = ("id", "no", "nr", "num", "number", "n", "i", "index")


class Labels(Struct, frozen=True):
    """A column that may tell sensors apart.

    Attributes
    ----------
    codes : array of int, shape (n,)
        Of some rows, in the order of the file; the same where the column holds the same.
    names : sequence
        What the column holds, by code.
    is_text : bool
    """

    codes: NDArray[Any]
    names: Sequence[Any]
    is_text: bool = True


def refuse_long_table(
    name: str, labels: Labels, times: Sequence[NDArray[Any]], path: Path, *, is_chosen: bool
) -> None:
    """Raise an `InputError` where a column tells sensors apart.

    Parameters
    ----------
    name : str
        Of the column.
    labels : Labels
    times : sequence of arrays, each of shape (n,)
        Columns that may be times, of the same rows.
    path : Path
        What the message calls the file.
    is_chosen : bool
        Whether someone names the channels; text that alternates anyhow is no evidence then.
    """
    codes, n_names = labels.codes, len(labels.names)
    if not 2 <= n_names <= len(codes) / _ROWS_EACH:
        return
    turns = labels.is_text or n_names <= _LONGEST_PERIOD
    is_proven = any(_shares_times(codes, time) or _begins_anew(codes, time) for time in times)
    is_proven = is_proven or (turns and _takes_turns(codes, n_names))
    is_named = _OF_SENSORS.fullmatch(name.strip()) and (np.diff(codes) != 0).mean() <= _BLOCKS
    is_likely = is_named or (labels.is_text and _alternates(codes, n_names))
    if is_proven or (is_likely and not is_chosen):
        way_out = "take the column out" if is_proven else "name the channels as variable"
        listed = ", ".join(map(str, labels.names[:_MOST_LISTED]))
        more = ", ..." if n_names > _MOST_LISTED else ""
        raise InputError(
            f"column {name!r} of {path} holds {n_names} names ({listed:.80}{more}), as that of a "
            f"table with a row for each sensor and time: write a column for each sensor, or a file "
            f"for each; if it tells no sensors apart, {way_out}"
        )


def refuse_numbered_sensors(
    heads: Mapping[str, NDArray[Any]], asked: Container[str], path: Path, *, is_chosen: bool
) -> None:
    """Raise an `InputError` where one of several series of numbers tells sensors apart.

    Parameters
    ----------
    heads : mapping of str to array, shape (n,)
        The first values of each series, of the same rows.
    asked : container of str
        Series that someone takes for channels.
    path : Path
    is_chosen : bool
        As in `refuse_long_table`.
    """
    times = times_among(heads)
    for name, head in heads.items():
        if name not in asked and may_be_labels(head, name):
            others = [time for key, time in times.items() if key != name and len(time) == len(head)]
            labels = labels_of(head, is_text=False)
            refuse_long_table(name, labels, others, path, is_chosen=is_chosen)


def times_among(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those that fall seldom enough to be times of a long table."""
    found = {}
    for name, array in arrays.items():
        falls = _steps(array) < 0
        if len(falls) and falls.mean() < _STANDS:
            found[name] = array
    return found


def labels_of(values: NDArray[Any], *, is_text: bool) -> Labels:
    """The labels that texts, or integers, are."""
    names, codes = np.unique(values if is_text else values.astype(np.int64), return_inverse=True)
    return Labels(codes, names.tolist(), is_text)


def may_be_labels(values: NDArray[Any], name: str) -> bool:
    """Whether numbers are integers of which each comes several times, and not named as counts."""
    if is_named_counter(name) and name.strip(" .").lower() not in _NUMBERS_OF_SENSORS:
        return False
    if values.dtype.kind not in "iuf" or not (values == np.rint(values)).all():
        return False
    are_exact = bool((np.abs(values) < 2**53).all())
    return are_exact and len(np.unique(values)) <= len(values) / _ROWS_EACH


def _shares_times(codes: NDArray[Any], times: NDArray[Any]) -> bool:
    """Whether several rows have one time, each of them another of the same names."""
    steps = _steps(times)
    stands = steps == 0
    if stands.mean() < _STANDS or (steps > 0).sum() < _ROWS_EACH or (steps < 0).any():
        return False
    groups = np.concatenate([[0], np.cumsum(~stands)])
    pairs = np.unique(np.stack([groups, codes]), axis=1).shape[1]
    n_names, n_each = len(np.unique(codes)), float(np.median(np.bincount(groups.astype(int))))
    return bool(pairs > _MOSTLY * len(codes) and n_each > n_names / 2)


def _begins_anew(codes: NDArray[Any], times: NDArray[Any]) -> bool:
    """Whether the times begin anew with another name, and only then."""
    steps = _steps(times)
    falls, changes = steps < 0, np.diff(codes) != 0
    is_rising = (steps > 0).mean() > 1 / 2 and falls.mean() < _STANDS
    only_then = changes.sum() <= 2 * falls.sum()
    return bool(is_rising and falls.any() and changes[falls].all() and only_then)


def _takes_turns(codes: NDArray[Any], period: int) -> bool:
    """Whether the names come in turn: a, b, c, a, b, c."""
    again = (codes[period:] == codes[:-period]).mean()
    changes = (np.diff(codes) != 0).mean()
    return bool(min(again, changes) > _MOSTLY and len(np.unique(codes[:period])) == period)


def _alternates(codes: NDArray[Any], n_names: int) -> bool:
    return n_names <= _MOST_NAMES and bool((np.diff(codes) != 0).mean() > _ALTERNATES)


def _steps(times: NDArray[Any]) -> NDArray[Any]:
    known = times.astype("M8[ns]").astype(np.int64) if times.dtype.kind == "M" else times
    return np.diff(known)
