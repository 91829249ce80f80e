"""Records as lines of JSON, all in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from dlrsd.runtime.base.formats import FormatError, checked, json_text, parse_json
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.line_file import LineFile, Scan, damaged, no_output
from dlrsd.runtime.output.rows import RowFormat
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
            unsure=("null", ',"reason":"unsure"'),
        )

    @property
    def is_empty(self) -> bool:
        return self._file.size == 0

    def clear(self) -> None:
        self._file.cut(0)

    def stored(self) -> Stored | None:
        found = Scan(self._file)
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
                raise no_output(self.name, f"no record at byte {at - len(line)}")
            else:
                break
            end = at
        is_all = len(found.rest) == self._file.size
        if is_all and (found.rest.startswith(_HEADER) or not found.rest.strip(b"\0")):
            return None  # a header that was cut
        if not first.startswith(_HEADER):
            raise no_output(self.name, "it does not begin with a header record")
        if any(line.startswith(_HEADER) for line in found.after()):
            raise damaged(self._file, found)
        self._found, self._end = found, end
        try:
            return Stored(
                checked(parse_json(header), Header),
                checked(parse_json(summary), Summary) if summary and not found.rest else None,
                rows,
                lambda: self._rows_from(start, rows),
            )
        except FormatError as error:
            raise no_output(self.name, str(error)) from error

    def begin(self, header: Header, before: Stored | None) -> None:
        if before is None:
            self._file.cut(0)
        else:
            self._file.cut_tail(self._found)
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
            for line, _ in Scan(self._file, start=start, count=count):
                row = decode(line)
                yield Row(row.window, row.channel, row.quality, row.novelty)
        except (ValueError, msgspec.MsgspecError) as error:
            raise no_output(self.name, f"no record of a window: {error}") from error
