"""Files that are whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
