"""What is said of a change of state: the worst sensor, a sentence, ids."""

from __future__ import annotations

import os

from msgspec import structs

from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.rule import Rule
from dlrsd.runtime.service.alarms.state import RuleState
from dlrsd.runtime.service.said import Change, State


def change_of(
    machine: str, rule: Rule, state: RuleState, grade: int, sensor: str | None, time: float
) -> Change:
    """The change from what was told of a rule to a grade.

    Parameters
    ----------
    sensor : str or None
        Which decided it; where something is wrong the worst is named in its place.
    """
    since = began = time
    template = rule.text_over
    if grade:
        template = texts.LESS if grade < state.told else rule.text or rule.default_text
        holding = [each.counts[grade - 1] for each in state.held.values() if each.grade >= grade]
        since = began = min([time, *(each.since for each in holding)])
        sensor = _worst(state, rule, grade)
    else:
        began = state.since
    said = state.held[sensor].said if sensor in state.held else None
    value, limit, unit = (said.value, said.limit, said.unit) if said else (None, None, None)
    values = {
        "what": said.what if said else None,
        "sensor": sensor,
        "value": texts.number(value, unit),
        "limit": texts.number(limit, unit),
        "evidence": said.evidence if said else None,
    }
    change = _change(machine, rule.name, state, rule.of_grade(grade), template, time, began, values)
    return structs.replace(
        change,
        since=since,
        sensor=sensor,
        value=value,
        limit=limit,
        unit=unit,
        place=said.place if said else None,
        evidence=said.evidence if said else None,
    )


def end_of(machine: str, rule: str, state: RuleState, time: float, template: str) -> Change:
    """The end of an open alarm, whatever its sensors hold."""
    return _change(machine, rule, state, "normal", template, time, state.since, {})


def _change(
    machine: str,
    rule: str,
    state: RuleState,
    now: State,
    template: str,
    time: float,
    began: float,
    values: dict[str, str | None],
) -> Change:
    values = values | {
        "machine": machine,
        "rule": rule,
        "state": now,
        "was": state.state,
        "since": texts.when(began),
        "time": texts.when(time),
    }
    return Change(
        machine=machine,
        rule=rule,
        state=now,
        was=state.state,
        time=time,
        since=time,
        text=texts.filled(template, values),
        id=_new_id(time),
        alarm=state.alarm or _new_id(time),
    )


def _worst(state: RuleState, rule: Rule, grade: int) -> str:
    """The sensor that is worst now, of those that hold the grade or are about to."""
    k = rule.patience().k

    def how_bad(sensor: str) -> tuple[bool, float]:
        held = state.held[sensor]
        near = held.grade >= grade or 2 * len(held.counts[grade - 1].up) >= k
        return near, held.said.score if held.said else 0.0

    return max(state.held, key=how_bad)


def _new_id(time: float) -> str:
    """An id that sorts by time and that nobody has twice: 48 bits of ms, 80 random ones, in hex."""
    return f"{max(0, round(1000 * time)) % 2**48:012x}{os.urandom(10).hex()}"
