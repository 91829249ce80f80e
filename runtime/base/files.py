"""Files: written whole or not at all, read once and never beyond a bound."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def read_bounded(path: Path, *, most: int) -> bytes:
    """Content of a regular file, which is opened once and measured before memory is taken for it.

    Parameters
    ----------
    path : Path
    most : int
        Bytes it may hold.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file (a pipe would never end), or holds more.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("it is no regular file")
        if facts.st_size > most:
            raise OSError(f"it holds {facts.st_size} bytes, expected at most {most}")
        content = file.read(facts.st_size + 1)
    if len(content) > facts.st_size:
        raise OSError("it grows while it is read")
    return content


@contextmanager
def write_atomic(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Write a file so that no reader ever meets a part of it.

    What is written goes into a hidden file beside it, which replaces it at the end of the ``with``
    block, or is removed on an error. A process that is killed leaves the hidden file, named
    ``.NAME.PID.part``.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    durable : bool
        Also wait until the disk has it, so that a power cut leaves the old file or the new one.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
