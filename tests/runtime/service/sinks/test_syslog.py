"""The system's log over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlrsd.runtime.service.sinks.payload import of_change, of_event, of_machine
from dlrsd.runtime.service.sinks.sink import SinkConfig
from dlrsd.runtime.service.sinks.syslog import Journal, Syslog, line_of
from tests.runtime.service.sinks.made import ODD, a_change, a_machine, an_event, run


async def send(config: SinkConfig, messages: Sequence[Any]) -> None:
    sink = config.sink()
    await sink.open()
    await sink.send(messages)
    await sink.close()
    await sink.close()


def listening(path: Path | None) -> socket.socket:
    family = socket.AF_INET if path is None else socket.AF_UNIX
    found = socket.socket(family, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0) if path is None else str(path))
    found.settimeout(10)
    return found


@pytest.mark.parametrize("over", ["udp", "unix"])
def test_syslog_gets_one_line_a_message(over: str, tmp_path: Path) -> None:
    with listening(tmp_path / "log" if over == "unix" else None) as server:
        where: dict[str, Any] = {"socket": str(tmp_path / "log")}
        if over == "udp":
            where = {"host": "127.0.0.1", "port": server.getsockname()[1]}
        danger = msgspec.structs.replace(a_change(machine=ODD), state="danger")
        back = msgspec.structs.replace(a_change(2), state="normal", was="danger")
        sent = [of_change(danger), of_change(a_change()), of_change(back), of_event(an_event())]
        run(send(Syslog(name="log", facility="local1", **where), sent))
        got = [server.recv(65536).rstrip(b"\0").decode().lstrip("\ufeff") for _ in sent]
    # Priority is facility * 8 + severity; local1 is 17.
    assert [each[: each.index(">") + 1] for each in got] == ["<138>", "<140>", "<142>", "<142>"]
    assert "dlrsd: pump1: alert, was normal (rule zone): Velocity of 5.1 mm/s" in got[1]
    assert got[1].endswith("[c1]")
    assert all(each.isprintable() for each in got)
    assert "Bcc: eve@example.com" in got[0]  # on the same line


def test_the_journal_gets_fields_that_nobody_can_add_to(tmp_path: Path) -> None:
    with listening(tmp_path / "journal") as server:
        change = msgspec.structs.replace(a_change(), machine="pump\nPRIORITY=0\nMESSAGE=hacked")
        run(
            send(
                Journal(name="log", socket=str(tmp_path / "journal")),
                [of_change(change), of_event(an_event("a\nb=c", machine=None))],
            )
        )
        first, second = (server.recv(65536).decode() for _ in range(2))
    fields = dict(line.split("=", 1) for line in first.splitlines())
    assert first.count("\n") == len(fields) == 9
    assert fields["PRIORITY"] == "4"
    assert fields["DLRSD_MACHINE"] == "pump PRIORITY=0 MESSAGE=hacked"
    assert fields["DLRSD_ID"] == "c1"
    assert fields["MESSAGE"].startswith("pump PRIORITY=0 MESSAGE=hacked: alert")
    assert "MESSAGE=lost: a b=c\n" not in second
    assert "MESSAGE=tcp: lost: a b=c\n" in second


@pytest.mark.parametrize("kind", [Syslog, Journal])
def test_a_log_that_is_away_is_raised(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "log"
    config = kind(name="log", socket=str(path))
    with pytest.raises(OSError):
        run(send(config, [of_event(an_event())]))

    async def work() -> None:
        server = listening(path)
        sink = config.sink()
        await sink.open()
        await sink.send([of_event(an_event())])
        server.close()
        path.unlink()
        with pytest.raises(OSError):
            await sink.send([of_event(an_event())])
        await sink.close()

    run(work())


def test_a_state_is_one_bounded_line_too() -> None:
    line = line_of(of_machine(a_machine(ODD * 100), time=1.0))
    assert line.isprintable()
    assert len(line) <= 1000
