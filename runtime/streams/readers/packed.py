"""Arrays that are deflated in a file, inflated as far as they are read.

Of two axes, where a channel follows a channel, each is inflated on its own from where it begins;
where that is, is found once, by inflating all of it without keeping it.
"""

from __future__ import annotations

import copy
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError

_PIECE = 1 << 16
_PADDING = 64  # more bytes than may follow an array that is the last


class Inflater:
    """The inflated bytes of a stretch of a file, from the first on.

    Parameters
    ----------
    path : Path
    begin, count : int
        Where the deflated bytes stand.
    form : int
        What ``zlib`` calls ``wbits``: 15 with a header and a checksum, -15 without them.
    crc : int, optional
        The CRC-32 of all inflated bytes.

    Attributes
    ----------
    position : int
        Bytes that were read.
    """

    def __init__(
        self,
        path: Path,
        begin: int,
        count: int,
        form: int = zlib.MAX_WBITS,
        crc: int | None = None,
    ) -> None:
        self.position = 0
        self._crc, self._found = crc, 0
        self._path, self._at, self._end = path, begin, begin + count
        self._zlib = zlib.decompressobj(form)

    def copy(self) -> Inflater:
        """Another that goes on from here."""
        other = copy.copy(self)
        other._zlib = self._zlib.copy()
        return other

    def read(self, count: int) -> bytes:
        """So many bytes, or an `InputError` where they end before."""
        parts, missing = [], count
        data = self._zlib.unconsumed_tail
        while missing:
            if not data:
                data = self._deflated()
            part = self._zlib.decompress(data, missing)
            is_over = not data and not part
            data = self._zlib.unconsumed_tail
            if is_over or (self._zlib.eof and not part):
                raise InputError(f"{self._path} is damaged: an element ends before it should")
            parts.append(part)
            self._found = zlib.crc32(part, self._found)
            missing -= len(part)
        self.position += count
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over so many bytes."""
        while count > 0:
            self.read(min(count, _PIECE))
            count -= _PIECE

    def finish(self) -> None:
        """Check what was read, where that was all; an error where a checksum is another."""
        self._zlib.decompress(self._zlib.unconsumed_tail or self._deflated(), _PADDING)
        if self._crc not in (None, self._found):
            raise InputError(f"{self._path} is damaged: the checksum of an array is wrong")

    def _deflated(self) -> bytes:
        """The next deflated bytes; no file is held, for there may be thousands of arrays."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read(min(_PIECE, self._end - self._at))
        self._at += len(data)
        return data


class PackedArray:
    """An array of one or two axes that is inflated along the longer one, as it is read.

    Parameters
    ----------
    start : Inflater
        That has read nothing yet.
    offset : int
        Inflated bytes before the array.
    dtype : dtype
    shape : tuple of int
    order : {"C", "F"}
    """

    def __init__(
        self, start: Inflater, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
    ) -> None:
        self.dtype, self.shape = dtype, shape
        self._start, self._offset = start, offset
        self._is_wide = len(shape) == 2 and shape[1] == max(shape)
        # Whether all channels of a sample stand together; else each channel is a lane of its own.
        is_together = len(shape) == 1 or self._is_wide == (order == "F")
        self._lanes = 1 if is_together else min(shape)
        self._item = math.prod(shape) // max(shape) // self._lanes * dtype.itemsize
        self._begins: list[Inflater] = []
        self._now: list[Inflater] = []
        self._at = 0

    def __getitem__(self, where: Any) -> np.ndarray:
        """Samples of all channels: ``[begin:end]``, or ``[:, begin:end]`` of a wide array."""
        along = where[-1 if self._is_wide else 0] if isinstance(where, tuple) else where
        begin, end, _ = along.indices(max(self.shape))
        if begin != self._at or not self._now:
            self._rewind(begin)
        n = max(0, end - begin)
        lanes = [np.frombuffer(lane.read(n * self._item), self.dtype) for lane in self._now]
        self._at = begin + n
        if self._at == max(self.shape):
            if self._lanes == 1:
                self._now[0].finish()
            self.forget()
            self._begins = []
        if len(self.shape) == 1:
            return lanes[0]
        samples = lanes[0].reshape(n, -1).T if len(lanes) == 1 else np.stack(lanes)
        return samples if self._is_wide else samples.T

    def forget(self) -> None:
        """Give back what was kept for the samples after the last ones."""
        self._now, self._at = [], 0

    def _rewind(self, begin: int) -> None:
        if not self._begins:
            lane = self._start.copy()
            lane.skip(self._offset)
            self._begins = [lane.copy()]
            for _ in range(1, self._lanes):
                lane.skip(max(self.shape) * self._item)
                self._begins.append(lane.copy())
            if self._lanes > 1:
                lane.skip(max(self.shape) * self._item)
                lane.finish()
        self._now = [each.copy() for each in self._begins]
        for each in self._now:
            each.skip(begin * self._item)
