"""MQTT through a real mosquitto that is killed and started again."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sinks import mqtt
from dlrsd.runtime.service.sinks.delivery import Telemetry, deliver
from dlrsd.runtime.service.sinks.mqtt import Mqtt, topic_of
from dlrsd.runtime.service.sinks.payload import (
    Message,
    StateMessage,
    encoded,
    of_change,
    of_event,
    of_machine,
    of_minute,
)
from dlrsd.runtime.service.sinks.sink import NotDelivered, Refused
from tests.parts import needs
from tests.runtime.service.certificate import make_certificate
from tests.runtime.service.sinks.broker import Broker, Listener, config_of, send
from tests.runtime.service.sinks.made import (
    ODD,
    Outbox,
    a_change,
    a_machine,
    a_minute,
    an_event,
    ended,
    run,
    until,
)


def four(machine: str) -> list[Message]:
    return [
        of_change(a_change(machine=machine)),
        of_machine(a_machine(machine), time=1_769_860_801.0),
        of_minute(a_minute(machine=machine, sensor=machine)),
        of_event(an_event(machine=machine)),
    ]


@pytest.mark.parametrize("machine", ["pump1", ODD, "$SYS/x", "../.."])
def test_each_message_has_its_topic_and_the_state_stays(machine: str, broker: Broker) -> None:
    async def work() -> None:
        early = Listener(broker.port)
        await until(lambda: early.ready)
        await send(config_of(broker, prefix="plant/box1"), four(machine))
        await until(lambda: len(early.got) >= 6)
        late = Listener(broker.port)
        await until(lambda: len(late.got) >= 2)
        early.close()
        late.close()
        first, second = early.got[0], early.got[-1]
        assert (first[:2], second[:2]) == (
            ("plant/box1/status", b"online"), ("plant/box1/status", b"offline"),
        )  # fmt: skip
        sent = {topic_of(each, "plant/box1"): encoded(each) for each in four(machine)}
        assert {topic: payload for topic, payload, _ in early.got[1:-1]} == sent
        assert all(topic.count("/") <= 5 for topic in sent)
        state = next(each for each in four(machine) if isinstance(each, StateMessage))
        kept = {topic: payload for topic, payload, _ in late.got}
        assert kept == {
            topic_of(state, "plant/box1"): encoded(state), "plant/box1/status": b"offline",
        }  # fmt: skip

    run(work())


def test_who_is_killed_leaves_its_last_will(broker: Broker) -> None:
    program = (
        "import asyncio, sys\n"
        "from dlrsd.runtime.service.sinks.mqtt import Mqtt\n"
        "async def main():\n"
        "    await Mqtt(name='m', host='127.0.0.1', port=int(sys.argv[1])).sink().open()\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )

    async def work() -> None:
        import sys

        listener = Listener(broker.port)
        await until(lambda: listener.ready)
        process = subprocess.Popen([sys.executable, "-c", program, str(broker.port)])
        await until(lambda: listener.of("dlrsd/status") == [b"online"])
        process.kill()
        process.wait()
        await until(lambda: listener.of("dlrsd/status") == [b"online", b"offline"])
        listener.close()

    run(work())


def test_a_broker_killed_and_started_again_loses_no_change(tmp_path: Path) -> None:
    async def work(broker: Broker) -> None:
        outbox = Outbox(tmp_path / "store.sqlite")
        broker.start()
        listener = Listener(broker.port, name="listener")
        await until(lambda: listener.ready)
        broker.stop()
        broker.start()
        await until(lambda: len(listener.ready) == 2)

        def ids() -> list[str]:
            found = [json.loads(each)["id"] for each in listener.of("dlrsd/machines/pump1/alarm")]
            return list(dict.fromkeys(found))

        sink, woken, told = config_of(broker).sink(), asyncio.Event(), list[Event]()
        telemetry = Telemetry(sink, woken)
        pauses = {"first_pause_s": 0.05, "longest_pause_s": 0.2}
        task = asyncio.ensure_future(deliver(sink, outbox, woken, telemetry, told.append, **pauses))

        def say(*numbers: int) -> None:
            outbox.keep(*(a_change(number) for number in numbers))
            woken.set()

        say(1, 2)
        await until(lambda: ids() == ["c1", "c2"] and not outbox.undelivered("mqtt", 1))
        broker.kill()
        say(3, 4)
        telemetry.put(of_machine(a_machine(), time=5.0))
        await until(lambda: [each.kind for each in told] == ["undelivered"])
        assert [each.id for each in outbox.undelivered("mqtt", 9)] == ["c3", "c4"]
        broker.start()
        await until(lambda: [each.kind for each in told] == ["undelivered", "back"])
        say(5)
        await until(lambda: ids() == ["c1", "c2", "c3", "c4", "c5"])
        await until(lambda: listener.of("dlrsd/machines/pump1/state"))
        await until(lambda: not outbox.undelivered("mqtt", 1))
        await ended(task)
        listener.close()

    where = f"persistence_location {tmp_path}/"
    broker = Broker(tmp_path, "allow_anonymous true", "persistence true", where)
    try:
        run(work(broker))
    finally:
        broker.kill()


def test_an_idle_connection_that_is_lost_comes_back_by_itself(broker: Broker) -> None:
    async def work() -> None:
        sink = config_of(broker).sink()
        await sink.open()
        broker.kill()
        with pytest.raises(NotDelivered):
            await sink.send([of_event(an_event())])
        broker.start()
        listener = Listener(broker.port, "dlrsd/status")
        await until(lambda: b"online" in listener.of("dlrsd/status"))
        await sink.send([of_event(an_event())])
        await sink.close()
        listener.close()

    run(work())


def test_wrong_credentials_are_said_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        [needs("mosquitto_passwd"), "-b", "-c", str(passwords), "plant", "hush-hush"], check=True
    )
    broker = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    try:
        secret = tmp_path / "secret"
        secret.write_text("hush-hush\n")
        config = config_of(broker, username="plant", password_file=str(secret))
        run(send(config, four("pump1")))
        monkeypatch.setenv("MQTT_PASSWORD", "wrong-one")
        for wrong in (
            config_of(broker, username="plant", password_env="MQTT_PASSWORD"),
            config_of(broker, username="nobody", password_file=str(secret)),
            config_of(broker),
        ):
            with pytest.raises(NotDelivered, match="refuses") as raised:
                run(send(wrong, four("pump1")))
            assert "hush" not in f"{raised.value}{wrong!r}"
            assert "wrong-one" not in f"{raised.value}{wrong!r}"
        secret.unlink()
        with pytest.raises(InputError, match="no password: cannot read"):
            run(send(config, four("pump1")))
    finally:
        broker.kill()


def test_a_topic_that_the_broker_forbids_is_said(tmp_path: Path) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic readwrite dlrsd/machines/+/state\ntopic readwrite dlrsd/status\n")
    broker = Broker(tmp_path, "allow_anonymous true", f"acl_file {rights}")
    broker.start()
    try:
        alarm, state, *_ = four("pump1")
        run(send(config_of(broker), [state]))
        with pytest.raises(Refused, match="Not authorized"):
            run(send(config_of(broker), [alarm]))
    finally:
        broker.kill()


def test_over_tls_the_broker_must_be_the_one_that_is_trusted(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "localhost")
    other, _ = make_certificate(tmp_path, "elsewhere")
    broker = Broker(
        tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}"
    )  # fmt: skip
    broker.start()
    try:
        config = Mqtt(
            name="mqtt", host="localhost", port=broker.port, tls=True, ca_file=str(certificate)
        )
        run(send(config, four("pump1")))
        with pytest.raises(ssl.SSLCertVerificationError):
            run(send(msgspec.structs.replace(config, ca_file=str(other)), four("pump1")))
    finally:
        broker.kill()


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", None])
def test_what_is_no_broker_is_left_in_time(
    says: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It closes at once, speaks another language, or says nothing."""
    monkeypatch.setattr(mqtt, "TIME_LIMIT_S", 1.0)

    async def work() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if says is None:
                await reader.read()
            else:
                writer.write(says)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sink = Mqtt(name="mqtt", host="127.0.0.1", port=port).sink()
        with pytest.raises((NotDelivered, OSError)):
            await sink.open()
        await sink.close()
        await sink.close()
        server.close()

    run(work())


def test_a_topic_that_is_too_long_keeps_nothing_else_back(broker: Broker) -> None:
    with pytest.raises(Refused):
        run(send(config_of(broker), four("x" * 70_000)[:1]))


@pytest.mark.parametrize(
    "facts",
    [
        {"prefix": "a/#"}, {"prefix": "+"}, {"prefix": "$SYS"}, {"prefix": "/a"}, {"prefix": "a/"},
        {"prefix": ""}, {"prefix": "a\n"}, {"home_assistant": "a//b"}, {"password_env": "A"},
        {"ca_file": "/x"}, {"port": 0}, {"says": []}, {"says": ["alarms"]}, {"name": ""},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused(facts: dict[str, Any]) -> None:
    good = {"kind": "mqtt", "name": "mqtt", "host": "broker"}
    assert msgspec.convert(good, Mqtt).prefix == "dlrsd"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | facts, Mqtt)
