"""Messages in Parquet files, for who evaluates months of them.

A Parquet file cannot grow safely, so messages are kept as lines of JSON until the file is full, and
only then turned into one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.service.sinks.files import FilesConfig, FilesSink
from dlrsd.runtime.service.sinks.payload import Message
from dlrsd.runtime.service.sinks.sink import Sink

_log = logging.getLogger(__name__)
_ROWS = 10_000  # of a row group

_TEXTS = ["type", "machine", "sensor", "rule", "state", "was", "id", "alarm", "text", "place"]
_MORE_TEXTS = ["zone", "unit", "kind", "source"]
_LEVELS = ["velocity_mm_s", "acceleration_m_s2", "peak_m_s2", "crest", "kurtosis", "envelope_m_s2"]
_NUMBERS = ["value", "limit", *_LEVELS, "novelty", "unfit_share", "speed_rpm", "load"]
_MORE_NUMBERS = ["temperature_c", "count", "seconds"]


class Parquet(FilesConfig, frozen=True, kw_only=True, tag_field="kind", tag="parquet"):
    """Parquet files; the newest messages are in a file of JSON lines beside them."""

    def sink(self, home: Path = Path()) -> Sink:
        return _ParquetSink(self, home)


class _ParquetSink(FilesSink):
    async def open(self) -> None:
        _arrow()
        await super().open()

    def _finish(self, full: Sequence[Path]) -> None:
        for path in full:
            convert(path, path.with_suffix(".parquet"))
            path.unlink()
        super()._finish([])


def convert(lines: Path, target: Path) -> None:
    """Turn a file of messages as JSON lines into a Parquet file.

    A row a message: what most have is in columns of its own (``time`` as UTC to the ms, levels of
    minutes without their ``levels.``), and ``message`` is all of it as JSON.
    """
    arrow, parquet = _arrow()
    text, number = arrow.string(), arrow.float64()
    schema = arrow.schema(
        [("time", arrow.timestamp("ms", tz="UTC"))]
        + [(name, text) for name in (*_TEXTS, *_MORE_TEXTS)]
        + [(name, number) for name in (*_NUMBERS, *_MORE_NUMBERS)]
        + [("message", text)]
    )
    with lines.open("rb") as source, write_atomic(target, durable=True) as file:
        rows = _rows(source, schema.names, target)
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while batch := list(islice(rows, _ROWS)):
                writer.write_table(arrow.Table.from_pylist(batch, schema=schema))


def _rows(lines: Any, names: Sequence[str], target: Path) -> Iterator[dict[str, Any]]:
    decoder = msgspec.json.Decoder(Message)
    for line in lines:
        try:
            message = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            _log.warning("%s: left out a line that holds no message", target)
            continue
        values = {name: getattr(message, name, None) for name in names}
        levels = getattr(message, "levels", None)
        values.update({name: getattr(levels, name) for name in _LEVELS if levels is not None})
        yield values | {"type": message.__struct_config__.tag, "message": line.decode().rstrip()}


def _arrow() -> tuple[Any, Any]:
    purpose = "writing messages as Parquet"
    return (
        require("pyarrow", extra="io", purpose=purpose),
        require("pyarrow.parquet", extra="io", purpose=purpose),
    )
