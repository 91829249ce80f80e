"""Records as CSV, with header and summary in a file beside it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.diagnosis.diagnose import KINDS
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.line_file import LineFile, Scan, damaged, no_output
from dlrsd.runtime.output.rows import RowFormat
from dlrsd.runtime.output.sidecar import Segment, Sidecar, read_sidecar, write_sidecar
from dlrsd.runtime.output.stored import Row, Stored


class CsvLines:
    """Windows only; header and summary go to ``NAME.csv.json``. See `writers.Sink`."""

    has_columns = True

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self._beside = Path(f"{path}.json")
        if self._beside.exists() and not path.exists():
            raise InputError(
                f"{self._beside} is there without {path}: move it away, or choose another output"
            )
        self._file = LineFile(path)
        self.name, self.is_kept = self._file.name, self._file.is_regular
        self._classes = classes
        self._content: Sidecar | None = None

    @property
    def is_empty(self) -> bool:
        return self._file.size == 0 and not self._beside.exists()

    def clear(self) -> None:
        self._file.cut(0)

    def stored(self) -> Stored:
        content = self._content = read_sidecar(self._beside)
        found = Scan(self._file)
        columns, end, at, start, rows = b"", 0, 0, 0, 0
        of_latest = b"%d," % content.header.segment
        for line, at in found:
            if not columns:
                columns, start = line, at
            elif line.startswith(of_latest):
                rows += 1
            elif re.match(rb"\d+,\d+,\d+,", line):
                start = at
            else:
                raise no_output(self.name, f"no record at byte {at - len(line)}")
            end = at
        if columns and columns != self._columns(content.header):
            raise no_output(self.name, f"its columns are not those of {self._beside}")
        if not all(line.startswith(of_latest) for line in found.after()):
            raise damaged(self._file, found)
        self._found, self._end = found, end
        names = columns.decode().rstrip("\n")
        summary = None if found.rest else content.summary  # what lies behind the last is cut then
        return Stored(content.header, summary, rows, lambda: self._rows_from(names, start, rows))

    def begin(self, header: Header, before: Stored | None) -> None:
        earlier: list[Segment] = []
        if before is not None and (old := self._content):
            self._file.cut_tail(self._found)
            earlier = [*old.earlier, Segment(old.header, old.summary)]
        self._start(Sidecar(header, None, earlier=earlier))
        if self._file.size == 0:
            self._file.write(self._columns(header))

    def go_on(self, stored: Stored) -> None:
        assert self._content is not None  # noqa: S101 - for type checkers
        self._start(structs.replace(self._content, summary=None))
        self._file.cut(self._end)
        if self._end == 0:
            self._file.write(self._columns(stored.header))

    def windows(self, batch: WindowBatch) -> None:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f"{text}," for text in times]
        self._file.write(self._rows.lines(batch, time))

    def end(self, summary: Summary) -> None:
        assert self._content is not None  # noqa: S101 - for type checkers
        self._file.sync()
        write_sidecar(self._beside, structs.replace(self._content, summary=summary))

    def flush(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.sync()
        self._file.close()

    def _start(self, content: Sidecar) -> None:
        self._content = content
        write_sidecar(self._beside, content)
        start = f"{content.header.segment},%d,%d,%.6f,%s"
        self._rows = RowFormat(
            fit=start + "%s,%s,%.6f,%s\n",
            unfit=start + ",," + "," * len(self._classes) + ",%s\n",
            labels=[_csv_line([name])[:-1] for name in self._classes],
            before=["", *[","] * len(self._classes)],
        )

    def _columns(self, header: Header) -> bytes:
        time = ["time"] if header.start else []
        names = ["segment", "window", "channel", "time_s", *time, "label", "probability"]
        shares = [f"p_{name}" for name in header.classes]
        return _csv_line(
            [*names, *shares, "novelty", "quality", *KINDS[header.kind].columns]
        ).encode()

    def _rows_from(self, columns: str, start: int, count: int) -> Iterator[Row]:
        scan = Scan(self._file, start=start, count=count)
        names = next(csv.reader([columns]))
        try:
            for row in csv.DictReader((line.decode() for line, _ in scan), names):
                window, channel, novelty = int(row["window"]), int(row["channel"]), row["novelty"]
                yield Row(window, channel, row["quality"], float(novelty) if novelty else None)
        except (TypeError, ValueError, csv.Error) as error:
            raise no_output(self.name, f"no record of a window: {error}") from error


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
