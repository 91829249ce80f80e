"""One connection to a broker of MQTT, in the loop of events and without a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from dlrsd.runtime.base.errors import InputError, require
from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES
from dlrsd.runtime.service.sources.link import Link

_KEEP_ALIVE_S = 30
_CONNECT_S = 10.0
_TURN_S = 1.0
_MOST_WAITING = 64  # messages; then no more is read, and the broker has to wait or to drop
_MOST_WAITING_BYTES = MOST_BLOCK_BYTES
_WHO = (134, 135)  # MQTT 5, 2.4: bad user name or password, not authorized
_MOST_PACKET = MOST_BLOCK_BYTES + (1 << 17)  # a block with its header and topic


class MqttSession:
    """A connection: `connect`, then `read` until it ends.

    Parameters
    ----------
    link : Link
        Is told when the subscription stands.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._mqtt = require("paho.mqtt.client", extra="watch", purpose="a source of MQTT")
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._ended: Exception | None = None
        self._topic = ""
        self._paused = False
        self._client: Any = None

    async def connect(
        self,
        host: str,
        port: int,
        *,
        tls: bool,
        ca_file: str | None,
        username: str | None,
        password: str | None,
    ) -> None:
        """Reach the broker; whether it lets us in is known while reading.

        Raises
        ------
        OSError
            If it cannot be reached, or its certificate is not one to trust.
        InputError
            If the certificates to trust cannot be read.
        """
        mqtt = self._mqtt
        properties = require("paho.mqtt.properties", extra="watch", purpose="a source of MQTT")
        kinds = require("paho.mqtt.packettypes", extra="watch", purpose="a source of MQTT")
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect_timeout = _CONNECT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        if username is not None:
            client.username_pw_set(username, password)
        if tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=ca_file))
            except OSError as error:
                raise InputError(f"{ca_file} holds no certificates: {error.strerror}") from error
        stated = properties.Properties(kinds.PacketTypes.CONNECT)
        stated.MaximumPacketSize = _MOST_PACKET
        await asyncio.to_thread(
            client.connect, host, port, keepalive=_KEEP_ALIVE_S, clean_start=True, properties=stated
        )
        self._client = client

    async def read(self, topic: str, take: Callable[[str, bytes], Awaitable[None]]) -> None:
        """Subscribe, and take each message until the connection ends.

        Raises
        ------
        OSError
            When the connection ended.
        InputError
            If the broker lets us not in, or not read.
        """
        self._topic = topic
        loop, client = asyncio.get_running_loop(), self._client
        turning = loop.create_task(self._turn())
        client.on_socket_register_write = lambda _, __, sock: loop.add_writer(
            sock, client.loop_write
        )
        client.on_socket_unregister_write = lambda _, __, sock: loop.remove_writer(sock)
        client.on_socket_close = lambda _, __, sock: self._forget(sock)
        loop.add_reader(client.socket(), self._on_readable)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    message = self._waiting.popleft()
                    self._bytes -= len(message[1])
                    await take(*message)
                    self._resume()
                if self._ended is not None:
                    raise self._ended
        finally:
            turning.cancel()
            self._close()

    async def _turn(self) -> None:
        """Keep the connection alive."""
        while self._client.loop_misc() == self._mqtt.MQTT_ERR_SUCCESS:
            await asyncio.sleep(_TURN_S)
        self._end(OSError("the broker does not answer"))

    def _on_readable(self) -> None:
        client = self._client
        while True:
            if client.loop_read() != self._mqtt.MQTT_ERR_SUCCESS:
                self._end(OSError("the connection ended"))
                return
            sock = client.socket()
            # What TLS has decrypted already makes no socket readable again.
            if not isinstance(sock, ssl.SSLSocket) or not sock.pending() or self._is_full():
                return

    def _is_full(self) -> bool:
        return len(self._waiting) >= _MOST_WAITING or self._bytes >= _MOST_WAITING_BYTES

    def _resume(self) -> None:
        sock = self._client.socket()
        if self._paused and sock is not None and not self._is_full():
            self._paused = False
            asyncio.get_running_loop().add_reader(sock, self._on_readable)
            if isinstance(sock, ssl.SSLSocket) and sock.pending():
                self._on_readable()

    def _forget(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)

    def _end(self, why: Exception) -> None:
        if self._ended is None:
            self._ended = why
        self._wake.set()

    def _close(self) -> None:
        client = self._client
        sock = client.socket()
        if sock is not None:
            self._forget(sock)
        client.on_socket_register_write = client.on_socket_unregister_write = None
        with suppress(OSError, ValueError):
            client.disconnect()

    def _on_connect(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            self._link.rest()
            advice = "; correct username and password" if reason.value in _WHO else ""
            self._end(InputError(f"it lets us not in ({reason}){advice}"))
            return
        options = require("paho.mqtt.subscribeoptions", extra="watch", purpose="a source of MQTT")
        # What was kept for who comes later is of another time.
        wanted = options.SubscribeOptions(
            qos=1, retainHandling=options.SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        client.subscribe(self._topic, options=wanted)

    def _on_subscribe(self, _: Any, __: Any, ___: Any, reasons: Any, ____: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._link.rest()
            self._end(InputError(f"we may not read {self._topic} ({reasons[0]})"))
        else:
            self._link.works()

    def _on_message(self, _: Any, __: Any, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)
        self._waiting.append((topic, message.payload))
        self._bytes += len(message.payload)
        self._wake.set()
        if self._is_full() and not self._paused:
            self._paused = True
            asyncio.get_running_loop().remove_reader(self._client.socket())

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        self._end(OSError(f"the connection ended ({reason})"))
