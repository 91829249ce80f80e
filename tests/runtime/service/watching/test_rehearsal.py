"""A rehearsal: a fault that is not there, marked wherever it is told."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from msgspec import structs

from dlrsd.runtime.service.sinks.files import Jsonl
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.intake import Intake
from dlrsd.runtime.service.watching.rehearsal import NO_FAULT
from dlrsd.runtime.service.watching.watch import Watch
from tests.runtime.service.watching.test_watch import HEALTHY, setups_of, signal_s


def told_of(folder: Path, *, rehearse: bool) -> list[dict]:
    """What a file is told of a healthy machine in 4 minutes of signal."""

    async def run(store: Store) -> None:
        (setup,) = setups_of(folder, {"fan": [HEALTHY]}, bundle="none")
        output = Jsonl(name="told", folder="told", says=("alarm", "state", "minute", "event"))
        watch = Watch([structs.replace(setup, rehearse=rehearse)], store, [output.sink(folder)])
        running, end = asyncio.create_task(watch.run()), time.monotonic() + 60
        while signal_s(watch, "fan") < 240:
            assert time.monotonic() < end, "it did not come to that in time"
            await asyncio.sleep(0.05)
        watch.end()
        await running

    with Store.open(folder / "store", Limits(), sinks=["told"]) as store:
        asyncio.run(run(store))
    lines = [each.read_text().splitlines() for each in (folder / "told").iterdir()]
    return [json.loads(line) for of in lines for line in of]


def test_nothing_is_told_that_does_not_say_that_it_is_a_rehearsal(tmp_path, machine):
    machine("fan")
    told = told_of(tmp_path, rehearse=True)
    assert {each["type"] for each in told} == {"alarm", "event"}
    alarms = [each["text"] for each in told if each["type"] == "alarm"]
    assert any("outer race" in text for text in alarms)
    assert all(text.startswith("REHEARSAL: ") for text in alarms)


def test_without_one_state_and_minutes_are_told(tmp_path, machine):
    machine("fan")
    told = told_of(tmp_path, rehearse=False)
    assert {each["type"] for each in told} == {"state", "minute", "event"}


def test_a_machine_of_which_no_fault_can_be_rehearsed_is_named(tmp_path, machine):
    machine("fan", bearing=None)
    (setup,) = setups_of(tmp_path, {"fan": [TcpSource(listen="127.0.0.1:9")]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        intake = Intake(structs.replace(setup, rehearse=True), recorder, time.time())
        recorder.close()
    assert [(each.machine, each.text) for each in intake.take_events()] == [("fan", NO_FAULT)]
