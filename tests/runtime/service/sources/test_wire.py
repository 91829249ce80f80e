"""The block on the wire: written here byte by byte, as a sender in another language would."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.service.sources.sending import blocks_of
from dlrsd.runtime.service.sources.wire import HEADER_BYTES, decode, decode_header, encode


def by_hand(
    payload: bytes = struct.pack("<6h", 1, -2, 3, -4, 5, -6),
    *,
    magic: bytes = b"DLRB",
    version: int = 1,
    dtype: int = 1,
    channels: int = 2,
    sequence: int = 7,
    time_ns: int = 1_800_000_000_250_000_000,
    rate_hz: float = 25600.0,
    samples: int = 3,
) -> bytes:
    head = magic + struct.pack(
        "<BBHqqdI", version, dtype, channels, sequence, time_ns, rate_hz, samples
    )
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload


def test_a_block_written_by_hand_is_read() -> None:
    block = decode(by_hand(), arrived=5.0, sensor="de")
    assert block.samples.dtype == np.dtype("<i2")
    assert block.samples.tolist() == [[1, 3, 5], [-2, -4, -6]]
    assert (block.sequence, block.time, block.rate_hz) == (7, 1_800_000_000.25, 25600.0)
    assert (block.arrived, block.sensor, block.missing_before) == (5.0, "de", 0)


def test_what_is_written_is_what_was_written_by_hand() -> None:
    assert encode(decode(by_hand(), arrived=5.0)) == by_hand()
    unknown = by_hand(sequence=-1, time_ns=-1)
    assert encode(decode(unknown, arrived=5.0)) == unknown


@pytest.mark.parametrize("dtype", ["<i2", "<i4", "<f4", "<f8", ">i2", ">f8"])
def test_every_dtype_comes_back(dtype: str) -> None:
    samples = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [-1, -2, -3, -4]]).astype(dtype)
    for block in blocks_of(samples, rate_hz=100.0, size=3, time=1.8e9):
        back = decode(encode(block), arrived=0.0)
        assert back.samples.tolist() == block.samples.tolist()
        assert back.samples.dtype == block.samples.dtype.newbyteorder("<")
        assert (back.sequence, back.time) == (block.sequence, block.time)


def test_samples_are_not_copied() -> None:
    assert not decode(by_hand(), arrived=0.0).samples.flags.owndata


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "0 bytes"),
        (by_hand()[:39], "39 bytes"),
        (by_hand(magic=b"GET "), "GET"),
        (by_hand(version=2), "version 2"),
        (by_hand(dtype=0), "dtype 0"),
        (by_hand(dtype=255), "dtype 255"),
        (by_hand(channels=0), "0 channels"),
        (by_hand(channels=65535), "65535 channels"),
        (by_hand(rate_hz=float("nan")), "nan Hz"),
        (by_hand(rate_hz=float("inf")), "inf Hz"),
        (by_hand(rate_hz=0.0), "0.0 Hz"),
        (by_hand(rate_hz=-25600.0), "-25600.0 Hz"),
        (by_hand(sequence=-2), "sequence -2"),
        (by_hand(time_ns=-(2**63)), "time_ns -9223372036854775808"),
        (by_hand(samples=0), "claims 0 bytes"),
        (by_hand(samples=2**28), "claims 1073741824 bytes"),
        (by_hand(samples=2**32 - 1, channels=256, dtype=4), "claims 8796093020160 bytes"),
        (by_hand() + b"x", "13 bytes of samples: expected 12"),
        (by_hand()[:-1], "11 bytes of samples: expected 12"),
        (by_hand()[:-1] + b"\0", "checksum"),
        (by_hand()[:8] + b"\x09" + by_hand()[9:], "checksum"),
    ],
)
def test_what_is_no_block_is_refused_in_one_line(message: bytes, words: str) -> None:
    with pytest.raises(InputError) as refused:
        decode(message, arrived=0.0)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_gigabyte_is_refused_by_its_header_alone() -> None:
    with pytest.raises(InputError, match=str(MOST_BLOCK_BYTES)):
        decode_header(by_hand(samples=2**28)[:HEADER_BYTES])


def test_random_bytes_are_never_taken_and_raise_nothing_else() -> None:
    random = np.random.default_rng(0)
    whole = by_hand()
    for _ in range(2000):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), random.integers(1, 4)):
            damaged[place] ^= int(random.integers(1, 256))
        if bytes(damaged) == whole:
            continue
        with pytest.raises(InputError):
            decode(bytes(damaged), arrived=0.0)
        with pytest.raises(InputError):
            decode(random.bytes(int(random.integers(0, 100))), arrived=0.0)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (Block(samples=np.zeros((1, 4), "<u2"), rate_hz=1.0, arrived=0.0), "uint16"),
        (Block(samples=np.zeros((1, 4), "<i2"), rate_hz=0.0, arrived=0.0), "0.0 Hz"),
        (Block(samples=np.zeros((1, 4), "<i2"), rate_hz=1.0, arrived=0.0, sequence=-5), "-5"),
        (Block(samples=np.zeros((1, 4), "<i2"), rate_hz=1.0, arrived=0.0, sequence=2**63), "say"),
        (Block(samples=np.zeros((1, 4), "<i2"), rate_hz=1.0, arrived=0.0, time=np.nan), "nan"),
        (Block(samples=np.zeros((0, 4), "<i2"), rate_hz=1.0, arrived=0.0), "0 channels"),
    ],
)
def test_what_no_header_can_say_is_not_written(block: Block, words: str) -> None:
    with pytest.raises(InputError, match=words):
        encode(block)
