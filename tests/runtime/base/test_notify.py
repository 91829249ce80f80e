"""systemd is told over a real socket."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from dlrsd.runtime.base.notify import notify, watchdog_seconds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is of Linux")


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_told_arrives(
    abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"@dlrsd-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        assert notify("READY=1", "STATUS=two\nSTOPPING=1")
        assert systemd.recv(4096) == b"READY=1\nSTATUS=two STOPPING=1"
        assert notify("WATCHDOG=1")
        assert systemd.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "\0", "/" + "x" * 300])
def test_nobody_to_tell_is_no_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if name and "\0" not in name:
        monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert not notify("READY=1")


def test_the_watchdog_is_fed_twice_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    for told, expected in (("30000000", 15.0), ("", None), ("x", None), ("0", None)):
        monkeypatch.setenv("WATCHDOG_USEC", told)
        assert watchdog_seconds() == expected
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert watchdog_seconds() == 15.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert watchdog_seconds() is None
