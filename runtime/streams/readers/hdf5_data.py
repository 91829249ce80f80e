"""Data sets of HDF5, read without trust: bounded by what the file really holds.

HDF5 itself takes whatever memory a chunk unpacks to, and makes up samples that were never written.
So a data set is checked before it is read, and chunks of gzip that may unpack to gigabytes are
unpacked here, up to the size that they should have.

HDF5 also keeps, of each data set that is open, up to a megabyte of chunks: of thousands that is
gigabytes. So a data set is open only while more of it is to come, and keeps no more than it needs.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.holding import check_packing

_MOST_CHUNK_BYTES = 1 << 25
_MOST_CHUNKS = 1 << 20
_LZF_RATIO, _GZIP_RATIO = 100, 1032  # at most, by their formats
_MOST_SWOLLEN = 1 << 26
_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_NAMES = {4: "szip", 5: "nbit", 6: "scale-offset", 32001: "blosc", 32004: "lz4", 32015: "zstd"}
_REPACK = "write it anew with `h5repack -f GZIP=4 -l CHUNK=65536 OLD NEW`"


class DataSet:
    """A data set that can be sliced along its axes.

    Parameters
    ----------
    item : h5py.Dataset
        Of one or two axes, of real numbers or of a structure.
    reopen : function
        Gives the same data set again, of whose chunks HDF5 keeps so many bytes.

    Attributes
    ----------
    shape : tuple of int
        Up to the end of what was written.
    held : int
        Bytes that are kept between two pieces of it.

    Raises
    ------
    InputError
        If its samples stand in another file, were never written, or take more than they should;
        the message goes on after the name of the data set.
    """

    def __init__(self, item: Any, reopen: Callable[[int], Any]) -> None:
        self._reopen = reopen
        self._open: Any = None
        self._chunks = item.chunks
        self.dtype: np.dtype[Any] = item.dtype
        self.shape: tuple[int, ...] = item.shape
        self.held = 0
        self._may_swell = False
        self._filters = _filters(item)
        self._last: dict[tuple[int, ...], np.ndarray] = {}
        stored = item.id.get_storage_size()
        if stored > item.file.id.get_filesize():
            raise InputError(f"says it takes {stored} bytes, more than its file has")
        if item.chunks is not None:
            self._check_chunks(item)
        elif stored < math.prod(self.shape) * self.dtype.itemsize:
            raise InputError("has samples that were never written")
        check_packing(stored, math.prod(self.shape) * self.dtype.itemsize)

    def __getitem__(self, where: Any) -> np.ndarray:
        slices = where if isinstance(where, tuple) else (where,)
        slices += (slice(None),) * (len(self.shape) - len(slices))
        bounds = [each.indices(n)[:2] for each, n in zip(slices, self.shape, strict=True)]
        if self._open is None:
            self._open = self._reopen(self.held)
        if self._may_swell:
            values = self._unpacked(self._open, bounds)
        else:
            values = self._open[tuple(slice(*each) for each in bounds)]
        if all(end == n for (_, end), n in zip(bounds, self.shape, strict=True)):
            self.forget()
        return values

    def forget(self) -> None:
        """Give back what was kept for the samples after the last ones."""
        self._last, self._open = {}, None

    def _check_chunks(self, item: Any) -> None:
        """Bound the chunks, and cut the shape where they end."""
        chunks = item.chunks
        reach, longest, count = [0] * len(chunks), 0, 0

        def see(chunk: Any) -> bool | None:
            nonlocal longest, count
            longest, count = max(longest, chunk.size), count + 1
            for axis, begin in enumerate(chunk.chunk_offset):
                reach[axis] = max(reach[axis], begin + chunks[axis])
            return True if count > _MOST_CHUNKS else None

        item.id.chunk_iter(see)
        size = math.prod(chunks) * self.dtype.itemsize
        unpacked = longest * _LZF_RATIO if _LZF in self._filters else max(longest, size)
        if unpacked > _MOST_CHUNK_BYTES or count > _MOST_CHUNKS:
            raise InputError(
                f"is kept in {count} chunks of up to {unpacked} bytes: expected at "
                f"most {_MOST_CHUNKS} of {_MOST_CHUNK_BYTES}; {_REPACK}"
            )
        # What HDF5 itself takes for a chunk that says another size than it has.
        self._may_swell = _DEFLATE in self._filters and longest * _GZIP_RATIO > _MOST_SWOLLEN
        self.shape = tuple(map(min, reach, item.shape))
        grid = [-(-n // chunk) for n, chunk in zip(self.shape, chunks, strict=True)]
        if not count or count < math.prod(grid):
            raise InputError("has samples that were never written")
        self.held = size * min(grid) if self._filters else 0

    def _unpacked(self, item: Any, bounds: list[tuple[int, int]]) -> np.ndarray:
        """Samples between bounds; the chunks that reach beyond them are kept for the next."""
        out = np.empty([max(0, end - begin) for begin, end in bounds], self.dtype)
        lengths = self._chunks
        axes = [
            range(begin // length * length, end, length)
            for (begin, end), length in zip(bounds, lengths, strict=True)
        ]
        kept = {}
        for index in np.ndindex(*map(len, axes)):
            corner = tuple(axis[i] for axis, i in zip(axes, index, strict=True))
            last = self._last.get(corner)
            chunk = self._chunk(item, corner) if last is None else last
            here: list[slice] = []
            there: list[slice] = []
            is_needed = False
            for axis, (begin, end) in enumerate(bounds):
                at, length = corner[axis], lengths[axis]
                first, stop = max(begin, at), min(end, at + length)
                here.append(slice(first - at, stop - at))
                there.append(slice(first - begin, stop - begin))
                is_needed |= end < min(at + length, self.shape[axis])
            out[tuple(there)] = chunk[tuple(here)]
            if is_needed:
                kept[corner] = chunk
        self._last = kept
        return out

    def _chunk(self, item: Any, corner: tuple[int, ...]) -> np.ndarray:
        skipped, data = item.id.read_direct_chunk(corner)  # one bit for each filter
        itemsize = self.dtype.itemsize
        size = math.prod(self._chunks) * itemsize
        for i, kind in reversed(list(enumerate(self._filters))):
            if skipped >> i & 1:
                continue
            if kind == _FLETCHER32:
                data = data[:-4]
            elif kind == _DEFLATE:
                data = zlib.decompressobj().decompress(data, size + 4)
            elif kind == _SHUFFLE and len(data) == size:
                planes = np.frombuffer(data, np.uint8).reshape(itemsize, -1)
                values = np.empty((planes.shape[1], itemsize), np.uint8)
                for byte, plane in enumerate(planes):
                    values[:, byte] = plane
                data = values.reshape(-1)
        if len(data) != size:
            raise InputError(
                f"{item.file.filename} is damaged: a chunk of {item.name} unpacks to "
                f"{len(data)} bytes or more, expected {size}"
            )
        return np.frombuffer(data, self.dtype).reshape(self._chunks)


def _filters(item: Any) -> list[int]:
    """The numbers of the filters that pack a data set, in the order in which they do."""
    plist = item.id.get_create_plist()
    if item.is_virtual or plist.get_external_count():
        raise InputError("keeps its samples in another file, which is never opened")
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    for each in filters:
        # What bounds gzip is done here, and lzf would be done in HDF5.
        is_known = each in (_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF)
        if not is_known or filters.count(each) > 1 or {_DEFLATE, _LZF} <= set(filters):
            raise InputError(
                f"is packed with {_NAMES.get(each, f'filter {each}')}: expected gzip or "
                f"lzf; {_REPACK}"
            )
    return filters
