"""What nobody thought of stops nothing: it is said, counted, and all goes on."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.sinks.files import Jsonl
from dlrsd.runtime.service.sources.tcp import TcpSource
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching import serving
from dlrsd.runtime.service.watching.kept import Kept
from dlrsd.runtime.service.watching.watch import Watch
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


def test_a_page_that_fails_stops_no_watch_and_comes_back(tmp_path, machine, monkeypatch):
    machine("fan")
    served, opened = [], []

    async def serve_badly(app: object, config: object, *, ready: Callable[[str], None]) -> None:
        served.append(app)
        ready("http://here")
        if len(served) == 1:
            raise OSError("too many open files")
        await asyncio.Event().wait()

    monkeypatch.setattr(serving, "serve", serve_badly)
    monkeypatch.setattr(serving, "_AGAIN_S", 0.01)

    async def run(store: Store) -> None:
        watch = Watch(setups_of(tmp_path, {"fan": [HEALTHY]}, bundle="none"), store)
        page = asyncio.create_task(serving._page(watch, store, PageConfig(), opened.append))
        end = time.monotonic() + 30
        while len(served) < 2:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        assert not page.done()
        page.cancel()
        await asyncio.gather(page, return_exceptions=True)
        watch.recorder.close()

    with Store.open(tmp_path / "store", Limits()) as store:
        asyncio.run(run(store))
    assert opened == ["http://here"]
    (text,) = said(tmp_path / "store")
    assert text == "the page failed, and is begun anew: OSError: too many open files"
