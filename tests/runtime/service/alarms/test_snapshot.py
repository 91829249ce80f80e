"""What is remembered over a restart."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.alarms.kinds import (
    AnyRule,
    Fault,
    Silent,
    Threshold,
    Trend,
    Unfit,
    Zone,
)
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Crossing, Limits
from dlrsd.runtime.service.said import Change
from tests.runtime.service.alarms.histories import START, letters, second, taken, without_ids

RULES: list[AnyRule] = [
    Fault(k=4, n=6, return_s=8),
    Fault(name="inner", faults=("inner",), k=2, n=4, hold_s=3, return_s=5, latch=True),
    Zone(k=3, n=5, return_s=7),
    Threshold(name="hot", level="temperature_c", alert=60, danger=80, k=2, n=3, return_s=4),
    Trend(k=2, n=3),
    Unfit(k=3, n=5, return_s=6),
    Silent(after_s=5, return_s=4),
]
LIMITS = Limits(zones=(1.4, 2.8, 4.5))
Call = tuple[str, tuple[Any, ...]]


def stream(rng: np.random.Generator, steps: int) -> Iterator[Call]:
    """Whatever may happen to a machine, with things that last for a while."""
    at, place, velocity, running, unfit, hot = 0.0, "healthy", 1.0, "running", None, 40.0
    for _ in range(steps):
        at += float(
            rng.choice(
                [1.0, 1.0, 1.0, 1.0, 3.0, 100.0, -50.0], p=[0.3] * 3 + [0.04, 0.03, 0.02, 0.01]
            )
        )
        if rng.random() < 0.08:
            place = str(rng.choice(["healthy", "outer", "inner", "undecided"]))
            velocity = float(rng.uniform(0.5, 6))
            hot = float(rng.uniform(30, 95))
        if rng.random() < 0.04:
            running = str(rng.choice(["running", "running", "standing", "changing"]))
            unfit = "clipped" if rng.random() < 0.4 else None
        for name in ("DE", "NDE"):
            own = {"place": place, "velocity": velocity + (name == "NDE"), "temperature_c": hot}
            yield "take", (second(at, sensor=name, running=running, unfit=unfit, **own),)
        silent = {"tcp": float(rng.uniform(0, 20))} if rng.random() < 0.3 else {}
        yield "tick", (START + at, silent)
        kind = rng.random()
        if kind < 0.1:
            soon = START + at + float(rng.uniform(1, 30)) * 86_400
            crossing = Crossing(
                earliest=soon - 1e4, likely=soon, latest=soon + 1e4, limit=4.5, figure="velocity"
            )
            yield "crossing", ("DE", "velocity_mm_s", crossing, START + at)
        elif kind < 0.14:
            name = str(rng.choice([rule.name for rule in RULES]))
            yield "shelve", (name, START + at + float(rng.uniform(1, 60)), "anna", START + at)
        elif kind < 0.18:
            name = str(rng.choice([rule.name for rule in RULES]))
            yield "acknowledge", (name, "ben", START + at)
        elif kind < 0.182:
            yield "renew", (START + at,)


def run(calls: list[Call], kills: set[int]) -> tuple[list[Change], MachineAlarms]:
    alarms = MachineAlarms("pump1", RULES, limits=LIMITS)
    changes: list[Change] = []
    for number, (name, values) in enumerate(calls):
        if number in kills:
            alarms = MachineAlarms("pump1", RULES, limits=LIMITS, restored=alarms.snapshot())
        try:
            changes += getattr(alarms, name)(*values)
        except InputError:
            assert name == "acknowledge"
    return changes, alarms


@pytest.mark.parametrize("seed", range(12))
def test_a_machine_killed_at_random_moments_says_what_it_would_have_said(seed: int) -> None:
    rng = np.random.default_rng(seed)
    calls = list(stream(rng, 1500))
    whole, alarms = run(calls, set())
    kills = set(rng.integers(0, len(calls), 300).tolist())
    killed, restored = run(calls, kills)
    assert without_ids(killed) == without_ids(whole)
    assert {each.rule for each in whole} == {rule.name for rule in RULES}  # all of them spoke
    now, again = alarms.now(), restored.now()
    assert [(each.rule, each.state, each.since) for each in now[1]] == [
        (each.rule, each.state, each.since) for each in again[1]
    ]
    assert now[0] == again[0]


@pytest.mark.parametrize("seed", range(12, 16))
def test_every_change_of_a_random_life_follows_from_the_one_before(seed: int) -> None:
    changes, alarms = run(list(stream(np.random.default_rng(seed), 600)), set())
    state = {rule.name: ("normal", "") for rule in RULES}
    for each in changes:
        was, alarm = state[each.rule]
        assert each.was == was != each.state
        assert alarm in ("", each.alarm)
        state[each.rule] = (each.state, each.alarm if each.state != "normal" else "")
    assert {name: now for name, (now, _) in state.items()} == {
        each.rule: each.state for each in alarms.now()[1]
    }
    assert len({each.id for each in changes}) == len(changes) > 50


def test_what_was_not_kept_of_this_machine_is_refused() -> None:
    kept = MachineAlarms("pump1").snapshot()
    with pytest.raises(InputError, match="kept alarms are of pump1, expected those of pump2"):
        MachineAlarms("pump2", restored=kept)
    newer = msgspec.json.encode(msgspec.json.decode(kept) | {"version": 2})
    with pytest.raises(InputError, match="of version 2, expected 1"):
        MachineAlarms("pump1", restored=newer)
    for broken in (b"", b"{}", kept[:-9], b"[" * 10_000, kept.replace(b'"fault"', b"7", 1)):
        with pytest.raises(InputError, match="kept alarms of pump1 cannot be read"):
            MachineAlarms("pump1", restored=broken)


def test_an_alarm_whose_rule_is_no_more_ends_and_says_so() -> None:
    alarms = MachineAlarms("pump1", RULES, limits=LIMITS)
    opened = {each.rule: each.alarm for each in taken(alarms, letters("20o", velocity=3.0))}
    assert set(opened) == {"fault", "zone"}
    other = MachineAlarms("pump1", [RULES[2]], limits=LIMITS, restored=alarms.snapshot())
    other = MachineAlarms("pump1", [RULES[2]], limits=LIMITS, restored=other.snapshot())
    (over,) = other.tick(START + 30, {})
    assert (over.rule, over.state, over.was, over.alarm) == (
        "fault", "normal", "alert", opened["fault"],
    )  # fmt: skip
    assert (
        over.text
        == "pump1, normal: the alarm of rule fault ends, for there is no such rule any more"
    )
    assert other.tick(START + 31, {}) == []
    again = MachineAlarms("pump1", [RULES[2]], limits=LIMITS, restored=other.snapshot())
    assert again.tick(START + 32, {}) == []
    assert other.now()[1][0].alarm == opened["zone"]


def test_a_rule_of_the_same_name_and_another_kind_is_another_rule() -> None:
    alarms = MachineAlarms("pump1", [Fault(name="one", k=4, n=5)])
    assert len(taken(alarms, letters("20o"))) == 1
    other = MachineAlarms("pump1", [Zone(name="one")], limits=LIMITS, restored=alarms.snapshot())
    (over,) = taken(other, letters("5h", 20))
    assert (over.state, over.was) == ("normal", "alert")
    assert other.now()[1][0].state == "normal"


def test_what_is_kept_stays_small() -> None:
    alarms = MachineAlarms("pump1", [Fault(k=2, n=600, return_s=600)])
    taken(alarms, letters("3000o 3000h 2000o"))
    assert len(alarms.snapshot()) < 40_000
