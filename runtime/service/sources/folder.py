"""Signal in files of any kind that is read, as they appear in a folder."""

from __future__ import annotations

import asyncio
import fnmatch
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from msgspec import Meta, Struct, structs

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.service.sources.base import Give, SignalSource
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.link import Link
from dlrsd.runtime.service.sources.recording import Recording
from dlrsd.runtime.service.sources.taken import NAME, Mark, Taken
from dlrsd.runtime.service.sources.wire import MOST_CHANNELS
from dlrsd.runtime.streams.raw import Dtype
from dlrsd.runtime.streams.stream_format import MAX_RATE_HZ, StreamFormat

_LOOK_S = 1.0
T = TypeVar("T")


class FolderSource(SignalSource, frozen=True, kw_only=True, tag="folder"):
    """Each file once, by time of change, when nobody writes it any more.

    Neither hidden files nor those of sub-folders are read, and no symbolic links are followed.
    What was taken is remembered in the hidden file ``.dlrsd-taken.jsonl`` of the folder.
    """

    folder: Annotated[Text, Meta(description="Where the files appear")]
    pattern: Annotated[
        Text, Meta(description="Of the names of files to take, such as *.wav; by default all")
    ] = "*"
    settle_s: Annotated[
        float,
        Meta(
            gt=0,
            le=86400,
            description="A file is complete when size and time of change stay so long as they are",
        ),
    ] = 5.0
    variable: Annotated[
        Text | None,
        Meta(description="Series to read from files that name theirs, separated by commas"),
    ] = None
    dtype: Annotated[
        Dtype | None, Meta(description="Of files that hold raw samples and nothing else")
    ] = None
    rate: Annotated[
        Annotated[float, Meta(gt=0, le=MAX_RATE_HZ)] | None,
        Meta(description="In Hz, where the files do not state it"),
    ] = None
    channels: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_CHANNELS)] | None,
        Meta(description="Of files that do not state them"),
    ] = None

    def at(self, home: Path) -> FolderSource:
        """The same, with its folder taken from that of ``watch.toml``."""
        return structs.replace(self, folder=str(home / self.folder))

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what appears until cancelled."""
        link = Link(tell, self.folder)
        watch = _Watch(self, give, link)
        await link.keep(watch.look)


class _Seen(Struct):
    """A file that waits: as it is, and since when."""

    mark: Mark
    since: float


class _Watch:
    """What is known of the files of a folder while it is watched."""

    def __init__(self, source: FolderSource, give: Give, link: Link) -> None:
        self._source = source
        self._give = give
        self._link = link
        self._folder = Path(source.folder)
        self._waiting: dict[str, _Seen] = {}
        self._refused: set[Mark] = set()
        self._links: set[str] = set()
        self._taken = Taken(self._folder)
        self._began = False
        self._end: float | None = None  # time of the last sample that was given
        self._format = StreamFormat(
            dtype=source.dtype,
            rate=source.rate,
            channels=source.channels,
            variable=source.variable,
        )

    async def look(self) -> None:
        """Look for files again and again until the folder cannot be listed.

        Raises
        ------
        OSError
            When it cannot.
        """
        while True:
            began = time.monotonic()
            marks, links = await asyncio.to_thread(self._listed)
            took = time.monotonic() - began
            if new := links - self._links:
                self._link.say("refused", f"holds {min(new)!r}, a link, which is not followed")
            self._links = links
            if not self._began:
                self._began = True
                await self._remembering(self._taken.read, marks)
            self._link.works()
            present = set(marks)
            self._taken.forget(present)
            self._refused &= present
            for mark in self._complete(marks):
                await self._take(mark)
            # A folder of a hundred thousand files is looked at less often.
            pause = min(_LOOK_S, self._source.settle_s / 2)
            await asyncio.sleep(max(pause, 20 * took))

    def _listed(self) -> tuple[list[Mark], set[str]]:
        """The files by time of change, and the names of links."""
        marks, links = [], set()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not fnmatch.fnmatch(
                    entry.name, self._source.pattern
                ):
                    continue
                if entry.is_symlink():
                    links.add(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # gone since
                        continue
                    marks.append(Mark(entry.name, facts.st_size, facts.st_mtime_ns))
        names = {mark.name for mark in marks}
        # A sidecar states facts on the file beside it.
        marks = [
            each for each in marks if each.name.removesuffix(".json") not in names - {each.name}
        ]
        return sorted(marks, key=lambda each: (each.mtime_ns, each.name)), links

    def _complete(self, marks: list[Mark]) -> list[Mark]:
        """Those to be taken now."""
        now, waiting = time.monotonic(), {}
        for mark in marks:
            if mark in self._taken or mark in self._refused:
                continue
            seen = self._waiting.get(mark.name)
            waiting[mark.name] = seen if seen and seen.mark == mark else _Seen(mark, now)
        self._waiting = waiting
        return [
            each.mark
            for each in waiting.values()
            if now - each.since >= self._source.settle_s and each.mark.size
        ]

    async def _take(self, mark: Mark) -> None:
        recording = Recording(
            self._folder / mark.name, self._format, self._source.unit, mark.mtime_ns / 1e9
        )
        given = False
        try:
            while (block := await asyncio.to_thread(recording.next_block, self._end)) is not None:
                given = True
                await self._give(block)
                self._end = recording.end
        finally:
            recording.close()
        if recording.refused:
            self._refused.add(mark)
            part = " from there on" if given else ""
            self._link.say("refused", f"holds {mark.name!r}, left out{part}: {recording.refused}")
        if given or not recording.refused:
            await self._remembering(self._taken.add, mark)

    async def _remembering(self, what: Callable[[T], None], of: T) -> None:
        """Read or write what was taken; a disk that is full or read-only stops nothing."""
        try:
            await asyncio.to_thread(what, of)
        except OSError as error:
            self._link.say(
                "disk",
                f"keeps no {NAME} ({error.strerror or error}): after a new start its files are "
                "read again",
            )
