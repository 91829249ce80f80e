"""Whether a Parquet file claims more than it can hold, told before a page of it is unpacked.

Arrow takes the memory that a page's own header asks for, and ends the process at some damaged
footers where it is asked for a column's place. So footer and page headers are read here first
(https://parquet.apache.org/docs/file-format/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.thrift import read_struct

# A constant column takes a few bytes for a page of a million rows, but no file is only that.
_MOST_ROWS_PER_BYTE = 20_000
_LARGE_PAGE = 1 << 26  # bytes; some programs write a row group as one page
_MOST_EXPANSION = 100  # times that such a page may grow
_USUAL_HEADER, _LONGEST_HEADER = 256, 1 << 16
# Numbers of the fields, as parquet.thrift has them.
_ROWS, _GROUPS = 3, 4
_COLUMNS = 1
_OTHER_FILE, _COLUMN = 1, 3
_NAME, _PACKED, _DATA_PAGE, _DICTIONARY_PAGE = 3, 7, 9, 11
_PAGE_UNPACKED, _PAGE_PACKED = 2, 3


def check_pages(path: Path, columns: Collection[str]) -> None:
    """Check the sizes that a Parquet file claims against its own.

    Parameters
    ----------
    path : Path
    columns : collection of str
        Those that will be read.

    Raises
    ------
    InputError
        If it claims more rows than its bytes can hold, a page would grow out of proportion, or
        samples stand in another file.
    ValueError
        If its footer is damaged.
    """
    with FileIO(path) as file:
        size = file.seek(0, 2)
        footer = _footer(file, size)
        if footer[_ROWS] > _MOST_ROWS_PER_BYTE * size:
            raise InputError(
                f"{path} claims {footer[_ROWS]:.3g} rows in {size} bytes: that cannot be, the file "
                f"is damaged"
            )
        for group in footer[_GROUPS]:
            for chunk in group[_COLUMNS]:
                if _OTHER_FILE in chunk:
                    raise InputError(f"{path} keeps samples in another file: expected them in it")
                column = chunk[_COLUMN]
                name = b".".join(column[_NAME]).decode("utf-8", "replace")
                for unpacked, packed in _pages(file, column, size) if name in columns else ():
                    if unpacked > max(_LARGE_PAGE, _MOST_EXPANSION * packed):
                        raise InputError(
                            f"{path} holds a page of {packed} bytes that claims {unpacked} "
                            f"unpacked: expected at most {_LARGE_PAGE >> 20} MiB; write it anew "
                            f"with smaller pages"
                        )


def _footer(file: FileIO, size: int) -> dict[int, Any]:
    file.seek(max(0, size - 8))
    length = int.from_bytes(file.read(4), "little")
    if length > size - 12:
        raise ValueError(f"its footer of {length} bytes is longer than the file")
    file.seek(size - 8 - length)
    footer, _ = read_struct(file.read(length))
    if not isinstance(footer.get(_ROWS), int) or not isinstance(footer.get(_GROUPS), list):
        raise ValueError("its footer states no rows")
    return footer


def _pages(file: FileIO, column: Mapping[int, Any], size: int) -> Iterator[tuple[int, int]]:
    """Bytes of each page of a column chunk, unpacked and as they stand in the file."""
    begins = [column[_DATA_PAGE], column.get(_DICTIONARY_PAGE, 0)]
    offset = min((begin for begin in begins if begin > 0), default=size)
    end = min(size, offset + column[_PACKED])
    while offset < end:
        header = _header(file, offset, _USUAL_HEADER) or _header(file, offset, _LONGEST_HEADER)
        if header is None:
            return  # Arrow says what is wrong with it
        fields, length = header
        packed = int(fields.get(_PAGE_PACKED, -1))
        if packed < 0:
            return
        yield int(fields.get(_PAGE_UNPACKED, 0)), packed
        offset += length + packed


def _header(file: FileIO, offset: int, size: int) -> tuple[dict[int, Any], int] | None:
    file.seek(offset)
    try:
        return read_struct(file.read(size))
    except ValueError:
        return None
