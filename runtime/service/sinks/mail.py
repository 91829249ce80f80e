"""E-mail: one a message, over a connection that is secured unless the mail server is this box.

No line of a mail's headers has a break in it, whatever a machine or a rule is called.
"""

from __future__ import annotations

import logging
import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from threading import Timer
from typing import Annotated, Literal

from msgspec import Meta

from dlrsd.runtime.base.formats import Text, written
from dlrsd.runtime.base.secrets import check_secret, read_secret
from dlrsd.runtime.service.sinks.lines import one_line
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

_log = logging.getLogger(__name__)

Address = Annotated[
    str,
    written(r"^[!-~]+@[!-~]+(?![\s\S])", "an address such as plant@example.com", max_length=254),
]


class Email(SinkConfig, frozen=True, kw_only=True, tag_field="kind", tag="email"):
    """A mail server that takes one mail a message."""

    host: Annotated[Text, Meta(description="The mail server.")]
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        Meta(description="By default 587 with STARTTLS, 465 with TLS, 25 with none."),
    ] = None
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="TLS asked for, TLS from the start, or none (with no password only)."),
    ] = "starttls"
    username: Annotated[Text | None, Meta(description="To log in with, where one must.")] = None
    password_env: Annotated[Text | None, Meta(description="Variable with the password.")] = None
    password_file: Annotated[Text | None, Meta(description="File with the password.")] = None
    ca_file: Annotated[
        Text | None, Meta(description="Certificates to trust in place of the system's.")
    ] = None
    sender: Annotated[Address, Meta(description="Whom mails are from.")]
    to: Annotated[
        tuple[Address, ...], Meta(min_length=1, max_length=100, description="Whom they go to.")
    ]
    says: Says = ("alarm",)

    def __post_init__(self) -> None:
        named = self.username is not None
        check_secret("password", env=self.password_env, file=self.password_file, needed=named)
        if not named and (self.password_env or self.password_file):
            raise ValueError("a password without a username: name it, or leave both out")
        if named and self.security == "none":
            raise ValueError('a password over security = "none": expected "starttls" or "tls"')
        for each in (self.sender, *self.to):
            if any(mark in each for mark in '<>,;:"()[]\\') or each.count("@") != 1:
                raise ValueError(f"{each!r} is no plain address such as plant@example.com")

    def sink(self, home: Path = Path()) -> Sink:
        return _EmailSink(self, home)


class _EmailSink:
    def __init__(self, config: Email, home: Path) -> None:
        self.name, self.says = config.name, config.says
        self._ca_file = None if config.ca_file is None else home / config.ca_file
        self._config = config
        self._password: str | None = None

    async def open(self) -> None:
        config = self._config
        self._password = read_secret("password", env=config.password_env, file=config.password_file)

    async def send(self, messages: Sequence[Message]) -> None:
        await send_each(messages, self._send)

    async def _send(self, message: Message) -> None:
        await aside(self._mail, mail(message, self._config))

    async def close(self) -> None:
        pass

    def _mail(self, content: EmailMessage) -> None:
        config = self._config
        try:
            with self._connected() as server, time_limit(server):
                if config.security == "starttls":
                    server.starttls(context=trusting(self._ca_file))
                if config.username is not None and self._password is not None:
                    server.login(config.username, self._password)
                refused = server.send_message(content)
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(
                f"the mail server refuses username or password ({error.smtp_code})"
            ) from None
        except smtplib.SMTPDataError as error:
            text = f"the mail server answers {error.smtp_code} to a mail"
            raise (Refused if error.smtp_code >= 500 else NotDelivered)(text) from None
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(f"the mail server answers {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            raise NotDelivered(f"the mail server refuses every recipient ({codes})") from None
        except (smtplib.SMTPException, UnicodeError) as error:
            raise NotDelivered(f"the mail server: {one_line(str(error), most=200)}") from None
        for each in refused:
            _log.warning("%s: the mail server took a mail, but not for %s", self.name, each)

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        port = config.port or {"starttls": 587, "tls": 465, "none": 25}[config.security]
        if config.security == "tls":
            return smtplib.SMTP_SSL(
                config.host, port, timeout=TIME_LIMIT_S, context=trusting(self._ca_file)
            )
        return smtplib.SMTP(config.host, port, timeout=TIME_LIMIT_S)


def mail(message: Message, config: Email) -> EmailMessage:
    """A message as a mail: what it says, and all of it as JSON below."""
    content = EmailMessage(policy=SMTP)
    content["From"] = config.sender
    content["To"] = ", ".join(config.to)
    machine = getattr(message, "machine", None) or "the watch"
    said = getattr(message, "state", None) or getattr(message, "kind", None) or "minute"
    content["Subject"] = one_line(f"{machine}: {said}", most=200)
    content["Date"] = format_datetime(message.time)
    content["Auto-Submitted"] = "auto-generated"
    domain = config.sender.rpartition("@")[2]
    if isinstance(message, AlarmMessage):
        # The same for the same change, so that a mail that came twice is known.
        content["Message-ID"] = f"<{one_line(message.id)}@{domain}>"
        content["References"] = f"<{one_line(message.alarm)}@{domain}>"
    text = getattr(message, "text", None) or f"{machine}: {said}"
    evidence = getattr(message, "evidence", None) or ""
    lines = [one_line(text, most=10_000)]
    if evidence not in text:
        lines.append(one_line(evidence, most=10_000))
    content.set_content("\n".join([*lines, "", encoded(message).decode()]) + "\n", cte="base64")
    return content


@contextmanager
def time_limit(server: smtplib.SMTP) -> Iterator[None]:
    """Hang up on a server that answers so slowly that single answers never time out."""

    def hang_up() -> None:
        if server.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(server.sock, socket.SHUT_RDWR)

    timer = Timer(3 * TIME_LIMIT_S, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
