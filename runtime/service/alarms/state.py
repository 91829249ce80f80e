"""What is remembered of a machine's alarms, and how it is kept over a restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.alarms.held import Held
from dlrsd.runtime.service.alarms.rule import Rule
from dlrsd.runtime.service.said import Change, RuleNow, Running, Second, State

_VERSION: Final = 1
GRAVITY: Final[tuple[State, ...]] = ("normal", "stopped", "sensor fault", "alert", "danger")
_RUNNING: Final[tuple[Running, ...]] = ("running", "changing", "standing")
_OLD_S = 10.0  # behind the newest second, a sensor's word on how the machine runs counts no more


class RuleState(Struct):
    """Of one rule; ``told`` is the grade that the last message said."""

    kind: str
    told: int = 0
    state: State = "normal"
    since: float = 0.0
    alarm: str | None = None
    acknowledged_by: str | None = None
    acknowledged: float | None = None
    shelved_until: float | None = None
    shelved_by: str | None = None
    held: dict[str, Held] = {}

    def turn(self, grade: int, change: Change) -> None:
        """Note what a message says."""
        if grade > self.told or not grade:  # what is graver was not seen by whom acknowledged it
            self.acknowledged_by = self.acknowledged = None
        self.told, self.state, self.since = grade, change.state, change.since
        self.alarm = change.alarm if grade else None

    def now(self, name: str) -> RuleNow:
        """As others are told it."""
        return RuleNow(
            rule=name,
            state=self.state,
            since=self.since,
            alarm=self.alarm,
            acknowledged_by=self.acknowledged_by,
            acknowledged=self.acknowledged,
            shelved_until=self.shelved_until,
            shelved_by=self.shelved_by,
        )


class SensorState(Struct):
    """How the machine ran by a sensor's latest second, and since when so."""

    time: float
    running: Running
    since: float


class Kept(Struct, forbid_unknown_fields=True):
    """Of one machine."""

    version: int
    machine: str
    rules: dict[str, RuleState] = {}
    gone: dict[str, RuleState] = {}  # open alarms of rules that are no more, to be ended
    sensors: dict[str, SensorState] = {}
    ticked: float | None = None
    owed: float = 0.0


def note_running(kept: Kept, second: Second) -> None:
    """How the machine runs by a sensor's latest second."""
    sensor = kept.sensors.get(second.sensor)
    if sensor is None:
        kept.sensors[second.sensor] = SensorState(second.time, second.running, second.time)
        return
    sensor.time = second.time
    if sensor.running != second.running:
        sensor.running, sensor.since = second.running, second.time


def running_of(kept: Kept) -> Running | None:
    """How the machine runs, by the sensors that are heard; None where none ever was."""
    newest = max((each.time for each in kept.sensors.values()), default=0.0)
    said = {each.running for each in kept.sensors.values() if each.time >= newest - _OLD_S}
    return next((each for each in _RUNNING if each in said), None)


def state_of(kept: Kept) -> tuple[State, float]:
    """The machine's state and since when: the gravest of its unshelved rules, or "stopped"."""
    rules = [rule for rule in kept.rules.values() if rule.shelved_until is None]
    states = [(rule.state, rule.since) for rule in rules]
    if running_of(kept) == "standing":
        states.append(("stopped", max(each.since for each in kept.sensors.values())))
    said = {state for state, _ in states}
    gravest = next((state for state in reversed(GRAVITY) if state in said), GRAVITY[0])
    times = [since for state, since in states if state == gravest]
    # Of alarms the first counts, of their ends the last.
    return gravest, (max if gravest == "normal" else min)(times, default=0.0)


def fit_rules(kept: Kept, rules: Mapping[str, Rule]) -> None:
    """Keep what is remembered of rules by name and kind, and set apart the others' open alarms."""
    before, kept.rules = kept.rules, {}
    for name, rule in rules.items():
        is_same = name in before and before[name].kind == rule.kind
        kept.rules[name] = before.pop(name) if is_same else RuleState(kind=rule.kind)
    kept.gone |= {name: state for name, state in before.items() if state.alarm is not None}


def kept_of(machine: str, text: bytes | None) -> Kept:
    """What was kept of a machine as JSON; nothing yet where there is none.

    Raises
    ------
    InputError
        If the text is none, of another version, or of another machine.
    """
    if text is None:
        return Kept(version=_VERSION, machine=machine)
    try:
        kept = msgspec.json.decode(text, type=Kept)
    except msgspec.MsgspecError as error:
        raise InputError(f"the kept alarms of {machine} cannot be read: {error}") from error
    if kept.version != _VERSION:
        raise InputError(
            f"the kept alarms of {machine} are of version {kept.version}, expected {_VERSION}: "
            "use the dlrsd that wrote them, or begin anew"
        )
    if kept.machine != machine:
        raise InputError(f"the kept alarms are of {kept.machine}, expected those of {machine}")
    return kept
