"""Signal over MQTT: each message is one block, and its topic may name the sensor."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.base.secrets import check_secret, read_secret
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.base import Give, SignalSource
from dlrsd.runtime.service.sources.counted import Tell
from dlrsd.runtime.service.sources.link import Link
from dlrsd.runtime.service.sources.mqtt_session import MqttSession
from dlrsd.runtime.service.sources.wire import decode

_SENSOR = "{sensor}"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?")


class MqttSource(SignalSource, frozen=True, kw_only=True, tag="mqtt"):
    """Blocks that a broker hands on (MQTT 5).

    Raises
    ------
    ValueError
        If the topic is none, or the password is stated twice.
    """

    host: Annotated[Text, Meta(description="Name or address of the broker")]
    topic: Annotated[
        Text,
        Meta(
            description="To subscribe to; {sensor} in place of one of its levels stands for the "
            "sensor's name, as in plant/pump1/{sensor}/signal"
        ),
    ]
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        Meta(description="By default 1883, with TLS 8883"),
    ] = None
    tls: Annotated[bool, Meta(description="Whether the connection is encrypted")] = False
    ca_file: Annotated[
        Text | None,
        Meta(description="Certificates that sign the broker's, where the system's do not"),
    ] = None
    username: Annotated[Text | None, Meta(description="As the broker knows it")] = None
    password_env: Annotated[
        Text | None, Meta(description="Environment variable that holds the password")
    ] = None
    password_file: Annotated[
        Text | None,
        Meta(description="File that holds the password, or the name of a systemd credential"),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = self.topic.split("/")
        if any(sign in self.topic for sign in "+#"):
            raise ValueError(
                f"topic {self.topic!r} holds + or #: expected one topic, or {_SENSOR} in place of "
                "a level"
            )
        if levels.count(_SENSOR) != self.topic.count("{") or levels.count(_SENSOR) > 1:
            raise ValueError(f"topic {self.topic!r}: expected {_SENSOR} as one whole level of it")
        if len(self.topic.encode()) > 65535:
            raise ValueError("topic has more than 65535 bytes")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is stated without TLS: state tls = true")
        check_secret("password", env=self.password_env, file=self.password_file)

    def at(self, home: Path) -> MqttSource:
        """The same, with its certificates' path taken from the folder of ``watch.toml``."""
        return self if self.ca_file is None else replace(self, ca_file=str(home / self.ca_file))

    def check(self) -> None:
        """Look whether its password is there."""
        read_secret("password", env=self.password_env, file=self.password_file)

    @property
    def names_sensors(self) -> bool:
        """Whether each block names the one sensor it is of: where the topic has a place for it."""
        return _SENSOR in self.topic

    async def run(self, give: Give, tell: Tell) -> None:
        """Give what comes until cancelled."""
        port = self.port or (8883 if self.tls else 1883)
        link = Link(tell, f"{self.host}:{port}")

        async def attempt() -> None:
            session = MqttSession(link)
            password = read_secret("password", env=self.password_env, file=self.password_file)
            await session.connect(
                self.host,
                port,
                tls=self.tls,
                ca_file=self.ca_file,
                username=self.username,
                password=password,
            )
            await session.read(self.topic.replace(_SENSOR, "+"), take)

        async def take(topic: str, payload: bytes) -> None:
            try:
                block = self._block(topic, payload)
            except InputError as error:
                shown = topic if len(topic) <= 80 else f"{topic[:77]}..."
                link.say("refused", f"sent under {shown!r} what is left out: {error}")
            else:
                await give(block)

        await link.keep(attempt)

    def _block(self, topic: str, payload: bytes) -> Block:
        sensor = None
        levels = self.topic.split("/")
        if _SENSOR in levels:
            said = topic.split("/")
            sensor = said[levels.index(_SENSOR)] if len(said) == len(levels) else ""
            if not _NAME.fullmatch(sensor):
                raise InputError("it names no sensor: expected letters, digits, . _ - and blanks")
            if self.sensors is not None and sensor not in self.sensors:
                raise InputError(f"there is no sensor {sensor!r}: expected one of {self.sensors}")
        return decode(payload, arrived=time.time(), sensor=sensor)
