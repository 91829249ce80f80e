"""Changes are delivered at least once, whatever fails and ends in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sinks.delivery import Telemetry, deliver
from dlrsd.runtime.service.sinks.payload import (
    AlarmMessage,
    Kind,
    Message,
    MinuteMessage,
    of_event,
    of_machine,
    of_minute,
)
from dlrsd.runtime.service.sinks.sink import NotDelivered, Refused
from tests.runtime.service.sinks.made import (
    Outbox,
    a_change,
    a_machine,
    a_minute,
    an_event,
    ended,
    run,
    until,
)


class OtherSide:
    """An output in this process whose other side can be away, or refuse single changes."""

    says: tuple[Kind, ...] = ("alarm", "state", "minute", "event")

    def __init__(self, name: str = "out") -> None:
        self.name = name
        self.away: Exception | None = None
        self.unwanted: set[str] = set()
        self.got: list[Message] = []
        self.tries = self.open_now = 0

    async def open(self) -> None:
        self.tries += 1
        if self.away:
            raise self.away
        self.open_now = 1

    async def send(self, messages: Sequence[Message]) -> None:
        assert self.open_now
        for each in messages:
            await asyncio.sleep(0)
            if self.away:
                raise self.away
            if isinstance(each, AlarmMessage) and each.id in self.unwanted:
                raise Refused("not this one")
            self.got.append(each)

    async def close(self) -> None:
        self.open_now = 0

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.got if isinstance(each, AlarmMessage)]


class Running:
    """A delivery in the running loop."""

    def __init__(self, side: OtherSide, outbox: Outbox, **pauses: float) -> None:
        self.told: list[Event] = []
        self.woken = asyncio.Event()
        self.telemetry = Telemetry(side, self.woken)
        self.task = asyncio.ensure_future(
            deliver(
                side,
                outbox,
                self.woken,
                self.telemetry,
                self.told.append,
                first_pause_s=pauses.get("first", 0.01),
                longest_pause_s=0.05,
            )
        )

    @property
    def kinds(self) -> list[str]:
        return [each.kind for each in self.told]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "store.sqlite")


def test_what_waits_and_what_comes_is_delivered_once_and_in_order(outbox: Outbox) -> None:
    async def work() -> None:
        side = OtherSide()
        outbox.keep(*(a_change(number) for number in range(150)))
        running = Running(side, outbox)
        await until(lambda: len(side.ids) == 150)
        await asyncio.to_thread(outbox.keep, a_change(150))
        running.woken.set()
        await until(lambda: len(side.ids) == 151)
        await until(lambda: not outbox.undelivered("out", 10))
        await ended(running.task)
        assert side.ids == [f"c{number}" for number in range(151)]
        assert running.told == []
        assert side.open_now == 0
        assert len(outbox.undelivered("another", 1000)) == 151

    run(work())


@pytest.mark.parametrize(
    "error", [NotDelivered("it is away"), OSError("no route"), KeyError("a bug"), ValueError("x")]
)
def test_an_output_that_is_away_is_said_once_and_its_return_too(
    error: Exception, outbox: Outbox
) -> None:
    async def work() -> None:
        side = OtherSide()
        running = Running(side, outbox)
        await until(lambda: side.open_now)
        side.away = error
        outbox.keep(a_change(1), a_change(2))
        running.woken.set()
        await until(lambda: side.tries > 6)
        assert running.kinds == ["undelivered"]
        assert running.told[0].source == "out"
        assert "undelivered since 20" in running.told[0].text
        side.away = None
        await until(lambda: len(running.told) == 2)
        assert running.kinds == ["undelivered", "back"]
        assert side.ids == ["c1", "c2"]
        await ended(running.task)

    run(work())


def test_one_failure_alone_is_not_worth_a_word(outbox: Outbox) -> None:
    async def work() -> None:
        side = OtherSide()
        side.away = OSError("a moment")
        running = Running(side, outbox, first=0.05)
        await until(lambda: side.tries == 1)
        side.away = None
        outbox.keep(a_change(1))
        await until(lambda: side.ids)
        await until(lambda: not outbox.undelivered("out", 1))
        assert running.told == []
        await ended(running.task)

    run(work())


def test_what_one_refuses_keeps_nothing_back(outbox: Outbox) -> None:
    async def work() -> None:
        side = OtherSide()
        side.unwanted = {"c1", "c3"}
        outbox.keep(*(a_change(number) for number in range(5)))
        running = Running(side, outbox)
        await until(lambda: len(side.ids) == 3)
        await until(lambda: running.kinds == ["undelivered"])
        side.unwanted = set()
        await until(lambda: running.kinds == ["undelivered", "back"])
        assert side.ids == ["c0", "c2", "c4", "c1", "c3"]
        await ended(running.task)

    run(work())


def test_an_output_that_hangs_or_fails_holds_up_no_other(outbox: Outbox) -> None:
    async def work() -> None:
        class Hanging(OtherSide):
            async def send(self, messages: Sequence[Message]) -> None:
                await asyncio.Event().wait()

        sides = [Hanging("a"), OtherSide("b"), OtherSide("c")]
        sides[1].away = OSError("away")
        outbox.keep(a_change(1))
        all_running = [Running(side, outbox) for side in sides]
        await until(lambda: sides[2].ids == ["c1"])
        for running in all_running:
            await ended(running.task)
        assert len(outbox.undelivered("a", 9)) == len(outbox.undelivered("b", 9)) == 1

    run(work())


def test_a_store_that_fails_ends_nothing(outbox: Outbox) -> None:
    class Failing:
        broken = True

        def undelivered(self, sink: str, most: int) -> list[object]:
            if self.broken:
                raise RuntimeError("disk I/O error")
            return list(outbox.undelivered(sink, most))

        def delivered(self, sink: str, ids: Sequence[str]) -> None:
            outbox.delivered(sink, ids)

    async def work() -> None:
        side, store = OtherSide(), Failing()
        outbox.keep(a_change(1))
        running = Running(side, store)  # type: ignore[arg-type]
        await until(lambda: running.kinds == ["undelivered"])
        store.broken = False
        await until(lambda: side.ids == ["c1"])
        await ended(running.task)

    run(work())


def test_telemetry_may_be_dropped_but_the_latest_state_comes(outbox: Outbox) -> None:
    async def work() -> None:
        side = OtherSide()
        side.away = OSError("away")
        running = Running(side, outbox)
        for number in range(6_000):
            running.telemetry.put(of_event(an_event(f"{number}")))
        for number in range(3):
            running.telemetry.put(of_machine(a_machine("pump1"), time=float(number)))
            running.telemetry.put(of_machine(a_machine("pump2"), time=float(number)))
        await until(lambda: side.tries > 3)
        side.away = None
        await until(lambda: len(side.got) >= 5_002)
        await ended(running.task)
        texts = [each.text for each in side.got if hasattr(each, "text")]
        assert texts == [f"{number}" for number in range(1_000, 6_000)]
        assert [each.time.timestamp() for each in side.got[-2:]] == [2.0, 2.0]

    run(work())


def test_what_failed_is_put_back_before_what_came_meanwhile() -> None:
    side = OtherSide()
    telemetry = Telemetry(side, asyncio.Event())
    old, new = (of_machine(a_machine(), time=time) for time in (1.0, 2.0))
    first, second = of_event(an_event("1")), of_event(an_event("2"))
    for message in (first, old):
        telemetry.put(message)
    taken = telemetry.take()
    for message in (second, new):
        telemetry.put(message)
    telemetry.put_back(taken)
    assert telemetry.take() == [first, second, new]


def test_an_output_gets_only_what_it_says(outbox: Outbox) -> None:
    async def work() -> None:
        side = OtherSide()
        side.says = ("minute",)
        outbox.keep(a_change(1))
        running = Running(side, outbox)
        running.telemetry.put(of_event(an_event()))
        running.telemetry.put(of_minute(a_minute()))
        await until(lambda: side.got)
        await ended(running.task)
        assert [type(each) for each in side.got] == [MinuteMessage]
        assert len(outbox.undelivered("out", 9)) == 1

    run(work())
