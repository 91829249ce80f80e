"""What nobody thought of stops nothing: it is said, counted, and all goes on."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.machine.facts import Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.sinks.files import Jsonl
from dlrsd.runtime.service.sources.mqtt import MqttSource
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.intake import Intake
from dlrsd.runtime.service.watching.kept import Kept
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watched import Watched
from tests.runtime.service.store.made import minute
from tests.runtime.service.watching.test_watch import HEALTHY, setups_of, signal_s, watched


def said(folder: Path, kind: str = "refused") -> list[str]:
    return [each.text for each in Reading(folder).events() if each.kind == kind]


def test_a_machine_whose_work_fails_is_said_and_goes_on_and_its_source_is_not_held_up(
    tmp_path, machine
):
    machine("fan")
    setups = setups_of(tmp_path, {"fan": [HEALTHY]}, bundle="none")
    failed = []

    def until(watch: Watch) -> bool:
        of = watch.machines["fan"]
        if not failed and signal_s(watch, "fan") > 20:
            tick, failed[:] = of.alarms.tick, [1]

            def once(*args: object) -> list:
                if len(failed) < 4:
                    failed.append(1)
                    raise ZeroDivisionError("nobody thought of it")
                return tick(*args)

            of.alarms.tick = once
        return signal_s(watch, "fan") > 200

    watched(setups, tmp_path / "store", until)
    (text, *_) = said(tmp_path / "store")
    assert text.startswith("machine fan was not looked at for a moment: ZeroDivisionError: nobody")


def test_the_sign_of_life_goes_on_where_a_second_of_it_failed(tmp_path, machine):
    machine("fan")
    beats, failed = [], []

    def beat() -> None:
        if not failed:
            failed.append(1)
            raise OSError("no such socket")
        beats.append(1)

    async def run(store: Store) -> None:
        sources = {"fan": [HEALTHY]}
        watch = Watch(setups_of(tmp_path, sources, bundle="none"), store, beat=beat)
        running = asyncio.create_task(watch.run())
        end = time.monotonic() + 30
        while len(beats) < 2:
            assert time.monotonic() < end, "there was no further sign of life"
            await asyncio.sleep(0.05)
        watch.end()
        await running

    with Store.open(tmp_path / "store", Limits()) as store:
        asyncio.run(run(store))
    assert "the watch could not do all of its work: OSError: no such socket" in said(
        tmp_path / "store"
    )


def test_what_was_found_while_a_machine_was_stopped_is_told(tmp_path, machine):
    machine("fan")

    async def run(store: Store) -> int:
        watch = Watch(setups_of(tmp_path, {"fan": [HEALTHY]}, bundle="none"), store)
        of = watch.machines["fan"]
        looked, look = asyncio.Event(), of.work
        loop = asyncio.get_running_loop()
        found: list[int] = []

        def slow(*args: object) -> list:
            outcomes = look(*args)
            if not looked.is_set() and any(each.seconds for each in outcomes):
                loop.call_soon_threadsafe(looked.set)
                time.sleep(0.5)  # the machine is stopped meanwhile
            found.append(sum(len(each.seconds) for each in outcomes))
            return outcomes

        of.work = slow
        told: list[int] = []
        tell = watch._told
        watch._told = lambda watched, outcome: (
            told.append(len(outcome.seconds)),
            tell(watched, outcome),
        )
        running = asyncio.create_task(watch.run())
        await asyncio.wait_for(looked.wait(), 30)
        watch.end()
        await running
        assert sum(told) == sum(found) > 0
        return sum(found)

    with Store.open(tmp_path / "store", Limits()) as store:
        seconds = asyncio.run(run(store))
    minutes = Reading(tmp_path / "store").minutes("fan", "DE", start=0, end=1e11)
    assert sum(each.seconds for each in minutes) == seconds


def test_a_machine_that_cannot_be_begun_is_left_out_alone(tmp_path, machine, monkeypatch):
    for name in ("pump", "fan"):
        machine(name)
    setups = setups_of(tmp_path, {"pump": [HEALTHY], "fan": [HEALTHY]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        snapshot = store.snapshot
        monkeypatch.setattr(store, "snapshot", lambda name: snapshot(name) if name == "pump" else 1)

        async def run() -> Watch:
            return Watch(setups, store)

        watch = asyncio.run(run())
        assert list(watch.machines) == ["pump"]
        watch.recorder.close()
    (text,) = said(tmp_path / "store")
    assert text.startswith("machine fan is not watched: ")


def test_a_machine_of_which_nothing_was_heard_has_no_gap_since_1970(tmp_path):
    with Store.open(tmp_path / "store", Limits()) as store:
        kept = Kept(store)
        kept.close("fan", [], None)
        kept.write(time.time())
        assert store.upto() == {}


def test_a_reload_and_the_thread_that_writes_take_the_same_row_once(tmp_path):
    """Two threads that write at once: none of them finds the rows gone that it counted."""

    class Slow(deque):
        def __len__(self) -> int:
            length = super().__len__()
            time.sleep(0.05)
            return length

    with Store.open(tmp_path / "store", Limits()) as store:
        kept = Kept(store)
        kept._waiting = Slow()
        kept.add([minute(number) for number in range(3)])

        async def both() -> None:
            await asyncio.gather(*(asyncio.to_thread(kept.write) for _ in range(2)))

        asyncio.run(both())
    rows = Reading(tmp_path / "store").minutes("pump", "DE", start=0, end=600)
    assert [each.minute for each in rows] == [0, 1, 2]


def block(number: int, rate_hz: float = 12_000.0) -> Block:
    samples = np.random.default_rng(number).standard_normal((1, 12_000)).astype(np.float32)
    return Block(samples=samples, rate_hz=rate_hz, arrived=time.time(), sequence=number)


def test_blocks_of_another_rate_are_silence_and_a_reload_takes_them(tmp_path, machine):
    machine("fan")
    source = TcpSource(listen="127.0.0.1:9", silent_s=0.2)  # what it would give is given by hand
    (setup,) = setups_of(tmp_path, {"fan": [source]}, bundle="none")

    async def run(store: Store) -> None:
        watch = Watch([setup], store)
        running = asyncio.create_task(watch.run())
        of = watch.machines["fan"].intake
        assert of.receive(0, block(0))
        assert not of.refuses
        await watch.take_over([setup])
        assert watch.machines["fan"].intake is of
        end = time.monotonic() + 30
        number = 1
        while not of.silent():
            of.receive(0, block(number := number + 1, 8000.0))
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert of.refuses
        await watch.take_over([setup])
        anew = watch.machines["fan"].intake
        assert anew is not of
        assert anew.receive(0, block(number, 8000.0))
        assert not anew.refuses
        watch.end()
        await running

    with Store.open(tmp_path / "store", Limits()) as store:
        asyncio.run(run(store))


def test_a_machine_in_which_something_is_wrong_now_goes_on_as_before(tmp_path, machine):
    for name in ("pump", "fan"):
        machine(name)
    sources = [TcpSource(listen="127.0.0.1:9")]
    setups = setups_of(tmp_path, {"pump": sources, "fan": sources}, bundle="none")

    async def run(store: Store) -> None:
        watch = Watch(setups, store)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        await watch.take_over(setups[:1], {"fan"})
        assert set(watch.machines) == {"pump", "fan"}
        await watch.take_over(setups[:1])
        assert set(watch.machines) == {"pump"}
        watch.end()
        await running

    with Store.open(tmp_path / "store", Limits()) as store:
        asyncio.run(run(store))


def test_a_speed_that_is_known_later_than_the_signal_begins_the_evidence(tmp_path, machine):
    facts = machine("fan")
    write_machine(structs.replace(facts, shaft=Shaft()), tmp_path / "fan")
    source = TcpSource(listen="127.0.0.1:9")
    (setup,) = setups_of(tmp_path, {"fan": [source]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        seconds = []

        def hear(number: int) -> None:
            of.intake.receive(0, block(number))
            for outcome in of.work(time.time(), lambda *_: None):
                seconds.extend(outcome.seconds)

        for number in range(3):
            hear(number)
        assert seconds[-1].speed_rpm is None
        for number in range(3, 23):
            of.intake.receive(0, Slow(name="speed_rpm", value=-1770.0, time=time.time()))
            hear(number)
        assert seconds[-1].speed_rpm == 1770.0
        assert seconds[-1].lines
        of.intake.receive(0, Slow(name="speed_rpm", value=0.0, time=time.time()))
        for number in range(23, 43):
            hear(number)
        assert (seconds[-1].speed_rpm, seconds[-1].running) == (0.0, "standing")
        recorder.close()


def test_a_sensor_that_fails_is_unfit_said_and_begun_anew(tmp_path, machine):
    machine("fan")
    source = TcpSource(listen="127.0.0.1:9")
    (setup,) = setups_of(tmp_path, {"fan": [source]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        found = []

        def hear(number: int) -> None:
            of.intake.receive(0, block(number))
            found.extend(of.work(time.time(), lambda *_: None))

        hear(0)
        of.lines["DE"].take = None  # as broken as can be
        hear(1)
        hear(2)
        recorder.close()
    assert [each.unfit for of in found for each in of.seconds] == [None, "refused", None]
    (event,) = [each for of in found for each in of.events]
    assert event.text.startswith("sensor DE fails, and is begun anew: TypeError:")


@pytest.mark.parametrize("rate_hz", [0.001, 1.0, 20.0, 2e6])
def test_a_rate_of_no_vibration_is_refused_once_and_its_seconds_are_unfit(
    tmp_path, machine, rate_hz
):
    machine("fan")
    source = TcpSource(listen="127.0.0.1:9")
    (setup,) = setups_of(tmp_path, {"fan": [source]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        n, found = math.ceil(rate_hz), []
        for number in range(3):
            samples = np.ones((1, n), np.int16)
            of.intake.receive(
                0, Block(samples=samples, rate_hz=rate_hz, arrived=1e9, sequence=number)
            )
            found += of.work(1e9, lambda *_: None)
        recorder.close()
    assert {each.unfit for of in found for each in of.seconds} == {"refused"}
    (text,) = {each.text for of in found for each in of.events if each.kind == "refused"}
    assert f"{rate_hz:g} samples a second: expected above 20 Hz" in text


def test_the_end_with_outputs_says_nothing_of_its_own_threads(tmp_path, machine):
    machine("fan")
    sinks = [Jsonl(name="told", folder="told")]

    async def run(store: Store) -> None:
        outputs = [each.sink(tmp_path) for each in sinks]
        watch = Watch(setups_of(tmp_path, {"fan": [HEALTHY]}, bundle="none"), store, outputs)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(1.2)
        watch.recorder.close, close = (lambda: (time.sleep(1.2), close())), watch.recorder.close
        watch.end()
        await running

    with Store.open(tmp_path / "store", Limits(), sinks=["told"]) as store:
        asyncio.run(run(store))
    assert said(tmp_path / "store") == []


def test_what_befalls_one_of_the_sensors_that_blocks_name_is_said_of_that_one(tmp_path, machine):
    machine("fan", "DE", "NDE")
    source = MqttSource(host="127.0.0.1", topic="fan/{sensor}", silent_s=0.2)
    (setup,) = setups_of(tmp_path, {"fan": [source]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder, now = Recorder(store), time.time()
        intake = Intake(setup, recorder, now)
        for second in range(3):
            intake.tick(now + second)
        recorder.close()
    assert [each.text for each in intake.take_events()] == [
        "sensor DE: no block came for 1 s",
        "sensor NDE: no block came for 1 s",
    ]


def test_what_is_known_of_a_machine_waits_for_nobody_who_looks_at_it(tmp_path, machine):
    machine("fan")
    (setup,) = setups_of(tmp_path, {"fan": [TcpSource(listen="127.0.0.1:9")]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        with of.held() as alarms, ThreadPoolExecutor(1) as thread:
            alarms.shelve("fault", time.time() + 60, "Ada", time.time())
            known = thread.submit(of.now).result(timeout=10)
            assert [each.shelved_by for each in known.rules if each.rule == "fault"] == [None]
        assert [each.shelved_by for each in of.now().rules if each.rule == "fault"] == ["Ada"]
        recorder.close()
