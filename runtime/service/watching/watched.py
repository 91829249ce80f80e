"""One machine that is watched: blocks of its sources in; seconds, minutes and changes out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from msgspec import structs

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.texts import when
from dlrsd.runtime.service.indicators.minutes import Minutes
from dlrsd.runtime.service.indicators.running import RunningState
from dlrsd.runtime.service.page.live import SignalNow
from dlrsd.runtime.service.said import (
    Change,
    Event,
    Levels,
    MachineNow,
    Minute,
    Second,
    SensorNow,
)
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.watching.channels import Channel
from dlrsd.runtime.service.watching.conditions import Conditions
from dlrsd.runtime.service.watching.failures import Failures
from dlrsd.runtime.service.watching.feed import Feed
from dlrsd.runtime.service.watching.intake import Intake
from dlrsd.runtime.service.watching.outcome import Outcome
from dlrsd.runtime.service.watching.pieces import Piece
from dlrsd.runtime.service.watching.rehearsal import marked
from dlrsd.runtime.service.watching.sensor_line import SensorLine
from dlrsd.runtime.service.watching.setup import Setup, usual_levels

REFUSED = "refused"  # why seconds of a sensor are unfit whose signal does not fit its machine
_LOOK_S = 1.5  # after so long a machine is looked at whether anything came or not
_GAP_S = 1.0
SHOWN_S = 4.0  # of signal that can be looked at
MOST_WAITING = 8  # pieces of a machine that wait to be looked at; more, and its sources are held


Keep = Callable[[list[Change], str, bytes], None]


class Watched:
    """A machine, its sensors and its alarms.

    `work` is called by one worker at a time, its `intake` filled by the thread of the loop; what
    people ask may come from any thread.

    Parameters
    ----------
    setup : Setup
    recorder : Recorder
        Keeps the signal as it was sent, around alarms.
    restored : bytes, optional
        What its alarms knew when the watch ended.
    kept_upto : float, optional
        Up to when its signal is in the store's minutes, Unix time in s.
    past : sequence of Minute
        Its last ones, oldest first: by them it is known how loud it is while it runs.
    now : float
        Unix time in s.
    """

    def __init__(
        self,
        setup: Setup,
        recorder: Recorder,
        *,
        restored: bytes | None,
        kept_upto: float | None,
        past: Sequence[Minute] = (),
        now: float,
    ) -> None:
        self.setup, self.name, self.machine = setup, setup.name, setup.machine
        self.intake = Intake(setup, recorder, now)
        self.lines: dict[str, SensorLine] = {}
        self._refused: dict[str, str] = {}
        self._warned: set[str] = set()
        self._failures = Failures(partial(self.intake.tell, None))
        self.began = now
        self._looked = time.monotonic()
        self._conditions = Conditions()
        self.lock = threading.Lock()
        self.alarms = self._alarms(restored)
        self._stands = *self.alarms.now(), self.alarms.since
        self._running = RunningState(setup.machine.shaft.speed_rpm)
        for minute in past:
            self._running.remember(minute)
        if not past:
            for sensor, level in usual_levels(setup.baseline).items():
                self._running.expect(sensor, now, level)
        self._minutes = Minutes({self.name: setup.machine.iso_20816_3})
        self._latest: dict[str, SensorNow] = {
            sensor.name: SensorNow(name=sensor.name) for sensor in self.machine.sensors
        }
        self._kept_upto = kept_upto
        self.upto = 0.0

    def _alarms(self, restored: bytes | None) -> MachineAlarms:
        setup = self.setup
        rules = setup.entry.rules if setup.entry else ()
        try:
            return MachineAlarms(self.name, rules, limits=setup.limits, restored=restored)
        except InputError as error:
            if restored is None:
                raise
            self._failures.say("what its alarms knew is lost, they begin anew", error)
            return MachineAlarms(self.name, rules, limits=setup.limits)

    @contextmanager
    def held(self) -> Iterator[MachineAlarms]:
        """The alarms, which nobody else changes meanwhile; `now` tells them as they are then, and
        waits for nobody."""
        with self.lock:
            try:
                yield self.alarms
            finally:
                self._stands = *self.alarms.now(), self.alarms.since

    def is_due(self) -> bool:
        """Whether it was not looked at for long, as where its sources are silent."""
        return time.monotonic() - self._looked > _LOOK_S

    def work(self, now: float, keep: Keep) -> list[Outcome]:
        """Look at all that waits; changes of alarm are given to ``keep`` before anybody else."""
        with self.held():
            self._looked = time.monotonic()
            outcomes = []
            while self.intake.waiting:
                outcomes.append(self._looked_at(*self.intake.waiting.popleft()))
            last = Outcome(
                minutes=self._minutes.finish(now),
                changes=self.alarms.tick(now, self.intake.silent(), self.intake.unheard()),
                events=[*self.intake.take_events(), *self.alarms.events()],
            )
            outcomes.append(last)
            self._failures.tick(now)
            for each in outcomes:
                self._remember(each)
            changes = [change for each in outcomes for change in each.changes]
            if changes:
                keep(changes, self.name, self.alarms.snapshot())
            return outcomes

    def _looked_at(self, feed: Feed, piece: Piece) -> Outcome:
        outcome = Outcome(piece=(feed, piece))
        conditions = self.intake.heard.now()
        if conditions != self._conditions:
            self._conditions = conditions
            for name, line in list(self.lines.items()):
                if conditions.speed_rpm and not line.knows_speed:
                    del self.lines[name]  # begun anew, with what it waited for
                else:
                    line.turn(conditions)
        for channel in feed.channels:
            second = self._second(feed, piece, channel, conditions)
            if second is None:
                continue
            running = self._running.update(
                second.sensor,
                second.time,
                second.levels,
                speed_rpm=conditions.speed_rpm,
                unfit=second.unfit,
            )
            second = structs.replace(second, running=running)
            if self._kept_upto is not None:
                outcome.told_upto = self._tell_gap(self._kept_upto, second.time)
            outcome.seconds.append(second)
            outcome.minutes += self._minutes.add(second)
            outcome.changes += self.alarms.take(second)
        return outcome

    def renew(self, now: float, keep: Keep) -> Outcome:
        """Begin anew: the machine was commissioned again."""
        with self.held() as alarms:
            changes = alarms.renew(now)
            if changes:
                keep(changes, self.name, alarms.snapshot())
        return Outcome(changes=changes, events=self.alarms.events())

    def rest(self) -> list[Minute]:
        """The minutes that are not over: at the end."""
        with self.lock:
            return self._minutes.rest()

    def _second(
        self, feed: Feed, piece: Piece, channel: Channel, conditions: Conditions
    ) -> Second | None:
        name = channel.machine.sensors[0].name
        try:
            if name in self.lines or self._open(name, feed, channel, conditions, piece):
                own = structs.replace(piece, samples=feed.signal(piece.samples, channel))
                return self.lines[name].take(own, conditions)
        except Exception as error:
            self.lines.pop(name, None)
            self._failures.say(f"sensor {name} fails, and is begun anew", error)
        unfit = Second(
            machine=self.name, sensor=name, time=piece.time, levels=Levels(), unfit=REFUSED
        )
        return unfit if piece.tells else None

    def _open(
        self, name: str, feed: Feed, channel: Channel, conditions: Conditions, piece: Piece
    ) -> bool:
        """Begin to look at a sensor; what does not fit is said once, and its seconds are unfit."""
        if name in self._refused:
            return False
        setup, events = self.setup, list[Event]()
        try:
            channel.require_among(len(piece.samples))
            line = SensorLine(
                channel.machine,
                rate_hz=feed.rate_hz,
                unit=feed.unit,
                conditions=conditions,
                baseline=setup.baseline,
                bundle=setup.bundle,
                engine=setup.engine,
            )
        except DlrsdError as error:
            self._refused[name] = str(error)
            events = [Event(time=feed.heard, kind="refused", text=f"sensor {name}: {error}")]
        else:
            self.lines[name] = line
            new = [text for text in line.warnings if text not in self._warned]
            self._warned.update(new)
            events = [Event(time=feed.heard, kind="configured", text=text) for text in new]
        for event in events:
            self.intake.tell(None, event)
        return name in self.lines

    def _tell_gap(self, kept_upto: float, begins: float) -> float:
        """Say what is missing between the store and the first second of this watch."""
        self._kept_upto = None
        if begins - kept_upto > _GAP_S:
            text = (
                f"of {begins - kept_upto:.0f} s of signal, since {when(kept_upto)}, nothing is kept"
            )
            event = Event(time=begins, kind="gap", text=text, seconds=begins - kept_upto)
            self.intake.tell(None, event)
        return begins

    def _remember(self, outcome: Outcome) -> None:
        """What is asked for most: the latest of each sensor."""
        if self.setup.rehearse:
            outcome.changes = marked(outcome.changes)
        for second in outcome.seconds:
            self.upto = max(self.upto, second.time + 1)
            self._latest[second.sensor] = structs.replace(
                self._latest[second.sensor],
                second=second,
                windows_unfit=self._latest[second.sensor].windows_unfit + second.unfit_windows,
                bearing=second.place is not None,
            )
        for minute in outcome.minutes:
            self._latest[minute.sensor] = structs.replace(
                self._latest[minute.sensor], minute=minute
            )

    def signal(self, sensor: str) -> SignalNow | None:
        """The last seconds of a sensor, and what is said of them; any thread."""
        line, last = self.lines.get(sensor), self.intake.last(sensor, SHOWN_S)
        return line.told(*last) if line is not None and last is not None else None

    def now(self) -> MachineNow:
        """What is known of the machine at this moment."""
        silent = self.intake.silent()
        sensors = [
            structs.replace(each, silent_s=silent.get(each.name)) for each in self._latest.values()
        ]
        state, rules, since = self._stands
        zones = [each.minute.zone for each in sensors if each.minute and each.minute.zone]
        seconds = [each.second for each in sensors if each.second]
        return MachineNow(
            name=self.name,
            state=state,
            since=since or self.began,
            running=seconds[-1].running if seconds else None,
            zone=max(zones, default=None),
            commissioned=self.setup.baseline is not None,
            sensors=sensors,
            rules=rules,
            events=dict(self.intake.counted),
        )
