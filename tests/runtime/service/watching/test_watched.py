"""One machine: rates, speeds and sensors that are not as they should be."""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.machine.facts import Shaft
from dlrsd.runtime.machine.file import write_machine
from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.sources.mqtt import MqttSource
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.intake import Intake
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watched import Watched
from tests.runtime.service.watching.test_watch import setups_of


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
        assert list(of.silent()) == ["DE"]
        await watch.take_over([setup])
        anew = watch.machines["fan"].intake
        assert anew is not of
        assert anew.receive(0, block(number, 8000.0))
        assert not anew.refuses
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


@pytest.mark.parametrize("jump_s", [-5.0, 86_400.0 * 0.9])
@pytest.mark.parametrize("dtype", ["<i2", "<i4", "<f4", "<f8"])
def test_a_clock_that_jumps_is_a_gap_and_nothing_fails(tmp_path, machine, jump_s, dtype):
    machine("fan")
    (setup,) = setups_of(tmp_path, {"fan": [TcpSource(listen="127.0.0.1:9")]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder, at = Recorder(store), time.time() - 100
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        rng, found = np.random.default_rng(0), []
        for number in range(40):
            at += jump_s if number == 20 else 0.0
            samples = (1000 * rng.standard_normal((1, 6000))).astype(dtype)
            facts = {"rate_hz": 12_000.0, "arrived": time.time(), "time": at, "sequence": number}
            of.intake.receive(0, Block(samples=samples, **facts))
            at += 0.5
            found += of.work(time.time(), lambda *_: None)
        recorder.close()
    assert [each.kind for of in found for each in of.events] == ["clock"]
    assert {each.unfit for of in found for each in of.seconds} == {None, "gap"}


def test_a_tacho_that_its_source_has_not_is_named(tmp_path, machine):
    facts = machine("fan")
    write_machine(structs.replace(facts, shaft=Shaft(tacho=1)), tmp_path / "fan")
    (setup,) = setups_of(tmp_path, {"fan": [TcpSource(listen="127.0.0.1:9")]}, bundle="none")
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        of = Watched(setup, recorder, restored=None, kept_upto=None, now=time.time())
        of.intake.receive(0, block(0))
        outcomes = of.work(time.time(), lambda *_: None)
        recorder.close()
    (text,) = [each.text for of in outcomes for each in of.events]
    assert "sensor DE: its source has 1 channels, and its tacho is channel 1" in text
