from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.housekeeping import keep_waveform, tidy
from dlrsd.runtime.service.store.keeping import WAVEFORMS
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import change, minute, newest, waveform

DAY = 86_400.0
LIMITS = Limits(keep_days=100, minutes_days=20, waveform_days=10, keep_gb=1)


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "store", LIMITS, sinks=["mail"], now=0.0) as store:
        yield store


def rows(store: Store, query: str) -> list[tuple]:
    return store.writing.connection.execute(query).fetchall()


def test_old_minutes_become_hours_and_the_trend_stays(store, reading) -> None:
    every = [minute(n) for n in range(0, 40 * 1440, 10)]
    store.write_minutes(every, newest)
    span = {"start": 0.0, "end": 40 * DAY}
    before = reading.trend("pump", "DE", "velocity_mm_s", points=500, **span)
    tidy(store, 40 * DAY)
    assert reading.minutes("pump", "DE", **span) == [
        row for row in every if row.minute >= 20 * 1440
    ]
    after = reading.trend("pump", "DE", "velocity_mm_s", points=500, **span)
    assert after == before
    # Where a minute is asked for, and only hours are left, these stand for them.
    fine = reading.trend("pump", "DE", "velocity_mm_s", start=19.5 * DAY, end=20.5 * DAY)
    assert fine.width_s == 60
    assert np.diff(fine.time).tolist() == [3600.0] * 12 + [600.0] * 71
    store.write_minutes([minute(5, levels=every[0].levels)], newest)  # that comes far too late
    assert reading.trend("pump", "DE", "velocity_mm_s", points=500, **span) == before
    tidy(store, 40 * DAY)


def test_what_is_older_than_all_limits_goes(store, reading) -> None:
    store.write_minutes([minute(n) for n in range(0, 6000, 10)], newest)
    for number, state in ((1, "alert"), (2, "normal")):
        store.decide([change(number, alarm="ended", state=state)], "pump", b"")
    store.decide([change(3, alarm="open")], "pump", b"")
    store.acknowledge("open", "Ada", 4.0, b"")
    store.write_event(Event(time=5.0, kind="lost", text="old"))
    store.heartbeat(6.0)
    store.write_event(Event(time=99 * DAY, kind="lost", text="new"))
    store.heartbeat(99 * DAY)
    tidy(store, 99.9 * DAY)
    assert len(reading.alarms()) == 2
    assert len(reading.events()) == 2
    tidy(store, 102 * DAY)
    assert [row.id for row in reading.alarms()] == ["open"]
    assert reading.changes("ended") == []
    assert [each.id for each in store.undelivered("mail", 9)] == ["c3"]
    assert [event.text for event in reading.events()] == ["new"]
    assert rows(store, "SELECT count(*) FROM action") == [(0,)]
    assert rows(store, "SELECT min(hour) FROM hour") == [(48,)]


def test_old_waveforms_go_but_of_open_alarms(store, reading) -> None:
    store.decide([change(1, alarm="open")], "pump", b"")
    for day in range(20):
        assert keep_waveform(store, waveform(alarm=None, worst=1.0, start=day * DAY))
    assert keep_waveform(store, waveform(alarm="open", start=0.0))
    assert keep_waveform(store, waveform(alarm="another", start=0.0))
    tidy(store, 20 * DAY)
    kept = reading.waveforms()
    assert [row.start / DAY for row in kept] == [*range(19, 9, -1), 0]
    assert kept[-1].alarm == "open"
    assert len(list((store.folder / WAVEFORMS).rglob("*.parquet"))) == 11
    assert reading.events() == []
    tidy(store, None)
    assert len(reading.waveforms()) == 11


def test_beyond_the_size_the_oldest_waveforms_go_and_then_minutes(tmp_path) -> None:
    limits = Limits(keep_gb=0.01)
    with Store.open(tmp_path, limits, now=0.0) as store:
        reading = Reading(tmp_path)
        store.decide([change(1, alarm="open")], "pump", b"")
        assert keep_waveform(store, waveform(n=100_000, alarm="open", start=0.0))
        for day in range(40):
            assert keep_waveform(store, waveform(n=100_000, alarm=None, worst=1.0, start=day * DAY))
        tidy(store, None)
        kept = reading.waveforms(most=1000)
        assert sum(row.bytes for row in kept) < 10e6
        assert [row.start / DAY for row in kept[:-1]] == [*range(39, 40 - len(kept), -1)]
        assert kept[-1].alarm == "open"
        store.heartbeat(1.0)
        (event,) = reading.events()
        assert (event.kind, "oldest waveforms" in event.text) == ("disk", True)
        # As much of minutes as is allowed in all.
        sensors = [f"{n}" for n in range(2)]
        labels = {f"class {n} " + 30 * "x": 0.04 for n in range(14)}
        for first in range(0, 8000, 2000):
            store.write_minutes(
                [
                    minute(n, sensor=s, labels=labels)
                    for n in range(first, first + 2000)
                    for s in sensors
                ],
                newest,
            )
        before = [
            reading.trend("pump", s, "crest", start=0, end=8000 * 60, points=200) for s in sensors
        ]
        tidy(store, None)
        size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.suffix != ".db-wal")
        assert size < 10.5e6
        assert [row.alarm for row in reading.waveforms()] == ["open"]
        firsts = [reading.minutes("pump", s, start=0, end=1e9)[0].minute for s in sensors]
        assert 1440 <= min(firsts) == max(firsts) < 7000
        after = [
            reading.trend("pump", s, "crest", start=0, end=8000 * 60, points=200) for s in sensors
        ]
        assert after == before


FILLING = Path(__file__).with_name("filling.py")


def test_on_a_full_disk_the_watch_goes_on(small_disk) -> None:
    done = small_disk(f"{sys.executable} {FILLING} waveforms small/store", size=6 << 20)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # All that was said is there, the newest waveforms are, the oldest made room, and it is said.
    assert found["changes"] == found["said"] == 60
    assert found["minutes"] == 60
    assert 3 <= len(found["waveforms"]) < 60
    assert found["waveforms"] == [*range(60 - len(found["waveforms"]), 60)]
    assert any("the disk is full" in text for text in found["events"])
    assert found["waiting"] is False


def test_what_a_disk_that_others_filled_does_not_take_is_told_and_written_later(small_disk) -> None:
    done = small_disk(f"{sys.executable} {FILLING} others small/store", size=3 << 20)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["waiting while full"] is True
    # Sinks were given all of it, in order and once, though it was not on the disk yet.
    assert found["told"] == [f"c{n}" for n in range(20)]
    assert found["changes"] == 20
    assert found["minutes"] == 2000
    assert found["left"] == []
    assert found["waiting"] is False
    assert any("cannot be written" in text for text in found["events"])


def test_a_watch_begins_on_a_full_disk(small_disk) -> None:
    done = small_disk(f"{sys.executable} {FILLING} start small/store", size=6 << 20)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["known"] == "known"
    assert found["told"] == ["c1"]
    assert found["changes"] == 2
    assert found["oldest"] > 0
    assert found["waiting"] is False


def test_a_disk_that_others_filled_is_no_damage(small_disk) -> None:
    done = small_disk(f"{sys.executable} {FILLING} start small/store none", size=6 << 20)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "cannot" in said
    assert "full" in said
    assert "damaged" not in said
