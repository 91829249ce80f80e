"""Slow values of a real server of OPC UA on this machine."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.service.sources.opcua import OpcUaSource
from tests.runtime.service.sources.collecting import Running, free_port, running

asyncua = pytest.importorskip("asyncua")
VALUES = {"speed_rpm": "ns=2;s=Speed", "temperature_c": "ns=2;s=Temperature"}


class OneUser:
    """Who comes without a name or knows the word may read."""

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> Any:
        from asyncua.server.user_managers import User, UserRole

        if username is None or (username == "dlrsd" and password == "open sesame"):
            return User(role=UserRole.User)
        return None


class Plant:
    """A server with a speed and a temperature, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.url = f"opc.tcp://127.0.0.1:{port}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server: Any = None
        self.call(self._start())

    def call(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def write(self, node: str, value: Any) -> None:
        await asyncio.to_thread(
            lambda: self.call(self.server.get_node(f"ns=2;s={node}").write_value(value))
        )

    async def _start(self) -> None:
        self.server = server = asyncua.Server(user_manager=OneUser())
        await server.init()
        server.set_endpoint(self.url)
        server.set_security_policy([asyncua.ua.SecurityPolicyType.NoSecurity])
        assert await server.register_namespace("plant") == 2
        objects = server.nodes.objects
        for name, value in (("Speed", 1480.0), ("Temperature", 61.5), ("Text", "fast")):
            await objects.add_variable(f"ns=2;s={name}", name, value)
        await server.start()

    def stop(self) -> None:
        self.call(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    it = Plant(free_port())
    yield it
    it.stop()


def source(url: str, **facts: Any) -> OpcUaSource:
    return OpcUaSource(url=url, **{"values": VALUES, "every_s": 0.05, **facts})


def latest(it: Running, name: str) -> float | None:
    return next((each.value for each in reversed(it.slow) if each.name == name), None)


def test_values_are_read_again_and_again(plant: Plant) -> None:
    async def main() -> Running:
        await plant.write("Speed", 1480.0)
        async with running(source(plant.url)) as it:
            await it.until(lambda: len(it.slow) >= 2)
            await plant.write("Speed", 1490.5)
            await it.until(lambda: latest(it, "speed_rpm") == 1490.5)
        return it

    began = time.time()
    it = asyncio.run(main())
    assert [(each.name, each.value) for each in it.slow[:2]] == [
        ("speed_rpm", 1480.0), ("temperature_c", 61.5),
    ]  # fmt: skip
    assert all(began <= each.time <= time.time() for each in it.slow)
    assert not it.told


BAD = asyncua.ua.DataValue(
    asyncua.ua.Variant(7.0), asyncua.ua.StatusCode(asyncua.ua.StatusCodes.BadSensorFailure)
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (BAD, "the server calls it BadSensorFailure"),
        (math.nan, "no finite number"),
        (-math.inf, "no finite number"),
    ],
)
def test_a_value_that_is_none_is_left_out_and_told_once(
    plant: Plant, value: Any, words: str
) -> None:
    async def main() -> Running:
        await plant.write("Speed", value)
        async with running(source(plant.url)) as it:
            await it.until(lambda: len(it.slow) > 5)
            assert {each.name for each in it.slow} == {"temperature_c"}
            await plant.write("Speed", asyncua.ua.DataValue(asyncua.ua.Variant(1500.0)))
            await it.until(lambda: latest(it, "speed_rpm") == 1500.0)
        return it

    it = asyncio.run(main())
    assert it.kinds() == ["refused", "back"]
    assert "gives no speed_rpm" in it.told[0].text
    assert words in it.told[0].text
    assert {each.value for each in it.slow} == {61.5, 1500.0}


def test_a_node_of_text_or_none_at_all_is_left_out(plant: Plant) -> None:
    values = {
        "speed_rpm": "ns=2;s=Text", "load": "ns=2;s=Nowhere", "temperature_c": "ns=2;s=Temperature",
    }  # fmt: skip

    async def main() -> Running:
        async with running(source(plant.url, values=values)) as it:
            await it.until(lambda: len(it.slow) >= 3)
        return it

    it = asyncio.run(main())
    assert {each.name for each in it.slow} == {"temperature_c"}
    texts = " ".join(event.text for event in it.told)
    assert "of type str" in texts
    assert "BadNodeIdUnknown" in texts


def test_a_server_that_dies_and_comes_back_is_read_again() -> None:
    port = free_port()
    first = Plant(port)

    async def main() -> Running:
        async with running(source(first.url)) as it:
            await it.until(lambda: len(it.slow) >= 2)
            await asyncio.to_thread(first.stop)
            await it.until(lambda: bool(it.told))
            before = len(it.slow)
            second = await asyncio.to_thread(Plant, port)
            await it.until(lambda: len(it.slow) > before)
            await asyncio.to_thread(second.stop)
        return it

    it = asyncio.run(main())
    assert it.kinds()[:2] == ["silent", "back"]


def test_nobody_there_is_told() -> None:
    async def main() -> Running:
        async with running(source(f"opc.tcp://127.0.0.1:{free_port()}")) as it:
            await it.until(lambda: bool(it.told))
        return it

    it = asyncio.run(main())
    assert it.told[0].kind == "silent"
    assert "\n" not in it.told[0].text


@pytest.mark.parametrize("password", ["open sesame", "wrong horse"])
def test_user_and_password(plant: Plant, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPC_PASSWORD", password)

    async def main() -> Running:
        facts = {"username": "dlrsd", "password_env": "OPC_PASSWORD"}
        async with running(source(plant.url, **facts)) as it:
            await it.until(lambda: bool(it.told or it.slow))
        return it

    it = asyncio.run(main())
    if password == "open sesame":
        assert it.slow
        assert not it.told
    else:
        assert not it.slow
        assert it.kinds() == ["refused"]
        assert "wrong horse" not in it.told[0].text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"url": "http://127.0.0.1"}, "expected such as opc.tcp"),
        ({"url": "opc.tcp://user:secret@plant:4840"}, "without a password"),
        ({"values": {}}, "values"),
        ({"values": {"speed": "ns=2;s=Speed"}}, "speed"),
        ({"values": {"load": "Speed"}}, "expected a node"),
        ({"every_s": 0}, "every_s"),
        ({"password_env": "A", "password_file": "b"}, "named twice"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts: dict[str, object], words: str) -> None:
    values = {"kind": "opcua", "url": "opc.tcp://plant:4840", "values": VALUES, **facts}
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(values, OpcUaSource)
