"""Records as a folder of Parquet files, each complete once it is there.

The last one, which is still open, is written anew whenever records are flushed, until it is full: a
slow stream leaves few files, and little is lost with a process that is killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from msgspec import structs

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.locks import open_folder, try_lock
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.dsp.quality import QUALITY
from dlrsd.runtime.output.sidecar import Segment, Sidecar, read_sidecar, refused, write_sidecar
from dlrsd.runtime.output.stored import Row, Stored

PART_WINDOWS = 16384  # a part is full with so many records; the next is begun
_RECORDS = "_records.json"
# And what killed processes left of them.
_OURS = re.compile(r"(?P<hidden>\.)?(part-\d{5,}\.parquet|_records\.json)(?(hidden)\.\d+\.part)")


class ParquetParts:
    """A folder that no other process writes to; see `writers.Sink`."""

    has_columns = True
    is_kept = True

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._arrow = require("pyarrow", extra="io", purpose=f"writing {folder.name}")
        self._parquet = require("pyarrow.parquet", extra="io", purpose=f"writing {folder.name}")
        self.name = str(folder)
        self._folder = folder
        self._classes = classes
        self._content: Sidecar | None = None
        self._counts: dict[int, int | None] = {}
        self._batches: list[WindowBatch] = []
        self._head: Any = None  # what the open part held when the diagnosis went on
        self._part = 0
        self._flushed = 0  # records of the open part that are on the disk
        # Records come from one thread and are flushed by another.
        self._lock = RLock()
        try:
            folder.mkdir(exist_ok=True)
            inside = [path.name for path in folder.iterdir()]
            self._fd = open_folder(folder)
        except OSError as error:
            raise refused(self.name, error, kept="nothing was written") from error
        foreign = [name for name in inside if not _OURS.fullmatch(name)]
        is_ours = self._fd is None or try_lock(self._fd)
        if is_ours and not foreign:
            return
        self.close()
        if is_ours:
            raise InputError(
                f"folder {folder} holds {foreign[0]!r}, which no diagnosis wrote: choose another "
                "output"
            )
        raise InputError(
            f"{folder} is being written by another process: wait until that ends, or choose "
            "another output"
        )

    @property
    def is_empty(self) -> bool:
        return not any(not path.name.startswith(".") for path in self._folder.iterdir())

    def clear(self) -> None:
        for path in self._folder.iterdir():
            path.unlink()

    def stored(self) -> Stored:
        content = self._content = read_sidecar(self._folder / _RECORDS)
        parts = self._parts()
        latest = [number for number in parts if number >= content.first_part]
        counts = {number: self._count(number) for number in latest}
        # What a power cut left of the last one is diagnosed again.
        if latest and counts[latest[-1]] is None:
            del counts[latest.pop()]
        if damaged := [number for number in latest if counts[number] is None]:
            raise InputError(f"{self._path(damaged[0])} is damaged: choose another output")
        if latest != list(range(content.first_part, content.first_part + len(latest))):
            raise InputError(f"{self.name} lacks a part of its last diagnosis: choose another")
        self._part, self._counts = content.first_part + len(latest), counts
        count = sum(counts[number] or 0 for number in latest)
        return Stored(content.header, content.summary, count, lambda: self._rows_from(latest))

    def begin(self, header: Header, before: Stored | None) -> None:
        earlier: list[Segment] = []
        if before is not None and (old := self._content):
            if self._path(self._part).exists():
                raise InputError(
                    f"{self._path(self._part)} is damaged: go on with {self.name} by --resume, "
                    "which diagnoses that again, or choose another output"
                )
            earlier = [*old.earlier, Segment(old.header, old.summary)]
        self._content = Sidecar(header, None, first_part=self._part, earlier=earlier)
        write_sidecar(self._folder / _RECORDS, self._content)

    def go_on(self, stored: Stored) -> None:
        assert self._content is not None  # noqa: S101 - for type checkers
        self._content = structs.replace(self._content, summary=None)
        write_sidecar(self._folder / _RECORDS, self._content)
        count = self._counts.get(self._part - 1)
        if count is not None and count < PART_WINDOWS:
            with self._lock:
                self._part -= 1
                self._head = self._parquet.ParquetFile(self._path(self._part)).read()
                self._flushed = count

    def windows(self, batch: WindowBatch) -> None:
        with self._lock:
            self._batches.append(batch)
            if self._open_records() >= PART_WINDOWS:
                self.flush()
                self._batches, self._head = [], None
                self._part, self._flushed = self._part + 1, 0

    def end(self, summary: Summary) -> None:
        assert self._content is not None  # noqa: S101 - for type checkers
        self.flush()
        write_sidecar(self._folder / _RECORDS, structs.replace(self._content, summary=summary))

    def flush(self) -> None:
        with self._lock:
            count = self._open_records()
            if count == self._flushed:
                return
            path = self._path(self._part)
            try:
                # Its name starts with a dot until it is complete: Parquet readers skip it.
                with write_atomic(path, durable=True) as file:
                    self._parquet.write_table(
                        self._table(), file, use_dictionary=["label", "quality"]
                    )
            except OSError as error:
                raise refused(
                    str(path), error, kept="the records written before are whole"
                ) from error
            self._flushed = count

    def close(self) -> None:
        try:
            self.flush()
        finally:
            if self._fd is not None:
                os.close(self._fd)

    def _open_records(self) -> int:
        return sum(map(len, self._batches)) + (0 if self._head is None else self._head.num_rows)

    def _path(self, number: int) -> Path:
        return self._folder / f"part-{number:05d}.parquet"

    def _parts(self) -> list[int]:
        names = (path.name for path in self._folder.glob("part-*.parquet"))
        return sorted(int(name[5:-8]) for name in names if name[5:-8].isdecimal())

    def _count(self, number: int) -> int | None:
        """Records of a part; None if it is damaged."""
        try:
            count: int = self._parquet.ParquetFile(self._path(number)).metadata.num_rows
        except (self._arrow.ArrowException, OSError):
            return None
        return count

    def _rows_from(self, parts: list[int]) -> Iterator[Row]:
        for number in parts:
            try:
                columns = self._parquet.ParquetFile(self._path(number)).read(list(Row._fields))
            except (self._arrow.ArrowException, OSError) as error:
                raise InputError(f"{self._path(number)} is damaged: {error}") from error
            yield from map(Row, *(columns[name].to_pylist() for name in Row._fields))

    def _table(self) -> Any:
        """The open part: what it held before, and the records that came since."""
        new = [self._rows(self._batches)] if self._batches else []
        old = [] if self._head is None else [self._head]
        return self._arrow.concat_tables(old + new).unify_dictionaries()

    def _rows(self, batches: list[WindowBatch]) -> Any:
        arrow = self._arrow
        joined = {
            name: np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("window", "channel", "time_s", "label", "probability", "novelty")
        }
        probabilities = np.concatenate([batch.probabilities for batch in batches])
        unfit = joined["label"] < 0
        unsure = np.concatenate([batch.is_unsure for batch in batches])
        assert self._content is not None  # noqa: S101 - for type checkers
        segment = np.full(len(unfit), self._content.header.segment, np.int32)
        columns: dict[str, Any] = {"segment": segment}
        columns |= {name: joined[name] for name in ("window", "channel", "time_s")}
        if batches[0].time is not None:
            times = np.concatenate([batch.time for batch in batches if batch.time is not None])
            zone = "UTC" if batches[0].utc else None
            columns["time"] = arrow.array(times, type=arrow.timestamp("us", tz=zone))
        columns["label"] = arrow.DictionaryArray.from_arrays(
            arrow.array(joined["label"].astype(np.int32), mask=unfit | unsure), list(self._classes)
        )
        columns["probability"] = arrow.array(joined["probability"], mask=unfit)
        for index, name in enumerate(self._classes):
            columns[f"p_{name}"] = arrow.array(probabilities[:, index], mask=unfit)
        columns["novelty"] = arrow.array(joined["novelty"], mask=unfit)
        quality = np.concatenate([batch.quality for batch in batches]).astype(np.int32)
        columns["quality"] = arrow.DictionaryArray.from_arrays(quality, list(QUALITY))
        for name in batches[0].extra:
            columns[name] = np.concatenate([batch.extra[name] for batch in batches])
        return arrow.table(columns)
