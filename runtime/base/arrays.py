"""Arrays of an ``.npz`` file: real numbers of a stated shape and nothing else.

A stranger's archive can claim terabytes, hold objects or lie about its shapes. Everything is looked
at before memory is taken for it.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Collection
from io import BytesIO
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.formats import FormatError

_MOST_ARRAYS = 4096
_MOST_BYTES = 1 << 28  # of one array, as it is stored and as float32
_LONGEST_HEADER = 512
# As NumPy writes it: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
_HEADER = re.compile(
    rb"\{'descr': '([<>|][fiu][1248])', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]{0,200})\), \} *\n"
)
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_arrays(
    content: bytes, names: Collection[str] | None = None
) -> dict[str, NDArray[np.generic]]:
    """Arrays of an ``.npz`` file.

    Parameters
    ----------
    content : bytes
        Of the file.
    names : collection of str, optional
        Those that are wanted; others are not unpacked. By default all.

    Returns
    -------
    dict of array
        Those of ``names`` that are there, of integers or floating-point numbers.

    Raises
    ------
    FormatError
        If it is no such file, or one of them is damaged, of another dtype or above 256 MiB, as it
        is or as float32.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_ARRAYS:
                raise FormatError(f"{len(members)} arrays, expected at most {_MOST_ARRAYS}")
            listed = [member.filename for member in members]
            if len(set(listed)) != len(listed):
                raise FormatError("a name twice")
            return {
                name: _array(archive, member, name)
                for member in members
                if (name := member.filename.removesuffix(".npy")) and (not names or name in names)
            }
    except FormatError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, TypeError, RuntimeError,
        NotImplementedError, OverflowError, KeyError, IndexError, UnicodeError,
    ) as error:  # fmt: skip
        raise FormatError(f"no readable arrays ({' '.join(str(error).split())[:100]})") from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> NDArray[np.generic]:
    what = f"the array {name[:60]!r}"
    if member.compress_type not in _KINDS or member.flag_bits & 1:
        raise FormatError(f"{what} is packed or encrypted in a way that NumPy does not")
    if member.file_size > _MOST_BYTES:
        raise FormatError(f"{what} has {member.file_size} bytes, expected at most {_MOST_BYTES}")
    with archive.open(member) as file:
        start = file.read(10)
        size = int.from_bytes(start[8:], "little")
        if start[:8] != b"\x93NUMPY\x01\x00" or size > _LONGEST_HEADER:
            raise FormatError(f"{what} is no array of NumPy's format 1.0")
        header = _HEADER.fullmatch(file.read(size))
        if header is None:
            raise FormatError(f"{what} is none of real numbers")
        shape = tuple(int(length) for length in header[3].replace(b" ", b"").split(b",") if length)
        dtype = np.dtype(header[1].decode())
        wanted = prod(shape) * dtype.itemsize
        if prod(shape) > _MOST_BYTES // 4:
            raise FormatError(
                f"{what} has {str(prod(shape))[:60]} numbers, expected at most {_MOST_BYTES // 4}"
            )
        if wanted != member.file_size - 10 - size:
            raise FormatError(
                f"{what} of shape {str(shape)[:60]} takes {wanted} bytes where "
                f"{member.file_size - 10 - size} are"
            )
        content = file.read(wanted + 1)
    if len(content) != wanted:
        raise FormatError(f"{what} is cut off")
    order: Literal["F", "C"] = "F" if header[2] == b"True" else "C"
    return np.ndarray(shape, dtype, bytearray(content), order=order)  # which may be written to
