"""What a table's first rows, and rows at places all over it, tell of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.long_tables import (
    labels_of,
    may_be_labels,
    refuse_long_table,
    times_among,
)
from dlrsd.runtime.streams.readers.text.dialect import Dialect
from dlrsd.runtime.streams.readers.text.doubts import refuse_packed_numbers
from dlrsd.runtime.streams.readers.text.fields import Field, label_maker
from dlrsd.runtime.streams.readers.text.lines import TextFile
from dlrsd.runtime.streams.readers.text.rows import Lines, RowReader
from dlrsd.runtime.streams.series import asked_names
from dlrsd.runtime.streams.source import Variable

_HEAD, _PLACES = 1 << 14, 17  # rows; of 4 KiB each


def check_overview(
    file: TextFile,
    dialect: Dialect,
    names: Sequence[str],
    heads: Sequence[tuple[Field, NDArray[Any]]],
    variable: Variable,
) -> None:
    """Raise an `InputError` where a column tells sensors apart, or packs hours, minutes, seconds.

    Parameters
    ----------
    file : TextFile
    dialect : Dialect
    names : sequence of str
        Of its columns.
    heads : sequence of (Field, array of shape (n,))
        The series of numbers and times with their first values.
    variable : Variable
        What someone names is taken for what it is.
    """
    asked = asked_names(variable)
    texts = [
        Field(name, (i,), label_maker)
        for i, name in enumerate(names)
        if dialect.columns[i].kind == "text" and name not in asked
    ]
    looks: dict[str, list[NDArray[Any]]] = {}
    plain = [structs.replace(field, wraps=False) for field, _ in heads]
    texts_first = _first_rows(file, dialect, names, texts, dialect.first_line) if texts else []
    looked_at = [(texts_first, [head for _, head in heads])]
    if not file.is_whole:
        arrays = _first_rows(_Places(file), dialect, names, [*texts, *plain], 0)
        looked_at.append((arrays[: len(texts)], arrays[len(texts) :]))
    of_day = [field.name for field, _ in heads if field.wraps]  # may begin anew at midnight
    for read_texts, read_numbers in looked_at:
        labels = {
            text.name: labels_of(array[:_HEAD], is_text=True)
            for text, array in zip(texts, read_texts, strict=False)
        }
        numbers = {
            field.name: array[:_HEAD] for field, array in zip(plain, read_numbers, strict=False)
        }
        for field in plain if numbers else []:
            array = numbers[field.name]
            if len(field.columns) > 1 or field.name in asked:
                continue
            if field.unit is None:
                looks.setdefault(field.name, []).append(array)
            if may_be_labels(array, field.name):
                labels[field.name] = labels_of(array, is_text=False)
        rising = times_among(numbers)
        for name, each in labels.items():
            times = [array for other, array in rising.items() if other not in (name, *of_day)]
            refuse_long_table(name, each, times, file.path, is_chosen=variable is not None)
    for name, found in looks.items():
        refuse_packed_numbers(found, name)


def _first_rows(
    rows: Lines, dialect: Dialect, names: Sequence[str], fields: Sequence[Field], first_line: int
) -> list[NDArray[Any]]:
    """The fields' values in the first block; none where it is damaged, which is found later."""
    reader = RowReader(rows, dialect.delimiter, dialect.columns, names)
    try:
        return next(reader.arrays(fields, first_line), [])
    except InputError:
        return []


class _Places:
    """Rows at some places of a file, as `RowReader` takes them."""

    def __init__(self, file: TextFile) -> None:
        self.path = file.path
        self._lines = [line for place in file.places(_PLACES)[1:] for line in place]

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        yield "".join(f"{line}\n" for line in self._lines).encode(), True

    def line_number(self, block: int, line: int) -> int:
        return line + 1
