"""What it costs to keep what two hundred machines say, and to read a year of one.

    python -m benchmarks.watch.storing

A year of minutes of one machine is written, then a day of two hundred machines; times are of one
call each, on the disk of the machine at hand: a commit waits for it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from dlrsd.runtime.service.said import Change, Levels, Minute
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.schema import DATABASE
from dlrsd.runtime.service.store.store import Store

DAY = 1440  # minutes
FIGURES = ("velocity_mm_s", "kurtosis", "novelty", "line:outer", "label:normal")


def main() -> None:
    a = machine.options(__doc__).parse_args()
    days, machines, minutes = (20, 20, 5) if a.quick else (365, 200, 120)
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), days=days, machines=machines, minutes=minutes)
    print(json.dumps(result, indent=1))
    machine.save("storing", result, a.out)


def run(folder: Path, *, days: int, machines: int, minutes: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    with Store.open(folder, Limits(), sinks=["mqtt", "mail"], now=0.0) as store:
        for day in range(days):
            rows = [_minute("old", day * DAY + n, rng) for n in range(DAY)]
            store.write_minutes(rows, _newest)
        store.writing.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        per_row = (folder / DATABASE).stat().st_size / (days * DAY)
        reading = Reading(folder)
        end = days * DAY * 60.0
        read = {
            f"{name} {figure}": _times(
                partial(reading.trend, "old", "DE", figure, start=start, end=end),
                7,
            )
            for name, start in (
                ("all days", 0.0),
                ("30 days", end - 30 * DAY * 60),
                ("a day", end - DAY * 60),
            )
            for figure in FIGURES
        }
        most = max(
            len(reading.trend("old", "DE", figure, start=0, end=end).time) for figure in FIGURES
        )
        written, beats, decided, delivered = [], [], [], []
        names = [f"machine {n}" for n in range(machines)]
        for n in range(minutes):
            now = end + 60.0 * n
            rows = [_minute(name, int(now // 60), rng) for name in names]
            upto = dict.fromkeys(names, now)
            written += _times(partial(store.write_minutes, rows, _newest, upto=upto), 1)
            beats += _times(partial(store.heartbeat, now, upto), 10)
            change = Change(
                id=f"c{n}", alarm=f"a{n}", machine=names[0], rule="zone", state="alert",
                was="normal", time=now, since=now, text="text",
            )  # fmt: skip
            decided += _times(partial(store.decide, [change], names[0], b"x" * 2000), 1)
            told = [each.id for each in store.undelivered("mqtt", 10)]
            delivered += _times(partial(store.delivered, "mqtt", told), 1)
        latest = _times(reading.latest, 7)
    return {
        "minutes of one machine": days * DAY,
        "bytes a minute, with its share of the hours": round(per_row),
        "most points of a trend": most,
        "read ms": {name: _ms(times) for name, times in read.items()},
        f"latest minute of {machines + 1} machines, ms": _ms(latest),
        f"write a minute of {machines} machines, ms": _ms(written),
        f"heartbeat with {machines} machines, ms": _ms(beats),
        "decide a change, ms": _ms(decided),
        "note it delivered, ms": _ms(delivered),
    }


def _times(call: Callable[[], object], rounds: int) -> list[float]:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def _ms(times: list[float]) -> dict[str, float]:
    return {name: round(1e3 * value, 2) for name, value in machine.spread(times).items()}


def _minute(name: str, number: int, rng: np.random.Generator) -> Minute:
    v = rng.normal(3, 0.5, 16).tolist()
    return Minute(
        machine=name, sensor="DE", minute=number, seconds=60, running_seconds=60,
        levels=Levels(
            velocity_mm_s=v[0], acceleration_m_s2=v[1], peak_m_s2=v[2], crest=v[3], kurtosis=v[4],
            envelope_m_s2=v[5],
        ),
        worst_time=60.0 * number + 7,
        worst=Levels(
            velocity_mm_s=v[6], acceleration_m_s2=v[7], peak_m_s2=v[8], crest=v[9], kurtosis=v[10],
            envelope_m_s2=v[11],
        ),
        zone="B", lines={"outer": v[12], "inner": v[13], "ball": v[14], "cage": v[15]},
        place="healthy", labels={"normal": 0.95, "outer race": 0.05}, novelty=v[0] / 4,
        speed_rpm=1797.0, load=1.0, temperature_c=60.0,
    )  # fmt: skip


def _newest(old: Minute, new: Minute) -> Minute:
    return new


if __name__ == "__main__":
    machine.run(main)
