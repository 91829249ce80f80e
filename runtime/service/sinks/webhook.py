"""A webhook: every message is one HTTP POST of JSON, signed with a shared key where there is one.

The headers of a POST:

``Dlrsd-Id``
    Of the change, for an alarm; who has it already answers 2xx and drops the message.
``Dlrsd-Timestamp``
    Unix time in s of this attempt.
``Dlrsd-Signature``
    ``sha256=`` and the HMAC-SHA256, in hexadecimal, of the timestamp, a full stop and the body,
    with the key in UTF-8. A receiver refuses a timestamp that is minutes old.

Any answer from 200 to 299 says that it was taken. Nothing else of the answer is read; a redirect is
an error, for it could lead what is signed to where nobody wants it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.base.secrets import check_secret, read_secret
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.service.sinks.payload import AlarmMessage, Message, encoded
from dlrsd.runtime.service.sinks.sink import (
    TIME_LIMIT_S,
    NotDelivered,
    Refused,
    Says,
    Sink,
    SinkConfig,
    send_each,
)
from dlrsd.runtime.service.sinks.threads import aside
from dlrsd.runtime.service.sinks.tls import trusting

_REFUSED = (400, 413, 415, 422)  # not the sender, but what it sent


class Webhook(SinkConfig, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """An HTTP server that takes every message as one POST."""

    url: Annotated[
        str, Meta(max_length=2000, description="http:// or https://, without a password in it.")
    ]
    key_env: Annotated[Text | None, Meta(description="Variable with the signing key.")] = None
    key_file: Annotated[Text | None, Meta(description="File with the signing key.")] = None
    ca_file: Annotated[
        Text | None, Meta(description="Certificates to trust in place of the system's.")
    ] = None
    says: Says = ("alarm",)

    def __post_init__(self) -> None:
        address(self.url)
        check_secret("key", env=self.key_env, file=self.key_file)

    def sink(self, home: Path = Path()) -> Sink:
        return _WebhookSink(self, home)


def address(url: str) -> tuple[bool, str, int, str]:
    """Whether it is https, the host, the port, and the rest of a URL.

    Raises
    ------
    ValueError
        If it is no URL of HTTP, or holds what has no place there.
    """
    odd = not url.isascii() or any(not "!" <= letter <= "~" for letter in url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        odd, port = True, None
    if odd or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            "an impossible url, expected http:// or https://, a host and a path in plain ASCII"
        )
    if parts.username is not None or parts.password is not None:
        raise ValueError("a password in the url: expected none there; sign with key_env instead")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, parts.hostname, port or (443 if secure else 80), target


def signature(key: str, timestamp: int, body: bytes) -> str:
    """What ``Dlrsd-Signature`` says of a body sent at a Unix time."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


class _WebhookSink:
    def __init__(self, config: Webhook, home: Path) -> None:
        self.name, self.says = config.name, config.says
        self._ca_file = None if config.ca_file is None else home / config.ca_file
        self._config = config
        self._key: str | None = None
        self._tls: ssl.SSLContext | None = None
        self._h11: Any = None

    async def open(self) -> None:
        self._h11 = require("h11", extra="watch", purpose=f"the webhook {self.name!r}")
        self._key = read_secret("key", env=self._config.key_env, file=self._config.key_file)
        if address(self._config.url)[0]:
            self._tls = trusting(self._ca_file)

    async def send(self, messages: Sequence[Message]) -> None:
        await send_each(messages, self._send)

    async def _send(self, message: Message) -> None:
        try:
            status = await asyncio.wait_for(self._post(message), TIME_LIMIT_S)
        except asyncio.TimeoutError:
            raise NotDelivered(f"no answer within {TIME_LIMIT_S:g} s") from None
        except self._h11.ProtocolError as error:
            raise NotDelivered(f"what answers speaks no HTTP/1.1 ({error})") from None
        if 300 <= status < 400:
            raise NotDelivered(f"it answers with a redirect ({status}); name the right url")
        if status in _REFUSED:
            raise Refused(f"it answers {status} to a message")
        if not 200 <= status < 300:
            raise NotDelivered(f"it answers {status}")

    async def close(self) -> None:
        pass

    async def _post(self, message: Message) -> int:
        """The status of the answer."""
        _, host, port, target = address(self._config.url)
        body = encoded(message)
        reader, writer = await _connected(host, port, self._tls)
        try:
            connection = self._h11.Connection(our_role=self._h11.CLIENT)
            request = self._h11.Request(
                method="POST", target=target, headers=self._headers(message, body)
            )
            writer.write(connection.send(request))
            writer.write(connection.send(self._h11.Data(data=body)))
            writer.write(connection.send(self._h11.EndOfMessage()))
            while True:
                event = connection.next_event()
                if event is self._h11.NEED_DATA:
                    connection.receive_data(await reader.read(4096))
                elif isinstance(event, self._h11.Response):
                    return int(event.status_code)
                elif isinstance(event, self._h11.ConnectionClosed):
                    raise NotDelivered("it closed the connection without an answer")
        finally:
            writer.transport.abort()

    def _headers(self, message: Message, body: bytes) -> list[tuple[str, str]]:
        now = int(time.time())
        headers = [
            ("Host", urlsplit(self._config.url).netloc),
            ("User-Agent", f"dlrsd/{VERSION}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            ("Dlrsd-Timestamp", str(now)),
        ]
        if isinstance(message, AlarmMessage):
            headers.append(("Dlrsd-Id", message.id))
        if self._key is not None:
            headers.append(("Dlrsd-Signature", signature(self._key, now, body)))
        return headers


async def _connected(
    host: str, port: int, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connected to the first of the host's addresses that takes it."""
    found = await aside(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    *others, last = [str(address_of[0]) for *_, address_of in found]
    name = host if tls is not None else None
    for each in others:
        with suppress(OSError):
            return await asyncio.open_connection(each, port, ssl=tls, server_hostname=name)
    return await asyncio.open_connection(last, port, ssl=tls, server_hostname=name)
