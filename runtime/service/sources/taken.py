"""Which files of a folder were taken, remembered beyond the end of the process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from dlrsd.runtime.base.files import read_bounded, write_atomic

NAME = ".dlrsd-taken.jsonl"
_MOST_BYTES = 1 << 26


class Mark(NamedTuple):
    """A file as it was: another size or time of change, and it is another."""

    name: str
    size: int
    mtime_ns: int


class Taken:
    """The files that were taken, in the hidden file `NAME` among them, a line each.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._marks: set[Mark] = set()

    def __contains__(self, mark: Mark) -> bool:
        return mark in self._marks

    def read(self, present: Iterable[Mark]) -> None:
        """Read what was kept, and keep of it what is still ``present``.

        Raises
        ------
        OSError
            If what is there cannot be read.
        """
        try:
            lines = read_bounded(self._path, most=_MOST_BYTES).splitlines()
        except FileNotFoundError:
            return
        kept = set()
        for line in lines:
            mark = _decoded(line)  # a power cut may have broken the last
            if mark is not None:
                kept.add(mark)
        self._marks = kept & set(present)
        if len(self._marks) < len(kept) // 2:
            with write_atomic(self._path, durable=True) as file:
                file.writelines(_encoded(mark) for mark in sorted(self._marks))

    def add(self, mark: Mark) -> None:
        """Remember a file, also after a power cut.

        Raises
        ------
        OSError
            If it cannot be written; it is remembered until the process ends.
        """
        self._marks.add(mark)
        with self._path.open("ab") as file:
            if file.tell():  # a broken last line must not swallow this one
                file.write(b"\n")
            file.write(_encoded(mark))
            file.flush()
            os.fsync(file.fileno())

    def forget(self, present: set[Mark]) -> None:
        """Forget those that are gone, so that memory does not grow for ever."""
        self._marks &= present


def _encoded(mark: Mark) -> bytes:
    return msgspec.json.encode(mark) + b"\n"


def _decoded(line: bytes) -> Mark | None:
    try:
        return Mark(*msgspec.json.decode(line, type=tuple[str, int, int]))
    except ValueError:
        return None
