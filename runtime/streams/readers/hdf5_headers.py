"""Whether a data set of HDF5 is a virtual one, told before HDF5 opens it.

HDF5 decodes what a virtual data set maps when it is opened, and a damaged map keeps it busy
forever. So the layout is read here: from the messages of an object header, versions 1 and 2 of
"HDF5 File Format Specification" (The HDF Group), sections IV.A.1 and IV.A.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

_LAYOUT, _CONTINUATION = 0x08, 0x10
_VIRTUAL = 3
_MOST_BLOCKS, _MOST_BYTES = 64, 1 << 20
_OLD, _NEW = struct.Struct("<HH4x"), struct.Struct("<BHx")  # type and size of a message


def is_virtual(file: IO[bytes], address: int, base: int) -> bool:
    """Whether the object header at an address of a file is that of a virtual data set.

    Parameters
    ----------
    file : binary file
    address : int
        Relative to `base`, where HDF5 begins in the file.
    base : int
    """
    begin, size, form, extra = _prefix(file, base + address)
    blocks = [(begin, size)]
    for at, length in blocks:
        for kind, data in _messages(file, at, length, form, extra):
            if kind == _LAYOUT and len(data) > 1 and data[0] >= 4 and data[1] == _VIRTUAL:
                return True
            if kind == _CONTINUATION and len(data) >= 16 and len(blocks) < _MOST_BLOCKS:
                offset, more = struct.unpack_from("<QQ", data)
                # A block of a header of version 2 has a signature, and a checksum at its end.
                around = 4 if form is _NEW else 0
                blocks.append((base + offset + around, max(0, more - 2 * around)))
    return False


def _prefix(file: IO[bytes], at: int) -> tuple[int, int, struct.Struct, int]:
    """Where the messages of a header begin, their bytes, their form, and bytes after it."""
    head = _read(file, at, 64)
    if head[:4] != b"OHDR" or len(head) < 32:
        return at + 16, int.from_bytes(head[8:12], "little"), _OLD, 0
    flags = head[5]
    skip = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(head[skip : skip + width], "little")
    return at + skip + width, size, _NEW, 2 if flags & 4 else 0


def _messages(
    file: IO[bytes], at: int, size: int, form: struct.Struct, extra: int
) -> Iterator[tuple[int, bytes]]:
    data, position = _read(file, at, size), 0
    while position + form.size <= len(data):
        kind, length = form.unpack_from(data, position)
        position += form.size + extra
        yield kind, data[position : position + length]
        position += length


def _read(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(min(at, 1 << 62))
    return file.read(min(size, _MOST_BYTES))
