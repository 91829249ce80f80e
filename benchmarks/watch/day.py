"""Healthy machines watched for a day of signal, as fast as it goes: an alarm, a leak?

    python -m benchmarks.watch.day --machines 10 --hours 24

Each machine is simulated anew to its last second (12 kHz, its own speed, bearing and structure),
and goes through all that a watch does: levels, evidence, network, minutes, rules, store. Memory and
open handles are noted every ten minutes of the clock.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import machine
from dlrsd.runtime.machine.facts import Iso20816, Machine, Sensor, Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.sources.simulated import SimulatedSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.setup import set_up
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watch_file import MachineEntry, WatchFile

BEARINGS = ("6205", "6203", "6206", "6204", "6208")
NOTED_S = 600.0


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--machines", type=int, default=10)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--most-minutes", type=float, default=600.0, help="of the clock")
    a = parser.parse_args()
    hours = 0.05 if a.quick else a.hours
    with tempfile.TemporaryDirectory() as made:
        found = watched(Path(made), machines=a.machines, hours=hours, most_s=60 * a.most_minutes)
    rows = [(name, str(value)) for name, value in found.items()]
    machine.show(f"{a.machines} healthy machines for {hours:g} h", ("what", "figure"), rows)
    print(machine.save("watch_day", found, a.out))


def watched(root: Path, *, machines: int, hours: float, most_s: float) -> dict[str, object]:
    """Watch them; what was found."""
    rng = np.random.default_rng(0)
    entries = []
    for at in range(machines):
        name, bearing = f"machine {at}", BEARINGS[at % len(BEARINGS)]
        speed_rpm = round(float(rng.uniform(900, 3000)), 1)
        (root / name).mkdir()
        facts = Machine(
            schema_version=1,
            name=name,
            shaft=Shaft(speed_rpm=speed_rpm),
            sensors=[Sensor(name="DE", bearing=bearing)],
            iso_20816_3=Iso20816(group=2, mounting="rigid"),
        )
        write_machine(facts, root / name)
        source = SimulatedSource(speed_rpm=speed_rpm, bearing=bearing, seed=at, in_real_time=False)
        entries.append(MachineEntry(machine=name, sources=[source]))
    setups, problems = set_up(WatchFile(schema_version=1, machines=entries), root)
    if problems:
        raise SystemExit(f"error: {problems[0]}")
    with Store.open(root / "store", Limits()) as store:
        notes, elapsed_s = asyncio.run(_run(Watch(setups, store), hours, most_s))
    reading = Reading(root / "store")
    alarms = reading.alarms(most=10**6)
    seconds = {
        setup.name: sum(row.seconds for row in reading.minutes(setup.name, "DE", start=0, end=1e11))
        for setup in setups
    }
    return {
        "machines": machines,
        "hours": round(min(seconds.values()) / 3600, 3),
        "elapsed_s": round(elapsed_s, 1),
        "times_real_time": round(sum(seconds.values()) / elapsed_s, 1),
        "alarms": [f"{row.machine}: {row.text}" for row in alarms],
        "memory_mb": [note[0] for note in notes],
        "handles": [note[1] for note in notes],
    }


async def _run(watch: Watch, hours: float, most_s: float) -> tuple[list[tuple[float, int]], float]:
    began, noted, notes = time.monotonic(), 0.0, []
    running = asyncio.create_task(watch.run())
    while not running.done():
        await asyncio.sleep(0.5)
        now = time.monotonic()
        if now - noted >= NOTED_S:
            noted = now
            notes.append((_memory_mb(), len(os.listdir("/proc/self/fd"))))  # noqa: PTH208
        if all(each.upto - each.began >= 3600 * hours for each in watch.machines.values()):
            break
        if now - began >= most_s:
            break
    notes.append((_memory_mb(), len(os.listdir("/proc/self/fd"))))  # noqa: PTH208
    watch.end()
    await running
    return notes, time.monotonic() - began


def _memory_mb() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return round(int(line.split()[1]) / 1000, 1)


if __name__ == "__main__":
    machine.run(main)
