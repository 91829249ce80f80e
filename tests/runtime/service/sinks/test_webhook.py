"""Webhooks against real servers on loopback that answer well, ill, slowly and without end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sinks import webhook
from dlrsd.runtime.service.sinks.delivery import Telemetry, deliver
from dlrsd.runtime.service.sinks.payload import of_change, of_event
from dlrsd.runtime.service.sinks.sink import NotDelivered, Refused
from dlrsd.runtime.service.sinks.webhook import Webhook, address
from tests.runtime.service.certificate import make_certificate
from tests.runtime.service.sinks.made import ODD, Outbox, a_change, an_event, ended, run, until

pytest.importorskip("h11")


class Receiver:
    """A real HTTP server that answers one status after the other; the last one for ever."""

    def __init__(self, *statuses: int, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        left = list(statuses) or [204]
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((dict(self.headers), body))
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                self.send_header("Location", f"http://{self.headers['Host']}/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://localhost:{self._server.server_port}/hook?a=1"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


async def send(config: Webhook, *messages: Any) -> None:
    sink = config.sink()
    await sink.open()
    await sink.send(messages or [of_change(a_change())])
    await sink.close()


def test_a_message_arrives_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "Schlüssel")
    with Receiver() as receiver:
        config = Webhook(name="hook", url=receiver.url, key_env="HOOK_KEY")
        run(send(config, of_change(a_change(machine=ODD)), of_event(an_event())))
        (headers, body), (other, _) = receiver.got
    assert json.loads(body)["machine"] == ODD
    assert headers["Content-Type"] == "application/json"
    assert headers["Dlrsd-Id"] == "c1"
    assert "Dlrsd-Id" not in other
    stamp = headers["Dlrsd-Timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    signed = hmac.new("Schlüssel".encode(), stamp.encode() + b"." + body, hashlib.sha256)
    assert headers["Dlrsd-Signature"] == f"sha256={signed.hexdigest()}"
    assert "Schlüssel" not in repr(config)


def test_without_a_key_nothing_is_signed() -> None:
    with Receiver() as receiver:
        run(send(Webhook(name="hook", url=receiver.url)))
        assert "Dlrsd-Signature" not in receiver.got[0][0]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, NotDelivered, "redirect"), (308, NotDelivered, "redirect"),
        (400, Refused, "400"), (401, NotDelivered, "401"), (500, NotDelivered, "500"),
    ],
)  # fmt: skip
def test_other_answers_are_failures(status: int, kind: type[Exception], words: str) -> None:
    with Receiver(status) as receiver:
        with pytest.raises(kind, match=words) as raised:
            run(send(Webhook(name="hook", url=receiver.url)))
        assert type(raised.value) is kind
        assert len(receiver.got) == 1  # no redirect was followed


def test_one_message_that_is_refused_keeps_back_none_behind_it() -> None:
    with Receiver(200, 422, 200) as receiver:
        with pytest.raises(Refused, match="422"):
            run(
                send(
                    Webhook(name="hook", url=receiver.url),
                    *(of_event(an_event(f"{number}")) for number in range(4)),
                )
            )
        assert [json.loads(body)["text"] for _, body in receiver.got] == ["0", "1", "2", "3"]


def test_a_server_that_fails_at_times_gets_all(tmp_path: Path) -> None:
    async def work() -> None:
        outbox = Outbox(tmp_path / "store.sqlite")
        outbox.keep(*(a_change(number) for number in range(4)))
        with Receiver(500, 200, 503, 429, 200, 301, 200) as receiver:
            sink = Webhook(name="hook", url=receiver.url).sink()
            woken, told = asyncio.Event(), list[Event]()
            task = asyncio.ensure_future(
                deliver(
                    sink, outbox, woken, Telemetry(sink, woken), told.append, first_pause_s=0.01
                )
            )
            await until(lambda: not outbox.undelivered("hook", 1) and len(told) == 2)
            await ended(task)
            ids = [headers["Dlrsd-Id"] for headers, _ in receiver.got]
        assert ids == ["c0", "c0", "c1", "c1", "c1", "c2", "c2", "c3"]
        assert [each.kind for each in told] == ["undelivered", "back"]
        assert "503" in told[0].text

    run(work())


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    tasks: set[Any] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()
    for task in tasks:
        task.cancel()


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


async def _chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n" * 100)
    await writer.drain()
    await asyncio.Event().wait()


async def _continue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _long_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"x" * 65536 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("answer", [_hang, _drip, _close, _chatter, _continue, _long_header])
def test_a_server_that_answers_no_http_is_left_in_time(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIME_LIMIT_S", 0.5)

    async def work() -> None:
        async with answering(answer) as url:
            start = time.monotonic()
            with pytest.raises((NotDelivered, ConnectionError)):
                await send(Webhook(name="hook", url=url))
            assert time.monotonic() - start < 20

    run(work())


def test_of_an_answer_of_a_gigabyte_only_the_status_is_read() -> None:
    sent = 0

    async def gigabyte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 10**9:
            writer.write(b"x" * 2**20)
            sent += 2**20
            await writer.drain()

    async def work() -> None:
        async with answering(gigabyte) as url:
            await send(Webhook(name="hook", url=url))
        assert sent < 10**8

    run(work())


def test_early_hints_are_passed_over() -> None:
    async def hint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n")
        await writer.drain()
        await reader.read()

    async def work() -> None:
        async with answering(hint) as url:
            await send(Webhook(name="hook", url=url))

    run(work())


def test_nobody_there_is_a_failure() -> None:
    with Receiver() as receiver:
        url = receiver.url
    with pytest.raises(OSError):
        run(send(Webhook(name="hook", url=url)))


def test_a_certificate_must_be_trusted_and_for_the_host(tmp_path: Path) -> None:
    mine, others = (make_certificate(tmp_path, name) for name in ("localhost", "elsewhere"))
    for host, trusted, fits in ((mine, mine, True), (mine, others, False), (others, others, False)):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*host)
        with Receiver(tls=tls) as receiver:
            config = Webhook(name="hook", url=receiver.url, ca_file=str(trusted[0]))
            if fits:
                run(send(config))
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    run(send(config))
            assert len(receiver.got) == int(fits)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://host/", "host/path", "http://", "http:///path", "https://a b/",
        "http://host/\r\nX: y", "http://häst/", "http://host:99999/", "http://host:x/", "",
        "http://me:hush@host/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_only_urls_of_http_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="expected") as raised:
        Webhook(name="hook", url=url)
    assert "hush" not in str(raised.value)


def test_the_parts_of_a_url() -> None:
    assert address("https://h/a?b=c#d") == (True, "h", 443, "/a?b=c")
    assert address("http://[::1]:8080") == (False, "::1", 8080, "/")


def test_a_missing_key_is_said_when_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    config = Webhook(name="hook", url="http://localhost/", key_env="NO_KEY")
    with pytest.raises(InputError, match="NO_KEY"):
        run(config.sink().open())
