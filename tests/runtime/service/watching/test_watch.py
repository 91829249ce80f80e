"""A watch from source to store: one alarm a fault, none of the healthy, all of it kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.service.alarms.kinds import Silent
from dlrsd.runtime.service.said import Change
from dlrsd.runtime.service.sources.simulated import SimulatedSource
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.live import WatchLive
from dlrsd.runtime.service.watching.sensor_line import SensorLine
from dlrsd.runtime.service.watching.setup import Setup, set_up
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watch_file import MachineEntry, WatchFile
from tests.runtime.evidence.test_commissioned import BASELINE

pytest.importorskip("onnxruntime")
RATE = 12_000.0
HEALTHY = SimulatedSource(in_real_time=False, seed=1)
FAULTY = SimulatedSource(in_real_time=False, seed=2, defect="outer", begins_s=20, grows_s=10)


def setups_of(root: Path, sources: dict[str, list], bundle: str = "any-bearing") -> list[Setup]:
    entries = [MachineEntry(machine=name, sources=of) for name, of in sources.items()]
    setups, problems = set_up(WatchFile(schema_version=1, machines=entries, bundle=bundle), root)
    assert problems == []
    return setups


def watched(
    setups: list[Setup], folder: Path, until: Callable[[Watch], bool], limit_s: float = 60.0
) -> Watch:
    """Watch until something holds; the store is closed in order."""

    async def run(store: Store) -> Watch:
        watch = Watch(setups, store)
        running = asyncio.create_task(watch.run())
        end = time.monotonic() + limit_s
        while not until(watch) and not running.done():
            assert time.monotonic() < end, "it did not come to that in time"
            await asyncio.sleep(0.05)
        watch.end()
        await running
        return watch

    with Store.open(folder, Limits()) as store:
        return asyncio.run(run(store))


def signal_s(watch: Watch, name: str) -> float:
    """How much of a machine's signal was looked at."""
    return watch.machines[name].upto - watch.machines[name].began


def states(reading: Reading, machine: str) -> list[Change]:
    return [c for row in reading.alarms(machine=machine) for c in reading.changes(row.id)]


def test_a_fault_is_told_once_with_its_evidence_and_waveform_and_health_is_not(tmp_path, machine):
    machine("pump")
    machine("fan")
    setups = setups_of(tmp_path, {"pump": [HEALTHY], "fan": [FAULTY]})

    def enough(watch: Watch) -> bool:
        return min(signal_s(watch, "pump"), signal_s(watch, "fan")) > 150

    watch = watched(setups, tmp_path / "store", enough)
    reading = Reading(tmp_path / "store")
    assert reading.alarms(machine="pump") == []
    of_fault = [row for row in reading.alarms(machine="fan") if row.rule == "fault"]
    (alarm,) = of_fault
    assert alarm.state == "alert"
    assert alarm.place == "outer"
    assert "BPFO" in alarm.evidence
    (change,) = reading.changes(alarm.id)
    began = watch.machines["fan"].began
    assert 20 < change.since - began < 60
    (row,) = reading.waveforms(alarm=alarm.id)
    assert row.seconds == pytest.approx(20.0, abs=1.0)
    kept = reading.waveform(row.id)
    assert kept.samples.dtype == np.float32
    assert kept.about.start == pytest.approx(change.time - 10, abs=1.0)
    minutes = reading.minutes("pump", "DE", start=0, end=1e11)
    assert sum(minute.seconds for minute in minutes) >= 150
    assert {minute.zone for minute in minutes} == {"A"}
    assert all(minute.levels.velocity_mm_s == pytest.approx(1.2, abs=0.3) for minute in minutes)
    assert [event.kind for event in reading.events() if event.kind != "started"] == []


def test_after_a_restart_an_open_alarm_is_still_open_and_told_no_second_time(tmp_path, machine):
    machine("fan")
    source = structs.replace(FAULTY, begins_s=0)
    setups = setups_of(tmp_path, {"fan": [source]})
    folder = tmp_path / "store"
    watched(setups, folder, lambda watch: signal_s(watch, "fan") > 60)
    reading = Reading(folder)
    before = states(reading, "fan")
    assert [change.state for change in before if change.rule == "fault"] == ["alert"]
    watch = watched(setups, folder, lambda watch: signal_s(watch, "fan") > 60)
    after = [change for change in states(reading, "fan") if change.rule == "fault"]
    assert [change.id for change in after] == [c.id for c in before if c.rule == "fault"]
    assert watch.machines["fan"].now().state == "alert"


def test_a_sensor_that_was_silent_before_a_restart_is_not_said_to_be_back(tmp_path, machine):
    machine("fan")
    source = TcpSource(connect="127.0.0.1:9", unit="g", silent_s=0.1)
    rule = Silent(after_s=2, return_s=1)
    setups = [
        structs.replace(each, entry=structs.replace(each.entry, rules=[rule]))
        for each in setups_of(tmp_path, {"fan": [source]})
    ]
    folder = tmp_path / "store"
    watched(setups, folder, lambda _: len(states(Reading(folder), "fan")) > 0)
    end = time.monotonic() + 4  # looked at more than once, and silent long enough at the last
    watched(setups, folder, lambda _: time.monotonic() > end)
    (change,) = states(Reading(folder), "fan")
    assert (change.state, change.sensor) == ("sensor fault", "DE")


def test_a_machine_commissioned_again_begins_anew_and_its_old_trend_is_kept(tmp_path, machine):
    machine("fan")
    folder = tmp_path / "store"
    setups = setups_of(tmp_path, {"fan": [structs.replace(FAULTY, begins_s=0)]}, bundle="none")
    watched(setups, folder, lambda watch: signal_s(watch, "fan") > 130)
    reading = Reading(folder)
    (alarm,) = [row for row in reading.alarms() if row.rule == "fault"]
    assert alarm.ended is None
    kept = reading.minutes("fan", "DE", start=0, end=1e11)
    later = datetime.fromtimestamp(60.0 * (kept[-1].minute + 1), timezone.utc)
    again = structs.replace(BASELINE, created=later.isoformat())
    (setup,) = setups_of(tmp_path, {"fan": [HEALTHY]}, bundle="none")
    watch = watched(
        [structs.replace(setup, baseline=again)], folder, lambda w: signal_s(w, "fan") > 5
    )
    assert reading.alarm(alarm.id).ended is not None
    assert "commissioned again" in reading.changes(alarm.id)[-1].text
    assert reading.epochs("fan") == [-np.inf, later.timestamp()]
    assert reading.minutes("fan", "DE", start=0, end=1e11) == []
    old = reading.minutes("fan", "DE", start=60.0 * kept[-1].minute, end=1e11, epoch=0)
    assert old == kept[-1:]
    assert watch.machines["fan"].now().commissioned


def test_a_rehearsed_fault_is_told_and_marked(tmp_path, machine):
    machine("pump")
    (setup,) = setups_of(tmp_path, {"pump": [HEALTHY]}, bundle="none")
    folder = tmp_path / "store"
    watched(
        [structs.replace(setup, rehearse=True)],
        folder,
        lambda _: len(states(Reading(folder), "pump")) > 0,
    )
    change = states(Reading(folder), "pump")[0]
    assert (change.rule, change.place) == ("fault", "outer")
    assert change.text.startswith("REHEARSAL: pump, alert: fault of the bearing's outer race")


def test_people_acknowledge_and_shelve_and_it_is_kept(tmp_path, machine):
    machine("fan")
    setups = setups_of(tmp_path, {"fan": [structs.replace(FAULTY, begins_s=0)]})
    done = []

    def until(watch: Watch) -> bool:
        live = WatchLive(watch, Reading(watch.store.folder))
        (now,) = live.machines()
        opened = [rule for rule in now.rules if rule.rule == "fault" and rule.alarm]
        if opened and not done:
            live.acknowledge(opened[0].alarm, by="Ada")
            live.shelve("fan", "fault", until=time.time() + 3600, by="Ada")
            signal = live.signal("fan", "DE")
            assert signal.rate_hz == RATE
            assert len(signal.samples) >= RATE
            assert signal.orders["bpfo"] == pytest.approx(3.5848, abs=1e-3)
            done.append(opened[0].alarm)
        return bool(done)

    watch = watched(setups, tmp_path / "store", until)
    (rule,) = [r for r in watch.machines["fan"].now().rules if r.rule == "fault"]
    assert (rule.acknowledged_by, rule.shelved_by) == ("Ada", "Ada")
    assert watch.machines["fan"].now().state == "normal"
    row = Reading(tmp_path / "store").alarm(done[0])
    assert (row.acknowledged_by, row.shelved_by) == ("Ada", "Ada")


def test_a_machine_in_which_something_fails_does_not_stop_the_others(tmp_path, machine):
    machine("pump")
    machine("fan")
    setups = setups_of(tmp_path, {"pump": [HEALTHY], "fan": [HEALTHY]})
    # A source that breaks in a way that nobody thought of.
    broken = structs.replace(setups[1], sources=[object()])
    watch = watched([setups[0], broken], tmp_path / "store", lambda w: signal_s(w, "pump") > 30)
    assert watch.machines["fan"].intake.counted["refused"] >= 1
    texts = [e.text for e in Reading(tmp_path / "store").events(machine="fan")]
    assert any("failed, and is begun anew" in text for text in texts)


def test_a_second_that_cannot_be_looked_at_is_said_and_the_next_ones_are(
    tmp_path, machine, monkeypatch
):
    machine("fan")
    whole, calls = SensorLine.take, []

    def take(line, piece, conditions):
        calls.append(piece)
        if len(calls) == 5:
            raise ZeroDivisionError("nobody thought of this")
        return whole(line, piece, conditions)

    monkeypatch.setattr(SensorLine, "take", take)
    setups = setups_of(tmp_path, {"fan": [HEALTHY]})
    watched(setups, tmp_path / "store", lambda w: signal_s(w, "fan") > 30)
    (said,) = [e.text for e in Reading(tmp_path / "store").events() if e.kind == "refused"]
    assert "ZeroDivisionError: nobody thought of this" in said


def test_a_sensor_that_does_not_fit_is_unfit_and_said_once(tmp_path, machine):
    machine("fan", "DE", "NDE")  # two channels, and its source has one
    setups = setups_of(tmp_path, {"fan": [HEALTHY]})
    watch = watched(setups, tmp_path / "store", lambda w: signal_s(w, "fan") > 100)
    now = {each.name: each for each in watch.machines["fan"].now().sensors}
    assert now["DE"].second.unfit is None
    assert now["NDE"].second.unfit == "refused"
    events = Reading(tmp_path / "store").events(machine="fan")
    (said,) = [e.text for e in events if e.kind == "refused"]
    assert "sensor NDE: its source has 1 channels" in said
    told = states(Reading(tmp_path / "store"), "fan")
    assert {change.state for change in told} == {"sensor fault"}
