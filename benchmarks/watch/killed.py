"""A process that keeps and says as much as it can, to be killed; and what must be there then.

What it says it says once it is kept: a line of its file, by one call of the system each.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow.parquet
from msgspec import Struct
from msgspec.structs import replace

from dlrsd.runtime.service.said import Change, Event, Levels, Minute
from dlrsd.runtime.service.store.housekeeping import keep_waveform, tidy
from dlrsd.runtime.service.store.keeping import waveform_path
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.rows import to_change
from dlrsd.runtime.service.store.schema import DATABASE, connect_to_read
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.store.waveform import About, Waveform, read_waveform

MACHINES = ("pump", "fan", "mill")
SINKS = ("mqtt", "mail")
STATES = ("alert", "danger", "normal")
# Loads what takes longer than a life, before it begins.
pyarrow.array(np.zeros(1))
LIMITS = Limits(waveform_days=3, minutes_days=30)


class Round(Struct):
    """What a killed process had said, and what must be there."""

    opened: bool = False
    changes: list[str] = []
    delivered: set[tuple[str, str]] = set()
    told: list[tuple[str, str]] = []
    seconds: dict[tuple[str, int], int] = {}
    upto: dict[str, float] = {}
    events: int = 0
    waveforms: list[str] = []
    acknowledged: list[str] = []


def keep_and_say(folder: Path, said: Path, number: int) -> None:
    """Go on for ever; ``number`` is that of the round."""
    fd = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(*words: object) -> None:
        os.write(fd, (" ".join(map(str, words)) + "\n").encode())

    store = Store.open(folder, LIMITS, sinks=SINKS)
    say("opened")
    Thread(target=_keep_waveforms, args=(store, say, number), daemon=True).start()
    for step in _steps():
        machine = MACHINES[step % len(MACHINES)]
        minute = 1000 * number + step // 30
        row = Minute(
            machine=machine, sensor="DE", minute=minute, seconds=1, running_seconds=1,
            levels=Levels(velocity_mm_s=1.0),
        )  # fmt: skip
        upto = 60.0 * minute + step % 30
        store.write_minutes([row], _sum, upto={machine: upto})
        say("second", machine, minute)
        say("upto", machine, upto)
        now = time.time()
        store.write_event(Event(time=now, kind="late", text=f"{step}", source=str(number)))
        store.heartbeat(now)
        say("event")
        if step % 2 == 0:
            _decide(store, say, machine, number, step)
        for sink in SINKS:
            _deliver(store, say, sink, most=1 + step % 4)


def _decide(store: Store, say: Callable[..., None], machine: str, number: int, step: int) -> None:
    """A change of the machine's alarm, of which each has three."""
    count, place = divmod(step // 2 // len(MACHINES), len(STATES))
    alarm = f"{machine}-{number}-{count}"
    change = Change(
        id=f"{number}-{step}", alarm=alarm, machine=machine, rule="zone", state=STATES[place],
        was=STATES[place - 1], time=float(step), since=float(step), text="text",
    )  # fmt: skip
    knows = str(1_000_000 * number + step).encode()
    store.decide([change], machine, knows)
    say("change", change.id)
    if place == 1:
        store.acknowledge(alarm, "Ada", float(step), knows)
        say("acknowledged", alarm)


def _deliver(store: Store, say: Callable[..., None], sink: str, *, most: int) -> None:
    changes = store.undelivered(sink, most)
    for change in changes:
        say("told", sink, change.id)
    store.delivered(sink, [change.id for change in changes])
    for change in changes:
        say("delivered", sink, change.id)


def _keep_waveforms(store: Store, say: Callable[..., None], number: int) -> None:
    samples = np.arange(4000, dtype="<i2").reshape(2, 2000)
    for step in _steps():
        about = About(
            machine="pump", source="tcp", sensors=["DE", "NDE"], rate_hz=1000.0,
            start=86_400.0 * number, scale=[1.0, 1.0], unit="g", alarm=f"w{number}-{step // 2}",
        )  # fmt: skip
        keep_waveform(store, Waveform(about=about, samples=samples, gaps=[]))
        say("waveform", about.alarm)
        if step % 5 == 4:
            tidy(store, None)


def _steps() -> Iterator[int]:
    step = 0
    while True:
        yield step
        step += 1


def _sum(old: Minute, new: Minute) -> Minute:
    return replace(new, seconds=old.seconds + new.seconds)


def read_round(said: Path) -> Round:
    """What was said before the kill; a line that was cut by it counts for nothing."""
    found = Round()
    seconds: Counter[tuple[str, int]] = Counter()
    for line in said.read_text("ascii").splitlines(keepends=True) if said.exists() else []:
        if not line.endswith("\n"):
            continue
        what, *words = line.split()
        if what == "opened":
            found.opened = True
        elif what == "change":
            found.changes.append(words[0])
        elif what in ("told", "delivered"):
            pair = (words[0], words[1])
            found.told.append(pair) if what == "told" else found.delivered.add(pair)
        elif what == "second":
            seconds[words[0], int(words[1])] += 1
        elif what == "upto":
            found.upto[words[0]] = float(words[1])
        elif what == "event":
            found.events += 1
        elif what == "waveform":
            found.waveforms.append(words[0])
        elif what == "acknowledged":
            found.acknowledged.append(words[0])
    found.seconds = dict(seconds)
    return found


def missing(folder: Path, said: Round, number: int) -> list[str]:
    """What is not as it was said in a round, or is there twice; nobody may write meanwhile."""
    if not said.opened:
        return []
    with closing(connect_to_read(folder / DATABASE)) as c:
        return [f"round {number}: {text}" for text in _missing(c, folder, said, number)]


def _missing(c: sqlite3.Connection, folder: Path, said: Round, number: int) -> Iterator[str]:
    changes = c.execute(
        "SELECT id, number, alarm, body FROM change WHERE id GLOB ? ORDER BY number",
        (f"{number}-*",),
    ).fetchall()
    ids = [row[0] for row in changes]
    if ids[: len(said.changes)] != said.changes or len(ids) > len(said.changes) + 1:
        yield f"changes {said.changes[-3:]} were said, {ids[-4:]} are there"
    # What is told of an alarm is what its changes say, and what its rules know is of the last.
    snapshots = dict(c.execute("SELECT machine, body FROM snapshot"))
    for machine in MACHINES:
        of = [
            each for each in map(to_change, (row[3] for row in changes)) if each.machine == machine
        ]
        if of and int(snapshots[machine]) != 1_000_000 * number + int(of[-1].id.partition("-")[2]):
            yield f"{machine} knows {snapshots[machine]!r} after {of[-1].id}"
        for last in {change.alarm: change for change in of}.values():
            state = c.execute("SELECT state FROM alarm WHERE id = ?", (last.alarm,)).fetchone()
            if state != (last.state,):
                yield f"alarm {last.alarm} is {state} after {last.state}"
    for alarm in said.acknowledged:
        found = c.execute(
            "SELECT count(*) FROM action WHERE kind = 'acknowledge' AND detail = ?", (alarm,)
        ).fetchone()[0]
        if found != 1:
            yield f"{alarm} was acknowledged {found} times"
    # Each change waits for each sink until that confirmed it.
    waiting = set(c.execute("SELECT sink, id FROM outbox JOIN change ON number = change"))
    for sink in SINKS:
        for each in ids:
            pair = (sink, each)
            if (pair in waiting) == (pair in said.delivered) and pair not in said.told:
                yield f"{each} waits for {sink}, which confirmed it, or does not and it did not"
    if again := waiting & said.delivered:
        yield f"{sorted(again)[:3]} are told again"
    # Seconds, and up to when they are kept.
    kept = 0
    for machine, minute in said.seconds:
        row = c.execute(
            "SELECT seconds FROM minute JOIN series ON id = series "
            "WHERE machine = ? AND minute = ?",
            (machine, minute),
        ).fetchone()
        kept += row[0] if row else -(10**6)
    if not 0 <= kept - sum(said.seconds.values()) <= 1:
        yield f"{sum(said.seconds.values())} seconds were said, {kept} are there"
    upto = dict(c.execute("SELECT machine, upto FROM watched"))
    for machine, time_ in said.upto.items():
        if upto[machine] < time_:
            yield f"{machine} is kept up to {upto[machine]}, it was said up to {time_}"
    events = c.execute(
        "SELECT total(count) FROM event WHERE kind = 'late' AND source = ?", (str(number),)
    ).fetchone()[0]
    if not 0 <= events - said.events <= 1:
        yield f"{said.events} events were said, {events} are there"
    for alarm in said.waveforms:
        row = c.execute("SELECT name, bytes FROM waveform WHERE alarm = ?", (alarm,)).fetchone()
        path = waveform_path(folder, row[0]) if row else None
        if path is None or read_waveform(path).seconds != 2 or path.stat().st_size != row[1]:
            yield f"the waveform of {alarm} is not there, or not whole"
