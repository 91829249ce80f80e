"""Signal over a real broker of MQTT, which refuses, dies and comes back."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.mqtt import MqttSource
from dlrsd.runtime.service.sources.sending import blocks_of
from dlrsd.runtime.service.sources.wire import encode
from tests.parts import needs
from tests.runtime.service.certificate import make_certificate
from tests.runtime.service.sources.broker import PASSWORD, Broker, broker, publisher, send
from tests.runtime.service.sources.collecting import Running, running

SIGNAL = np.arange(500, dtype="<f4")[None]
BLOCKS = list(blocks_of(SIGNAL, rate_hz=1000.0, size=100, time=1.8e9))
TOPIC = "plant/pump1/{sensor}/signal"


def source(port: int, **facts: Any) -> MqttSource:
    return MqttSource(host="127.0.0.1", port=port, **{"topic": TOPIC, **facts})


def run(
    it: MqttSource,
    scene: Callable[[Running, Callable[[Callable[[], None]], Any]], Any],
) -> Running:
    """Run a source while a scene plays; what blocks runs beside the loop."""

    async def main() -> Running:
        async with running(it) as seen:
            await scene(seen, asyncio.to_thread)
        return seen

    return asyncio.run(main())


async def until_subscribed(seen: Running, client: Any, topic: str, sent: Block) -> None:
    """Publish until the first comes through: then the subscription stands."""
    while not seen.given:
        await asyncio.to_thread(send, client, topic, encode(sent))
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    seen.given.clear()


def test_blocks_come_with_their_sensor(tmp_path: Path) -> None:
    with broker(tmp_path) as server, publisher(server.port) as client:

        async def scene(seen: Running, beside: Any) -> None:
            await until_subscribed(seen, client, "plant/pump1/de/signal", BLOCKS[0])
            for block in BLOCKS:
                await beside(send, client, "plant/pump1/de/signal", encode(block))
            await beside(send, client, "plant/pump1/n-d.e 2/signal", encode(BLOCKS[0]))
            await seen.until(lambda: len(seen.blocks) == 6)

        seen = run(source(server.port), scene)
    assert [block.sensor for block in seen.blocks] == ["de"] * 5 + ["n-d.e 2"]
    assert np.array_equal(np.concatenate([b.samples for b in seen.blocks[:5]], axis=1), SIGNAL)
    assert [block.sequence for block in seen.blocks[:5]] == [0, 1, 2, 3, 4]
    assert not seen.told


def test_a_topic_without_a_sensor_gives_blocks_without_one(tmp_path: Path) -> None:
    with broker(tmp_path) as server, publisher(server.port) as client:

        async def scene(seen: Running, beside: Any) -> None:
            await until_subscribed(seen, client, "a/b", BLOCKS[0])
            await beside(send, client, "a/b", encode(BLOCKS[1]))
            await seen.until(lambda: len(seen.blocks) == 1)

        seen = run(source(server.port, topic="a/b"), scene)
    assert seen.blocks[0].sensor is None


def test_what_is_no_block_or_of_no_sensor_is_left_out(tmp_path: Path) -> None:
    with broker(tmp_path) as server, publisher(server.port) as client:

        async def scene(seen: Running, beside: Any) -> None:
            await until_subscribed(seen, client, "plant/pump1/de/signal", BLOCKS[0])
            for topic, payload in (
                ("plant/pump1/../signal", encode(BLOCKS[1])),
                ("plant/pump1//signal", encode(BLOCKS[1])),
                ("plant/pump1/..%2f..%2fetc/signal", encode(BLOCKS[1])),
                ("plant/pump1/nde/signal", encode(BLOCKS[1])),
                (f"plant/pump1/{'x' * 3000}/signal", encode(BLOCKS[1])),
                ("plant/pump1/de\u202e/signal", encode(BLOCKS[1])),
                ("plant/pump1/de/signal", b""),
                ("plant/pump1/de/signal", b'{"rms": 1.0}' * 1000),
                ("plant/pump1/de/signal", encode(BLOCKS[1])[:-1]),
                ("plant/pump1/de/signal", encode(BLOCKS[2])),
            ):
                await beside(send, client, topic, payload)
            await seen.until(lambda: bool(seen.blocks))

        seen = run(source(server.port, sensors=["de"]), scene)
    assert [block.sequence for block in seen.blocks] == [2]
    assert {event.kind for event in seen.told} == {"refused"}
    assert sum(event.count for event in seen.told) == 9
    assert "names no sensor" in seen.told[0].text
    assert all(len(event.text) < 300 and "\n" not in event.text for event in seen.told)


def test_what_was_kept_by_the_broker_is_of_another_time(tmp_path: Path) -> None:
    with broker(tmp_path) as server, publisher(server.port) as client:
        send(client, "a/b", encode(BLOCKS[4]), retain=True)

        async def scene(seen: Running, beside: Any) -> None:
            for _ in range(200):
                await beside(send, client, "a/b", encode(BLOCKS[1]))
                if seen.blocks:
                    break
                await asyncio.sleep(0.05)

        seen = run(source(server.port, topic="a/b"), scene)
    assert {block.sequence for block in seen.blocks} == {1}


def secured(folder: Path) -> Broker:
    needs("mosquitto")
    file = folder / "passwords"
    command = [needs("mosquitto_passwd"), "-b", "-c", str(file), "dlrsd", PASSWORD]
    subprocess.run(command, check=True)
    return Broker(folder, f"allow_anonymous false\npassword_file {file}")


def test_wrong_credentials_are_one_line_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = secured(tmp_path)
    server.start()
    monkeypatch.setenv("MQTT_PASSWORD", "wrong horse")

    async def scene(seen: Running, beside: Any) -> None:
        await seen.until(lambda: bool(seen.told))
        await asyncio.sleep(1)

    facts = {"username": "dlrsd", "password_env": "MQTT_PASSWORD"}
    try:
        seen = run(source(server.port, **facts), scene)
    finally:
        server.kill()
    assert [event.kind for event in seen.told] == ["refused"]
    assert "lets us not in" in seen.told[0].text
    assert "wrong horse" not in repr(seen.told) + repr(source(server.port, **facts))


def test_the_right_password_is_read_from_a_file(tmp_path: Path) -> None:
    server = secured(tmp_path)
    server.start()
    (tmp_path / "secret").write_text(f"{PASSWORD}\n", "utf-8")
    facts = {"username": "dlrsd", "password_file": str(tmp_path / "secret"), "topic": "a/b"}
    try:
        with publisher(server.port, username="dlrsd") as client:

            async def scene(seen: Running, beside: Any) -> None:
                await until_subscribed(seen, client, "a/b", BLOCKS[0])

            seen = run(source(server.port, **facts), scene)
    finally:
        server.kill()
    assert not seen.told


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"password_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
     ({"password_file": "/nowhere/at/all"}, "cannot read /nowhere/at/all")],
)  # fmt: skip
def test_a_password_that_is_not_there_is_told(facts: dict[str, str], words: str) -> None:
    async def scene(seen: Running, beside: Any) -> None:
        await seen.until(lambda: bool(seen.told))

    seen = run(source(1, username="dlrsd", **facts), scene)
    assert words in seen.told[0].text


def test_a_broker_that_dies_and_comes_back_is_subscribed_again(tmp_path: Path) -> None:
    with broker(tmp_path) as server:

        async def scene(seen: Running, beside: Any) -> None:
            with publisher(server.port) as client:
                await until_subscribed(seen, client, "a/b", BLOCKS[0])
                await beside(server.kill)
                await seen.until(lambda: bool(seen.told))
                await beside(server.start)
                await seen.until(lambda: "back" in seen.kinds())
                with publisher(server.port) as again:
                    await beside(send, again, "a/b", encode(BLOCKS[3]))
                    await seen.until(lambda: any(b.sequence == 3 for b in seen.blocks))

        seen = run(source(server.port, topic="a/b"), scene)
    assert seen.kinds()[:2] == ["silent", "back"]


def test_tls_is_used_and_a_strange_certificate_is_not_trusted(tmp_path: Path) -> None:
    pem, key = make_certificate(tmp_path, "server")
    (tmp_path / "other").mkdir()
    other, _ = make_certificate(tmp_path / "other", "server")
    lines = f"allow_anonymous true\ncertfile {pem}\nkeyfile {key}"
    with broker(tmp_path, lines) as server, publisher(server.port, ca_file=pem) as client:

        async def scene(seen: Running, beside: Any) -> None:
            await until_subscribed(seen, client, "a/b", BLOCKS[0])
            big = Block(samples=np.zeros((1, 10**6), "<i2"), rate_hz=1e6, arrived=0.0, sequence=9)
            await beside(send, client, "a/b", encode(big))
            await seen.until(lambda: bool(seen.blocks))

        facts = {"topic": "a/b", "tls": True}
        seen = run(source(server.port, ca_file=str(pem), **facts), scene)
        assert seen.blocks[0].samples.shape == (1, 10**6)
        assert not seen.told

        async def refused(seen: Running, beside: Any) -> None:
            await seen.until(lambda: bool(seen.told))

        seen = run(source(server.port, ca_file=str(other), **facts), refused)
    assert "certificate verify failed" in seen.told[0].text.lower()


def test_certificates_are_looked_for_where_the_file_stands(tmp_path: Path) -> None:
    it = source(8883, tls=True, ca_file="ca.pem")
    assert it.at(tmp_path).ca_file == str(tmp_path / "ca.pem")
    assert source(1883).at(tmp_path) == source(1883)


def test_no_more_is_read_while_what_was_given_waits(tmp_path: Path) -> None:
    """200 MB are sent, and the process holds a part of that while nothing is taken."""
    lines = "allow_anonymous true\nmax_queued_messages 20"
    block = Block(samples=np.zeros((1, 10**6), "<i2"), rate_hz=1e6, arrived=0.0, sequence=0)
    with broker(tmp_path, lines) as server, publisher(server.port) as client:
        opened = threading.Event()
        taken: list[object] = []
        most = 0

        async def main() -> None:
            nonlocal most
            from dlrsd.runtime.service.sources.link import Link
            from dlrsd.runtime.service.sources.mqtt_session import MqttSession

            session = MqttSession(Link(lambda event: None, "broker"))
            await session.connect(
                "127.0.0.1", server.port, tls=False, ca_file=None, username=None, password=None
            )

            async def take(topic: str, payload: bytes) -> None:
                nonlocal most
                while not opened.is_set():
                    most = max(most, session._bytes)
                    await asyncio.sleep(0.01)
                taken.append(payload)

            reading = asyncio.create_task(session.read("a/b", take))
            while not session._waiting:
                await asyncio.to_thread(send, client, "a/b", encode(block))
                await asyncio.sleep(0.02)
            for _ in range(100):
                await asyncio.to_thread(send, client, "a/b", encode(block))
            opened.set()
            while len(taken) < 30:
                await asyncio.sleep(0.01)
            reading.cancel()

        asyncio.run(asyncio.wait_for(main(), 60))
    assert most <= (64 + 3) * 2**20


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"topic": "a/+/b"}, "holds . or #"),
        ({"topic": "a/#"}, "holds . or #"),
        ({"topic": "a/x{sensor}/b"}, "one whole level"),
        ({"topic": "{sensor}/{sensor}"}, "one whole level"),
        ({"topic": "a/{machine}/b"}, "one whole level"),
        ({"topic": ""}, "topic"),
        ({"topic": "a\0b"}, "topic"),
        ({"ca_file": "x.pem"}, "without TLS"),
        ({"password_env": "A", "password_file": "b"}, "named twice"),
        ({"password": "secret"}, "password"),
        ({"port": 0}, "port"),
    ],
)
def test_facts_that_cannot_be_are_refused(facts: dict[str, object], words: str) -> None:
    values = {"kind": "mqtt", "host": "broker", "topic": "a", **facts}
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(values, MqttSource)
