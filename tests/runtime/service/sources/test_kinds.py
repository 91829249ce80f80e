"""Every kind of source behind one protocol, from what stands in a file."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest

from dlrsd.runtime.base.formats import json_schema
from dlrsd.runtime.service.sources.base import SignalSource, Source
from dlrsd.runtime.service.sources.kinds import AnySource
from dlrsd.runtime.service.sources.link import Link
from tests.runtime.service.sources.collecting import Running, running

jsonschema = pytest.importorskip("jsonschema")
EXAMPLES: list[dict[str, Any]] = [
    {"kind": "tcp", "connect": "10.0.0.5:9000", "unit": "m/s2", "scale": 0.01},
    {"kind": "tcp", "listen": "127.0.0.1:9000", "format": "raw", "dtype": "s16le", "rate": 25600},
    {"kind": "mqtt", "host": "broker", "topic": "plant/{sensor}/signal", "sensors": ["de", "nde"]},
    {"kind": "folder", "folder": "in", "pattern": "*.wav"},
    {"kind": "stdin", "dtype": "f32le", "rate": 12000, "channels": 2},
    {"kind": "serial", "port": "/dev/ttyUSB0", "baud": 921600},
    {"kind": "opcua", "url": "opc.tcp://plant:4840", "values": {"load": "ns=2;s=Load"}},
    {"kind": "simulated", "defect": "outer", "begins_s": 10},
]


@pytest.mark.parametrize("facts", EXAMPLES, ids=lambda facts: str(facts["kind"]))
def test_each_is_read_and_written_and_fits_the_published_schema(facts: dict[str, Any]) -> None:
    source = msgspec.convert(facts, AnySource)
    assert isinstance(source.run, object)
    again = msgspec.convert(msgspec.to_builtins(source), AnySource)
    assert again == source
    schema = json_schema(AnySource, identifier="sources", title="Sources")
    jsonschema.validate(facts, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**facts, "surprise": 1}, schema)


def test_all_kinds_have_an_example() -> None:
    tags = {msgspec.inspect.type_info(kind).tag for kind in get_args(AnySource)}  # type: ignore[attr-defined]
    assert tags == {facts["kind"] for facts in EXAMPLES}


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="kind"):
        msgspec.convert({"kind": "udp"}, AnySource)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("fact", ["scale", "silent_s", "rate"])
def test_numbers_that_are_none_are_refused(fact: str, value: float) -> None:
    facts = {"kind": "stdin", "dtype": "f32le", "rate": 12000, fact: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(facts, AnySource)


async def garbled(port_of: Any) -> Running:
    """What is told of a server that says nothing anyone understands."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff\xfe HTTP/1.1 418 I am a teapot\r\n\r\n" * 100)
        with suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with running(port_of(server.sockets[0].getsockname()[1])) as it:
        await it.until(lambda: bool(it.told))
        assert it.task is not None
        assert not it.task.done()
    server.close()
    return it


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "tcp", "connect": "127.0.0.1:PORT"},
        {"kind": "mqtt", "host": "127.0.0.1", "port": "PORT", "topic": "a"},
        {"kind": "mqtt", "host": "127.0.0.1", "port": "PORT", "topic": "a", "tls": True},
        {"kind": "opcua", "url": "opc.tcp://127.0.0.1:PORT", "values": {"load": "ns=2;s=Load"}},
    ],
    ids=lambda facts: f"{facts['kind']}-{len(facts)}",
)
def test_a_server_of_another_kind_ends_nothing(facts: dict[str, Any]) -> None:
    def at(port: int) -> Source:
        filled = {
            key: port
            if value == "PORT"
            else value.replace("PORT", str(port))
            if isinstance(value, str)
            else value
            for key, value in facts.items()
        }
        source: Source = msgspec.convert(filled, AnySource)
        return source

    it = asyncio.run(garbled(at))
    assert not it.given
    assert it.told[0].kind in ("refused", "silent")
    assert "\n" not in it.told[0].text
    assert len(it.told[0].text) < 500


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "tcp", "connect": f"{'a' * 70}..b:9000"},
        {"kind": "mqtt", "host": f"{'a' * 70}..b", "topic": "a"},
        {"kind": "opcua", "url": f"opc.tcp://{'a' * 70}..b:4840", "values": {"load": "i=1"}},
        {"kind": "folder", "folder": "a\u2028b/" + "x" * 5000},
        {"kind": "serial", "port": "/dev/null"},
    ],
    ids=lambda facts: str(facts["kind"]),
)
def test_names_of_nothing_are_told_and_end_nothing(facts: dict[str, Any]) -> None:
    async def main() -> Running:
        async with running(msgspec.convert(facts, AnySource)) as it:
            await it.until(lambda: bool(it.told))
            assert it.task is not None
            assert not it.task.done()
        return it

    it = asyncio.run(main())
    assert it.told[0].kind in ("refused", "silent")


def test_what_a_library_raises_is_told_and_tried_again() -> None:
    told: list[Any] = []
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        raise KeyError("something\nnobody thought of")

    async def main() -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(Link(told.append, "it").keep(attempt), 1.0)

    asyncio.run(main())
    assert tries == 2
    assert sum(event.count for event in told) == 2
    assert told[0].text.startswith("it does not work: KeyError")


def test_signal_and_slow_values_are_told_apart_by_their_base() -> None:
    kinds = get_args(AnySource)
    assert {kind.__name__ for kind in kinds if not issubclass(kind, SignalSource)} == {
        "OpcUaSource"
    }
