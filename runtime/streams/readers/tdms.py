"""LabVIEW's TDMS files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.streams.source import (
    Chunk,
    Source,
    Variable,
    choose_series,
    common_fact,
    reader_library,
    shorter_than_said,
)

_BLOCK = 1 << 19  # samples; each call reads the file's own chunks, however long, as a whole


def open_tdms(path: Path, variable: Variable) -> Source:
    """The channels of a TDMS file."""
    # It says on standard error what is said in `warnings` here.
    reader_library("nptdms.log", path).log_manager.set_level(logging.ERROR)
    file = reader_library("nptdms", path).TdmsFile.open(path)
    series = {
        f"{group.name}/{channel.name}": channel
        for group in file.groups()
        for channel in group.channels()
        if channel.dtype is not None and channel.dtype.kind in "iuf" and len(channel)
    }
    names = choose_series({name: len(channel) for name, channel in series.items()}, variable, path)
    chosen = [series[name] for name in names]
    length = len(chosen[0])

    def chunks() -> Iterator[Chunk]:
        for begin in range(0, length, _BLOCK):
            size = min(_BLOCK, length - begin)
            yield Chunk(np.stack([channel.read_data(begin, size) for channel in chosen]))

    facts = [channel.properties for channel in chosen]
    increment = common_fact(
        "sampling intervals", [each.get("wf_increment") for each in facts], path
    )
    unit = common_fact("units", [each.get("unit_string") for each in facts], path)
    start = facts[0].get("wf_start_time")
    source = Source(
        chunks(),
        len(chosen),
        tuple(names),
        rate_hz=1 / increment if increment else None,
        unit=unit or None,
        start=None if start is None else _utc(start),
        n_samples=length,
        close=file.close,
    )
    if file.file_status.incomplete_final_segment:
        source.warnings.append(shorter_than_said(path))
    return source


def _utc(moment: Any) -> datetime:
    naive: datetime = np.datetime64(moment, "us").astype(datetime)
    return naive.replace(tzinfo=timezone.utc)
