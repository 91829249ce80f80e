"""Opening what a stream is read from."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.kinds import NoRecordingError


def check_file(path: Path) -> None:
    """Raise an `InputError` unless there is a file with something in it."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({error.strerror}): expected a recording, or - for standard "
            f"input"
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path} is a folder: expected one recording")
    if stat.S_ISREG(status.st_mode) and not status.st_size:
        raise NoRecordingError(f"{path} is empty: expected a recording")


def open_binary(path: Path | None) -> io.FileIO:
    """A file, or standard input for None, without a buffer: a live stream waits for nothing."""
    if path is None:
        if sys.stdin is None or sys.stdin.isatty():
            state = "closed" if sys.stdin is None else "a terminal"
            raise InputError(f"standard input is {state}: expected raw samples from a pipe")
        return io.FileIO(0, closefd=False)
    try:
        return io.FileIO(path)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from error
