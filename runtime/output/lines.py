"""Records as lines of text: JSONL, and CSV with header and summary in a file beside it.

All that was handed over is in the file when a call returns, and a disk that runs full leaves whole
records behind.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.diagnosis.diagnose import KINDS
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.rows import RowFormat
from dlrsd.runtime.output.sidecar import refused, write_sidecar


class LineFormat(Protocol):
    """What stands in a line for each of the records."""

    def header(self, record: Header) -> bytes: ...
    def windows(self, batch: WindowBatch) -> bytes: ...
    def summary(self, record: Summary) -> bytes: ...


class LineWriter:
    """Writes records as lines in a format to a file, or to standard output where it is None."""

    def __init__(self, path: Path | None, lines: LineFormat) -> None:
        self._file = _LineFile(path)
        self._lines = lines

    def header(self, record: Header) -> None:
        self._file.write(self._lines.header(record))

    def windows(self, batch: WindowBatch) -> None:
        self._file.write(self._lines.windows(batch))

    def summary(self, record: Summary) -> None:
        self._file.write(self._lines.summary(record))

    def close(self) -> None:
        self._file.close()


class JsonLines:
    """Every record as a JSON object."""

    def __init__(self, classes: Sequence[str]) -> None:
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
            extra=lambda name: f',"{name}":%.6f',
        )

    def header(self, record: Header) -> bytes:
        return json_text(record).encode()

    def summary(self, record: Summary) -> bytes:
        return json_text(record).encode()

    def windows(self, batch: WindowBatch) -> bytes:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f'"time":"{text}",' for text in times]
        return self._rows.lines(batch, time)


class CsvLines:
    """Windows only; header and summary go to ``sidecar``."""

    def __init__(self, classes: Sequence[str], sidecar: Path) -> None:
        start = "%d,%d,%.6f,%s"
        self._rows = RowFormat(
            fit=start + "%s,%s,%.6f,%s\n",
            unfit=start + ",," + "," * len(classes) + ",%s\n",
            labels=[_csv_line([name])[:-1] for name in classes],
            before=["", *[","] * len(classes)],
        )
        self._columns = [f"p_{name}" for name in classes]
        self._sidecar = sidecar
        self._header: Header | None = None

    def header(self, record: Header) -> bytes:
        self._header = record
        write_sidecar(self._sidecar, record, None)
        time = ["time"] if record.start else []
        names = ["window", "channel", "time_s", *time, "label", "probability", *self._columns]
        return _csv_line([*names, "novelty", "quality", *KINDS[record.kind].columns]).encode()

    def summary(self, record: Summary) -> bytes:
        write_sidecar(self._sidecar, self._header, record)
        return b""

    def windows(self, batch: WindowBatch) -> bytes:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f"{text}," for text in times]
        return self._rows.lines(batch, time)


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
            raise refused(self._name, error, kept="nothing was written") from error
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
            raise refused(self._name, error, kept="the records written before are whole") from error
        self._size += done

    def close(self) -> None:
        if self._is_ours:
            os.close(self._fd)


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
