"""The block as it travels over TCP, MQTT and serial lines: a header of 40 bytes, then the samples.

All numbers are little-endian, nothing is padded. As a C structure (packed):

    offset  type      name
    0       uint8[4]  magic        the bytes 'D' 'L' 'R' 'B'
    4       uint8     version      1
    5       uint8     dtype        1: int16, 2: int32, 3: float32, 4: float64 (IEEE 754)
    6       uint16    channels     1 to 256
    8       int64     sequence     number of the block, one more with each; -1: not counted
    16      int64     time_ns      when the first sample was measured, ns since 1970-01-01 UTC,
                                   without leap seconds; -1: not known
    24      float64   rate_hz      samples of each channel a second, above 0 and at most 1e8
    32      uint32    samples      of each channel, at least 1
    36      uint32    crc          CRC-32 (ISO 3309, as zlib's crc32) of bytes 0 to 35 and of all
                                   that follows byte 39

Behind it stand ``samples`` frames; a frame is one sample of each channel in order. A block's
samples take at most 64 MiB: ``samples * channels * width of dtype``. The next block follows at
once; over MQTT a message is one block.

``sequence`` begins anywhere and grows by one for every block that was measured, also for one that
could not be sent: that is how a lost one is known. It counts for one sensor. A sender that starts
again may begin anew. Rate, channels and dtype stay as they were in the first block.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any, Final

import numpy as np
from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.streams.stream_format import MAX_RATE_HZ

MAGIC: Final = b"DLRB"
MOST_CHANNELS: Final = 256
_VERSION = 1
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<i2"),
    2: np.dtype("<i4"),
    3: np.dtype("<f4"),
    4: np.dtype("<f8"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_FORM = struct.Struct("<4sBBHqqdII")
_CRC = struct.Struct("<I")
HEADER_BYTES: Final = _FORM.size
_NS = 10**9
_COVERED = HEADER_BYTES - _CRC.size


class Header(Struct, frozen=True):
    """What the first 40 bytes say, checked."""

    raw: bytes
    dtype: np.dtype[Any]
    channels: int
    sequence: int | None
    time: float | None  # Unix time in s
    rate_hz: float
    samples: int
    crc: int

    @property
    def payload_bytes(self) -> int:
        return self.samples * self.channels * self.dtype.itemsize


def decode_header(raw: bytes) -> Header:
    """A block's header, refused before any memory is taken for what it claims.

    Raises
    ------
    InputError
        If it is none of ours, or claims what is not possible.
    """
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{len(raw)} bytes: expected a block's header of {HEADER_BYTES}")
    magic, version, code, channels, sequence, time_ns, rate_hz, samples, crc = _FORM.unpack_from(
        raw
    )
    if magic != MAGIC:
        raise InputError(f"no block begins with {magic!r}: expected {MAGIC!r}")
    if version != _VERSION:
        raise InputError(f"a block of version {version}: expected {_VERSION}")
    dtype = _DTYPES.get(code)
    if dtype is None:
        raise InputError(f"a block of dtype {code}: expected 1 (int16), 2, 3 or 4 (float64)")
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(f"a block of {channels} channels: expected 1 to {MOST_CHANNELS}")
    if not 0 < rate_hz <= MAX_RATE_HZ:  # NaN is neither
        raise InputError(f"a block at {rate_hz} Hz: expected above 0 and at most {MAX_RATE_HZ:g}")
    if sequence < -1 or time_ns < -1:
        what, value = ("sequence", sequence) if sequence < -1 else ("time_ns", time_ns)
        raise InputError(f"a block of {what} {value}: expected 0 or more, or -1 for not known")
    header = Header(
        raw[:HEADER_BYTES],
        dtype,
        channels,
        None if sequence < 0 else sequence,
        None if time_ns < 0 else time_ns / _NS,  # of two integers, so correctly rounded
        rate_hz,
        samples,
        crc,
    )
    if not 1 <= header.payload_bytes <= MOST_BLOCK_BYTES:
        raise InputError(
            f"a block that claims {header.payload_bytes} bytes of samples: expected 1 to "
            f"{MOST_BLOCK_BYTES}"
        )
    return header


def decode_payload(
    header: Header, payload: bytes, *, arrived: float, sensor: str | None = None
) -> Block:
    """The block of a header and the bytes behind it, whose samples are a view of them.

    Raises
    ------
    InputError
        If there are more or fewer bytes than the header says, or the checksum is another.
    """
    if len(payload) != header.payload_bytes:
        raise InputError(f"{len(payload)} bytes of samples: expected {header.payload_bytes}")
    crc = zlib.crc32(payload, zlib.crc32(header.raw[:_COVERED]))
    if crc != header.crc:
        raise InputError(
            f"a block whose checksum is {crc:08x}, not {header.crc:08x} as it says: it was "
            "damaged on its way, or its sender computes another"
        )
    samples = np.frombuffer(payload, header.dtype).reshape(header.samples, header.channels).T
    return Block(
        samples=samples,
        rate_hz=header.rate_hz,
        arrived=arrived,
        sequence=header.sequence,
        time=header.time,
        sensor=sensor,
    )


def decode(message: bytes, *, arrived: float, sensor: str | None = None) -> Block:
    """The block that a whole message is.

    Raises
    ------
    InputError
        If it is none.
    """
    header = decode_header(message)
    return decode_payload(header, message[HEADER_BYTES:], arrived=arrived, sensor=sensor)


def encode(block: Block) -> bytes:
    """A block as it travels; ``arrived`` and ``sensor`` do not.

    Raises
    ------
    InputError
        If no header could say it: another dtype, too many samples, or facts out of range.
    """
    channels, samples = block.samples.shape
    code = _CODES.get(block.samples.dtype.newbyteorder("<"))
    if code is None:
        raise InputError(
            f"samples of {block.samples.dtype}: expected int16, int32, float32 or float64"
        )
    if block.time is not None and not math.isfinite(block.time):
        raise InputError(f"a block of time {block.time}: expected a Unix time")
    payload: bytes = block.samples.T.astype(_DTYPES[code]).tobytes()
    try:
        head: bytes = _FORM.pack(
            MAGIC,
            _VERSION,
            code,
            channels,
            -1 if block.sequence is None else block.sequence,
            -1 if block.time is None else _nanoseconds(block.time),
            block.rate_hz,
            samples,
            0,
        )[:_COVERED]
    except struct.error as error:
        raise InputError(f"a block that its header cannot say: {error}") from error
    head += _CRC.pack(zlib.crc32(payload, zlib.crc32(head)))
    decode_header(head)
    return head + payload


def _nanoseconds(time: float) -> int:
    whole = math.floor(time)
    return whole * _NS + round((time - whole) * _NS)
