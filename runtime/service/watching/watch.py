"""The watch: sources run, workers look at what they give, and what is found is kept and told.

One thread runs the loop: sources, delivery, the page. Workers, one a core, look at pieces of
signal; a machine is looked at by one of them at a time. What a change of alarm is made of is on the
disk before anybody is told.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from dlrsd.runtime.base.hardware import usable_cores
from dlrsd.runtime.service.blocks import Block, Slow
from dlrsd.runtime.service.page.telling import Telling
from dlrsd.runtime.service.said import Change, Event
from dlrsd.runtime.service.sinks.payload import FAULTY, of_event, of_machine, of_minute
from dlrsd.runtime.service.sinks.sink import Sink
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from dlrsd.runtime.service.watching.failures import (
    Failures,
    end_tasks,
    failure_of,
    in_words,
)
from dlrsd.runtime.service.watching.kept import Kept
from dlrsd.runtime.service.watching.logged import log_event
from dlrsd.runtime.service.watching.outcome import Outcome
from dlrsd.runtime.service.watching.outlets import Outlets
from dlrsd.runtime.service.watching.setup import Setup
from dlrsd.runtime.service.watching.trends import Trends
from dlrsd.runtime.service.watching.watched import MOST_WAITING, Watched

_BEAT_S = 1.0
_TOLD_S = 2.0  # how often browsers get new figures
_AGAIN_S = 10.0  # after a source failed for a reason that it does not know itself
_log = logging.getLogger(__name__)


class Watch:
    """Machines that are watched.

    Parameters
    ----------
    setups : sequence of Setup
    store : Store
    sinks : sequence of Sink
    beat : function, optional
        Is called about once a second while all goes on: tells a service manager.
    """

    def __init__(
        self,
        setups: Sequence[Setup],
        store: Store,
        sinks: Sequence[Sink] = (),
        *,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.telling, self.recorder = Telling(), Recorder(store)
        self._trends = Trends(store.folder)
        self.machines: dict[str, Watched] = {}
        self._beaten = beat
        self._outlets = Outlets(sinks)
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._work: dict[str, asyncio.Event] = {}
        self._done: dict[str, asyncio.Event] = {}
        self._kept = Kept(store)
        self._pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="worker")
        # Of its own: those of the loop may all wait for a folder on a server that is gone.
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._failures = Failures(self.tell_event)
        self._ended, self._told_at = asyncio.Event(), -math.inf
        for setup in setups:
            self._try_to_add(setup)

    def _try_to_add(self, setup: Setup) -> bool:
        try:
            self._add(setup)
        except Exception as error:
            self.machines.pop(setup.name, None)
            self._failures.say(f"machine {setup.name} is not watched", error)
            return False
        return True

    def _add(self, setup: Setup) -> None:
        """Begin with a machine where the store left it; one commissioned since then begins anew."""
        store, now = self.store, time.time()
        restored, commissioned = store.snapshot(setup.name), setup.commissioned
        is_new = commissioned is not None and commissioned > store.epoch_began(setup.name)
        if commissioned is not None and is_new:
            store.begin_epoch(setup.name, commissioned)
        watched = Watched(
            setup,
            self.recorder,
            restored=restored,
            kept_upto=self._kept.upto(setup.name),
            past=self._kept.past(setup.name, [each.name for each in setup.machine.sensors]),
            now=now,
        )
        self.machines[setup.name] = watched
        self._work[setup.name], self._done[setup.name] = asyncio.Event(), asyncio.Event()
        if is_new and restored is not None:
            self._told(watched, watched.renew(now, store.decide))

    async def take_over(self, setups: Sequence[Setup], as_before: Collection[str] = ()) -> None:
        """Watch these machines from now on, and those of some folders as before; those in which
        nothing changed, and whose blocks fit, go on undisturbed."""
        wanted = {setup.name: setup for setup in setups}
        for name, watched in list(self.machines.items()):
            entry, is_same = watched.setup.entry, False
            if name in wanted:
                is_same = watched.setup.is_like(wanted[name]) and not watched.intake.refuses
            elif entry is not None:
                is_same = entry.machine in as_before
            if not is_same:
                await self._stop(name)
        for name, setup in wanted.items():
            if name not in self.machines and self._try_to_add(setup):
                self._begin(name)

    async def _stop(self, name: str) -> None:
        watched, tasks = self.machines.pop(name), self._tasks.pop(name)
        for task in tasks:
            task.remove_done_callback(self._look_whether_all_ended)
        await end_tasks(tasks)
        self._close(watched)
        self.recorder.forget(name)

    def _close(self, watched: Watched) -> None:
        try:
            watched.intake.end(time.time())
            for outcome in self._look(watched):
                self._told(watched, outcome)
            self._kept.close(watched.name, watched.rest(), watched.upto or None)
        except Exception as error:
            self._failures.say(f"the last of machine {watched.name} is not kept", error)

    async def run(self) -> None:
        """Watch until `end` is called, or until every source has ended."""
        self._loop = asyncio.get_running_loop()
        others = self._outlets.deliver(self.store, self.tell_event)
        beat = asyncio.create_task(self._beat())
        for name in self.machines:
            self._begin(name)
        self.tell_event(Event(time=time.time(), kind="started", text="the watch began"))
        try:
            await self._ended.wait()
        finally:
            await end_tasks([beat, *(task for of in self._tasks.values() for task in of)])
            for watched in self.machines.values():
                self._close(watched)
            self._kept.write(time.time())
            self._pool.shutdown()
            self._keeper.shutdown()
            self.recorder.close()
            await self._last_words(others)

    def end(self) -> None:
        """Let `run` end in order; called in the thread of the loop."""
        self._ended.set()

    def tell_event(self, event: Event) -> None:
        """Keep and tell what happened to the watch, a sink or the store; the loop's thread."""
        self.store.write_event(event)
        log_event(event)
        self._outlets.put(of_event(event))
        self.telling.tell(event)

    def told(self, watched: Watched, changes: Sequence[Change]) -> None:
        """Tell what people decided; any thread but the loop's."""
        self._loop.call_soon_threadsafe(self._told, watched, Outcome(changes=list(changes)))

    def _begin(self, name: str) -> None:
        sources = self.machines[name].setup.sources
        self._tasks[name] = [
            asyncio.create_task(self._machine(name)),
            *(asyncio.create_task(self._source(name, at)) for at in range(len(sources))),
        ]
        for task in self._tasks[name]:
            task.add_done_callback(self._look_whether_all_ended)

    def _look_whether_all_ended(self, _: asyncio.Task[None]) -> None:
        if all(task.done() for tasks in self._tasks.values() for task in tasks[1:]):
            self.end()

    async def _source(self, name: str, at: int) -> None:
        """One source; whatever becomes of it, the others go on."""
        watched, work, done = self.machines[name], self._work[name], self._done[name]
        intake = watched.intake

        async def give(block: Block | Slow) -> None:
            if intake.receive(at, block):
                work.set()
                while len(intake.waiting) > MOST_WAITING:
                    done.clear()
                    await done.wait()

        def tell(event: Event) -> None:
            intake.tell(at, event)

        while (error := await failure_of(watched.setup.sources[at], give, tell)) is not None:
            text = f"failed, and is begun anew: {in_words(error)}"
            tell(Event(time=time.time(), kind="refused", text=text))
            await asyncio.sleep(_AGAIN_S)

    async def _machine(self, name: str) -> None:
        """Have one machine looked at whenever there is something to look at."""
        watched, work, done = self.machines[name], self._work[name], self._done[name]
        loop = asyncio.get_running_loop()
        while True:
            await work.wait()
            work.clear()
            looking = loop.run_in_executor(self._pool, self._look, watched)
            try:
                await asyncio.wait([looking])
            finally:  # also where this is ended meanwhile: what was found is told
                done.set()
                await self._found(watched, looking)

    async def _found(self, watched: Watched, looking: asyncio.Future[list[Outcome]]) -> None:
        try:
            for outcome in await looking:
                self._told(watched, outcome)
        except Exception as error:
            self._failures.say(f"machine {watched.name} was not looked at for a moment", error)

    def _look(self, watched: Watched) -> list[Outcome]:
        return watched.work(time.time(), self.store.decide)

    def _told(self, watched: Watched, outcome: Outcome) -> None:
        """Tell what was found; it is on the disk already, but for minutes and events."""
        self._kept.add(outcome.minutes)
        if outcome.piece is not None:
            feed, piece = outcome.piece
            feed.record(piece, outcome.seconds)
        for event in outcome.events:
            self.tell_event(event)
        if outcome.told_upto is not None:
            self._kept.reach(watched.name, outcome.told_upto)
        if outcome.changes:
            self._told_changes(watched, outcome.changes)
        if watched.setup.rehearse:  # what nobody can see is a rehearsal is told to nobody
            return
        for row in outcome.minutes:
            self._outlets.put(of_minute(row))
        if (outcome.changes or outcome.minutes) and len(self._outlets):
            self._outlets.put(of_machine(watched.now(), time=time.time()))

    def _told_changes(self, watched: Watched, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.state in FAULTY:
                self.recorder.alarm(watched.name, change.alarm, change.time)
            _log.warning("%s", change.text)
            self.telling.tell(change)
        self._outlets.wake()

    async def _beat(self) -> None:
        """Once a second: what waits too long, minutes that are over, and a sign of life."""
        while True:
            try:
                await self._go_on(time.time())
            except Exception as error:
                self._failures.say("the watch could not do all of its work", error)
            await asyncio.sleep(_BEAT_S)

    async def _go_on(self, now: float) -> None:
        for name, watched in list(self.machines.items()):
            if watched.intake.tick(now) or watched.is_due():
                self._work[name].set()
        self.recorder.tick()
        loop, machines = asyncio.get_running_loop(), list(self.machines.values())
        await loop.run_in_executor(self._keeper, self._kept.write, now)
        look, keep = self._trends.look, self.store.decide
        for each in await loop.run_in_executor(self._keeper, look, machines, now, keep):
            self._told(*each)
        if time.monotonic() - self._told_at >= _TOLD_S and self.telling.listeners:
            self._told_at = time.monotonic()
            self.telling.tell([watched.now() for watched in self.machines.values()])
        self._failures.tick(now)
        self._beaten()

    async def _last_words(self, others: Sequence[asyncio.Task[None]]) -> None:
        """Give outputs a moment for what is due to them; what they do not take is kept."""
        self._outlets.wake()
        if len(self._outlets):
            await asyncio.sleep(0.5)
        await end_tasks(others)
