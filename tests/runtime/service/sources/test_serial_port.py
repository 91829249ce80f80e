"""Signal over a real pseudo-terminal, with bytes lost, flipped and put between."""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.service.sources.sending import blocks_of
from dlrsd.runtime.service.sources.serial_port import SerialSource
from dlrsd.runtime.service.sources.wire import encode
from tests.runtime.service.sources.collecting import Running, running

RANDOM = np.random.default_rng(0)
SIGNAL = RANDOM.integers(-(2**15), 2**15, (2, 2000)).astype("<i2")
BLOCKS = list(blocks_of(SIGNAL, rate_hz=1000.0, size=100, time=1.8e9))


class Line:
    """The sensor's end of a serial line."""

    def __init__(self) -> None:
        self.sensor, box = os.openpty()
        tty.setraw(box)
        self.port = os.ttyname(box)
        self._box = box

    def is_open(self) -> bool:
        """Whether a source has it: what was sent before is thrown away when it opens."""
        links = []
        for each in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                links.append(str(each.readlink()))
        return links.count(self.port) >= 3  # the test, the port, what reads it

    def send(self, data: bytes) -> threading.Thread:
        def write() -> None:
            rest = data
            while rest:
                rest = rest[os.write(self.sensor, rest) :]

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def cut(self) -> None:
        os.close(self._box)
        os.close(self.sensor)


def received(data: bytes, count: int, **facts: object) -> Running:
    """What a source gives of bytes on a line, once there are ``count`` blocks."""

    async def main() -> Running:
        line = Line()
        async with running(SerialSource(port=line.port, **facts)) as it:  # type: ignore[arg-type]
            await it.until(line.is_open)
            thread = line.send(data)
            await it.until(lambda: len(it.blocks) >= count)
            thread.join(30)
        line.cut()
        return it

    return asyncio.run(main())


def test_blocks_come_through() -> None:
    it = received(b"".join(map(encode, BLOCKS)), 20)
    assert np.array_equal(np.concatenate([b.samples for b in it.blocks], axis=1), SIGNAL)
    assert [block.sequence for block in it.blocks] == list(range(20))
    assert not it.told


def test_reading_that_begins_within_a_block_finds_the_next() -> None:
    it = received(encode(BLOCKS[0])[77:] + b"".join(map(encode, BLOCKS[1:])), 19)
    assert [block.sequence for block in it.blocks] == list(range(1, 20))
    assert not it.told


def test_damage_costs_the_blocks_it_is_in() -> None:
    """Bytes lost, flipped, put between: every block that came whole is taken."""
    random = np.random.default_rng(1)
    sent, whole = bytearray(), []
    for index, block in enumerate(BLOCKS):
        data = bytearray(encode(block))
        at = int(random.integers(0, len(data)))
        match index % 5 if index else 0:
            case 1:
                del data[at : at + int(random.integers(1, 50))]
            case 2:
                data[at] ^= 1 << int(random.integers(0, 8))
            case 3:
                data += random.bytes(30) + b"DLRB" + random.bytes(10)
                whole.append(index)
            case _:
                whole.append(index)
        sent += data
    it = received(bytes(sent), len(whole))
    assert [block.sequence for block in it.blocks] == whole
    for block in it.blocks:
        assert block.sequence is not None
        assert np.array_equal(block.samples, BLOCKS[block.sequence].samples)
    assert {event.kind for event in it.told} == {"refused"}
    assert sum(event.count for event in it.told) == 8
    assert "bytes that are left out" in it.told[0].text


def test_a_length_that_was_damaged_does_not_swallow_what_follows() -> None:
    damaged = bytearray(encode(BLOCKS[1]))
    damaged[35] = 1  # 16 million samples more
    longer = bytearray(encode(BLOCKS[2]))
    longer[33] ^= 4  # 1024 more
    parts = [encode(BLOCKS[0]), bytes(damaged), bytes(longer), *map(encode, BLOCKS[3:])]
    it = received(b"".join(parts), 18, baud=1_000_000)
    assert [block.sequence for block in it.blocks] == [0, *range(3, 20)]


def test_raw_samples_come_through() -> None:
    it = received(SIGNAL.T.tobytes(), 20, format="raw", dtype="s16le", rate=1000.0, channels=2)
    assert np.array_equal(np.concatenate([b.samples for b in it.blocks], axis=1), SIGNAL)
    assert [block.missing_before for block in it.blocks] == [None] + [0] * 19


def test_a_port_that_is_not_there_is_told_and_one_that_comes_back_is_read(tmp_path: Path) -> None:
    name = tmp_path / "sensor"  # as udev would link it

    async def main() -> Running:
        async with running(SerialSource(port=str(name))) as it:
            await it.until(lambda: len(it.told) == 1)
            first = Line()
            name.symlink_to(first.port)
            await it.until(first.is_open)
            thread = first.send(encode(BLOCKS[0]))
            await it.until(lambda: len(it.blocks) == 1)
            thread.join(30)
            first.cut()
            name.unlink()
            await it.until(lambda: it.kinds().count("silent") >= 1 and "back" in it.kinds())
            second = Line()
            name.symlink_to(second.port)
            await it.until(second.is_open)
            second.send(encode(BLOCKS[5]))
            await it.until(lambda: len(it.blocks) == 2)
        second.cut()
        return it

    it = asyncio.run(main())
    assert [block.sequence for block in it.blocks] == [0, 5]
    assert it.kinds()[:2] == ["silent", "back"]
    assert "No such file" in it.told[0].text


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"baud": 0}, "baud"), ({"port": ""}, "port"), ({"format": "raw"}, "dtype and rate")],
)
def test_facts_that_cannot_be_are_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({"kind": "serial", "port": "/dev/ttyUSB0", **facts}, SerialSource)
