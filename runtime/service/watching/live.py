"""What the page may ask of a watch, and tell it to do."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from statistics import fmean

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.evidence.windows import SECONDS
from dlrsd.runtime.machine.iso_20816 import Limits, limits
from dlrsd.runtime.service.page.live import Labelled, SignalNow, Stock, Told
from dlrsd.runtime.service.said import MachineNow
from dlrsd.runtime.service.store.labelling import label_windows
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.waveform import About, Waveform
from dlrsd.runtime.service.watching.watch import Watch
from dlrsd.runtime.service.watching.watched import Watched

NEEDED = 200  # windows of a class before a person is told it is enough; chosen, not measured


class WatchLive:
    """The page's view of a watch; see `dlrsd.runtime.service.page.live.Live`."""

    def __init__(self, watch: Watch, reading: Reading) -> None:
        self._watch, self._reading = watch, reading

    def machines(self) -> list[MachineNow]:
        return [watched.now() for watched in list(self._watch.machines.values())]

    def signal(self, machine: str, sensor: str) -> SignalNow | None:
        return self._of(machine).signal(sensor)

    def limits(self, machine: str) -> Limits | None:
        iso = self._of(machine).setup.machine.iso_20816_3
        return limits(iso) if iso else None

    def acknowledge(self, alarm: str, *, by: str) -> None:
        watched, now = self._with_alarm(alarm), time.time()
        with watched.held() as alarms:
            changes = alarms.acknowledge(alarm, by, now)
            snapshot = alarms.snapshot()
            self._watch.store.acknowledge(alarm, by, now, snapshot, changes)
        self._watch.told(watched, changes)

    def shelve(self, machine: str, rule: str, *, until: float, by: str) -> None:
        watched, now = self._of(machine), time.time()
        with watched.held() as alarms:
            changes = alarms.shelve(rule, until, by, now)
            snapshot = alarms.snapshot()
            self._watch.store.shelve(machine, rule, until, by, now, snapshot)
        self._watch.told(watched, changes)

    def unshelve(self, machine: str, rule: str, *, by: str) -> None:
        watched, now = self._of(machine), time.time()
        with watched.held() as alarms:
            changes = alarms.unshelve(rule, by, now)
            snapshot = alarms.snapshot()
            self._watch.store.unshelve(machine, rule, by, now, snapshot, changes)
        self._watch.told(watched, changes)

    def confirm(
        self,
        machine: str,
        label: str,
        *,
        by: str,
        sensor: str | None = None,
        alarm: str | None = None,
    ) -> Labelled:
        watched, now = self._of(machine), time.time()
        row = self._reading.alarm(alarm) if alarm is not None else None
        sensor = row.sensor if row is not None and sensor is None else sensor
        shape = self._windows(watched)
        added = 0
        for waveform in self._waveforms(watched, sensor, alarm):
            for name in waveform.about.sensors:
                if name in watched.lines and sensor in (None, name):
                    added += label_windows(
                        self._watch.store, waveform, name, label, by=by, time=now,
                        window_s=shape, speed_rpm=self._speed(watched, name, waveform),
                    )  # fmt: skip
        if not added:
            raise InputError(f"no signal of {sensor or 'a sensor'} is kept: nothing is labelled")
        return Labelled(label=label, windows=added, stock=self._stock(watched))

    def needed(self, machine: str) -> Stock | None:
        watched = self._of(machine)
        return self._stock(watched) if watched.setup.bundle else None

    def _stock(self, watched: Watched) -> Stock:
        bundle = watched.setup.bundle
        classes = dict.fromkeys(bundle.classes if bundle else (), 0)
        return Stock(windows=classes | self._reading.labelled(), needed=NEEDED)

    def _windows(self, watched: Watched) -> float:
        """Length of the windows that a training would take, in s."""
        bundle = watched.setup.bundle
        return bundle.window / bundle.rate_hz if bundle else SECONDS

    def _waveforms(self, watched: Watched, sensor: str | None, alarm: str | None) -> list[Waveform]:
        """The signal that is meant: of an alarm as it was kept, else the last seconds."""
        if alarm is not None:
            rows = self._reading.waveforms(alarm=alarm)
            if not rows:
                raise InputError("the signal of this alarm is not kept: nothing can be labelled")
            return [self._reading.waveform(row.id) for row in rows]
        signal = watched.signal(sensor or "")
        if signal is None or sensor is None:
            raise InputError(f"there is no signal of {sensor or 'a sensor that was not named'}")
        about = About(
            machine=watched.name, source="live", sensors=[sensor], rate_hz=signal.rate_hz,
            start=signal.start, scale=[1.0], unit="m/s2",
        )  # fmt: skip
        return [Waveform(about=about, samples=signal.samples[np.newaxis], gaps=[])]

    def _speed(self, watched: Watched, sensor: str, waveform: Waveform) -> float | None:
        """Of the shaft while the signal was measured, r/min: of the minutes that are kept."""
        start = waveform.about.start
        end = start + waveform.seconds
        minutes = self._reading.minutes(watched.name, sensor, start=start - 60, end=end)
        known = [each.speed_rpm for each in minutes if each.speed_rpm is not None]
        shown = None if known else watched.signal(sensor)
        return fmean(known) if known else shown.speed_rpm if shown else None

    def subscribe(self) -> AsyncGenerator[Told, None]:
        return self._watch.telling.subscribe()

    def _of(self, machine: str) -> Watched:
        watched = self._watch.machines.get(machine)
        if watched is None:
            raise InputError(f"no machine {machine!r} is watched")
        return watched

    def _with_alarm(self, alarm: str) -> Watched:
        for watched in list(self._watch.machines.values()):
            if any(rule.alarm == alarm for rule in watched.now().rules):
                return watched
        raise InputError(f"no alarm {alarm!r} is open: it may have ended meanwhile")
