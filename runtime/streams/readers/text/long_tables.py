"""Long tables: a row for each sensor and time, with a column that tells the sensors apart.

Read as it stands, such a table blends its sensors into one channel, or halves its rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.text.dialect import Dialect, split
from dlrsd.runtime.streams.readers.text.fields import Field, label_maker
from dlrsd.runtime.streams.readers.text.lines import TextFile
from dlrsd.runtime.streams.readers.text.rows import RowReader
from dlrsd.runtime.streams.series import asked_names
from dlrsd.runtime.streams.source import Variable

_ROWS_EACH = 4  # of a name, on average: else they are remarks, or row names
_STANDS = 0.25  # share of steps at which the time of a long table stands still, at least
_ALTERNATES = 0.25  # share of steps at which another sensor comes
_MOSTLY = 0.95
_LONGEST_PERIOD = 15  # integers that go through more in turn are row numbers that begin anew
_MOST_LISTED = 5
_HEAD, _PLACES = 1 << 14, 17  # rows; of 4 KiB each


def check_long_table(
    file: TextFile,
    dialect: Dialect,
    names: Sequence[str],
    heads: Sequence[tuple[Field, NDArray[Any]]],
    variable: Variable,
) -> None:
    """Raise an `InputError` where a column of a file tells sensors apart.

    Its first rows are looked at, and rows at places all over it.
    """
    asked = asked_names(variable)
    whole = {field.name for field, head in heads if len(field.columns) == 1 and _are_integers(head)}
    texts = [
        Field(name, (i,), label_maker)
        for i, name in enumerate(names)
        if dialect.columns[i].kind == "text" and name not in asked
    ]
    fields = [structs.replace(field, wraps=False) for field, _ in heads]
    for rows in (file, *([] if file.is_whole else [_Places(file, dialect)])):
        reader = RowReader(rows, dialect.delimiter, dialect.columns, names)
        first = dialect.first_line if rows is file else 0
        try:
            arrays = next(reader.arrays([*texts, *fields], first), None)
        except InputError:  # damage is found, or not asked for, when the file is read
            arrays = None
        if arrays is None:
            continue
        arrays = [each[:_HEAD] for each in arrays]
        numbers = dict(zip((field.name for field in fields), arrays[len(texts) :], strict=True))
        labels = {
            text.name: _labels(array, is_text=True)
            for text, array in zip(texts, arrays, strict=False)
        }
        labels |= {
            name: _labels(array, is_text=False)
            for name, array in numbers.items()
            if name in whole - asked
        }
        for name, each in labels.items():
            times = [array for other, array in numbers.items() if other != name]
            refuse_long_table(name, each, times, file.path, is_chosen=variable is not None)


class _Places:
    """Rows at some places of a file, as `RowReader` takes them."""

    def __init__(self, file: TextFile, dialect: Dialect) -> None:
        self.path = file.path
        n = len(dialect.columns)
        lines = (line for place in file.places(_PLACES)[1:] for line in place)
        self._lines = [line for line in lines if len(split(line, dialect.delimiter)) == n]

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        yield "".join(f"{line}\n" for line in self._lines).encode(), True

    def line_number(self, block: int, line: int) -> int:
        return line + 1


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
    if (
        any(_shares_times(codes, time) or _begins_anew(codes, time) for time in times)
        or (turns and _takes_turns(codes, n_names))
        or (labels.is_text and not is_chosen and (np.diff(codes) != 0).mean() > _ALTERNATES)
    ):
        listed = ", ".join(map(str, labels.names[:_MOST_LISTED]))
        more = ", ..." if n_names > _MOST_LISTED else ""
        raise InputError(
            f"column {name!r} of {path} holds {n_names} names ({listed:.80}{more}), as that of a "
            f"table with a row for each sensor and time: write a column for each sensor, or a file "
            f"for each; if it tells no sensors apart, take the column out"
        )


def _labels(values: NDArray[Any], *, is_text: bool) -> Labels:
    names, codes = np.unique(values if is_text else values.astype(np.int64), return_inverse=True)
    return Labels(codes, names.tolist(), is_text)


def _are_integers(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "iuf" or len(np.unique(values)) > len(values) / _ROWS_EACH:
        return False
    return bool((np.abs(values) < 2**53).all() and (values == np.rint(values)).all())


def _shares_times(codes: NDArray[Any], times: NDArray[Any]) -> bool:
    """Whether several rows have one time, each of them another name."""
    steps = _steps(times)
    stands = steps == 0
    if stands.mean() < _STANDS or (steps > 0).sum() < _ROWS_EACH or (steps < 0).any():
        return False
    groups = np.concatenate([[0], np.cumsum(~stands)])
    pairs = np.unique(np.stack([groups, codes]), axis=1).shape[1]
    return bool(pairs > _MOSTLY * len(codes))


def _begins_anew(codes: NDArray[Any], times: NDArray[Any]) -> bool:
    """Whether the times begin anew with another name, and only then."""
    steps = _steps(times)
    falls, changes = steps < 0, np.diff(codes) != 0
    is_rising = (steps > 0).mean() > 1 / 2
    return bool(is_rising and falls.any() and changes[falls].all())


def _takes_turns(codes: NDArray[Any], period: int) -> bool:
    """Whether the names come in turn: a, b, c, a, b, c."""
    again = (codes[period:] == codes[:-period]).mean()
    return bool(again > _MOSTLY and len(np.unique(codes[:period])) == period)


def _steps(times: NDArray[Any]) -> NDArray[Any]:
    known = times.astype("M8[ns]").astype(np.int64) if times.dtype.kind == "M" else times
    return np.diff(known)
