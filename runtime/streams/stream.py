"""Open a stream of vibration samples in the rate and unit that a bundle was trained on.

A stream is raw interleaved samples (a file, or standard input) or a file that describes itself;
`readers` has the kinds. Each fact about it comes from the first of these that states it: the
caller's options, the sidecar `NAME.bin.json` beside the file, the file's own header, the bundle.
What only the bundle states is assumed, and `SampleStream.description` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.facts import check_header, check_interval, check_quantity, unit_factor
from dlrsd.runtime.streams.opening import check_file, open_binary
from dlrsd.runtime.streams.raw import open_raw
from dlrsd.runtime.streams.readers.registry import open_file
from dlrsd.runtime.streams.resample import resample
from dlrsd.runtime.streams.scaling import of_channels, scaled, told
from dlrsd.runtime.streams.signal_spec import AS_RECORDED, SignalSpec
from dlrsd.runtime.streams.source import Chunk, Source
from dlrsd.runtime.streams.stream_format import (
    Stated,
    StreamFormat,
    checked_format,
    parse_start,
    read_sidecar,
)
from dlrsd.runtime.streams.turning import (
    Turning,
    parse_turning,
    settle_units,
    turning_number,
    with_turning,
)
from dlrsd.runtime.streams.units import unit_name

__all__ = ["AS_RECORDED", "Chunk", "SampleStream", "SignalSpec", "StreamFormat", "open_stream"]

# Rates this close are the same rate, stated with few digits or measured from timestamps.
SAME_RATE = 1e-3


class SampleStream(Struct):
    """An open stream: iterate over it once for `Chunk`s of float32 samples.

    The samples are scaled, in the bundle's unit and at the bundle's rate. Its file is closed at
    the end of the samples, of a ``with`` block, or by `close`.

    Attributes
    ----------
    chunks : iterator of Chunk
    rate_hz : float
        The bundle's rate; of a slow signal the recording's own, if it differs by more than 0.1 %.
    unit : str or None
        The bundle's unit; without a bundle the recording's own, None where nobody states it.
    channels : int
        A tacho is none of them where the stream is for a bundle; who listens hears it.
    numbers : list of int
        Of each in the recording.
    start : datetime or None
        Time of the first sample; without a time zone where none was stated.
    n_samples : int or None
        Samples of each channel at `rate_hz`, where known beforehand.
    description : dict
        The stream as found, ready for JSON: `source`, `kind`, `dtype` (of raw samples),
        `rate_hz`, `channels`, `channel_names`, `scale`, `unit`, `start`, `resampled_to_hz`
        (null: not resampled), `speed_rpm`, `orders`, `tacho` and `load` (null: not known),
        `stated_by` (fact: option, sidecar, file, bundle or default), `assumed` (fact: value, for
        those that only the bundle states), `trailing_bytes` and `warnings` (sentences). The last
        two are complete when the stream has ended.
    close : function
    """

    chunks: Iterator[Chunk]
    rate_hz: float
    unit: str | None
    channels: int
    numbers: list[int]
    start: datetime | None
    n_samples: int | None
    description: dict[str, Any]
    close: Callable[[], None]

    def __iter__(self) -> Iterator[Chunk]:
        return self.chunks

    def __enter__(self) -> SampleStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stream(
    source: str | Path,
    fmt: StreamFormat = StreamFormat(),
    *,
    default: SignalSpec = AS_RECORDED,
    heard: Callable[[Chunk], None] | None = None,
) -> SampleStream:
    """Open a recording, or standard input, for a bundle.

    Parameters
    ----------
    source : str or Path
        A file, or "-" for raw samples from standard input.
    fmt : StreamFormat
        What the caller states. It wins over the sidecar and must not contradict the file's own
        header; only `start` may, since clocks are wrong at times.
    default : SignalSpec
        What the bundle expects, and what holds where nobody states anything; by default nothing.
    heard : function, optional
        Is given each chunk at the recording's own rate and in its own unit, scaled, before the
        stream hands on what comes of it.

    Raises
    ------
    InputError
        If the source cannot be read, facts are impossible or contradict each other, the rate is
        below the bundle's (or, of a slow signal, another one), channels are missing, or the unit
        cannot be converted into the bundle's. A damaged file may raise it only while it is read.
    ExtraMissingError
        If the package that reads or resamples it is not installed.
    """
    held: list[Source] = []
    try:
        return _opened(source, fmt, default, heard, held)
    except BaseException:
        for each in held:
            each.close()
        raise


def _opened(
    source: str | Path,
    fmt: StreamFormat,
    default: SignalSpec,
    heard: Callable[[Chunk], None] | None,
    held: list[Source],
) -> SampleStream:
    """Open it; what was opened is in `held`, to be closed if it does not fit."""
    options = checked_format(fmt, "option ", bundle_unit=default.unit)
    path = None if str(source) == "-" else Path(source)
    name = "standard input" if path is None else str(path)
    sidecar = StreamFormat()
    if path is not None:
        check_file(path)
        sidecar = read_sidecar(path.with_name(f"{path.name}.json"), bundle_unit=default.unit)
    stated = Stated(options, sidecar)

    variable, _ = stated.first("variable")
    tacho_text, tacho_by = stated.first("tacho")
    turning = parse_turning(tacho_text) if tacho_text is not None else None
    if turning is not None and default.names:
        raise InputError(f"{tacho_by} tacho is {tacho_text!r}: slow signals have no use for it")
    variable = with_turning(variable, turning)
    wanted = default.names if variable is None else variable
    stated_channels, _ = stated.first("channels")
    is_raw = stated.first("dtype")[0] is not None
    opened = None
    if path is not None:
        opened = open_file(path, variable=wanted, channels=stated_channels, is_raw=is_raw)
    if opened is None:
        if variable is not None:
            raise InputError(f"variable is {variable!r}, but {name} holds raw samples: omit it")
        dtype = stated.settle("dtype", None, "f32le")
        channels = stated.settle("channels", None, default.channels)
        opened = open_raw(open_binary(path), name=name, dtype=dtype, channels=channels)
    else:
        held.append(opened)
        dtype = None
        settle_units(opened, _aside(turning, opened, name))
        if wanted is None:
            check_quantity(opened, default.unit, name, _aside(turning, opened, name))
        check_header(stated, opened, name)
        stated.by["channels"] = "file"

    aside = _aside(turning, opened, name)
    if default.names and opened.channels != default.channels:
        raise InputError(
            f"{name} has {opened.channels} channels without the bundle's names: expected "
            f"{', '.join(default.names)}, in this order"
        )
    if opened.rate_unclear and opened.rate_hz is None and stated.first("rate")[0] is None:
        raise InputError(f"{opened.rate_unclear}; state the rate, or correct them")
    rate = stated.settle("rate", opened.rate_hz, default.rate_hz)
    if rate is None:
        raise InputError(f"nothing states how fast {name} was sampled: state the rate, in Hz")
    rate, wanted_rate = float(rate), default.rate_hz or float(rate)
    unit = stated.settle("unit", unit_name(opened.unit), default.unit)
    start_text, start_by = stated.first("start")
    start = parse_start(start_text) if start_text else opened.start
    if start is not None:
        stated.by["start"] = start_by or "file"
    speed_rpm, speed_by = stated.first("speed_rpm")
    if speed_by is not None:
        stated.by["speed_rpm"] = speed_by
    orders, orders_by = stated.first("orders")
    if orders_by is not None or default.orders is not None:
        orders = dict(stated.settle("orders", None, default.orders))
    scale, scale_by = stated.first("scale")
    stated.by["scale"] = scale_by or "default"
    scale = 1.0 if scale is None else float(scale)
    conversion = 1.0 if default.unit is None else unit_factor(unit, default.unit, name)
    numbers = list(range(opened.channels))
    if aside is not None and default.unit is not None:
        numbers.remove(aside)
    is_slower = rate < wanted_rate * (1 - SAME_RATE)
    is_faster = rate > wanted_rate * (1 + SAME_RATE)
    if default.names:
        check_interval(1 / rate, 1 / wanted_rate, name)
    elif is_slower:
        note = f" ({opened.rate_note})" if opened.rate_note else ""
        raise InputError(
            f"{name} is sampled at {rate:g} Hz{note}: expected at least the {wanted_rate:g} Hz "
            f"of the bundle; check the rate, or use a bundle trained at this one"
        )
    is_resampled = is_faster and not default.names

    description: dict[str, Any] = {
        "source": str(source),
        "kind": opened.kind,
        "dtype": dtype,
        "rate_hz": rate,
        "channels": opened.channels,
        "channel_names": list(opened.channel_names),
        "scale": scale,
        "unit": unit,
        "start": start.isoformat() if start else None,
        "resampled_to_hz": wanted_rate if is_resampled else None,
        "speed_rpm": speed_rpm,
        "orders": orders,
        "tacho": {"channel": aside, "pulses_per_turn": turning.pulses_per_turn}
        if turning
        else None,
        "load": stated.first("load")[0],
        "stated_by": stated.by,
        "assumed": stated.assumed,
        "trailing_bytes": opened.trailing_bytes,
        "warnings": opened.warnings,
    }
    chunks = scaled(opened, of_channels(scale * conversion, opened.channels, aside), description)
    if heard is not None:
        chunks = told(chunks, heard, of_channels(conversion, opened.channels, aside))
    if len(numbers) < opened.channels:
        chunks = (Chunk(each.samples[numbers], each.gap_before) for each in chunks)
    n_samples = opened.n_samples
    if is_resampled:
        chunks = resample(chunks, rate_hz=rate, target_hz=wanted_rate, channels=len(numbers))
        if n_samples is not None:
            n_samples = math.floor(n_samples * wanted_rate / rate + 0.5)
    return SampleStream(
        chunks=chunks,
        rate_hz=rate if default.names and (is_slower or is_faster) else wanted_rate,
        unit=default.unit or unit,
        channels=len(numbers),
        numbers=numbers,
        start=start,
        n_samples=n_samples,
        description=description,
        close=opened.close,
    )


def _aside(turning: Turning | None, source: Source, name: str) -> int | None:
    if turning is None:
        return None
    return turning_number(turning, source.channel_names, source.channels, name)
