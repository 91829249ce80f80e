"""A file of text lines that holds whole lines only, also when the disk is full."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.locks import try_lock
from dlrsd.runtime.output.sidecar import refused


class LineFile:
    """A file that no other process writes to, or standard output where ``path`` is None.

    What is there is left as it is until `cut` or `write`. A pipe or a device is written to as it
    is: it holds nothing.

    Raises
    ------
    InputError
        If another process writes to it.
    DlrsdError
        If the system refuses it.
    """

    def __init__(self, path: Path | None) -> None:
        self.name = "standard output" if path is None else str(path)
        self._path = path
        self._unsynced = False
        try:
            if path is None:
                if sys.__stdout__ is None:
                    raise InputError("standard output is closed: expected a pipe or a file there")
                self._fd = sys.stdout.fileno()
                self.is_regular, self.size = False, 0
                return
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
            status = os.fstat(self._fd)
        except OSError as error:
            raise refused(self.name, error, kept="nothing was written") from error
        self.is_regular = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.is_regular else 0
        if self.is_regular and not try_lock(self._fd):
            os.close(self._fd)
            raise InputError(
                f"{path} is being written by another process: wait until that ends, or choose "
                "another output"
            )

    def cut(self, size: int) -> None:
        """Shorten it to so many bytes, and write on from there."""
        if self.is_regular:
            os.ftruncate(self._fd, size)
            os.lseek(self._fd, size, os.SEEK_SET)
            self.size = size

    def cut_tail(self, found: Scan) -> None:
        """Cut what a killed process left of its last line; what lies behind it is never cut."""
        if found.whole + len(found.rest) < self.size:
            raise InputError(
                f"{self.name} is damaged from byte {found.whole} on: go on with it by --resume, "
                "which diagnoses that again, or choose another output"
            )
        self.cut(found.whole)

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """What is there from a byte on, line by line; the last one may lack its end."""
        assert self._path is not None  # noqa: S101 - for type checkers
        with self._path.open("rb") as file:
            file.seek(start)
            yield from file

    def write(self, lines: bytes) -> None:
        """Hand lines to the system: a process that is killed afterwards has written them."""
        data = memoryview(lines)
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except BrokenPipeError:
            raise
        except OSError as error:
            whole = lines[:done].rfind(b"\n") + 1
            if self.is_regular:
                self.cut(self.size + whole)
            raise refused(self.name, error, kept="the records written before are whole") from error
        self.size += done
        self._unsynced = True

    def sync(self) -> None:
        """Wait until the disk has what was written."""
        if self.is_regular and self._unsynced:
            self._unsynced = False
            try:
                os.fsync(self._fd)
            except OSError as error:
                raise refused(self.name, error, kept="what was synced before is whole") from error

    def close(self) -> None:
        if self._path is not None:
            os.close(self._fd)


class Scan:
    """Whole lines of a file, each with the byte where it ends.

    They end before the first that was cut: the last one of a process that was killed, or, after a
    power cut, one in which the disk holds zeros for what never came to it. ``whole`` is the byte
    where they end, and ``rest`` what is there of the line that was cut.
    """

    def __init__(self, file: LineFile, *, start: int = 0, count: int | None = None) -> None:
        self._lines, self._count = file.lines(start), count
        self.whole, self.rest = start, b""

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        for number, line in enumerate(self._lines):
            if number == self._count:
                return
            if not line.endswith(b"\n") or b"\0" in line:
                self.rest = line
                return
            self.whole += len(line)
            yield line, self.whole

    def after(self) -> Iterator[bytes]:
        """The lines behind the one that was cut."""
        return self._lines


def damaged(file: LineFile, found: Scan) -> InputError:
    return InputError(
        f"{file.name} is damaged at byte {found.whole}, and what lies behind cannot be diagnosed "
        "again: choose another output; it was left as it is"
    )


def no_output(name: str, reason: str) -> InputError:
    return InputError(
        f"{name} is not what a diagnosis of this version wrote ({reason}): choose another output, "
        "or replace this one with --overwrite; it was left as it is"
    )
