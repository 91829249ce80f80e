"""Where the page listens, and what browsers are told as it happens."""

import asyncio
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.page.serve import listening
from dlrsd.runtime.service.page.telling import Telling
from dlrsd.runtime.service.page.tokens import new_token
from tests.parts import needs
from tests.runtime.service.page.served import served


def test_a_port_in_use_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(InputError, match=f"127.0.0.1:{port}: something else listens there"),
            listening(PageConfig(port=port)),
        ):
            pass


def test_an_address_that_is_not_this_boxs_is_told():
    for host in ("192.0.2.1", "no.such.host.invalid"):
        config = PageConfig(host=host, port=0, tokens="t", behind_proxy=True)
        with pytest.raises(InputError, match=f"cannot listen on {host}:0"), listening(config):
            pass


def test_tls_is_served_with_a_certificate_and_cookies_are_for_it_alone(tmp_path):
    token, line = new_token("view", "Panel")
    (tmp_path / "tokens").write_text(line)
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -keyout key.pem"
    named = "-out cert.pem -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    made = [needs("openssl"), *asked.split(), *named.split()]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    with served(
        tls_certificate=str(tmp_path / "cert.pem"),
        tls_key=str(tmp_path / "key.pem"),
        tokens=str(tmp_path / "tokens"),
    ) as (address, _):
        assert address.startswith("https://")
        there = urlsplit(address)
        trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        connection = http.client.HTTPSConnection(there.hostname, there.port, context=trusted)
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": address}
        connection.request("POST", "/login", f"token={token}", form)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303
        assert answer.headers["set-cookie"].startswith("__Host-dlrsd-session=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]
        connection.close()


def test_a_certificate_that_is_none_is_told(tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    (tmp_path / "tokens").write_text(new_token("view", "Panel")[1])
    with (
        pytest.raises(InputError, match=r"cert\.pem with the key .* cannot be used"),
        served(
            tls_certificate=str(tmp_path / "cert.pem"),
            tls_key=str(tmp_path / "cert.pem"),
            tokens=str(tmp_path / "tokens"),
        ),
    ):
        pass


class Listener:
    """Reads server-sent events of a real connection."""

    def __init__(self, address, path="/told"):
        there = urlsplit(address)
        self.connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
        self.connection.request("GET", path)
        self.answer = self.connection.getresponse()

    def next(self, kind):
        """The content of the next event of a kind."""
        found = None
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                found = line[7:]
            elif line.startswith("data: ") and found == kind:
                return json.loads(line[6:])

    def close(self):
        self.connection.close()


def test_what_happens_reaches_a_browser_at_once():
    with served() as (address, plant):
        all_of, one = Listener(address), Listener(address, "/told?machine=Pump%202")
        assert all_of.answer.headers["content-type"].startswith("text/event-stream")
        assert len(all_of.next("machines")) == 12
        first = one.next("machines")
        assert [m["name"] for m in first] == ["Pump 2"]
        assert first[0]["sensors"][0]["levels"]["velocity_mm_s"] > 0
        began = time.monotonic()
        plant.change("Motor 003", "danger")
        plant.change("Pump 2", "alert")
        assert all_of.next("change")["machine"] == "Motor 003"
        assert one.next("change")["machine"] == "Pump 2"
        assert one.next("machines")[0]["state"] == "alert"
        assert time.monotonic() - began < 5
        all_of.close()
        one.close()
        deadline = time.monotonic() + 30
        while plant.telling.listeners and time.monotonic() < deadline:
            plant.tick()
            time.sleep(0.05)
        assert plant.telling.listeners == 0  # who has left is forgotten


def test_a_browser_that_is_too_slow_is_let_go_and_the_others_hear_on():
    async def story():
        telling = Telling()
        slow, quick = telling.subscribe(), telling.subscribe()
        told = asyncio.ensure_future(anext(slow))
        heard = [asyncio.ensure_future(anext(quick))]
        await asyncio.sleep(0)
        assert telling.listeners == 2
        threading.Thread(target=telling.tell, args=([],)).start()
        assert await asyncio.wait_for(told, 10) == []
        for _ in range(200):  # the slow one reads no more
            telling.tell([])
            await asyncio.wait_for(heard[0], 10)
            heard[0] = asyncio.ensure_future(anext(quick))
        assert telling.listeners == 1
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(slow), 10)
        heard[0].cancel()
        await asyncio.gather(*heard, return_exceptions=True)
        await quick.aclose()
        assert telling.listeners == 0

    asyncio.run(story())


def test_the_page_ends_while_browsers_listen():
    with served() as (address, _):
        listener = Listener(address)
        listener.next("machines")
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert listener.answer.read() is not None
    listener.close()
