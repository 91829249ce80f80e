"""The files that take the records of a diagnosis: JSONL, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.diagnosis.records import Header, Summary, WindowBatch
from dlrsd.runtime.output.lines import CsvLines, JsonLines, LineWriter
from dlrsd.runtime.output.parquet import ParquetWriter

SUFFIXES = (".jsonl", ".csv", ".parquet")


class Writer(Protocol):
    """Takes a header, batches of windows, a summary; then `close`, whatever happened before."""

    def header(self, record: Header) -> None: ...
    def windows(self, batch: WindowBatch) -> None: ...
    def summary(self, record: Summary) -> None: ...
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
        return LineWriter(None, JsonLines(classes))
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
        return ParquetWriter(path, classes)
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; choose another name")
    if suffix == ".csv":
        return LineWriter(path, CsvLines(classes, Path(f"{path}.json")))
    return LineWriter(path, JsonLines(classes))
