"""What a table's first rows, and rows at places all over it, tell of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.text.dialect import Dialect, split
from dlrsd.runtime.streams.readers.text.doubts import refuse_packed_numbers
from dlrsd.runtime.streams.readers.text.fields import Field, label_maker
from dlrsd.runtime.streams.readers.text.lines import TextFile
from dlrsd.runtime.streams.readers.text.long_tables import (
    labels_of,
    may_be_labels,
    refuse_long_table,
)
from dlrsd.runtime.streams.readers.text.rows import Lines, RowReader
from dlrsd.runtime.streams.series import asked_names
from dlrsd.runtime.streams.source import Variable

_HEAD, _PLACES = 1 << 14, 17  # rows; of 4 KiB each


def check_overview(
    file: TextFile,
    dialect: Dialect,
    names: Sequence[str],
    fields: Sequence[Field],
    variable: Variable,
) -> None:
    """Raise an `InputError` where a column tells sensors apart, or packs hours, minutes, seconds.

    Parameters
    ----------
    file : TextFile
    dialect : Dialect
    names : sequence of str
        Of its columns.
    fields : sequence of Field
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
    plain = [structs.replace(field, wraps=False) for field in fields]
    looked_at: list[Lines] = [file] if file.is_whole else [file, _Places(file, dialect)]
    for rows in looked_at:
        reader = RowReader(rows, dialect.delimiter, dialect.columns, names)
        first = dialect.first_line if rows is file else 0
        try:
            arrays = next(reader.arrays([*texts, *plain], first), None)
        except InputError:  # damage is found, or not asked for, when the file is read
            continue
        if arrays is None:
            continue
        looked = [each[:_HEAD] for each in arrays]
        labels = {
            text.name: labels_of(array, is_text=True)
            for text, array in zip(texts, looked, strict=False)
        }
        numbers = {
            field.name: array for field, array in zip(plain, looked[len(texts) :], strict=True)
        }
        for field in plain:
            array = numbers[field.name]
            if len(field.columns) > 1 or field.name in asked:
                continue
            if field.unit is None:
                looks.setdefault(field.name, []).append(array)
            if may_be_labels(array):
                labels[field.name] = labels_of(array, is_text=False)
        for name, each in labels.items():
            times = [array for other, array in numbers.items() if other != name]
            refuse_long_table(name, each, times, file.path, is_chosen=variable is not None)
    for name, found in looks.items():
        refuse_packed_numbers(found, name)


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
