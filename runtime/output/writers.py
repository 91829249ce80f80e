"""The files that take the records of a diagnosis: JSONL, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.csv_lines import CsvLines
from dlrsd.runtime.output.json_lines import JsonLines
from dlrsd.runtime.output.parquet import ParquetParts
from dlrsd.runtime.output.stored import Kept, Stored, require_same
from dlrsd.runtime.output.timer import Every

Existing = Literal["append", "resume", "overwrite"]
SUFFIXES = (".jsonl", ".csv", ".parquet")
# Records are on the disk after so many seconds at the latest, whether others follow or not.
FLUSH_SECONDS = 5.0


class Sink(Protocol):
    """A format's file or folder, locked against other processes and left as it is at first.

    Attributes
    ----------
    name : str
        What messages call it.
    is_kept : bool
        False of a pipe, a device or standard output: there is nothing to go on with.
    is_empty : bool
        Nothing is there yet.
    has_columns : bool
        All segments must have the same ones.
    """

    name: str
    is_kept: bool
    has_columns: bool

    @property
    def is_empty(self) -> bool: ...
    def clear(self) -> None:
        """Remove what is there."""

    def stored(self) -> Stored | None:
        """The latest segment that is there, if it has begun.

        Raises
        ------
        InputError
            If what is there was written by no diagnosis.
        """

    def begin(self, header: Header, before: Stored | None) -> None:
        """Start a segment after the one before, of which `stored` told, or the first one."""

    def go_on(self, stored: Stored) -> None:
        """Cut what is no whole record, and a summary, from the end of the latest segment."""

    def windows(self, batch: WindowBatch) -> None: ...
    def end(self, summary: Summary) -> None: ...
    def flush(self) -> None:
        """Wait until the disk has all records; called from another thread."""

    def close(self) -> None: ...


class Writer:
    """Takes a header, batches of windows, a summary; then `close`, whatever happened before.

    Lines are handed to the system at once, a process that is killed loses none. The disk has them,
    and Parquet parts, `FLUSH_SECONDS` later at the latest, also while nothing follows.
    """

    def __init__(self, sink: Sink, existing: Existing | None = None) -> None:
        self._sink, self._existing = sink, existing
        self._stored: Stored | None = None
        self._kept: Kept | None = None
        self._timer: Every | None = None
        self.name = sink.name
        try:
            self._meet_existing()
        except BaseException:
            sink.close()
            raise

    @property
    def is_complete(self) -> bool:
        """With ``resume``, after `header`: nothing is left to be written."""
        return self._kept is not None and self._stored is not None and self._stored.is_complete

    def header(self, record: Header) -> None:
        sink, stored = self._sink, self._stored
        if stored is not None and self._existing == "resume":
            require_same(record, stored.header, sink.name)
            self._kept = Kept(stored.rows(), sink.name)
        elif stored is not None:
            if sink.has_columns:
                _require_same_columns(record, stored.header, sink.name)
            sink.begin(structs.replace(record, segment=stored.header.segment + 1), stored)
        else:
            sink.begin(record, None)
        if sink.is_kept:
            self._timer = Every(FLUSH_SECONDS, sink.flush)

    def windows(self, batch: WindowBatch) -> None:
        if self._timer:
            self._timer.check()
        if self._kept:
            batch = self._kept.rest(batch)
            if not len(batch):
                return
            self._go_on()
        self._sink.windows(batch)

    def summary(self, record: Summary) -> None:
        if self._timer:
            self._timer.check()
        if self._kept:
            if record.interrupted and not self._kept.is_over:
                return  # before it came to anything new: what is there stays as it is
            self._kept.require_over()
            self._go_on()
        self._sink.end(record)

    def close(self) -> None:
        if self._timer:
            self._timer.stop()
        self._sink.close()

    def _meet_existing(self) -> None:
        sink, existing = self._sink, self._existing
        if existing == "resume" and not sink.is_kept:
            raise InputError(f"{sink.name} is no file that can be gone on with: leave out --resume")
        if sink.is_empty:
            return
        if existing is None:
            raise InputError(
                f"{sink.name} is there already: choose another output, or add to it as a new "
                "segment with --append, go on where a diagnosis of the same recording broke off "
                "with --resume, or replace it with --overwrite"
            )
        if existing == "overwrite":
            sink.clear()
        else:
            self._stored = sink.stored()

    def _go_on(self) -> None:
        if self._stored:
            self._sink.go_on(self._stored)
        self._kept = None


def open_writer(
    output: str | Path, classes: Sequence[str], *, existing: Existing | None = None
) -> Writer:
    """Open an output.

    Parameters
    ----------
    output : str or Path
        ``NAME.jsonl``; ``NAME.csv`` (windows only: header and summary go to ``NAME.csv.json``);
        ``NAME.parquet``, a folder of complete files ``part-00000.parquet`` ... with header and
        summary in its ``_records.json``; ``-`` for JSONL on standard output.
    classes : sequence of str
        Classes of the diagnosis.
    existing : {"append", "resume", "overwrite"}, optional
        What to do where records are there already: add a segment, go on with the last one (the
        same stream must be diagnosed again from its start; what is there is not written again), or
        replace them. By default they are refused. Where nothing is there it makes no difference.

    Raises
    ------
    InputError
        If the suffix is none of these, records are there already, or are no records, another
        process writes to it, or the place cannot be written.
    """
    if str(output) == "-":
        return Writer(JsonLines(None, classes), existing)
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
        return Writer(ParquetParts(path, classes), existing)
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; choose another name")
    sink = CsvLines(path, classes) if suffix == ".csv" else JsonLines(path, classes)
    return Writer(sink, existing)


def _require_same_columns(new: Header, stored: Header, name: str) -> None:
    """Raise an `InputError` that names what differs, if two diagnoses do not fit into one table."""
    for said, now, was in (
        ("the bundle is of kind", new.kind, stored.kind),
        ("the classes are", ", ".join(new.classes), ", ".join(stored.classes)),
        ("the start is", _time(new), _time(stored)),
    ):
        if now != was:
            raise InputError(
                f"cannot append to {name}, which has other columns: {said} {now:.200} here and "
                f"{was:.200} there; diagnose with what was given then, or choose another output "
                "(NAME.jsonl takes every diagnosis)"
            )


def _time(header: Header) -> str:
    if header.start is None:
        return "not known (state it with --start)"
    zone = datetime.fromisoformat(header.start).tzinfo
    return "a date without a zone" if zone is None else "a date with a zone"
