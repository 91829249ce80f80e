"""Changes, events, minutes and machines as the watch makes them, and an outbox in SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from dlrsd.runtime.service.said import (
    Change,
    Event,
    Levels,
    MachineNow,
    Minute,
    RuleNow,
    Second,
    SensorNow,
)

# Everything a topic, a label, a header or a line must not be broken by.
ODD = 'Pümp #1/+ "a"\\ {x}\r\nBcc: eve@example.com'
LEVELS = Levels(
    velocity_mm_s=2.5, acceleration_m_s2=1.5, peak_m_s2=6.0, crest=4.0, kurtosis=3.1,
    envelope_m_s2=0.3,
)  # fmt: skip


def a_change(number: int = 1, *, machine: str = "pump1") -> Change:
    return Change(
        machine=machine, rule="zone", state="alert", was="normal", time=1_769_860_800.25,
        since=1_769_860_740.0, text="Velocity of 5.1 mm/s is in zone C", sensor="de", value=5.1,
        limit=4.5, unit="mm/s", place="outer", evidence="BPFO 12 dB over its surroundings",
        id=f"c{number}", alarm="a1",
    )  # fmt: skip


def an_event(text: str = "12 blocks lost", *, machine: str | None = "pump1") -> Event:
    return Event(
        time=1_769_860_800.0, kind="lost", text=text, machine=machine, source="tcp", count=12
    )


def a_minute(*, machine: str = "pump1", sensor: str = "de") -> Minute:
    return Minute(
        machine=machine, sensor=sensor, minute=29_497_680, seconds=60, running_seconds=58,
        levels=LEVELS, worst_time=1_769_860_811.0, worst=LEVELS, zone="B", lines={"outer": 3.0},
        place="healthy", labels={"normal": 0.9, "outer": 0.1}, novelty=0.4, unfit_share=0.05,
        speed_rpm=1500.0,
    )  # fmt: skip


def a_machine(name: str = "pump1") -> MachineNow:
    second = Second(
        machine=name, sensor="de", time=1_769_860_800.0, levels=LEVELS, novelty=0.4,
        speed_rpm=1500.0, temperature_c=61.5, label="normal", place="healthy",
    )  # fmt: skip
    slower = msgspec.structs.replace(
        second, sensor="nde", levels=Levels(velocity_mm_s=1.0), unfit="clipped"
    )
    return MachineNow(
        name=name, state="alert", since=1_769_860_000.0, running="running", zone="C",
        commissioned=True,
        sensors=[
            SensorNow(name="de", second=second, minute=a_minute(machine=name), windows_unfit=7),
            SensorNow(name="nde", second=slower),
            SensorNow(name="axial", silent_s=30.0),
        ],
        rules=[
            RuleNow(rule="zone", state="alert", since=1_769_860_000.0, alarm="a1"),
            RuleNow(rule="trend", state="alert", since=2.0, alarm="a2", acknowledged=3.0,
                    acknowledged_by="Eve"),
            RuleNow(rule="unfit", state="sensor fault", since=2.0, alarm="a3", shelved_until=9e9),
            RuleNow(rule="fault", state="normal", since=1.0),
        ],
        events={"lost": 3, "gap": 1},
    )  # fmt: skip


class Outbox:
    """What is to be delivered to each output, in a file that outlives a process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            database.execute("CREATE TABLE IF NOT EXISTS due (n INTEGER PRIMARY KEY, change BLOB)")
            database.execute("CREATE TABLE IF NOT EXISTS got (sink TEXT, id TEXT, UNIQUE(sink,id))")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)

    def keep(self, *changes: Change) -> None:
        with self._open() as database:
            rows = [(msgspec.json.encode(each),) for each in changes]
            database.executemany("INSERT INTO due (change) VALUES (?)", rows)

    def undelivered(self, sink: str, most: int) -> list[Change]:
        with self._open() as database:
            rows = database.execute(
                "SELECT change FROM due WHERE json_extract(change, '$.id') NOT IN "
                "(SELECT id FROM got WHERE sink = ?) ORDER BY n LIMIT ?",
                (sink, most),
            ).fetchall()
        return [msgspec.json.decode(row[0], type=Change) for row in rows]

    def delivered(self, sink: str, ids: Sequence[str]) -> None:
        with self._open() as database:
            database.executemany("INSERT INTO got VALUES (?, ?)", [(sink, each) for each in ids])


async def until(condition: Callable[[], object], *, within_s: float = 30.0) -> None:
    """Wait for a condition; a machine may be slow."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        await asyncio.sleep(0.02)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel, and see that it ends in time."""
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=30)
    assert done
    assert task.cancelled()


def run(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(work, 60)

    asyncio.run(whole())
