"""A lock on a file or folder itself, which the system takes back however a process ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dlrsd.runtime.base.errors import InputError


def try_lock(fd: int) -> bool:
    """Lock an open file or folder for this process; False where another one has locked it.

    Nothing is written for it and nothing is left behind: the lock ends when ``fd`` is closed, by
    the system at the latest, also of a process that is killed. It binds only who asks for it.
    Where a system or a file system has no locks (Windows, some network folders), everyone gets it.
    """
    try:
        import fcntl  # here, for not every system has it
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a file system without locks
        return True
    return True


def open_folder(folder: Path) -> int | None:
    """A folder as something that `try_lock` takes; None where the system opens no folders."""
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:
        if os.name == "nt":
            return None
        raise


@contextmanager
def own_folder(folder: Path, *, busy: str) -> Iterator[None]:
    """Keep every other process that asks for it from working in a folder meanwhile.

    Raises
    ------
    InputError
        With the text ``busy``, where another process works in it.
    """
    fd = open_folder(folder)
    try:
        if fd is not None and not try_lock(fd):
            raise InputError(busy)
        yield
    finally:
        if fd is not None:
            os.close(fd)
