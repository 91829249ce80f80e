"""Messages in files: lines of JSON, one file after the other, each line whole and on the disk.

A file is called by the time it was begun, ``messages-20260131T120000Z.jsonl``, and is left for the
next when it is old or large enough. The newest is the one that is written to.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import sync_folder
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.output.line_file import LineFile, Scan
from dlrsd.runtime.service.sinks.payload import Message, encoded
from dlrsd.runtime.service.sinks.sink import Says, Sink, SinkConfig
from dlrsd.runtime.service.sinks.threads import aside

_log = logging.getLogger(__name__)
_NAME = re.compile(r"messages-(\d{8}T\d{6}Z)\.(?:jsonl|parquet)")
_TIME = "%Y%m%dT%H%M%SZ"


class FilesConfig(SinkConfig, frozen=True, kw_only=True):
    """What outputs into files have in common."""

    folder: Annotated[Text, Meta(description="Where the files are; of no other output.")]
    rotate_hours: Annotated[float, Meta(ge=0.01, le=8784, description="Age of a full file.")] = 24.0
    rotate_mb: Annotated[float, Meta(ge=0.001, le=1000, description="Size of a full one.")] = 16.0
    keep: Annotated[
        int, Meta(ge=2, le=100_000, description="How many files are kept; the oldest goes.")
    ] = 400
    says: Says = ("alarm", "minute", "event")


class Jsonl(FilesConfig, frozen=True, kw_only=True, tag_field="kind", tag="jsonl"):
    """Files of JSON lines."""

    def sink(self, home: Path = Path()) -> Sink:
        return FilesSink(self, home)


class FilesSink:
    """Writes, syncs, rotates; see `sink.Sink`."""

    def __init__(self, config: FilesConfig, home: Path) -> None:
        self.name, self.says = config.name, config.says
        self._config = config
        self._folder = home / config.folder
        self._file: LineFile | None = None
        self._begun = 0.0

    async def open(self) -> None:
        await aside(self._open)

    async def send(self, messages: Sequence[Message]) -> None:
        await aside(self._write, b"".join(encoded(each) + b"\n" for each in messages))

    async def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        """Go on with the newest file, behind its last whole line."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"{self._folder} is no folder: choose another") from None
        lines = [path for path in self.files() if path.suffix == ".jsonl"]
        if lines:
            self._file = LineFile(lines[-1])
            self._begun = min(
                _begun(lines[-1]) or 0.0, time.time()
            )  # the clock may have been set back
            found = Scan(self._file)
            for _ in found:
                pass
            if any(found.after()):
                _log.warning("%s is damaged at byte %d and is left", lines[-1], found.whole)
                self._file.close()
                self._file = None
            else:
                self._file.cut(found.whole)
        self._finish(lines[:-1])

    def files(self) -> list[Path]:
        """Those that are there, from the oldest to the newest."""
        return sorted(path for path in self._folder.iterdir() if _begun(path) is not None)

    def _write(self, lines: bytes) -> None:
        now = time.time()
        if self._file is not None and self._is_full(len(lines), now):
            self._file.close()
            self._file = None
            self._finish([path for path in self.files() if path.suffix == ".jsonl"])
        if self._file is None:
            self._begin(now)
        assert self._file is not None  # noqa: S101 - for type checkers
        self._file.write(lines)
        self._file.sync()

    def _is_full(self, more: int, now: float) -> bool:
        assert self._file is not None  # noqa: S101 - for type checkers
        size = self._file.size
        is_old = now - self._begun > 3600 * self._config.rotate_hours
        return size > 0 and (is_old or size + more > 1e6 * self._config.rotate_mb)

    def _begin(self, now: float) -> None:
        files = self.files()
        # Behind those that are there, also when two are begun within a second.
        begun = int(now) if not files else max(int(now), int(_begun(files[-1]) or 0) + 1)
        name = datetime.fromtimestamp(begun, timezone.utc).strftime(_TIME)
        self._file = LineFile(self._folder / f"messages-{name}.jsonl")
        self._begun = now
        sync_folder(self._folder)

    def _finish(self, full: Sequence[Path]) -> None:
        """What becomes of full files; the oldest of all go."""
        for path in self.files()[: -self._config.keep]:
            path.unlink()


def _begun(path: Path) -> float | None:
    """Unix time in s that a file's name says; None where it is called as none of ours."""
    if found := _NAME.fullmatch(path.name):
        with suppress(ValueError):
            return datetime.strptime(found[1], _TIME).replace(tzinfo=timezone.utc).timestamp()
    return None
