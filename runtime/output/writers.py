"""The files that take the records of a diagnosis: JSONL, CSV, Parquet.

All that was handed over is in the file when a call returns (in Parquet: with the next part), and a
disk that runs full leaves whole records behind.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dlrsd.runtime.base.errors import DlrsdError, InputError, require
from dlrsd.runtime.diagnosis.records import WindowBatch
from dlrsd.runtime.dsp.quality import QUALITY
from dlrsd.runtime.output.rows import RowFormat

SUFFIXES = (".jsonl", ".csv", ".parquet")
# A Parquet part is closed, and so becomes readable, after so many windows or seconds.
PART_WINDOWS = 16384
PART_SECONDS = 60.0


class Writer(Protocol):
    """Takes a header, batches of windows, a summary; then `close`, whatever happened before."""

    def header(self, record: Mapping[str, Any]) -> None: ...
    def windows(self, batch: WindowBatch) -> None: ...
    def summary(self, record: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


def open_writer(output: str | Path, classes: Sequence[str]) -> Writer:
    """Open an output, replacing what an earlier diagnosis wrote there.

    Parameters
    ----------
    output : str or Path
        ``NAME.jsonl``; ``NAME.csv`` (windows only: header and summary go to ``NAME.csv.json``);
        ``NAME.parquet``, a folder of complete files ``part-00000.parquet`` ... with header and
        summary in its ``_records.json``; ``-`` for JSONL on standard output.
    classes : sequence of str
        Classes of the diagnosis.

    Raises
    ------
    InputError
        If the suffix is none of these, or the place cannot be written.
    """
    if str(output) == "-":
        return _LineWriter(_LineFile(None), _JsonLines(tuple(classes)))
    path = Path(output)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"cannot tell the format of output {str(output)!r}: expected a name that ends in "
            f"{', '.join(SUFFIXES)}, or - for JSONL on standard output"
        )
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if suffix == ".parquet":
        if path.is_file():
            raise InputError(
                f"cannot write {path}: it is a file, and Parquet parts go into a folder; choose "
                f"another name"
            )
        return _ParquetWriter(path, tuple(classes))
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; choose another name")
    if suffix == ".csv":
        return _LineWriter(_LineFile(path), _CsvLines(tuple(classes), Path(f"{path}.json")))
    return _LineWriter(_LineFile(path), _JsonLines(tuple(classes)))


class _LineFile:
    """A file of text lines that holds whole lines only, also when the disk is full."""

    def __init__(self, path: Path | None) -> None:
        self._name = "standard output" if path is None else str(path)
        try:
            self._fd = (
                sys.stdout.fileno()
                if path is None
                else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            )
        except OSError as error:
            raise _refused(self._name, error, kept="nothing was written") from error
        self._is_ours = path is not None
        self._size = 0

    def write(self, lines: bytes) -> None:
        data = memoryview(lines)
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except BrokenPipeError:
            raise
        except OSError as error:
            whole = lines[:done].rfind(b"\n") + 1
            if self._is_ours and self._size + whole:
                os.ftruncate(self._fd, self._size + whole)
            raise _refused(
                self._name, error, kept="the records written before are whole"
            ) from error
        self._size += done

    def close(self) -> None:
        if self._is_ours:
            os.close(self._fd)


class _LineWriter:
    """Writes records as lines of text in the form that ``lines`` gives them."""

    def __init__(self, file: _LineFile, lines: _JsonLines | _CsvLines) -> None:
        self._file = file
        self._lines = lines

    def header(self, record: Mapping[str, Any]) -> None:
        self._file.write(self._lines.header(record).encode())

    def windows(self, batch: WindowBatch) -> None:
        self._file.write(self._lines.windows(batch))

    def summary(self, record: Mapping[str, Any]) -> None:
        self._file.write(self._lines.summary(record).encode())

    def close(self) -> None:
        self._file.close()


class _JsonLines:
    def __init__(self, classes: tuple[str, ...]) -> None:
        start = '{"type":"window","window":%d,"channel":%d,"time_s":%.6f,%s'
        names = [json.dumps(name) for name in classes]
        first, *others = names
        self._rows = RowFormat(
            fit=start + '"label":%s,%s},"novelty":%.6f,"quality":%s}\n',
            unfit=start + '"label":null,"probability":null,"probabilities":null,"novelty":null,'
            '"quality":%s}\n',
            labels=names,
            before=[
                '"probability":',
                f',"probabilities":{{{first}:',
                *(f",{name}:" for name in others),
            ],
            quality='"%s"',
            missing=',"missing":%.6f',
        )

    def header(self, record: Mapping[str, Any]) -> str:
        return json.dumps(record) + "\n"

    summary = header

    def windows(self, batch: WindowBatch) -> bytes:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f'"time":"{text}",' for text in times]
        return self._rows.lines(batch, time)


class _CsvLines:
    def __init__(self, classes: tuple[str, ...], sidecar: Path) -> None:
        start = "%d,%d,%.6f,%s"
        self._rows = RowFormat(
            fit=start + "%s,%s,%.6f,%s\n",
            unfit=start + ",," + "," * len(classes) + ",%s\n",
            labels=[_csv_line([name])[:-1] for name in classes],
            before=["", *[","] * len(classes)],
        )
        self._columns = [f"p_{name}" for name in classes]
        self._sidecar = sidecar
        self._header: Mapping[str, Any] = {}

    def header(self, record: Mapping[str, Any]) -> str:
        self._header = record
        _write_sidecar(self._sidecar, record, None)
        time = ["time"] if record.get("start") else []
        names = ["window", "channel", "time_s", *time, "label", "probability"]
        missing = ["missing"] if record.get("kind") == "sequence" else []
        return _csv_line([*names, *self._columns, "novelty", "quality", *missing])

    def summary(self, record: Mapping[str, Any]) -> str:
        _write_sidecar(self._sidecar, self._header, record)
        return ""

    def windows(self, batch: WindowBatch) -> bytes:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f"{text}," for text in times]
        return self._rows.lines(batch, time)


class _ParquetWriter:
    """Writes a folder of Parquet files, each complete once it is there."""

    def __init__(self, folder: Path, classes: tuple[str, ...]) -> None:
        self._arrow = require("pyarrow", extra="io", purpose=f"writing {folder.name}")
        self._parquet = require("pyarrow.parquet", extra="io", purpose=f"writing {folder.name}")
        self._folder = folder
        self._classes = classes
        self._batches: list[WindowBatch] = []
        self._part = 0
        self._opened = time.monotonic()
        self._header: Mapping[str, Any] = {}
        _clear_parts(folder)

    def header(self, record: Mapping[str, Any]) -> None:
        self._header = record
        _write_sidecar(self._folder / "_records.json", record, None)

    def windows(self, batch: WindowBatch) -> None:
        self._batches.append(batch)
        full = sum(map(len, self._batches)) >= PART_WINDOWS
        if full or time.monotonic() - self._opened > PART_SECONDS:
            self._close_part()

    def summary(self, record: Mapping[str, Any]) -> None:
        self._close_part()
        _write_sidecar(self._folder / "_records.json", self._header, record)

    def close(self) -> None:
        self._close_part()

    def _close_part(self) -> None:
        batches, self._batches = self._batches, []
        self._opened = time.monotonic()
        if not batches:
            return
        path = self._folder / f"part-{self._part:05d}.parquet"
        # A name that starts with a dot is skipped by Parquet readers until it is complete.
        unfinished = self._folder / f".{path.name}"
        try:
            self._parquet.write_table(
                self._table(batches), unfinished, use_dictionary=["label", "quality"]
            )
            unfinished.rename(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise _refused(
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
        if batches[0].missing is not None:
            missing = [batch.missing for batch in batches if batch.missing is not None]
            columns["missing"] = np.concatenate(missing)
        return arrow.table(columns)


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _clear_parts(folder: Path) -> None:
    """Make the folder, or empty it of the parts of an earlier diagnosis and of nothing else."""
    try:
        folder.mkdir(exist_ok=True)
        inside = list(folder.iterdir())
    except OSError as error:
        raise _refused(str(folder), error, kept="nothing was written") from error
    foreign = [
        path.name
        for path in inside
        if not path.name.lstrip(".").startswith("part-") and path.name != "_records.json"
    ]
    if foreign:
        raise InputError(
            f"folder {folder} holds {foreign[0]!r}, which no diagnosis wrote: choose another output"
        )
    for path in inside:
        path.unlink()


def _write_sidecar(
    path: Path, header: Mapping[str, Any], summary: Mapping[str, Any] | None
) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(json.dumps({"header": header, "summary": summary}, indent=1) + "\n")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise _refused(str(path), error, kept="the records written before are whole") from error


def _refused(name: str, error: OSError, *, kept: str) -> DlrsdError:
    reason = error.strerror or str(error)
    return DlrsdError(f"cannot write {name}: {reason}; {kept}; free the place or choose another")
