"""E-mail through a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import email
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.sinks import mail as mails
from dlrsd.runtime.service.sinks.mail import Email, mail
from dlrsd.runtime.service.sinks.payload import Message, encoded, of_change, of_event, of_machine
from dlrsd.runtime.service.sinks.sink import NotDelivered, Refused
from tests.runtime.service.certificate import make_certificate
from tests.runtime.service.sinks.made import ODD, a_change, a_machine, an_event, run

PASSWORD = "hush-hush"


class Box:
    """What aiosmtpd hands over; answers ``data`` with what it is told to."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.data, self.recipients = "250 ok", {}  # type: ignore[var-annotated]

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:
        if address in self.recipients:
            return str(self.recipients[address])
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.got.append(envelope)
        return self.data

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(each.content, policy=policy.default)  # type: ignore[misc]
            for each in self.got
        ]


@contextmanager
def serving(
    box: Box, *, tls: ssl.SSLContext | None = None, from_start: bool = False, log_in: bool = False
) -> Iterator[int]:
    """A server in a thread of its own; its port."""
    server = pytest.importorskip("aiosmtpd.smtp")

    def authenticate(_: Any, __: Any, ___: Any, ____: Any, data: Any) -> Any:
        good = (data.login, data.password) == (b"plant", PASSWORD.encode())
        return server.AuthResult(success=good, handled=False)

    loop = asyncio.new_event_loop()

    def make() -> Any:
        options: dict[str, Any] = {"tls_context": None if from_start else tls}
        if log_in:
            options |= {
                "authenticator": authenticate, "auth_required": True,
                "auth_require_tls": not from_start,
            }  # fmt: skip
        return server.SMTP(box, loop=loop, require_starttls=bool(tls and not from_start), **options)

    listening = loop.run_until_complete(
        loop.create_server(make, "127.0.0.1", 0, ssl=tls if from_start else None)
    )
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield listening.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def config_of(port: int, **more: Any) -> Email:
    facts = {"security": "none", "sender": "box@plant.example", "to": ("ann@plant.example",)}
    return Email(name="mail", host="localhost", port=port, **facts | more)


async def send(config: Email, *messages: Message) -> None:
    sink = config.sink()
    await sink.open()
    await sink.send(messages or [of_change(a_change())])
    await sink.close()


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it is asked for over TLS from the start
def test_a_change_is_a_mail_over_tls_with_a_password(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    box = Box()
    with serving(box, tls=tls, from_start=security == "tls", log_in=True) as port:
        config = config_of(
            port, security=security, username="plant", password_env="MAIL_PASSWORD",
            ca_file=str(certificate), to=("ann@plant.example", "bob@plant.example"),
        )  # fmt: skip
        run(send(config, of_change(a_change(1)), of_change(a_change(2))))
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        with pytest.raises(NotDelivered, match="refuses username or password") as raised:
            run(send(config))
        assert "wrong" not in str(raised.value)
        untrusting = msgspec.structs.replace(config, ca_file=None)
        with pytest.raises(ssl.SSLCertVerificationError):
            run(send(untrusting))
    assert len(box.got) == 2
    assert box.got[0].rcpt_tos == ["ann@plant.example", "bob@plant.example"]
    first, second = box.mails
    assert first["Subject"] == "pump1: alert"
    assert first["Message-ID"] == "<c1@plant.example>"
    assert first["References"] == second["References"] == "<a1@plant.example>"
    text = first.get_content().replace("\r\n", "\n")
    assert text.startswith("Velocity of 5.1 mm/s is in zone C\nBPFO 12 dB over")
    assert msgspec.json.decode(text.splitlines()[3], type=Message) == of_change(a_change(1))
    assert PASSWORD not in repr(config)


def test_a_server_without_starttls_gets_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    box = Box()
    with serving(box) as port:
        config = config_of(
            port, security="starttls", username="plant", password_env="MAIL_PASSWORD"
        )
        with pytest.raises(NotDelivered, match="STARTTLS"):
            run(send(config))
    assert not box.got


@pytest.mark.parametrize("field", ["machine", "rule", "text", "id", "alarm", "evidence"])
def test_no_name_or_text_adds_a_header_or_a_recipient(field: str) -> None:
    hostile = "x\r\nBcc: eve@evil.example\r\n\r\n.\r\nMAIL FROM:<eve@evil.example>\nSubject: y"
    box = Box()
    with serving(box) as port:
        change = msgspec.structs.replace(a_change(), **{field: hostile})
        run(send(config_of(port), of_change(change)))
    (got,) = box.mails
    assert box.got[0].rcpt_tos == ["ann@plant.example"]
    assert got["Bcc"] is None
    assert len(got.get_all("Subject")) == 1
    assert set(got.keys()) == {
        "From", "To", "Subject", "Date", "Auto-Submitted", "Message-ID", "References",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip


@pytest.mark.parametrize("make", [of_event, of_machine])
def test_other_messages_are_mails_too(make: Any) -> None:
    odd = make(an_event(machine=ODD)) if make is of_event else make(a_machine(ODD), time=1.0)
    content = mail(odd, config_of(25))
    assert content["Subject"].startswith('Pümp #1/+ "a"\\ {x} Bcc: eve@example.com: ')
    sent = email.message_from_bytes(content.as_bytes(), policy=policy.default)
    assert encoded(odd).decode() in sent.get_content()  # type: ignore[attr-defined]


def test_what_the_server_refuses_is_said(caplog: pytest.LogCaptureFixture) -> None:
    box = Box()
    with serving(box) as port:
        config = config_of(port, to=("ann@plant.example", "bob@plant.example"))
        for answer, kind in (("554 spam", Refused), ("451 later", NotDelivered)):
            box.data = answer
            with pytest.raises(NotDelivered, match=answer[:3]) as raised:
                run(send(config))
            assert type(raised.value) is kind
        box.data = "250 ok"
        box.recipients = {"bob@plant.example": "550 unknown"}
        run(send(config))
        assert "not for bob@plant.example" in caplog.text
        box.recipients["ann@plant.example"] = "550 unknown"
        with pytest.raises(NotDelivered, match=r"every recipient \(\[550\]\)"):
            run(send(config))
    assert len(box.got) == 1


def test_nobody_there_or_no_password_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PASSWORD", raising=False)
    with serving(Box()) as port:
        pass
    with pytest.raises(OSError):
        run(send(config_of(port)))
    config = config_of(port, security="tls", username="plant", password_env="NO_PASSWORD")
    with pytest.raises(InputError, match="NO_PASSWORD"):
        run(send(config))


def test_a_server_that_answers_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "TIME_LIMIT_S", 0.5)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 hello\r\n")
            while True:
                writer.write(b"250-more\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass

    async def work() -> None:
        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        start = time.monotonic()
        with pytest.raises((NotDelivered, OSError)):
            await send(config_of(server.sockets[0].getsockname()[1]))
        assert time.monotonic() - start < 30
        server.close()

    run(work())


@pytest.mark.parametrize(
    "facts",
    [
        {"sender": "no address"}, {"sender": "a@b@c"}, {"to": ("a@b,c@d",)}, {"to": ()},
        {"to": ("a@b\r\nBcc: c@d",)}, {"to": ("<a@b>",)}, {"username": "plant"},
        {"password_env": "A"}, {"username": "plant", "password_env": "A"}, {"surprise": 1},
        {"username": "u", "password_env": "A", "password_file": "/b", "security": "tls"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_right_are_refused(facts: dict[str, Any]) -> None:
    good = {
        "kind": "email", "name": "mail", "host": "localhost", "security": "none",
        "sender": "a@b", "to": ["c@d"],
    }  # fmt: skip
    assert msgspec.convert(good, Email).to == ("c@d",)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | facts, Email)
