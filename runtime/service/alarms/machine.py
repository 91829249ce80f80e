"""The alarms of one machine: seconds in, changes of state out, one a rule and change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.change import change_of, end_of
from dlrsd.runtime.service.alarms.held import held_of
from dlrsd.runtime.service.alarms.kinds import AnyRule, rules_of
from dlrsd.runtime.service.alarms.rule import Crossing, Limits, Rule, RuleOfSeconds
from dlrsd.runtime.service.alarms.sensor_rules import Silent
from dlrsd.runtime.service.alarms.state import (
    RuleState,
    fit_rules,
    kept_of,
    note_running,
    running_of,
    state_of,
)
from dlrsd.runtime.service.alarms.trend_rule import Trend
from dlrsd.runtime.service.said import Change, Event, EventKind, RuleNow, Running, Second, State

_LONGEST_TICK_S = 10.0


class MachineAlarms:
    """The state machines of one machine, one a rule.

    Seconds are counted, so that a clock that jumps raises and clears nothing. Those of a machine
    that does not run, and unfit ones, count for nothing but the rule that looks at unfitness.

    Parameters
    ----------
    machine : str
        Its name.
    rules : iterable of rules
        None of them means `DEFAULTS`.
    limits : Limits
        Its zones and its baseline's levels, where known.
    restored : bytes, optional
        What `snapshot` gave.

    Raises
    ------
    InputError
        If two rules have one name, or what is restored is not of this machine and version.
    """

    def __init__(
        self,
        machine: str,
        rules: Iterable[AnyRule] = (),
        *,
        limits: Limits | None = None,
        restored: bytes | None = None,
    ) -> None:
        self._machine = machine
        self._limits = limits or Limits()
        self._rules: dict[str, Rule] = {rule.name: rule for rule in rules_of(tuple(rules))}
        self._events: list[Event] = []
        self._kept = kept_of(machine, restored)
        fit_rules(self._kept, self._rules)
        self._is_begun = False
        self._bind()

    def take(self, second: Second) -> list[Change]:
        """The changes that the next second of a sensor decides."""
        note_running(self._kept, second)
        changes = [] if self._is_begun else self._begin(second.time)
        if second.running != "running":
            return changes
        is_unfit = second.unfit is not None
        for rule, state, patience in self._of_seconds:
            if is_unfit and not rule.of_unfit:
                continue
            grade = rule.grade(second, self._limits)
            if grade is None:
                continue
            held = state.held.get(second.sensor)
            if held is None:
                held = state.held[second.sensor] = held_of(rule)
            is_changed = held.step(*grade, second.time, patience)
            if is_changed or grade[0]:
                held.said = rule.said(second, self._limits)
            if is_changed:
                changes += self._told(rule, state, second.sensor, second.time)
        return changes

    def tick(
        self, now: float, silent: Mapping[str, float], unheard: Collection[str] = ()
    ) -> list[Change]:
        """The changes that time decides: of sensors that are silent, of shelving that ends.

        Parameters
        ----------
        now : float
            Unix time in s.
        silent : mapping
            By sensor, for how many seconds nothing came; those that are heard may be missing.
        unheard : collection of str
            Sensors of which nothing came yet since the watch began.
        """
        changes = [] if self._is_begun else self._begin(now)
        ticked, self._kept.ticked = self._kept.ticked, now
        passed = 0.0 if ticked is None else min(max(now - ticked, 0.0), _LONGEST_TICK_S)
        steps, self._kept.owed = divmod(self._kept.owed + passed, 1.0)
        running = self.running
        for rule, state, _ in self._of_silence:
            for sensor in rule.listen(
                state.held, silent, unheard=unheard, now=now, passed=int(steps), running=running
            ):
                changes += self._told(rule, state, sensor, now)
        if running in (None, "running"):  # while it does not run nothing is raised
            for name, state in self._kept.rules.items():
                if state.shelved_until is not None and now >= state.shelved_until:
                    changes += self._unshelved(name, now, "its shelving has ended")
        return changes

    def crossing(
        self, sensor: str, level: str, crossing: Crossing | None, time: float
    ) -> list[Change]:
        """The changes that a level's trend decides.

        Parameters
        ----------
        sensor : str
        level : str
            A `Level`.
        crossing : Crossing or None
            None where the trend crosses no limit.
        time : float
            Unix time in s up to which the trend was looked at.
        """
        changes: list[Change] = []
        if self.running != "running":
            return changes
        for rule, state, patience in self._of_trends:
            if rule.level != level:
                continue
            held = state.held.setdefault(sensor, held_of(rule))
            up, back = rule.grade(crossing, time)
            is_changed = held.step(up, back, time, patience)
            if is_changed or up:
                held.said = rule.said(crossing, time)
            if is_changed:
                changes += self._told(rule, state, sensor, time)
        return changes

    def acknowledge(self, what: str, by: str, time: float) -> list[Change]:
        """Note that a person has seen an open alarm; ends one that stayed for that only.

        Parameters
        ----------
        what : str
            Id of the alarm, or name of the rule.
        by : str
        time : float

        Raises
        ------
        InputError
            If no such alarm is open.
        """
        for name, state in self._kept.rules.items():
            if state.alarm is not None and what in (state.alarm, name):
                state.acknowledged_by, state.acknowledged = by, time
                self._event(time, f"{name} is acknowledged by {by}")
                return self._told(self._rules[name], state, None, time)
        opened = [name for name, state in self._kept.rules.items() if state.alarm is not None]
        raise InputError(
            f"{self._machine} has no open alarm {what!r}: expected one of "
            f"{', '.join(opened) or 'none, for no alarm is open'}"
        )

    def shelve(self, rule: str, until: float, by: str, time: float) -> list[Change]:
        """Say nothing of a rule until then, and until the machine runs, whatever it finds.

        Raises
        ------
        InputError
            If there is no such rule, or the end is not in the future.
        """
        state = self._state(rule)
        if not until > time:
            raise InputError(
                f"got shelving until {texts.when(until)}, and it is {texts.when(time)}: expected "
                "a later time"
            )
        state.shelved_until, state.shelved_by = until, by
        self._event(time, f"{rule} is shelved by {by} until {texts.when(until)}")
        return []

    def unshelve(self, rule: str, by: str, time: float) -> list[Change]:
        """Speak of a rule again; tells at once what came meanwhile.

        Raises
        ------
        InputError
            If there is no such rule, or it is not shelved.
        """
        if self._state(rule).shelved_until is None:
            raise InputError(f"rule {rule!r} of {self._machine} is not shelved")
        return self._unshelved(rule, time, f"its shelving is ended by {by}")

    def renew(self, time: float, limits: Limits | None = None) -> list[Change]:
        """Begin anew, for the machine was commissioned again: open alarms end, nothing is held.

        Parameters
        ----------
        time : float
        limits : Limits, optional
            Of the new baseline; as they were, unless stated.
        """
        changes = []
        for name, state in self._kept.rules.items():
            if state.alarm is not None:
                changes.append(end_of(self._machine, name, state, time, texts.RENEWED))
            self._kept.rules[name] = RuleState(kind=state.kind, since=time)
        self._limits = limits or self._limits
        self._event(time, "it is commissioned again, its alarms begin anew", "commissioned")
        self._bind()
        return changes

    def now(self) -> tuple[State, list[RuleNow]]:
        """The machine's state and that of each rule.

        The machine's is the gravest of its unshelved rules: an alarm that is open when the machine
        stops stays so. Where none is open a machine that stands is "stopped".
        """
        rules = [state.now(name) for name, state in self._kept.rules.items()]
        return state_of(self._kept)[0], rules

    @property
    def since(self) -> float:
        """Since when the machine is in its state."""
        return state_of(self._kept)[1]

    @property
    def running(self) -> Running | None:
        """How the machine runs, by the sensors that are heard; None before the first second."""
        return running_of(self._kept)

    def events(self) -> list[Event]:
        """What was done to it by persons, and shelving that ended, since this was last asked."""
        events, self._events = self._events, []
        return events

    def snapshot(self) -> bytes:
        """All that is remembered, as JSON; what is restored of it goes on as if nothing was."""
        return msgspec.json.encode(self._kept)

    def _told(self, rule: Rule, state: RuleState, sensor: str | None, time: float) -> list[Change]:
        """The change of a rule's state, if what its sensors hold is another than was told."""
        grade = max((held.grade for held in state.held.values()), default=0)
        is_latched = rule.latch and state.acknowledged_by is None and grade < state.told
        if grade == state.told or is_latched or state.shelved_until is not None:
            return []
        change = change_of(self._machine, rule, state, grade, sensor, time)
        state.turn(grade, change)
        return [change]

    def _unshelved(self, name: str, time: float, why: str) -> list[Change]:
        state = self._kept.rules[name]
        state.shelved_until = state.shelved_by = None
        self._event(time, f"{name}: {why}")
        return self._told(self._rules[name], state, None, time)

    def _begin(self, time: float) -> list[Change]:
        """The ends of open alarms whose rules are no more."""
        self._is_begun = True
        for state in self._kept.rules.values():
            state.since = state.since or time
        gone, self._kept.gone = self._kept.gone, {}
        return [
            end_of(self._machine, name, state, time, texts.GONE) for name, state in gone.items()
        ]

    def _state(self, rule: str) -> RuleState:
        if rule not in self._kept.rules:
            raise InputError(
                f"{self._machine} has no rule {rule!r}: expected one of {', '.join(self._rules)}"
            )
        return self._kept.rules[rule]

    def _event(self, time: float, text: str, kind: EventKind = "configured") -> None:
        said = f"{self._machine}: {text}"
        self._events.append(Event(time=time, kind=kind, text=said, machine=self._machine))

    def _bind(self) -> None:
        """Lay out which rules are asked by what comes in."""
        every = [(rule, self._kept.rules[name]) for name, rule in self._rules.items()]
        bound = [(rule, state, rule.patience()) for rule, state in every]
        self._of_seconds = [(r, s, p) for r, s, p in bound if isinstance(r, RuleOfSeconds)]
        self._of_trends = [(r, s, p) for r, s, p in bound if isinstance(r, Trend)]
        self._of_silence = [(r, s, p) for r, s, p in bound if isinstance(r, Silent)]
