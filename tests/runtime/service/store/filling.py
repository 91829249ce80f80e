"""Run on a disk of its own, which gets full: by waveforms, or by what others write."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from dlrsd.runtime.service.store.housekeeping import keep_waveform
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import change, minute, newest, waveform


def of_waveforms(folder: Path) -> dict:
    with Store.open(folder, Limits()) as store:
        for n in range(60):
            store.decide([change(n, alarm=f"a{n}", state="normal")], "pump", b"")
            keep_waveform(store, waveform(n=60_000, alarm=f"a{n}", start=n * 86_400.0))
            store.write_minutes([minute(n)], newest)
            store.heartbeat(float(n))
        reading = Reading(folder)
        kept = sorted(reading.waveforms(most=1000), key=lambda row: row.start)
        for row in kept:
            reading.waveform(row.id)
        return {
            "said": 60,
            "changes": sum(len(reading.changes(row.id)) for row in reading.alarms()),
            "minutes": len(reading.minutes("pump", "DE", start=0, end=1e9)),
            "waveforms": [int(row.alarm[1:]) for row in kept],
            "events": [event.text for event in reading.events()],
            "waiting": store.writing.is_behind,
        }


def of_others(folder: Path) -> dict:
    other = folder.parent / "other"
    with Store.open(folder, Limits(), sinks=["mail"]) as store:
        _fill(other)
        told, behind = [], False
        for n in range(20):
            store.write_minutes([minute(100 * n + k) for k in range(100)], newest)
            store.decide([change(n)], "pump", b"x" * 30_000)
            store.heartbeat(float(n))
            behind = behind or store.writing.is_behind
            new = [each.id for each in store.undelivered("mail", 99)]
            told += new
            store.delivered("mail", new)
        full = store.writing.is_behind
        other.unlink()
        store.heartbeat(100.0)
        reading = Reading(folder)
        return {
            "waiting while full": behind and full,
            "told": told,
            "changes": len(reading.changes("a1")),
            "minutes": len(reading.minutes("pump", "DE", start=0, end=1e9)),
            "left": [each.id for each in store.undelivered("mail", 99)],
            "events": [event.text for event in reading.events()],
            "waiting": store.writing.is_behind,
        }


def at_start(folder: Path) -> dict:
    with Store.open(folder, Limits()) as store:
        store.decide([change(0)], "pump", b"known")
        for n in range(0 if sys.argv[3:] == ["none"] else 8):
            keep_waveform(store, waveform(n=60_000, alarm=f"a{n}", start=n * 86_400.0))
    _fill(folder.parent / "other")
    with Store.open(folder, Limits(), sinks=["mail"]) as store:
        known = store.snapshot("pump")
        store.decide([change(1)], "pump", b"more")
        told = [each.id for each in store.undelivered("mail", 9)]
        reading = Reading(folder)
        return {
            "known": known.decode(),
            "oldest": min(row.start for row in reading.waveforms()),
            "told": told,
            "changes": len(reading.changes("a1")),
            "waiting": store.writing.is_behind,
        }


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


if __name__ == "__main__":
    ways = {"waveforms": of_waveforms, "others": of_others, "start": at_start}
    print(json.dumps(ways[sys.argv[1]](Path(sys.argv[2]))))
