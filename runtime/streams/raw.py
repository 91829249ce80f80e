"""Raw interleaved samples of a file, a pipe or standard input, handed out as they come."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import Chunk, Source, readable_as

Dtype = Literal["f32le", "f64le", "s16le", "s24le", "s32le"]
DTYPES: dict[Dtype, str] = {
    "f32le": "<f4",
    "f64le": "<f8",
    "s16le": "<i2",
    "s24le": "",
    "s32le": "<i4",
}

_BLOCK = 1 << 22  # bytes; 87 s of one channel of float32 at 12 kHz


def open_raw(file: io.RawIOBase, *, name: str, dtype: Dtype, channels: int) -> Source:
    """Raw interleaved samples, handed out as soon as they are there.

    Parameters
    ----------
    file : io.RawIOBase
        A regular file, pipe or standard input, opened without a buffer.
    name : str
        What messages call it.
    dtype : str
        One of `DTYPES`. Integers come as they are stored, not as a fraction of full scale.
    channels : int > 0

    Raises
    ------
    InputError
        If there is not one whole frame (one sample of every channel): for a regular file here,
        for a pipe when it has ended.
    """
    frame_bytes = int(dtype[1:-2]) // 8 * channels
    status = os.fstat(file.fileno())
    is_regular = stat.S_ISREG(status.st_mode)
    if not is_regular:
        with suppress(AttributeError, OSError):  # else a pause of the writer would be the end
            os.set_blocking(file.fileno(), True)
    if stat.S_ISFIFO(status.st_mode):
        _widen(file)

    def check_end(size: int) -> None:
        frame = f"frame of {frame_bytes} bytes ({channels} x {dtype})"
        if size < frame_bytes:
            raise InputError(
                f"{name} holds {size} bytes: expected at least one {frame}; check the file, dtype "
                f"and channels"
            )
        source.trailing_bytes = rest = size % frame_bytes
        if rest:
            source.warnings.append(
                f"{name} ends with {rest} bytes that are no whole {frame}: left out; it is "
                f"truncated, or dtype or channels are wrong"
            )

    def chunks() -> Iterator[Chunk]:
        rest, size = b"", 0
        with readable_as("raw samples", name):
            while data := file.read(_BLOCK):
                size += len(data)
                data = rest + data
                whole = len(data) - len(data) % frame_bytes
                rest = data[whole:]
                if whole:
                    samples = decode_raw(data[:whole], dtype).reshape(-1, channels)
                    yield Chunk(samples.T)
            if not is_regular:
                check_end(size)
            elif size < expected:
                source.trailing_bytes = len(rest)
                source.warnings.append(
                    f"{name} ended after {size} of {expected} bytes: it was cut while it was read"
                )

    source = Source(chunks(), channels, kind="raw", close=file.close)
    if is_regular:
        expected = status.st_size - file.tell()  # a shell may have read the first bytes
        check_end(expected)
        source.n_samples = expected // frame_bytes
    return source


def _widen(pipe: io.RawIOBase) -> None:
    """Let a pipe hold as much as Linux allows any user: fewer reads of a fast one.

    The 64 KiB it holds by default are 34 ms of 10 channels at 48 kHz, less than a window.
    """
    with suppress(ImportError, AttributeError, OSError):
        import fcntl  # here, for not every system has it

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)


def decode_raw(data: bytes, dtype: Dtype) -> np.ndarray:
    """Numbers of raw bytes, those of 24 bits as int32; a view of the bytes where it can be."""
    if dtype != "s24le":
        return np.frombuffer(data, DTYPES[dtype])
    words = np.zeros((len(data) // 3, 4), np.uint8)
    words[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return words.view("<i4")[:, 0] >> 8
