"""A waveform as a Parquet file: the raw samples, and what they are of.

A column a sensor and a row a sample, in the numbers that were sent; a missing one is null. Rate
and start stand in the metadata where `dlrsd-runtime diagnose` reads them of any recording, and the
unit where the numbers are in it as they are (else it has to be told ``--scale`` and ``--unit``);
all of it stands there as JSON.
"""

from __future__ import annotations

from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.base.files import read_bounded
from dlrsd.runtime.base.formats import FormatError, Positive, Text, checked, json_text, parse_json

MOST_BYTES = 1 << 28  # of one file, and of its samples
_KEY = b"dlrsd"
_DTYPES = {"int16": "<i2", "int32": "<i4", "float": "<f4", "double": "<f8"}


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a waveform is of. Times are Unix times in s."""

    machine: Text
    source: Annotated[Text, Meta(description="Name of what delivered it")]
    sensors: Annotated[list[Text], Meta(min_length=1, max_length=1024)]
    rate_hz: Positive
    start: Annotated[float, Meta(description="When the first sample was measured")]
    scale: Annotated[list[float], Meta(description="Unit per stored number, by sensor")]
    unit: Annotated[Text, Meta(description="Of the scaled samples")]
    alarm: Annotated[str | None, Meta(description="Id of the alarm it is kept for")] = None
    worst: Annotated[
        float | None, Meta(description="The figure by which it is the worst of its day")
    ] = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.sensors) or len({*self.sensors}) != len(self.sensors):
            raise ValueError("expected sensors of different names, and a scale for each")


class Waveform(Struct, frozen=True, kw_only=True):
    """Samples in the numbers that were sent, array, shape (sensors, n), 0 where they are missing;
    ``gaps`` are those: the first, and how many."""

    about: About
    samples: NDArray[np.generic]
    gaps: list[tuple[int, int]]

    @property
    def seconds(self) -> float:
        return float(self.samples.shape[1] / self.about.rate_hz)


def waveform_bytes(waveform: Waveform) -> bytes:
    """The content of its file.

    Raises
    ------
    ExtraMissingError
        Without pyarrow.
    """
    arrow = require("pyarrow", extra="io", purpose="keeping waveforms")
    parquet = require("pyarrow.parquet", extra="io", purpose="keeping waveforms")
    about, samples = waveform.about, waveform.samples
    missing = np.zeros(samples.shape[1], bool)
    for first, count in waveform.gaps:
        missing[first : first + count] = True
    mask = missing if waveform.gaps else None
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    columns = {
        name: arrow.array(row, mask=mask) for name, row in zip(about.sensors, native, strict=True)
    }
    start = datetime.fromtimestamp(about.start, timezone.utc).isoformat()
    facts = {"rate": repr(about.rate_hz), "start": start}
    if {*about.scale} == {1.0}:
        facts["unit"] = about.unit
    packed = "DELTA_BINARY_PACKED" if samples.dtype.kind == "i" else "BYTE_STREAM_SPLIT"
    encoding = {str(name): packed for name in about.sensors}
    table = arrow.table(columns).replace_schema_metadata({**facts, _KEY.decode(): json_text(about)})
    file = BytesIO()
    parquet.write_table(
        table, file, compression="zstd", use_dictionary=False, column_encoding=encoding
    )
    return file.getvalue()


def read_waveform(path: Path) -> Waveform:
    """What `waveform_bytes` made.

    Raises
    ------
    InputError
        If it is missing, damaged, above 256 MiB, or no such file.
    """
    try:
        content = read_bounded(path, most=MOST_BYTES)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    arrow = require("pyarrow", extra="io", purpose="reading waveforms")
    parquet = require("pyarrow.parquet", extra="io", purpose="reading waveforms")
    try:
        file = parquet.ParquetFile(BytesIO(content))
        about = read_about(file.schema_arrow)
        rows = file.metadata.num_rows
        kinds = {str(each.type) for each in file.schema_arrow}
        if (
            len(kinds) != 1
            or not kinds < {*_DTYPES, ""}
            or file.schema_arrow.names != about.sensors
        ):
            raise FormatError("its columns are not the samples of its sensors")
        dtype = np.dtype(_DTYPES[kinds.pop()])
        if rows * len(about.sensors) * dtype.itemsize > MOST_BYTES:
            raise FormatError(f"it holds {rows} rows of {len(about.sensors)} sensors")
        table = file.read()
    except (arrow.ArrowException, OSError, FormatError) as error:
        raise InputError(f"{path} is no waveform of a watch, or damaged: {error}") from error
    missing = np.asarray(table.column(0).is_null())
    rows_of = [np.asarray(column.fill_null(0)) for column in table.columns]
    samples = np.array(rows_of, dtype).reshape(len(about.sensors), rows)
    return Waveform(about=about, samples=samples, gaps=_runs(missing))


def read_about(schema: Any) -> About:
    """What the metadata of a file says.

    Raises
    ------
    FormatError
        If it says nothing, or what does not fit.
    """
    text = (schema.metadata or {}).get(_KEY)
    if text is None:
        raise FormatError("its metadata do not say what it is of")
    return checked(parse_json(text), About)


def _runs(missing: NDArray[Any]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
