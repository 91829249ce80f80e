"""LabVIEW's TDMS files: channels of samples, raw or scaled, and the starts of their segments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.holding import Holding
from dlrsd.runtime.streams.readers.tdms_index import Channel, Place, read_index
from dlrsd.runtime.streams.readers.tdms_starts import first_start, gaps_of, one_start, with_gaps
from dlrsd.runtime.streams.source import Source, Variable, reader_library, shorter_than_said
from dlrsd.runtime.streams.units import time_unit

_MOST_SCALES = 64
_MOST_BYTES = 1 << 24  # that are read at once
_SCALES = (
    "Linear", "Polynomial", "RTD", "Strain", "Table", "Thermistor", "Thermocouple", "Add",
    "Subtract", "AdvancedAPI",
)  # fmt: skip
_TIME = {
    "<": [("fraction", "<u8"), ("seconds", "<i8")],
    ">": [("seconds", ">i8"), ("fraction", ">u8")],
}


def open_tdms(path: Path, variable: Variable) -> Source:
    """The channels of a TDMS file."""
    file = path.open("rb")
    try:
        index = read_index(file, path.stat().st_size, path)
        channels = {"/".join(parts): each for parts, each in index.channels.items()}
        holding = Holding()
        for parts, channel in index.channels.items():
            if len(parts) == 2 and channel.length:
                levels = [index.channels.get(parts[:i], Channel()).properties for i in (2, 1, 0)]
                _add(holding, "/".join(parts), channel, levels, file, path)
                holding.labels["/".join(parts)] = parts[1]
        for parts, channel in index.channels.items():
            if len(parts) < 2 or "/".join(parts) in holding.arrays:
                holding.facts["/".join(parts)] = _facts(channel)
        if index.is_cut and not (holding.arrays or holding.left):
            raise InputError(f"{path} cannot be read as TDMS: it was cut before its first sample")
        one_start(holding.facts)
        source = arrays_source(holding, variable, path)
        if source.n_samples is not None:  # else a channel of times tells what is missing
            chosen = {name: channels[name] for name in source.channel_names}
            gaps = gaps_of(chosen, source.rate_hz, source.warnings, path)
            source.chunks = with_gaps(source.chunks, gaps)
    except BaseException:
        file.close()
        raise
    source.close = file.close
    if index.is_cut:
        source.warnings.append(shorter_than_said(path))
    return source


def _facts(channel: Channel) -> dict[str, Any]:
    """Properties without those that nobody set; the start is that of the first sample."""
    facts = dict(channel.properties)
    if facts.get("wf_increment") == 0:
        del facts["wf_increment"]
    if not facts.get("unit_string") and "NI_UnitDescription" in facts:
        facts["unit_string"] = facts["NI_UnitDescription"]
    if "wf_start_time" in facts:
        facts["wf_start_time"] = first_start(channel)
    return facts


def _add(
    holding: Holding,
    name: str,
    channel: Channel,
    levels: list[dict[str, Any]],
    file: IO[bytes],
    path: Path,
) -> None:
    """Keep a channel as a series, or say why not."""
    kinds = {each.dtype[1] for place in channel.places for each in place.values()}
    n_scales = _count_scales(levels)
    kind = kinds.pop() if len(kinds) == 1 else ""
    unknown = [
        value
        for level in levels
        for key, value in level.items()
        if key.startswith("NI_Scale[") and key.endswith("]_Scale_Type") and value not in _SCALES
    ]
    axis = str(channel.properties.get("wf_xunit_string") or "s")
    if time_unit(axis) is None:
        holding.left[name] = f"is not over time, but over {axis}"
    elif channel.is_digital or kind == "b":
        holding.left[name] = "is a digital line"
    elif kind == "c":
        holding.left[name] = "is complex"
    elif not kind:
        holding.left[name] = "changes its type of values"
    elif n_scales > _MOST_SCALES or unknown:
        holding.left[name] = f"has {n_scales} scales" + "".join(f", one {each}" for each in unknown)
    elif -1 not in channel.places[0] and not n_scales:
        holding.left[name] = "has raw values and no scale"
    else:
        scaling = None
        if n_scales:
            scaling = reader_library("nptdms.scaling", path).get_scaling(*levels)
        holding.arrays[name] = _Values(file, channel, scaling, kind, path)


def _count_scales(levels: list[dict[str, Any]]) -> int:
    for level in levels:
        if any(key.startswith("NI_Scale[") for key in level) or "NI_Number_Of_Scales" in level:
            said = level.get("NI_Number_Of_Scales", 1)
            numbers = [key[9:].split("]")[0] for key in level if key.startswith("NI_Scale[")]
            named = [int(each) + 1 for each in numbers if each.isdecimal()]
            return max([int(said) if str(said).isdecimal() else _MOST_SCALES + 1, *named])
    return 0


class _Values:
    """The samples of a channel."""

    utc = True  # as every time in such a file

    def __init__(
        self, file: IO[bytes], channel: Channel, scaling: Any, kind: str, path: Path
    ) -> None:
        self._file, self._channel, self._scaling, self._path = file, channel, scaling, path
        first = next(iter(channel.places[0].values())).dtype
        self.shape = (channel.length,)
        self.dtype = np.dtype("f8" if scaling else "M8[us]" if kind == "V" else first)

    def __getitem__(self, where: slice) -> np.ndarray:
        begin, end, _ = where.indices(self.shape[0])
        parts = [np.empty(0, self.dtype)]
        while begin < end:
            i = bisect_right(self._channel.ends, begin)
            before = self._channel.ends[i - 1] if i else 0
            stop = min(end, self._channel.ends[i])
            places = self._channel.places[i].items()
            raw = {n: _read(self._file, each, begin - before, stop - before) for n, each in places}
            parts.append(self._scaled(raw))
            begin = stop
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def _scaled(self, raw: Mapping[int, np.ndarray]) -> np.ndarray:
        if self.dtype.kind == "M":
            return _moments(raw[-1])
        if self._scaling is None:
            return raw[-1]
        chunk = reader_library("nptdms.base_segment", self._path).RawChannelDataChunk(
            raw.get(-1), {number: values for number, values in raw.items() if number >= 0}
        )
        scaled: np.ndarray = self._scaling.scale(chunk)
        return scaled


def _read(file: IO[bytes], place: Place, begin: int, end: int) -> np.ndarray:
    """Values of one place, read with what stands between them."""
    parts = []
    while begin < end:
        chunk, first = divmod(begin, place.count)
        span = (place.count - 1) * place.step + int(place.dtype[2:])  # bytes of a whole chunk
        if first or end - begin < place.count or span > _MOST_BYTES:
            n = min(end - begin, place.count - first, max(1, _MOST_BYTES // place.step))
            n_chunks = 1
        else:
            n, n_chunks = place.count, (end - begin) // place.count
            n_chunks = min(n_chunks, max(1, _MOST_BYTES // max(place.stride, 1)))
        at = place.first + chunk * place.stride + first * place.step
        size = (n_chunks - 1) * place.stride + (n - 1) * place.step + int(place.dtype[2:])
        file.seek(at)
        data = file.read(size)
        if len(data) < size:
            raise InputError(f"{file.name} became shorter while it was read")
        strides = (place.stride, place.step)
        values: np.ndarray = np.ndarray((n_chunks, n), place.dtype, data, 0, strides)
        parts.append(values.reshape(-1))
        begin += n * n_chunks
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _moments(values: np.ndarray) -> np.ndarray:
    """Times since 1904, 64 bits of seconds and 64 of their fraction, to the microsecond."""
    order = "<" if values.dtype.byteorder in "|<=" else ">"
    parts = values.view(_TIME[order])
    micros = np.rint(parts["fraction"].astype(float) / 2.0**64 * 1e6).astype("m8[us]")
    seconds = parts["seconds"].astype("i8").astype("m8[s]")
    moments: np.ndarray = np.datetime64("1904-01-01", "us") + seconds + micros
    return moments
