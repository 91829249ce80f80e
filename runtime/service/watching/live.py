"""What the page may ask of a watch, and tell it to do."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.live import Limits, SignalNow, Told
from dlrsd.runtime.service.said import MachineNow
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watched import Watched


class WatchLive:
    """The page's view of a watch; see `dlrsd.runtime.service.page.live.Live`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def machines(self) -> list[MachineNow]:
        now = time.time()
        return [watched.now(now) for watched in list(self._watch.machines.values())]

    def signal(self, machine: str, sensor: str) -> SignalNow | None:
        line = self._of(machine).lines.get(sensor)
        return line.signal() if line else None

    def limits(self, machine: str) -> Limits | None:
        zones = self._of(machine).setup.limits.zones
        return Limits(b=zones[0], c=zones[1], d=zones[2]) if zones else None

    def acknowledge(self, alarm: str, *, by: str) -> None:
        watched = self._with_alarm(alarm)
        with watched.lock:
            now = time.time()
            changes = watched.alarms.acknowledge(alarm, by, now)
            snapshot = watched.alarms.snapshot()
            self._watch.store.acknowledge(alarm, by, now, snapshot)
            if changes:
                self._watch.store.decide(changes, watched.name, snapshot)
        self._watch.told(watched, changes)

    def shelve(self, machine: str, rule: str, *, until: float, by: str) -> None:
        watched = self._of(machine)
        with watched.lock:
            now = time.time()
            changes = watched.alarms.shelve(rule, until, by, now)
            snapshot = watched.alarms.snapshot()
            self._watch.store.shelve(machine, rule, until, by, now, snapshot)
            if changes:
                self._watch.store.decide(changes, machine, snapshot)
        self._watch.told(watched, changes)

    def unshelve(self, machine: str, rule: str, *, by: str) -> None:
        watched = self._of(machine)
        with watched.lock:
            now = time.time()
            changes = watched.alarms.unshelve(rule, by, now)
            snapshot = watched.alarms.snapshot()
            self._watch.store.shelve(machine, rule, now, by, now, snapshot)
            if changes:
                self._watch.store.decide(changes, machine, snapshot)
        self._watch.told(watched, changes)

    def subscribe(self) -> AsyncGenerator[Told, None]:
        return self._watch.telling.subscribe()

    def _of(self, machine: str) -> Watched:
        watched = self._watch.machines.get(machine)
        if watched is None:
            raise InputError(f"no machine {machine!r} is watched")
        return watched

    def _with_alarm(self, alarm: str) -> Watched:
        for watched in self._watch.machines.values():
            if any(rule.alarm == alarm for rule in watched.alarms.now()[1]):
                return watched
        raise InputError(f"no alarm {alarm!r} is open: it may have ended meanwhile")
