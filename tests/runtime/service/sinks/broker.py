"""A real broker on loopback, and who listens to it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dlrsd.runtime.service.sinks.mqtt import Mqtt
from dlrsd.runtime.service.sinks.payload import Message
from tests.parts import needs

paho = pytest.importorskip("paho.mqtt.client")


class Broker:
    """A mosquitto on a free port of loopback; told nothing else, it forgets all when it ends."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self._program = needs("mosquitto")
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", *(settings or ["allow_anonymous true"])]
        self._config.write_text("\n".join([*lines, "user root", ""]))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while True:
            assert self._process.poll() is None, "mosquitto ended at once"
            assert time.monotonic() < end
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def stop(self) -> None:
        """End it in order: it writes down who is subscribed, where it is told to."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Listener:
    """A client of its own that keeps all it hears.

    With a ``name``, a broker that writes its subscribers down keeps messages for it meanwhile.
    """

    def __init__(self, port: int, pattern: str = "#", *, name: str = "") -> None:
        self.got: list[tuple[str, bytes, bool]] = []
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(pattern, qos=1)
        self._client.on_subscribe = lambda *_: self.ready.append(True)
        self._client.on_message = lambda _, __, m: self.got.append((m.topic, m.payload, m.retain))
        self.ready: list[bool] = []
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def of(self, topic: str) -> list[bytes]:
        return [payload for name, payload, _ in self.got if name == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def config_of(broker: Broker, **more: Any) -> Mqtt:
    return Mqtt(name="mqtt", host="127.0.0.1", port=broker.port, **more)


async def send(config: Mqtt, messages: Sequence[Message]) -> None:
    sink = config.sink()
    try:
        await sink.open()
        await sink.send(messages)
    finally:
        await sink.close()
