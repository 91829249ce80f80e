"""The system's log: syslog over UDP or a socket of this box, and systemd's journal.

One line a message. Neither log confirms; what the system took counts as delivered.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.service.sinks.lines import one_line
from dlrsd.runtime.service.sinks.payload import AlarmMessage, EventMessage, Message, encoded
from dlrsd.runtime.service.sinks.sink import Sink, SinkConfig
from dlrsd.runtime.service.sinks.threads import aside

_LEVELS = {"danger": logging.CRITICAL, "sensor fault": logging.ERROR, "alert": logging.WARNING}
_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
_WARNED = ("disk", "undelivered", "refused", "silent")


class Syslog(SinkConfig, frozen=True, kw_only=True, tag_field="kind", tag="syslog"):
    """A syslog server over UDP, or the one of this box."""

    host: Annotated[Text | None, Meta(description="The server; by default this box's own.")] = None
    port: Annotated[int, Meta(ge=1, le=65535, description="Of the server, UDP.")] = 514
    socket: Annotated[Text, Meta(description="Of this box's own, where no host is named.")] = (
        "/dev/log"
    )
    facility: Annotated[
        Literal[
            "daemon", "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
            "local7",
        ],
        Meta(description="Syslog facility."),
    ] = "daemon"  # fmt: skip

    def sink(self, home: Path = Path()) -> Sink:
        return _SyslogSink(self)


class Journal(SinkConfig, frozen=True, kw_only=True, tag_field="kind", tag="journal"):
    """systemd's journal, with machine, rule, state and id as fields to search for."""

    socket: Annotated[Text, Meta(description="Where the journal listens.")] = (
        "/run/systemd/journal/socket"
    )

    def sink(self, home: Path = Path()) -> Sink:
        return _JournalSink(self)


def line_of(message: Message) -> str:
    """A message as one line for a log."""
    if isinstance(message, AlarmMessage):
        what = f"{message.machine}: {message.state}, was {message.was} (rule {message.rule})"
        return one_line(f"{what}: {message.text} [{message.id}]")
    if isinstance(message, EventMessage):
        who = message.machine or message.source
        return one_line(f"{who + ': ' if who else ''}{message.kind}: {message.text}")
    return one_line(encoded(message).decode())


def level_of(message: Message) -> int:
    """How grave a message is, as a level of `logging`."""
    if isinstance(message, EventMessage):
        return logging.WARNING if message.kind in _WARNED else logging.INFO
    return _LEVELS.get(getattr(message, "state", ""), logging.INFO)


class _Handler(SysLogHandler):
    """One that raises what goes wrong; logging's own would print it."""

    def handleError(self, record: logging.LogRecord) -> None:
        raise


class _SyslogSink:
    def __init__(self, config: Syslog) -> None:
        self.name, self.says = config.name, config.says
        self._config = config
        self._handler: SysLogHandler | None = None

    async def open(self) -> None:
        await aside(self._open)

    def _open(self) -> None:
        config = self._config
        address = config.socket if config.host is None else (config.host, config.port)
        self._handler = _Handler(address, facility=config.facility)
        self._handler.ident = "dlrsd: "
        self._handler.append_nul = config.host is None

    async def send(self, messages: Sequence[Message]) -> None:
        await aside(self._emit, messages)

    def _emit(self, messages: Sequence[Message]) -> None:
        assert self._handler is not None  # noqa: S101 - for type checkers
        for each in messages:
            record = logging.LogRecord("dlrsd", level_of(each), "", 0, line_of(each), None, None)
            self._handler.emit(record)

    async def close(self) -> None:
        if self._handler is not None:
            self._handler.close()
            self._handler = None


class _JournalSink:
    """The journal's own protocol, for lines: https://systemd.io/JOURNAL_NATIVE_PROTOCOL."""

    def __init__(self, config: Journal) -> None:
        self.name, self.says = config.name, config.says
        self._path = config.socket
        self._socket: socket.socket | None = None

    async def open(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(1.0)
        self._socket.connect(self._path)

    async def send(self, messages: Sequence[Message]) -> None:
        await aside(self._write, messages)

    def _write(self, messages: Sequence[Message]) -> None:
        assert self._socket is not None  # noqa: S101 - for type checkers
        for message in messages:
            fields = {
                "MESSAGE": line_of(message),
                "PRIORITY": str(_PRIORITIES[level_of(message)]),
                "SYSLOG_IDENTIFIER": "dlrsd",
            }
            for name in ("machine", "sensor", "rule", "state", "id", "alarm", "kind", "source"):
                if value := getattr(message, name, None):
                    fields[f"DLRSD_{name.upper()}"] = one_line(value)
            lines = [f"{name}={value}\n" for name, value in fields.items()]
            self._socket.send("".join(lines).encode())

    async def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
