"""Records as a folder of Parquet files, each complete once it is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.dsp.quality import QUALITY
from dlrsd.runtime.output.sidecar import refused, write_sidecar

# A part is closed, and so becomes readable, after so many windows or seconds.
PART_WINDOWS = 16384
PART_SECONDS = 60.0
_RECORDS = "_records.json"


class ParquetWriter:
    """Writes a folder of Parquet files, each complete once it is there."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self._arrow = require("pyarrow", extra="io", purpose=f"writing {folder.name}")
        self._parquet = require("pyarrow.parquet", extra="io", purpose=f"writing {folder.name}")
        self._folder = folder
        self._classes = classes
        self._batches: list[WindowBatch] = []
        self._part = 0
        self._opened = time.monotonic()
        self._header: Header | None = None
        _clear_parts(folder)

    def header(self, record: Header) -> None:
        self._header = record
        write_sidecar(self._folder / _RECORDS, record, None)

    def windows(self, batch: WindowBatch) -> None:
        self._batches.append(batch)
        full = sum(map(len, self._batches)) >= PART_WINDOWS
        if full or time.monotonic() - self._opened > PART_SECONDS:
            self._close_part()

    def summary(self, record: Summary) -> None:
        self._close_part()
        write_sidecar(self._folder / _RECORDS, self._header, record)

    def close(self) -> None:
        self._close_part()

    def _close_part(self) -> None:
        batches, self._batches = self._batches, []
        self._opened = time.monotonic()
        if not batches:
            return
        path = self._folder / f"part-{self._part:05d}.parquet"
        try:
            # Its name starts with a dot until it is complete: Parquet readers skip it.
            with write_atomic(path) as file:
                self._parquet.write_table(
                    self._table(batches), file, use_dictionary=["label", "quality"]
                )
        except OSError as error:
            raise refused(
                str(path), error, kept=f"{self._part} parts before it are whole"
            ) from error
        self._part += 1

    def _table(self, batches: list[WindowBatch]) -> Any:
        arrow = self._arrow
        joined = {
            name: np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("window", "channel", "time_s", "label", "probability", "novelty")
        }
        probabilities = np.concatenate([batch.probabilities for batch in batches])
        unfit = joined["label"] < 0
        columns: dict[str, Any] = {name: joined[name] for name in ("window", "channel", "time_s")}
        if batches[0].time is not None:
            times = np.concatenate([batch.time for batch in batches if batch.time is not None])
            zone = "UTC" if batches[0].utc else None
            columns["time"] = arrow.array(times, type=arrow.timestamp("us", tz=zone))
        columns["label"] = arrow.DictionaryArray.from_arrays(
            arrow.array(joined["label"].astype(np.int32), mask=unfit), list(self._classes)
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


def _clear_parts(folder: Path) -> None:
    """Make the folder, or empty it of the parts of an earlier diagnosis and of nothing else."""
    try:
        folder.mkdir(exist_ok=True)
        inside = list(folder.iterdir())
    except OSError as error:
        raise refused(str(folder), error, kept="nothing was written") from error
    foreign = [
        path.name for path in inside if not path.name.lstrip(".").startswith(("part-", _RECORDS))
    ]
    if foreign:
        raise InputError(
            f"folder {folder} holds {foreign[0]!r}, which no diagnosis wrote: choose another output"
        )
    for path in inside:
        path.unlink()
