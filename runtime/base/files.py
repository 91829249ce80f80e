"""Files: written whole or not at all, read once and never beyond a bound."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.locks import open_folder, try_lock


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
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("it is no regular file")
        if facts.st_size > most:
            raise OSError(f"it holds {facts.st_size} bytes, expected at most {most}")
        content = file.read(facts.st_size + 1)
    if len(content) > facts.st_size:
        raise OSError("it grows while it is read")
    return content


def require_place(path: Path, *, overwrite: bool) -> None:
    """Worth asking before the work is done: whether an output may be written whole by a command.

    Raises
    ------
    InputError
        If its folder is missing, something is there and ``overwrite`` is false, or what is there is
        no file but a folder, a pipe or a device.
    """
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if not os.path.lexists(path):
        return
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device"
        raise InputError(f"cannot write {path}: it is {what}; choose another name")
    if not overwrite:
        raise InputError(f"{path} is there already: choose another output, or say --overwrite")


@contextmanager
def write_atomic(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Write a file so that no reader ever meets a part of it.

    What is written goes into a hidden file beside it, named ``.NAME.PID.part``, which replaces it
    at the end of the ``with`` block, or is removed on an error. A process that is killed leaves the
    hidden file; the next write of the same name removes it.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    durable : bool
        Also wait until the disk has it, so that a power cut leaves the old file or the new one,
        and the new one once this has returned.

    Raises
    ------
    OSError
        With ``path`` as its ``filename``, where the disk is full, say.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _clean(path)
        with part.open("wb") as file:
            try_lock(file.fileno())
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if durable:
            sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename = str(path)
        raise


def sync_folder(folder: Path) -> None:
    """Wait until the disk has which files there are in a folder."""
    with suppress(OSError):  # not every system and file system can
        fd = open_folder(folder)
        if fd is not None:
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _clean(path: Path) -> None:
    """Remove what killed processes left of the file: those that are gone and hold no lock on it."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        pid = part.name[len(path.name) + 2 : -len(".part")]
        if pid.isdecimal() and not _is_running(int(pid)):
            with suppress(OSError):
                fd = os.open(part, os.O_RDWR)
                try:
                    if try_lock(fd):
                        part.unlink()
                finally:
                    os.close(fd)


def _is_running(pid: int) -> bool:
    if os.name == "nt":
        return True  # a signal, even none, would end it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True
