"""Where the samples of a TDMS file stand, and what each of its segments says of them.

Every size is checked against the file before anything is read by it, and properties are kept by
segment, for one file may hold recordings of several days.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from msgspec import Struct, field, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.tdms_metadata import NO_DATA, Layout, Metadata, parts_of

_TOC_METADATA, _TOC_NEW_LIST, _TOC_INTERLEAVED, _TOC_BIG_ENDIAN = 1 << 1, 1 << 2, 1 << 5, 1 << 6
_LEAD_IN = 28
_MOST_METADATA = 1 << 26  # bytes in a segment
_MOST_PLACES = 1 << 20


class Place(Struct, frozen=True):
    """Where samples of a channel stand: in `chunks` pieces of `count` values each.

    A value of type `dtype` begins at byte ``first + chunk * stride + value * step``.
    """

    dtype: str
    first: int
    count: int
    chunks: int
    stride: int
    step: int


class Channel(Struct):
    """A channel of a file.

    Attributes
    ----------
    places : list of dict of int to Place
        Where its values stand: the values themselves (-1), or raw ones by number of their scale.
    ends : list of int
        Values up to the end of each place.
    properties : dict
        As last set.
    changes : list of (int, dict)
        Properties that a segment set, and how many values there were before.
    is_digital : bool
    """

    places: list[dict[int, Place]] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    changes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    length: int = 0
    is_digital: bool = False


class Index(Struct):
    """What a file holds: channels and groups by path, () being the file itself."""

    channels: dict[tuple[str, ...], Channel] = field(default_factory=dict)
    is_cut: bool = False


def read_index(file: IO[bytes], size: int, path: Path) -> Index:
    """Read what the segments of an open TDMS file of so many bytes say.

    Raises
    ------
    InputError
        If it is none, or says what cannot be.
    """
    index = Index()
    layouts: dict[str, Layout] = {}
    listed: dict[str, bool] = {}  # whether it has values in the segment
    position = work = 0
    if size < _LEAD_IN:
        raise InputError(f"{path} cannot be read as TDMS: it was cut within its first bytes")
    while position + _LEAD_IN <= size:
        file.seek(position)
        lead_in = file.read(_LEAD_IN)
        toc = int.from_bytes(lead_in[4:8], "little")
        order = ">" if toc & _TOC_BIG_ENDIAN else "<"
        next_offset, raw_offset = struct.unpack(order + "QQ", lead_in[12:])
        data, end = position + _LEAD_IN + raw_offset, position + _LEAD_IN + next_offset
        if lead_in[:4] != b"TDSm" and not position:
            raise InputError(f"{path} cannot be read as TDMS: it does not begin as one")
        if lead_in[:4] != b"TDSm" or data > min(end, size):
            index.is_cut = True  # the rest was never written
            break
        if toc & _TOC_METADATA:
            if raw_offset > _MOST_METADATA:
                raise InputError(f"{path} has {raw_offset} bytes of metadata in one segment")
            if toc & _TOC_NEW_LIST:
                listed = {}
            for name, layout, properties in Metadata(file.read(raw_offset), order, path).objects():
                listed[name] = layout != NO_DATA
                if isinstance(layout, Layout):
                    layouts[name] = layout
                elif listed[name] and name not in layouts:
                    raise InputError(f"{path} cannot be read as TDMS: {name} is as never before")
                channel = index.channels.setdefault(parts_of(name), Channel())
                channel.properties |= properties
                channel.is_digital |= isinstance(layout, Layout) and layout.is_digital
                if properties:
                    channel.changes.append((channel.length, properties))
        active = {name: layouts[name] for name, has_values in listed.items() if has_values}
        for name, places in _places(active, data, end, size, toc, path):
            channel = index.channels[parts_of(name)]
            length = min(each.count * each.chunks for each in places.values())
            if length:
                channel.ends.append(channel.length + length)
                channel.places.append(places)
                channel.length += length
        if (work := work + len(listed)) > _MOST_PLACES:
            raise InputError(
                f"{path} holds its samples in more than {_MOST_PLACES} pieces: defragment it in "
                f"LabVIEW"
            )
        index.is_cut |= end > size
        position = end
    return index


class _Column(Struct, frozen=True):
    """Values of a channel in each chunk of a segment: one in each row of a block."""

    name: str
    number: int
    dtype: str
    count: int
    block: int  # the byte at which the block begins
    offset: int  # the byte of a row at which a value begins
    step: int  # bytes of a row


def _places(
    active: dict[str, Layout], data: int, end: int, size: int, toc: int, path: Path
) -> Iterator[tuple[str, dict[int, Place]]]:
    """Where the values of each channel stand in a segment: in whole chunks, then in the last."""
    order = ">" if toc & _TOC_BIG_ENDIAN else "<"
    is_interleaved = bool(toc & _TOC_INTERLEAVED) and all(each.dtype for each in active.values())
    columns, chunk = _columns(active, is_interleaved, path)
    if not chunk:
        return
    chunks, rest = divmod(min(end, size) - data, chunk)
    for first, many in ((data, chunks), (data + chunks * chunk, 1 if rest else 0)):
        is_rest = first > data or not chunks
        part = _last(columns, rest, chunk, is_interleaved or end > size) if is_rest else columns
        places: dict[str, dict[int, Place]] = {}
        for each in part if many else ():
            places.setdefault(each.name, {})[each.number] = Place(
                order + each.dtype,
                first + each.block + each.offset,
                each.count,
                many,
                chunk if many > 1 else 0,
                each.step,
            )
        yield from places.items()


def _columns(
    active: dict[str, Layout], is_interleaved: bool, path: Path
) -> tuple[list[_Column], int]:
    """The values of all channels in a chunk, and its bytes."""
    columns, at = [], 0
    if any(each.widths for each in active.values()):
        widths = next(iter(active.values())).widths
        if any(each.widths != widths for each in active.values()):
            raise InputError(f"{path} cannot be read as TDMS: rows of raw values differ in width")
        counts = [
            max(
                (a.count for a in active.values() if any(s.buffer == i for s in a.scalers)),
                default=0,
            )
            for i in range(len(widths))
        ]
        blocks = [
            sum(n * w for n, w in zip(counts[:i], widths, strict=False)) for i in range(len(widths))
        ]
        columns = [
            _Column(
                name, s.number, s.dtype, each.count, blocks[s.buffer], s.offset, widths[s.buffer]
            )
            for name, each in active.items()
            for s in each.scalers
            if not each.is_digital
        ]
        return columns, sum(n * w for n, w in zip(counts, widths, strict=True))
    if is_interleaved:
        sizes = {name: int(each.dtype[1:]) for name, each in active.items()}
        row, counts = sum(sizes.values()), [each.count for each in active.values()]
        if len(set(counts)) > 1:
            raise InputError(f"{path} cannot be read as TDMS: rows of channels of unequal lengths")
        for name, each in active.items():
            columns.append(_Column(name, -1, each.dtype, each.count, 0, at, row))
            at += sizes[name]
        return columns, row * max(counts, default=0)
    for name, each in active.items():
        if each.dtype:
            columns.append(_Column(name, -1, each.dtype, each.count, at, 0, int(each.dtype[1:])))
        at += each.size
    return columns, at


def _last(columns: list[_Column], rest: int, chunk: int, is_cut: bool) -> list[_Column]:
    """The same in the last chunk, which has fewer bytes."""
    there = [min(each.count, max(0, rest - each.block) // each.step) for each in columns]
    if is_cut:  # as laid out, up to the end; channels that were as long stay so
        least = min(there, default=0)
        is_even = least and len({each.count for each in columns}) == 1
        return [
            structs.replace(each, count=least if is_even else n)
            for each, n in zip(columns, there, strict=True)
        ]
    last, at = [], 0
    for each in columns:  # a shorter chunk of the same proportions
        last.append(structs.replace(each, count=each.count * rest // chunk, block=at))
        at += last[-1].count * each.step
    return last
