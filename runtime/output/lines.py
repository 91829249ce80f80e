"""Records as lines of text: JSONL, and CSV with header and summary in a file beside it.

All that was handed over is in the file when a call returns, and a disk that runs full leaves whole
records behind.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, checked, json_text, parse_json
from dlrsd.runtime.diagnosis.diagnose import KINDS
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.line_file import LineFile
from dlrsd.runtime.output.rows import RowFormat
from dlrsd.runtime.output.sidecar import Segment, Sidecar, read_sidecar, write_sidecar
from dlrsd.runtime.output.stored import Row, Stored

_HEADER, _WINDOW, _SUMMARY = b'{"type": "header"', b'{"type":"window"', b'{"type": "summary"'


class _JsonRow(Struct):
    window: int
    channel: int
    quality: str
    novelty: float | None


class JsonLines:
    """Every record as a JSON object; a segment is all from a header on. See `writers.Sink`."""

    has_columns = False

    def __init__(self, path: Path | None, classes: Sequence[str]) -> None:
        self._file = LineFile(path)
        self.name, self.is_kept = self._file.name, self._file.is_regular
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

    @property
    def is_empty(self) -> bool:
        return self._file.size == 0

    def clear(self) -> None:
        self._file.cut(0)

    def stored(self) -> Stored | None:
        found = _Scan(self._file)
        first = header = summary = b""
        rows, end, at = 0, 0, 0
        for line, at in found:
            first = first or line
            if line.startswith(_WINDOW) and not summary:
                rows += 1
            elif line.startswith(_SUMMARY):
                summary = line
                continue
            elif line.startswith(_HEADER):
                header, summary, rows, start = line, b"", 0, at
            elif header:
                raise _no_output(self.name, f"no record at byte {at - len(line)}")
            else:
                break
            end = at
        if not first and found.rest.startswith(_HEADER):
            return None  # a header that was cut
        if not first.startswith(_HEADER):
            raise _no_output(self.name, "it does not begin with a header record")
        self._found, self._end = found, end
        try:
            return Stored(
                checked(parse_json(header), Header),
                checked(parse_json(summary), Summary) if summary else None,
                rows,
                lambda: self._rows_from(start, rows),
            )
        except FormatError as error:
            raise _no_output(self.name, str(error)) from error

    def begin(self, header: Header, before: Stored | None) -> None:
        if before is None:
            self._file.cut(0)
        else:
            _cut_tail(self._file, self._found)
        self._file.write(json_text(header).encode())

    def go_on(self, stored: Stored) -> None:
        self._file.cut(self._end)

    def windows(self, batch: WindowBatch) -> None:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f'"time":"{text}",' for text in times]
        self._file.write(self._rows.lines(batch, time))

    def end(self, summary: Summary) -> None:
        self._file.write(json_text(summary).encode())

    def flush(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.sync()
        self._file.close()

    def _rows_from(self, start: int, count: int) -> Iterator[Row]:
        decode = msgspec.json.Decoder(_JsonRow).decode
        try:
            for line, _ in _Scan(self._file, start=start, count=count):
                row = decode(line)
                yield Row(row.window, row.channel, row.quality, row.novelty)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _no_output(self.name, f"no record of a window: {error}") from error


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
        found = _Scan(self._file)
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
                raise _no_output(self.name, f"no record at byte {at - len(line)}")
            end = at
        if columns and columns != self._columns(content.header):
            raise _no_output(self.name, f"its columns are not those of {self._beside}")
        self._found, self._end = found, end
        names = columns.decode().rstrip("\n")
        return Stored(
            content.header, content.summary, rows, lambda: self._rows_from(names, start, rows)
        )

    def begin(self, header: Header, before: Stored | None) -> None:
        earlier: list[Segment] = []
        if before is not None and (old := self._content):
            _cut_tail(self._file, self._found)
            earlier = [*old.earlier, Segment(old.header, old.summary)]
        self._start(Sidecar(header, None, earlier=earlier))
        if self._file.size == 0:
            self._file.write(self._columns(header))

    def go_on(self, stored: Stored) -> None:
        assert self._content is not None
        self._start(structs.replace(self._content, summary=None))
        self._file.cut(self._end)
        if self._end == 0:
            self._file.write(self._columns(stored.header))

    def windows(self, batch: WindowBatch) -> None:
        times = batch.iso_times()
        time = [""] * len(batch) if times is None else [f"{text}," for text in times]
        self._file.write(self._rows.lines(batch, time))

    def end(self, summary: Summary) -> None:
        assert self._content is not None
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
        scan = _Scan(self._file, start=start, count=count)
        names = next(csv.reader([columns]))
        try:
            for row in csv.DictReader((line.decode() for line, _ in scan), names):
                window, channel, novelty = int(row["window"]), int(row["channel"]), row["novelty"]
                yield Row(window, channel, row["quality"], float(novelty) if novelty else None)
        except (TypeError, ValueError, csv.Error) as error:
            raise _no_output(self.name, f"no record of a window: {error}") from error


class _Scan:
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


def _cut_tail(file: LineFile, found: _Scan) -> None:
    """Cut what a killed process left of its last line; what lies behind it is never cut."""
    if found.whole + len(found.rest) < file.size:
        raise InputError(
            f"{file.name} is damaged from byte {found.whole} on: go on with it by --resume, which "
            "diagnoses that again, or choose another output"
        )
    file.cut(found.whole)


def _no_output(name: str, reason: str) -> InputError:
    return InputError(
        f"{name} is not what a diagnosis of this version wrote ({reason}): choose another output, "
        "or replace this one with --overwrite; it was left as it is"
    )


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()
