"""A whole watch killed at random moments while blocks arrive: is anything lost, or said twice?

    python -m benchmarks.watch.power_cuts --kills 1000

Two machines are fed over TCP, faster than in real time; one has a fault that comes and goes, so
that alarms are decided all the while. ``dlrsd-runtime watch`` is killed by SIGKILL, started again,
and at the end stopped in order. Then must hold

- every change that the watch logged is in the store, and went to its JSONL output;
- every change of the store is in the output, and none has an id twice in the store;
- every second of signal that was sent is in a minute of the trend, or in a gap that was said.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Thread

import numpy as np
from msgspec import Struct, structs

from benchmarks import machine
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.machine.facts import Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.rig import Rig
from dlrsd.runtime.service.sources.wire import encode
from dlrsd.runtime.service.store.reading import Reading

RATE, SPEED_RPM = 8192.0, 1770.0
ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
NAMES = ("pump", "fan")
BLOCK_S = 0.5
PERIOD_S = 240.0  # of the fault: half of it there, half of it not
FASTER = 60  # than in real time, at most
LIVES_S = (0.2, 2.5)  # how long a watch lives


class Found(Struct, frozen=True):
    """What is there at the end.

    Attributes
    ----------
    logged, stored, delivered : int
        Changes, by id where they have one.
    lost : list of str
        What was said and is not kept, or kept and not delivered.
    doubled : int
        Ids that are in the store more than once.
    signal_s, kept_s, gaps_s : dict of machine to float
        Of signal: how much time it spans, and what of it is in minutes and in gaps.
    """

    kills: int
    logged: int
    stored: int
    delivered: int
    lost: list[str]
    doubled: int
    signal_s: dict[str, float]
    kept_s: dict[str, float]
    gaps_s: dict[str, float]

    @property
    def unaccounted_s(self) -> float:
        """Of signal: the most that one machine lacks, or has twice."""
        return max(
            abs(self.signal_s[name] - self.kept_s[name] - self.gaps_s[name])
            for name in self.signal_s
        )


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        found = power_cuts(Path(made), kills=3 if a.quick else a.kills, seed=a.seed)
    rows = [(name, str(value)) for name, value in structs.asdict(found).items()]
    rows.append(("unaccounted_s", f"{found.unaccounted_s:.3f}"))
    machine.show("a watch that is killed", ("what", "figure"), rows)
    result = structs.asdict(found) | {"unaccounted_s": found.unaccounted_s}
    print(machine.save("power_cuts", result, a.out))


def power_cuts(
    root: Path, *, kills: int, seed: int, lives_s: tuple[float, float] = LIVES_S
) -> Found:
    """Kill a watch so many times, then end one in order, and look."""
    rng = random.Random(seed)
    sender = Sender(seed)
    _write(root, sender.ports)
    logged: list[str] = []
    for _ in range(kills):
        _live(root, rng.uniform(*lives_s), signal.SIGKILL, logged)
    _live(root, lives_s[1], signal.SIGTERM, logged)
    sender.close()
    return _look(root, kills, logged)


class Sender:
    """Gives each machine's signal to whoever connects; what is sent to the dead is lost."""

    def __init__(self, seed: int) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in NAMES]
        self.ports = [int(each.getsockname()[1]) for each in self._sockets]
        self._seed, self._ends = seed, False
        Thread(target=lambda: asyncio.run(self._run()), daemon=True).start()

    def close(self) -> None:
        self._ends = True

    async def _run(self) -> None:
        servers = [
            await asyncio.start_server(self._serve(_blocks(self._seed + at, name)), sock=sock)
            for at, (name, sock) in enumerate(zip(NAMES, self._sockets, strict=True))
        ]
        while not self._ends:
            await asyncio.sleep(0.1)
        for server in servers:
            server.close()

    def _serve(self, blocks: Iterator[Block]) -> Callable[..., Awaitable[None]]:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while not self._ends:
                    writer.write(encode(next(blocks)))
                    await writer.drain()
                    await asyncio.sleep(BLOCK_S / FASTER)
            writer.close()

        return serve


def _blocks(seed: int, name: str) -> Iterator[Block]:
    """A machine's signal without an end; the second one's fault comes and goes."""
    defect = "outer" if name == NAMES[1] else None
    rig = Rig(seed, Kinematics(SPEED_RPM, **ORDERS), RATE, defect)
    n, began = round(BLOCK_S * RATE), float(int(time.time()))
    sound = [rig.push(n, 0.0)[np.newaxis] for _ in range(40)]
    faulty = [rig.push(n, 1.0)[np.newaxis] for _ in range(40)]
    for sequence in count():
        passed = sequence * BLOCK_S
        drawn = faulty if passed % PERIOD_S > PERIOD_S / 2 else sound
        yield Block(
            samples=drawn[sequence % len(drawn)],
            rate_hz=RATE,
            arrived=0.0,
            sequence=sequence,
            time=began + passed,
        )


def _write(root: Path, ports: list[int]) -> None:
    lines = ["schema_version = 1", "[[sinks]]", 'kind = "jsonl"', 'name = "file"']
    lines += ['folder = "told"', 'says = ["alarm"]']
    for name, port in zip(NAMES, ports, strict=True):
        (root / name).mkdir()
        write_machine(
            Machine(
                schema_version=1,
                name=name,
                shaft=Shaft(speed_rpm=SPEED_RPM),
                sensors=[Sensor(name="DE", bearing="6205")],
            ),
            root / name,
        )
        lines += ["[[machines]]", f'machine = "{name}"', 'bundle = "none"']
        lines += ["[[machines.sources]]", 'kind = "tcp"', f'connect = "127.0.0.1:{port}"']
    (root / "watch.toml").write_text("\n".join(lines) + "\n")


def _live(root: Path, seconds: float, end: signal.Signals, logged: list[str]) -> None:
    """One life of a watch; what it logged of changes is noted."""
    start = "from dlrsd.runtime.cli.app import main; main()"
    log = root / "log.txt"
    with log.open("wb") as file:
        watch = subprocess.Popen(
            [sys.executable, "-c", start, "watch", "watch.toml", "--port", "0"],
            cwd=root,
            stderr=file,
        )
        for _ in range(600):
            if b"watching" in log.read_bytes() or watch.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(seconds)
        if watch.poll() is not None:
            raise SystemExit(f"error: the watch ended: {log.read_text()}")
        watch.send_signal(end)
        watch.wait(60)
    logged += [
        line.removeprefix("WARNING ")
        for line in log.read_text().splitlines()
        if line.startswith("WARNING ")
    ]


def _look(root: Path, kills: int, logged: list[str]) -> Found:
    """Hold what was logged and delivered against what is in the store."""
    reading = Reading(root / "store")
    stored = [c for row in reading.alarms(most=10**6) for c in reading.changes(row.id)]
    ids = Counter(change.id for change in stored)
    files = (root / "told").glob("*.jsonl")
    told = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    delivered = {message["id"] for message in told}
    lost = [f"logged, not kept: {text}" for text in set(logged) - {c.text for c in stored}]
    lost += [f"kept, not delivered: {c.text}" for c in stored if c.id not in delivered]
    lost += [f"delivered, not kept: {each}" for each in delivered - set(ids)]
    signal_s, kept_s, gaps_s = {}, {}, {}
    for name in NAMES:
        minutes = reading.minutes(name, "DE", start=0, end=1e11)
        events = reading.events(machine=name, most=10**6)
        upto = reading.upto(name)
        first = 60.0 * (minutes[0].minute + 1) - minutes[0].seconds
        signal_s[name] = upto - first
        kept_s[name] = float(sum(minute.seconds for minute in minutes))
        gaps_s[name] = sum(event.seconds or 0.0 for event in events if event.kind == "gap")
    return Found(
        kills=kills,
        logged=len(set(logged)),
        stored=len(ids),
        delivered=len(delivered),
        lost=lost,
        doubled=sum(n > 1 for n in ids.values()),
        signal_s=signal_s,
        kept_s=kept_s,
        gaps_s=gaps_s,
    )


if __name__ == "__main__":
    machine.run(main)
