"""Many machines watched in real time: what of the processor and the memory it takes.

    python -m benchmarks.watch.load --machines 200 --minutes 15

Each machine is one channel at 25.6 kHz over TCP, in blocks of half a second of a simulated machine
(one in twenty has a fault). They are sent by a process of its own, which is not counted. The watch
has all indicators, evidence, the network, the store and the page on; a browser's stream of events
is read from it, and the overview every ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Thread

import numpy as np
from msgspec import structs

from benchmarks import machine
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.sources.rig import Rig
from dlrsd.runtime.service.sources.sending import blocks_of
from dlrsd.runtime.service.sources.wire import encode

RATE, SPEED_RPM = 25_600.0, 1770.0
ORDERS = {"bpfo": 3.5848, "bpfi": 5.4152, "bsf": 2.357, "ftf": 0.3983}
BLOCK_S, LOOP_S = 0.5, 60
SIGNALS, FAULTY_IN = 20, 20
TARGETS = {"share_of_two_cores": 0.8, "memory_mb": 1000.0}


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.send is not None:
        asyncio.run(_send(a.send))
        return
    minutes = 0.5 if a.quick else a.minutes
    with tempfile.TemporaryDirectory() as made:
        found = _measured(Path(made), a.machines, minutes)
    rows = [(name.replace("_", " "), f"{value:g}") for name, value in found.items()]
    machine.show(f"{a.machines} machines at 25.6 kHz for {minutes:g} min", ("what", "figure"), rows)
    print(machine.save("watch_load", {"targets": TARGETS, "figures": found}, a.out))


def _measured(root: Path, machines: int, minutes: float) -> dict[str, float]:
    port, page = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.watch.load", "--send", str(port)]
    _write(root, machines, port)
    sender = subprocess.Popen(command)
    start = "from dlrsd.runtime.cli.app import main; main()"
    watch = subprocess.Popen(
        [sys.executable, "-c", start, "watch", str(root / "watch.toml"), "--port", str(page)]
    )
    try:
        _wait(page)
        time.sleep(20)  # begun
        Thread(target=_browse, args=(page,), daemon=True).start()
        before, began = _cpu_s(watch.pid), time.time()
        seconds, overview = _told(page, machines), list[float]()
        while time.time() < began + 60 * minutes:
            time.sleep(10)
            asked = time.perf_counter()
            _get(page, "/")
            overview.append(time.perf_counter() - asked)
        cpu, passed = _cpu_s(watch.pid) - before, time.time() - began
        lag = _lag(page)
        watched = _told(page, machines) - seconds
        return {
            "machines": machines,
            "minutes": round(passed / 60, 2),
            "share_of_two_cores": round(cpu / passed / 2, 3),
            "cpu_ms_a_machine_and_second": round(1e3 * cpu / passed / machines, 3),
            "memory_mb": round(_peak_mb(watch.pid), 1),
            "handles": len(list(Path(f"/proc/{watch.pid}/fd").iterdir())),
            "share_of_seconds_watched": round(watched / (passed * machines), 4),
            "oldest_second_at_the_end_s": round(lag, 2),
            "overview_median_s": round(float(np.median(overview)), 3),
        }
    finally:
        watch.terminate()
        watch.wait(60)
        sender.kill()


def _write(root: Path, machines: int, port: int) -> None:
    lines = ["schema_version = 1"]
    for at in range(machines):
        name = f"machine {at:03d}"
        (root / name).mkdir()
        write_machine(
            Machine(
                schema_version=1,
                name=name,
                shaft=Shaft(speed_rpm=SPEED_RPM),
                sensors=[Sensor(name="drive end", bearing="6205")],
                iso_20816_3=Iso20816(group=2, mounting="rigid"),
            ),
            root / name,
        )
        lines += [
            "[[machines]]",
            f'machine = "{name}"',
            "[[machines.sources]]",
            'kind = "tcp"',
            f'connect = "127.0.0.1:{port}"',
            f"scale = {1 / 3000}",
        ]
    (root / "watch.toml").write_text("\n".join(lines) + "\n")


async def _send(port: int) -> None:
    """To each who connects the signal of the next machine, for ever."""
    kinematics = Kinematics(SPEED_RPM, **ORDERS)
    n = round(BLOCK_S * RATE)
    signals = []
    for at in range(SIGNALS):
        rig = Rig(at, kinematics, RATE, "outer" if at % FAULTY_IN == FAULTY_IN - 1 else None)
        seconds = [rig.push(round(RATE), 1.0) for _ in range(LOOP_S)]
        samples = np.rint(3000 * np.concatenate(seconds)).astype("<i2")[np.newaxis]
        signals.append(list(blocks_of(samples, rate_hz=RATE, size=n)))
    numbers = count()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(numbers)
        blocks = signals[number % SIGNALS]
        await asyncio.sleep((number % 50) / 50 * BLOCK_S)  # sensors do not send in step
        began = time.time()
        with suppress(OSError):
            for sequence in count():
                due = began + sequence * BLOCK_S
                await asyncio.sleep(max(0.0, due + BLOCK_S - time.time()))
                block = blocks[sequence % len(blocks)]
                writer.write(encode(structs.replace(block, sequence=sequence, time=due)))
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


def _browse(page: int) -> None:
    """Read the page's events as one browser does."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{page}/told") as events:
        while events.readline():
            pass


def _get(page: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{page}{path}", timeout=60) as answer:
        return answer.read()


def _wait(page: int) -> None:
    for _ in range(600):
        with suppress(OSError):
            _get(page, "/api/machines")
            return
        time.sleep(0.2)
    raise SystemExit("error: the watch did not begin within two minutes")


def _machines(page: int) -> list[dict]:
    return json.loads(_get(page, "/api/machines"))["machines"]


def _lag(page: int) -> float:
    """How old the latest second of the machine is that is most behind, s."""
    now = time.time()
    return max(
        now - _unix(sensor["time"]) - 1 for each in _machines(page) for sensor in each["sensors"]
    )


def _told(page: int, machines: int) -> float:
    """Up to when all machines were watched, summed over them, s."""
    return sum(_unix(sensor["time"]) for each in _machines(page) for sensor in each["sensors"])


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


if __name__ == "__main__":
    machine.run(main)
