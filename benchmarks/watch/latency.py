"""From the last sample of what decides an alarm to the alarm at a receiver.

    python -m benchmarks.watch.latency --machines 50 --minutes 5

Machines at 25.6 kHz over TCP, in real time and in blocks of a quarter of a second. Every twenty
seconds each turns from smooth to rough and back, at one level; a rule holds kurtosis over three.
A change is timed from the end of the third second to when a webhook has it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.watch.load import ORDERS, RATE, SPEED_RPM, free_port
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.machine.facts import Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.rig import Rig
from dlrsd.runtime.service.sources.wire import encode

BLOCK_S, PERIOD_S, LOOP = 0.25, 40.0, 40
TARGET_S = 1.0
RULE = """
[[machines.rules]]
kind = "threshold"
name = "rough"
level = "kurtosis"
alert = 4.5
k = 3
n = 3
return_s = 3
"""


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--machines", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    a = parser.parse_args()
    machines, minutes = (3, 1.0) if a.quick else (a.machines, a.minutes)
    with tempfile.TemporaryDirectory() as made:
        found = latencies(Path(made), machines, minutes)
    figures = {
        "machines": machines,
        "changes": len(found),
        "median_s": round(float(np.median(found)), 3),
        "p99_s": round(float(np.percentile(found, 99)), 3),
        "most_s": round(max(found), 3),
    }
    rows = [(name.replace("_", " "), f"{value:g}") for name, value in figures.items()]
    machine.show("sample in to alarm out", ("what", "figure"), rows)
    print(machine.save("watch_latency", {"target_s": TARGET_S, "figures": figures}, a.out))


def latencies(root: Path, machines: int, minutes: float) -> list[float]:
    """Of each change that came in the time, in s."""
    told: list[float] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            now = time.time()
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            began = datetime.fromisoformat(message["time"].replace("Z", "+00:00")).timestamp()
            told.append(now - (began + 1))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    threading.Thread(target=lambda: asyncio.run(_send(port)), daemon=True).start()
    _write(root, machines, port, server.server_address[1])
    start = "from dlrsd.runtime.cli.app import main; main()"
    command = [sys.executable, "-c", start, "watch", str(root / "watch.toml"), "--port", "0"]
    watch = subprocess.Popen([*command, "--log", "error"])
    try:
        time.sleep(60 * minutes)
        if watch.poll() is not None:
            raise SystemExit("error: the watch ended")
        return list(told)
    finally:
        watch.terminate()
        watch.wait(60)
        server.shutdown()


def _write(root: Path, machines: int, port: int, receiver: int) -> None:
    lines = ["schema_version = 1", "[[sinks]]", 'kind = "webhook"', 'name = "receiver"']
    lines.append(f'url = "http://127.0.0.1:{receiver}/"')
    for at in range(machines):
        name = f"machine {at:03d}"
        (root / name).mkdir()
        facts = Machine(
            schema_version=1,
            name=name,
            shaft=Shaft(speed_rpm=SPEED_RPM),
            sensors=[Sensor(name="drive end", bearing="6205")],
        )
        write_machine(facts, root / name)
        lines += ["[[machines]]", f'machine = "{name}"', RULE, "[[machines.sources]]"]
        lines += ['kind = "tcp"', f'connect = "127.0.0.1:{port}"']
    (root / "watch.toml").write_text("\n".join(lines) + "\n")


async def _send(port: int) -> None:
    rig = Rig(1, Kinematics(SPEED_RPM, **ORDERS), RATE, "outer")
    n = round(BLOCK_S * RATE)
    smooth = [rig.push(n, 0.0) for _ in range(LOOP)]
    rough = [rig.push(n, 1.0) for _ in range(LOOP)]
    share = np.std(smooth) / np.std(rough)
    numbers = count()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shift = PERIOD_S * (next(numbers) % 16) / 16
        began = time.time()
        with suppress(OSError):
            for block in _blocks(smooth, [share * each for each in rough], began, shift):
                await asyncio.sleep(max(0.0, (block.time or 0.0) + BLOCK_S - time.time()))
                writer.write(encode(block))
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


def _blocks(
    smooth: list[np.ndarray], rough: list[np.ndarray], began: float, shift: float
) -> Iterator[Block]:
    for sequence in count():
        passed = sequence * BLOCK_S
        drawn = rough if (passed + shift) % PERIOD_S > PERIOD_S / 2 else smooth
        yield Block(
            samples=drawn[sequence % LOOP].astype("<f4")[np.newaxis],
            rate_hz=RATE,
            arrived=0.0,
            sequence=sequence,
            time=began + passed,
        )


if __name__ == "__main__":
    machine.run(main)
