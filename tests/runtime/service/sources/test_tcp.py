"""Signal over real TCP connections, cut and garbled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.sending import blocks_of, send_blocks
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.sources.wire import encode
from tests.runtime.service.sources.collecting import Running, free_port, running

SIGNAL = np.arange(1000, dtype="<i2").reshape(2, -1, order="F")  # 2 channels of 500


def some_blocks(sequence: int | None = 0) -> list[Block]:
    return list(blocks_of(SIGNAL, rate_hz=1000.0, size=100, time=1.8e9, sequence=sequence))


async def until_listening(port: int) -> None:
    for _ in range(1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


def test_a_sender_connects_and_is_read() -> None:
    async def main() -> Running:
        port = free_port()
        async with running(TcpSource(listen=f"127.0.0.1:{port}")) as it:
            await until_listening(port)
            await send_blocks("127.0.0.1", port, some_blocks())
            await it.until(lambda: len(it.blocks) == 5)
        return it

    it = asyncio.run(main())
    assert np.array_equal(np.concatenate([b.samples for b in it.blocks], axis=1), SIGNAL)
    assert [block.sequence for block in it.blocks] == [0, 1, 2, 3, 4]
    assert [block.time for block in it.blocks] == [1.8e9 + 0.1 * i for i in range(5)]
    assert all(block.missing_before == 0 for block in it.blocks)


async def served(
    talk: Callable[[asyncio.StreamWriter, int], Awaitable[None]],
    source: dict[str, object],
    count: int,
) -> Running:
    """Blocks of a source that connects to a server; ``talk`` is told how often it did."""
    connections = 0

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await talk(writer, connections)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(TcpSource(connect=f"127.0.0.1:{port}", **source)) as it:  # type: ignore[arg-type]
        await it.until(lambda: len(it.blocks) >= count)
    server.close()
    return it


def test_a_cut_connection_is_made_again() -> None:
    blocks = some_blocks()

    async def talk(writer: asyncio.StreamWriter, connection: int) -> None:
        if connection == 1:
            writer.write(encode(blocks[0]) + encode(blocks[1])[:-7])  # cut within a block
        else:
            writer.write(b"".join(encode(block) for block in blocks[2:]))

    it = asyncio.run(served(talk, {}, 4))
    assert [block.sequence for block in it.blocks[:4]] == [0, 2, 3, 4]
    assert it.kinds()[:2] == ["silent", "back"]
    assert "within a block" in it.told[0].text


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: somewhere.example.org\r\n\r\n", "GET"),
        (encode(some_blocks()[0])[:32] + b"\0\0\0\x40" + bytes(4), "claims 4294967296 bytes"),
        (encode(some_blocks()[0])[:-1] + b"?", "checksum"),
    ],
)
def test_garbage_is_one_event_and_the_connection_is_made_again(garbage: bytes, words: str) -> None:
    async def talk(writer: asyncio.StreamWriter, connection: int) -> None:
        writer.write(garbage if connection == 1 else encode(some_blocks()[3]))

    it = asyncio.run(served(talk, {}, 1))
    assert it.kinds()[:2] == ["refused", "back"]
    assert words in it.told[0].text
    assert it.blocks[0].sequence == 3


def test_raw_samples_have_a_break_wherever_the_connection_was_cut() -> None:
    data = SIGNAL.T.tobytes()

    async def talk(writer: asyncio.StreamWriter, connection: int) -> None:
        writer.write(data + b"x" if connection == 1 else data)  # half a sample at the end

    facts = {"format": "raw", "dtype": "s16le", "rate": 1000.0, "channels": 2}
    it = asyncio.run(served(talk, facts, 10))
    assert [block.missing_before for block in it.blocks[:10]] == [None, 0, 0, 0, 0] * 2
    samples = np.concatenate([block.samples for block in it.blocks[:10]], axis=1)
    assert np.array_equal(samples, np.concatenate([SIGNAL, SIGNAL], axis=1))
    assert all(block.sequence is None and block.time is None for block in it.blocks)


def test_24_bits_are_read_raw() -> None:
    async def talk(writer: asyncio.StreamWriter, connection: int) -> None:
        writer.write(b"\xff\xff\xff\x00\x00\x80\x01\x00\x00")

    it = asyncio.run(served(talk, {"format": "raw", "dtype": "s24le", "rate": 30.0}, 1))
    assert it.blocks[0].samples.tolist() == [[-1, -(2**23), 1]]


def test_nobody_there_is_told_once_and_tried_again() -> None:
    async def main() -> Running:
        port = free_port()
        async with running(TcpSource(connect=f"127.0.0.1:{port}")) as it:
            await it.until(lambda: len(it.told) == 1)

            async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(encode(some_blocks()[0]))
                await writer.drain()
                await asyncio.sleep(60)

            server = await asyncio.start_server(handle, "127.0.0.1", port)
            await it.until(lambda: len(it.blocks) == 1)
            server.close()
        return it

    it = asyncio.run(main())
    assert it.kinds()[0] == "silent"
    assert "back" in it.kinds()
    assert sum(event.count for event in it.told if event.kind == "silent") >= 1


def test_a_port_in_use_is_told_and_taken_when_it_is_free() -> None:
    async def main() -> Running:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            context = running(TcpSource(listen=f"127.0.0.1:{port}"))
            it = await context.__aenter__()
            await it.until(lambda: len(it.told) == 1)
        await it.until(lambda: "back" in it.kinds())
        await send_blocks("127.0.0.1", port, some_blocks())
        await it.until(lambda: len(it.blocks) == 5)
        await context.__aexit__(None, None, None)
        return it

    it = asyncio.run(main())
    assert "address already in use" in it.told[0].text


def test_the_latest_sender_is_read() -> None:
    async def main() -> Running:
        port = free_port()
        async with running(TcpSource(listen=f"127.0.0.1:{port}")) as it:
            await until_listening(port)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(encode(some_blocks()[0])[:50])  # half a block, and then nothing
            await writer.drain()
            await send_blocks("127.0.0.1", port, some_blocks()[1:])
            await it.until(lambda: len(it.blocks) == 4)
            assert await asyncio.wait_for(reader.read(), 30) == b""  # the first was closed
            writer.close()
        return it

    it = asyncio.run(main())
    assert [block.sequence for block in it.blocks] == [1, 2, 3, 4]


def test_who_is_not_allowed_is_not_read() -> None:
    async def main() -> Running:
        port = free_port()
        source = TcpSource(listen=f"127.0.0.1:{port}", allow=["10.0.0.0/24"])
        async with running(source) as it:
            await until_listening(port)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(encode(some_blocks()[0]))
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 30) == b""
            await it.until(lambda: bool(it.told))
        return it

    it = asyncio.run(main())
    assert not it.blocks
    assert it.told[0].kind == "refused"
    assert "127.0.0.1" in it.told[0].text


def test_nothing_is_read_while_what_was_given_waits() -> None:
    """A give that waits holds the sender: no more than the buffers of both ends is on its way."""

    async def main() -> int:
        port = free_port()
        opened = asyncio.Event()

        async def give(_: object) -> None:
            await opened.wait()

        task = asyncio.create_task(
            TcpSource(listen=f"127.0.0.1:{port}").run(give, lambda event: None)
        )
        await until_listening(port)
        big = Block(samples=np.zeros((1, 2**18), "<f8"), rate_hz=1e6, arrived=0.0, sequence=0)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = 0
        message = encode(big)
        try:
            for _ in range(200):  # 400 MiB
                writer.write(message)
                await asyncio.wait_for(writer.drain(), 2)
                sent += 1
        except asyncio.TimeoutError:
            pass
        writer.transport.abort()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return sent

    assert asyncio.run(main()) < 40


@pytest.mark.parametrize("way", ["listen", "connect"])
def test_what_fails_in_giving_is_told_and_ends_nothing(way: str) -> None:
    async def main() -> list[Any]:
        told: list[Any] = []
        given: list[object] = []

        async def give(what: object) -> None:
            given.append(what)
            if len(given) == 1:
                raise KeyError("a mistake of ours")

        async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(encode(some_blocks()[0]))

        port = free_port()
        server = None
        if way == "connect":
            server = await asyncio.start_server(handle, "127.0.0.1", port)
        source = TcpSource(**{way: f"127.0.0.1:{port}"})
        task = asyncio.create_task(source.run(give, told.append))
        for _ in range(300):
            if way == "listen":
                with suppress(OSError):
                    await send_blocks("127.0.0.1", port, some_blocks())
            if len(given) > 1:
                break
            await asyncio.sleep(0.1)
        assert not task.done()
        assert len(given) > 1
        task.cancel()
        await asyncio.wait([task])
        if server is not None:
            server.close()
        return told

    told = asyncio.run(main())
    assert "KeyError" in told[0].text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "one of connect and listen"),
        ({"connect": "a:1", "listen": "127.0.0.1:1"}, "one of connect and listen"),
        ({"connect": "somewhere"}, "no address"),
        ({"connect": "a:0"}, "no address"),
        ({"connect": "a:70000"}, "no address"),
        ({"listen": "0.0.0.0:9000"}, "open to other machines"),
        ({"listen": "[::]:9000"}, "open to other machines"),
        ({"listen": "10.0.0.5:9000"}, "open to other machines"),
        ({"listen": "0.0.0.0:9000", "allow": ["all"]}, "no network"),
        ({"connect": "a:1", "allow": ["10.0.0.0/8"]}, "nothing listens"),
        ({"connect": "a:1", "format": "raw"}, "dtype and rate"),
        ({"connect": "a:1", "rate": 12000}, "blocks say their own"),
        ({"connect": "a:1", "scale": 0}, "scale is 0"),
        ({"connect": "a:1", "silent_s": -1}, "silent_s"),
        ({"connect": "a:1", "sensors": ["de", "de"]}, "each name once"),
        ({"connect": "a:1", "sensor": "de"}, "sensor"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words.replace("(", r"\(")):
        msgspec.convert({"kind": "tcp", **facts}, TcpSource)


def test_what_may_be_stated_is_taken() -> None:
    facts = {
        "kind": "tcp", "listen": "0.0.0.0:9000", "allow": ["10.0.0.0/24", "192.168.1.7"],
        "unit": "m/s2", "scale": 0.01, "sensors": ["de", "nde"], "silent_s": 5,
    }  # fmt: skip
    source = msgspec.convert(facts, TcpSource)
    assert (source.unit, source.scale, source.sensors) == ("m/s2", 0.01, ["de", "nde"])
    assert msgspec.convert({"kind": "tcp", "connect": "[::1]:9000"}, TcpSource).connect
