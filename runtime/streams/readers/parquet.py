"""Parquet files: the columns of numbers and times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, parse_json
from dlrsd.runtime.streams.attributes import rate_of, start_of, unit_of
from dlrsd.runtime.streams.clock import is_named_time
from dlrsd.runtime.streams.long_tables import Labels, refuse_long_table, times_among
from dlrsd.runtime.streams.readers.columns import (
    by_bundle,
    check_columns,
    note_left_out,
    refuse_clock_alone,
    refuse_left_out,
    refuse_lists,
    refuse_strange_times,
    unit_as_name,
    unit_beside,
)
from dlrsd.runtime.streams.readers.parquet_pages import check_pages
from dlrsd.runtime.streams.series import Series, assemble
from dlrsd.runtime.streams.source import BLOCK, Source, Variable, reader_library

_MOST_COLUMNS = 1 << 14
_LABELLED = 1 << 14  # rows that tell sensors apart
_NUMBERS = r"u?int(8|16|32|64)|halffloat|float|double|decimal(32|64|128|256)\(.*"
_TIMES = r"timestamp\[.*|date(32|64)\[.*|time(32|64)\[.*|duration\[.*"
# What people call the other types.
_WORDS = (
    (r"(large_)?string.*", "text"),
    (r"bool", "true and false"),
    (r"(large_|fixed_size_)?(list|binary).*|map.*", "lists"),
    (r"struct.*", "records"),
    (r"dictionary.*", "text"),
    (r"null", "nothing"),
)


def open_parquet(path: Path, variable: Variable) -> Source:
    """The columns of a Parquet file that hold numbers; those of times are its clocks."""
    # Read by pages of this size: row groups may be as long as the recording.
    file = reader_library("pyarrow.parquet", path).ParquetFile(
        path, buffer_size=1 << 18, pre_buffer=False
    )
    try:
        source = _open(file, path, variable)
    except BaseException:
        file.close()
        raise
    source.close = file.close
    return source


def _open(file: Any, path: Path, variable: Variable) -> Source:
    n_rows = file.metadata.num_rows
    if file.metadata.num_columns > _MOST_COLUMNS:
        raise InputError(
            f"{path} has {file.metadata.num_columns} columns: expected at most {_MOST_COLUMNS}, "
            f"one for each channel, and a row for each sample"
        )
    if not n_rows:
        raise InputError(f"{path} holds no rows: expected numbers")
    schema = file.schema_arrow
    kept = [each for each in schema if re.fullmatch(f"{_NUMBERS}|{_TIMES}", _type(each))]
    left_out = {each.name: _word(each) for each in schema if each not in kept}
    check_pages(path, {each.name for each in schema})
    if by_bundle(variable):
        check_columns(schema.names, variable, path)
    refuse_left_out(left_out, variable, path)
    if variable is None:
        refuse_strange_times(_texts(file, left_out), path)
    if not kept:
        raise InputError(
            f"{path} holds no series of real numbers ("
            + ", ".join(f"{name} holds {what}" for name, what in list(left_out.items())[:8])
            + "): expected a column for each channel"
        )

    def blocks(names: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
        columns = list(dict.fromkeys(names))
        for batch in file.iter_batches(batch_size=BLOCK, columns=columns):
            if batch.num_rows:
                yield [_values(batch.column(name)) for name in names]

    names = [each.name for each in kept]
    head = next(blocks(names), []) if names else []
    facts = _facts(schema.metadata)
    rate, unit, start = rate_of(facts), unit_of(facts), start_of(facts)
    series = [
        Series(
            each.name,
            values,
            length=n_rows,
            unit=_unit(each),
            rate_hz=rate if (own := rate_of(_decoded(each.metadata or {}))) is None else own,
            start=start_of(_decoded(each.metadata or {})) or start,
            utc=bool(getattr(each.type, "tz", None)),
        )
        for each, values in zip(kept, head, strict=True)
    ]
    refuse_lists(series, left_out, variable, path)
    refuse_clock_alone(series, path)
    labels = _labels(path, [name for name, what in left_out.items() if what == "text"])
    rising = times_among({each.name: each.head[:_LABELLED] for each in series}).values()
    for name, each in labels.items():
        times = [time for time in rising if len(time) == len(each.codes)]
        refuse_long_table(name, each, times, path, is_chosen=variable is not None)
    source = assemble(series, blocks, variable, path)
    texts = {name: each.names for name, each in labels.items()}
    source.unit = unit_beside(texts, source.unit or unit, path)
    note_left_out(source, schema.names, series, left_out, variable, path)
    return source


def _texts(file: Any, left_out: Mapping[str, str]) -> dict[str, str]:
    """The first value of each column of text that is named like a time."""
    names = [name for name, what in left_out.items() if what == "text" and is_named_time(name)]
    batch = next(file.iter_batches(batch_size=1, columns=names, use_threads=False)) if names else {}
    return {name: str(batch[name][0].as_py()) for name in names}


def _labels(path: Path, names: Sequence[str]) -> dict[str, Labels]:
    """What columns of text hold in the first rows; long texts that repeat are kept once."""
    if not names:
        return {}
    parquet = reader_library("pyarrow.parquet", path)
    with parquet.ParquetFile(path, read_dictionary=names, pre_buffer=False) as file:
        batch = next(file.iter_batches(batch_size=_LABELLED, columns=names, use_threads=False))
        labels = {}
        for name in names:
            coded = batch[name] if _is_coded(batch.schema.field(name)) else None
            if coded is not None:
                codes, places = np.unique(coded.indices.fill_null(-1), return_inverse=True)
                held = [str(coded.dictionary[int(i)].as_py()) if i >= 0 else "" for i in codes]
                labels[name] = Labels(places, held)
        return labels


def _type(field: Any) -> str:
    """The type of a field's values, dictionaries looked through."""
    return str(getattr(field.type, "value_type", field.type) if _is_coded(field) else field.type)


def _is_coded(field: Any) -> bool:
    return str(field.type).startswith("dictionary")


def _word(field: Any) -> str:
    kind = _type(field)
    return next((word for pattern, word in _WORDS if re.fullmatch(pattern, kind)), kind)


def _unit(field: Any) -> str | None:
    if re.fullmatch(r"duration.*|time(32|64).*", str(field.type)):
        return "s"
    return unit_of(_decoded(field.metadata or {})) or unit_as_name(field.name)


def _facts(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What a file states of all its columns, pandas' attributes among them."""
    facts: dict[str, Any] = _decoded(metadata or {})
    try:
        pandas = parse_json((metadata or {}).get(b"pandas", b"{}"))
        attributes = pandas.get("attributes") if isinstance(pandas, dict) else None
    except FormatError:
        attributes = None
    if isinstance(attributes, dict):
        facts |= _plain(attributes)
    for text in list(facts.values()):  # what programs keep as JSON
        with suppress(FormatError):
            nested = parse_json(text.encode()) if str(text).startswith("{") else None
            facts = (_plain(nested) if isinstance(nested, dict) else {}) | facts
    return facts


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and texts among facts, and among those that are facts in turn."""
    inner = [value for value in facts.values() if isinstance(value, dict)]
    own = {key: value for key, value in facts.items() if isinstance(value, (str, int, float))}
    found: dict[str, Any] = {}
    for each in inner:
        found |= {key: value for key, value in each.items() if isinstance(value, (str, int, float))}
    return found | own


def _decoded(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {
        key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
        for key, value in metadata.items()
        if len(value) < 1000
    }


def _values(column: Any) -> NDArray[Any]:
    """A column as numbers or datetime64[ns]; lengths of time and times of day in seconds."""
    kind = str(column.type)
    if kind.startswith("dictionary"):
        column = column.dictionary_decode()
        kind = str(column.type)
    if kind.startswith(("timestamp", "date")):
        times: NDArray[Any] = column.cast("timestamp[ns]").to_numpy(zero_copy_only=False)
        return times.astype("datetime64[ns]")
    if kind.startswith(("duration", "time")):
        per_second = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[kind.split("[")[1][:-1]]
        target = "int32" if kind.startswith("time32") else "int64"
        passed: NDArray[Any] = column.cast(target).to_numpy(zero_copy_only=False)
        return passed.astype(np.float64) / per_second
    if kind.startswith("decimal"):
        column = column.cast("float64")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float32) if values.dtype == np.float16 else values
