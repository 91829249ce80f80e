"""A real broker of MQTT, mosquitto, on a free port of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.parts import needs
from tests.runtime.service.sources.collecting import free_port

PASSWORD = "open sesame"


class Broker:
    """A mosquitto that can die and come back."""

    def __init__(self, folder: Path, lines: str) -> None:
        self._program = needs("mosquitto")
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        user = f"user {'root' if os.geteuid() == 0 else 'mosquitto'}\n"
        self._config.write_text(f"{user}listener {self.port} 127.0.0.1\n{lines}\n", "utf-8")
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self._config)], stdout=log, stderr=log
            )
        for _ in range(1000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, self._log.read_text("utf-8")
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def broker(folder: Path, lines: str = "allow_anonymous true") -> Iterator[Broker]:
    it = Broker(folder, lines)
    it.start()
    try:
        yield it
    finally:
        it.kill()


@contextmanager
def publisher(
    port: int, *, username: str | None = None, ca_file: Path | None = None
) -> Iterator[Any]:
    """A connected client of paho, whose ``publish`` is to be waited for."""
    import paho.mqtt.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    if username is not None:
        client.username_pw_set(username, PASSWORD)
    if ca_file is not None:
        client.tls_set(str(ca_file))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def send(client: Any, topic: str, payload: bytes, *, retain: bool = False) -> None:
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)
