"""Whether a Parquet file claims more than it can hold, told before a page of it is unpacked.

Arrow takes the memory that a page's own header asks for. So the headers of all pages are read
first (Thrift's compact protocol; https://parquet.apache.org/docs/file-format/data-pages/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError

# A constant column takes a few bytes for a page of a million rows, but no file is only that.
_MOST_ROWS_PER_BYTE = 20_000
_LARGE_PAGE = 1 << 26  # bytes; some programs write a row group as one page
_MOST_EXPANSION = 100  # times that such a page may grow
_USUAL_HEADER, _LONGEST_HEADER = 256, 1 << 16


def check_pages(path: Path, metadata: Any, columns: Collection[str]) -> None:
    """Check the sizes that a file claims against its own.

    Parameters
    ----------
    path : Path
    metadata : pyarrow.parquet.FileMetaData
    columns : collection of str
        Those that will be read.

    Raises
    ------
    InputError
        If it claims more rows than its bytes can hold, or a page would grow out of proportion.
    """
    size = path.stat().st_size
    if metadata.num_rows > _MOST_ROWS_PER_BYTE * size:
        raise InputError(
            f"{path} claims {metadata.num_rows:.3g} rows in {size} bytes: that cannot be, the file "
            f"is damaged"
        )
    with FileIO(path) as file:
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(index)
                if chunk.path_in_schema not in columns:
                    continue
                for unpacked, packed in _pages(file, chunk, size):
                    if packed < 0 or unpacked > max(_LARGE_PAGE, _MOST_EXPANSION * packed):
                        raise InputError(
                            f"{path} holds a page of {packed} bytes that claims {unpacked} "
                            f"unpacked: expected at most {_LARGE_PAGE >> 20} MiB; write it anew "
                            f"with smaller pages"
                        )


def _pages(file: FileIO, chunk: Any, size: int) -> Iterator[tuple[int, int]]:
    """Bytes of each page of a column chunk, unpacked and as they stand in the file."""
    begins = [chunk.data_page_offset, chunk.dictionary_page_offset]
    offset = min(begin for begin in begins if begin)
    end = min(size, offset + chunk.total_compressed_size)
    while offset < end:
        fields, length = _header(file, offset, _USUAL_HEADER) or (
            _header(file, offset, _LONGEST_HEADER) or ({}, 0)
        )
        if not length:
            return  # Arrow says what is wrong with it
        unpacked, packed = fields.get(2, 0), fields.get(3, 0)
        yield unpacked, packed
        if packed < 0:
            return
        offset += length + packed


def _header(file: FileIO, offset: int, size: int) -> tuple[dict[int, int], int] | None:
    file.seek(offset)
    try:
        return _integers(file.read(size))
    except (IndexError, RecursionError):
        return None


def _integers(data: bytes) -> tuple[dict[int, int], int]:
    """The integers of a struct in Thrift's compact protocol by their field, and its length."""
    fields: dict[int, int] = {}
    at, field = 0, 0
    while kind := data[at] & 0x0F:
        delta = data[at] >> 4
        at += 1
        if delta:
            field += delta
        else:
            zigzag, at = _varint(data, at)
            field = (zigzag >> 1) ^ -(zigzag & 1)
        if kind in (4, 5, 6):
            zigzag, at = _varint(data, at)
            fields[field] = (zigzag >> 1) ^ -(zigzag & 1)
        else:
            at = _after(data, at, kind)
    return fields, at + 1


def _after(data: bytes, at: int, kind: int) -> int:
    """Where a value of another kind ends."""
    if kind in (1, 2):  # a boolean, which is its own kind
        return at
    if kind == 3:
        return at + 1
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = _varint(data, at)
        return at + length
    if kind == 12:
        return at + _integers(data[at:])[1]
    if kind in (9, 10):
        n, of = data[at] >> 4, data[at] & 0x0F
        at += 1
        if n == 15:
            n, at = _varint(data, at)
        for _ in range(n):
            at = _varint(data, at)[1] if of in (4, 5, 6) else _after(data, at, of)
        return at
    raise IndexError(kind)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
