"""MQTT 5: messages at QoS 1, the state of every machine retained, and a last will.

Below the prefix, with names as `lines.level` writes them:

======================================  ========  ============================================
topic                                   retained  payload
======================================  ========  ============================================
``PREFIX/status``                       yes       ``online`` or, by the last will, ``offline``
``PREFIX/machines/MACHINE/state``       yes       the state message
``PREFIX/machines/MACHINE/alarm``       no        the alarm message
``PREFIX/machines/MACHINE/minute/NAME`` no        the minute message of the sensor NAME
``PREFIX/event``                        no        the event message
======================================  ========  ============================================
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from typing import Annotated, Any

from msgspec import Meta

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.base.secrets import check_secret, read_secret
from dlrsd.runtime.service.sinks.home_assistant import discovery
from dlrsd.runtime.service.sinks.lines import level, one_line
from dlrsd.runtime.service.sinks.payload import (
    Message,
    MinuteMessage,
    StateMessage,
    encoded,
    kind_of,
)
from dlrsd.runtime.service.sinks.sink import (
    TIME_LIMIT_S,
    NotDelivered,
    Refused,
    Says,
    Sink,
    SinkConfig,
)
from dlrsd.runtime.service.sinks.threads import aside
from dlrsd.runtime.service.sinks.tls import trusting

_KEEP_ALIVE_S = 30


class Mqtt(SinkConfig, frozen=True, kw_only=True, tag_field="kind", tag="mqtt"):
    """A broker that takes every message under a topic of its own."""

    host: Annotated[Text, Meta(description="The broker.")]
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        Meta(description="By default 1883, with TLS 8883."),
    ] = None
    tls: Annotated[bool, Meta(description="Whether the connection is secured.")] = False
    ca_file: Annotated[
        Text | None, Meta(description="Certificates to trust in place of the system's.")
    ] = None
    username: Annotated[Text | None, Meta(description="To log in with, where one must.")] = None
    password_env: Annotated[Text | None, Meta(description="Variable with the password.")] = None
    password_file: Annotated[Text | None, Meta(description="File with the password.")] = None
    prefix: Annotated[
        Text, Meta(max_length=200, description="First levels of every topic; one for each box.")
    ] = "dlrsd"
    home_assistant: Annotated[
        Text | None,
        Meta(description='Discovery prefix of Home Assistant ("homeassistant"); none: not told.'),
    ] = None
    says: Says = ("alarm", "state", "minute", "event")

    def __post_init__(self) -> None:
        check_secret("password", env=self.password_env, file=self.password_file)
        if self.username is None and (self.password_env or self.password_file):
            raise ValueError("a password without a username: name it, or leave both out")
        if self.ca_file is not None and not self.tls:
            raise ValueError("a ca_file without TLS: say tls = true, or leave it out")
        for what, prefix in (("prefix", self.prefix), ("home_assistant", self.home_assistant)):
            levels = (prefix or "x").split("/")
            if not all(levels) or levels[0].startswith("$") or set("#+") & set(prefix or ""):
                raise ValueError(
                    f"{what} = {prefix!r} begins no topic: expected levels between slashes "
                    "without #, + or a $ at the start"
                )

    def sink(self, home: Path = Path()) -> Sink:
        return _MqttSink(self, home)


def topic_of(message: Message, prefix: str) -> str:
    """Where a message goes."""
    if isinstance(message, MinuteMessage):
        return f"{prefix}/machines/{level(message.machine)}/minute/{level(message.sensor)}"
    kind = kind_of(message)
    if kind == "event":
        return f"{prefix}/event"
    return f"{prefix}/machines/{level(message.machine or '')}/{kind}"


class _MqttSink:
    """Paho keeps the connection, and makes it anew, in a thread of its own."""

    def __init__(self, config: Mqtt, home: Path) -> None:
        self.name, self.says = config.name, config.says
        self._ca_file = None if config.ca_file is None else home / config.ca_file
        self._config = config
        self._client: Any = None
        self._answered = Flag()
        self._refusal: str | None = None
        self._discovered: set[str] = set()
        self._forbidden: dict[int, str] = {}  # why, by the number of a message

    async def open(self) -> None:
        config = self._config
        paho = require("paho.mqtt.client", extra="watch", purpose=f"the output {self.name!r}")
        enums = require("paho.mqtt.enums", extra="watch", purpose=f"the output {self.name!r}")
        password = read_secret("password", env=config.password_env, file=config.password_file)
        client = paho.Client(
            enums.CallbackAPIVersion.VERSION2, protocol=enums.MQTTProtocolVersion.MQTTv5
        )
        if config.username is not None:
            client.username_pw_set(config.username, password)
        if config.tls:
            client.tls_set_context(trusting(self._ca_file))
        client.will_set(f"{config.prefix}/status", b"offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 60)
        client.connect_timeout = TIME_LIMIT_S
        client.on_connect = self._connected
        client.on_disconnect = self._lost
        client.on_publish = self._confirmed
        self._answered, self._refusal, self._client = Flag(), None, client
        await aside(self._connect, client)

    def _connect(self, client: Any) -> None:
        port = self._config.port or (8883 if self._config.tls else 1883)
        client.connect(self._config.host, port, keepalive=_KEEP_ALIVE_S)
        if self._client is client:  # not closed meanwhile
            client.loop_start()
            if not self._answered.wait(TIME_LIMIT_S):
                raise NotDelivered(f"the broker does not answer within {TIME_LIMIT_S:g} s")
            if self._refusal is not None:
                raise NotDelivered(self._refusal)

    def _connected(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        self._refusal = f"the broker refuses: {reason}" if reason.is_failure else None
        if not reason.is_failure:
            self._discovered.clear()  # a broker that was started anew may have forgotten
            client.publish(f"{self._config.prefix}/status", b"online", qos=1, retain=True)
        self._answered.set()

    def _lost(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        self._refusal = self._refusal or f"the connection to the broker is lost ({reason})"
        self._answered.set()

    def _confirmed(self, _: Any, __: Any, number: int, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            self._forbidden[number] = str(reason)

    async def send(self, messages: Sequence[Message]) -> None:
        await aside(self._publish, self._client, messages)

    def _publish(self, client: Any, messages: Sequence[Message]) -> None:
        """Hand all to the broker and wait until it has them."""
        if not client.is_connected():
            raise NotDelivered(self._refusal or "the broker is away")
        until = time.monotonic() + TIME_LIMIT_S
        self._forbidden.clear()
        try:
            waiting = [
                client.publish(topic, payload, qos=1, retain=retain)
                for topic, payload, retain in self._topics(messages)
            ]
            for each in waiting:
                while not each.is_published() and self._may_come(client, until):
                    each.wait_for_publish(0.5)
                if not each.is_published():
                    raise NotDelivered(self._refusal or "the broker does not confirm a message")
                if why := self._forbidden.pop(each.mid, None):
                    raise Refused(f"the broker confirms a message, but will not have it: {why}")
        except RuntimeError:  # the connection was lost before it was sent
            raise NotDelivered(self._refusal or "the broker is away") from None
        except ValueError as error:  # a topic that is too long
            raise Refused(one_line(str(error), most=200)) from None

    @staticmethod
    def _may_come(client: Any, until: float) -> bool:
        return time.monotonic() < until and bool(client.is_connected())

    def _topics(self, messages: Sequence[Message]) -> list[tuple[str, bytes, bool]]:
        """Topic, payload and whether it is retained."""
        found = []
        for message in messages:
            topic = topic_of(message, self._config.prefix)
            found.append((topic, encoded(message), isinstance(message, StateMessage)))
            if isinstance(message, StateMessage) and message.machine not in self._discovered:
                found += self._discovery(message.machine, topic)
                self._discovered.add(message.machine)
        return found

    def _discovery(self, machine: str, topic: str) -> list[tuple[str, bytes, bool]]:
        if (prefix := self._config.home_assistant) is None:
            return []
        parts = discovery(machine, topic=topic, status=f"{self._config.prefix}/status")
        return [(f"{prefix}/{where}/config", what, True) for where, what in parts]

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await aside(self._leave, client)

    def _leave(self, client: Any) -> None:
        """Say that nobody watches, then go."""
        with suppress(Exception):
            if client.is_connected():
                status = f"{self._config.prefix}/status"
                client.publish(status, b"offline", qos=1, retain=True).wait_for_publish(2)
            client.disconnect()
        with suppress(Exception):
            client.loop_stop()
