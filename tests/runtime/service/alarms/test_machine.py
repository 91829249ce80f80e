"""The state machine, by histories of seconds."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.service.alarms.kinds import Fault, Silent, Threshold, Unfit, Zone
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Limits
from tests.runtime.service.alarms.histories import START, letters, play, second, taken

ZONES = (1.4, 2.8, 4.5)


def fault(**values: Any) -> Fault:
    return Fault(**({"k": 4, "n": 5, "return_s": 6} | values))


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ("20h", []),
        ("3o 20h", []),  # three of five are too few
        ("4o", [(3, "alert")]),  # said in the very second that completes it
        ("3o h 3o", [(4, "alert")]),  # four of the last five
        ("2o 2h 2o 2h 2o 2h", []),
        ("o h o h o h o h", []),
        ("30o", [(3, "alert")]),  # once, not once a second
        ("2o 2i", [(3, "alert")]),  # a fault that wanders is a fault
        ("4u", [(3, "alert")]),  # an unknown one too
        ("3o d o", [(4, "alert")]),
        ("3o 30d", []),  # undecided raises nothing
        ("4o 30d", [(3, "alert")]),  # and clears nothing
        ("4o 6h", [(3, "alert"), (9, "normal")]),  # six seconds back, one of them may be bad
        ("4o 4h", [(3, "alert")]),
        ("4o 3h o 3h", [(3, "alert"), (9, "normal")]),
        ("4o 2h 2o 2h 2o 4h", [(3, "alert")]),
        ("4o 6h 4o", [(3, "alert"), (9, "normal"), (13, "alert")]),
    ],
)
def test_k_of_n_raises_and_comes_back_once(history: str, said: list[tuple[int, str]]) -> None:
    alarms = MachineAlarms("pump1", [fault()])
    assert play(alarms, letters(history)) == [(at, "fault", state) for at, state in said]


@pytest.mark.parametrize("hold", [0, 1, 7])
def test_the_minimum_duration_ends_in_its_very_second(hold: int) -> None:
    alarms = MachineAlarms("pump1", [fault(hold_s=hold)])
    assert play(alarms, letters("10h 40o")) == [(13 + hold, "fault", "alert")]
    broken = MachineAlarms("pump1", [fault(hold_s=3)])
    assert play(broken, letters("5o 3h 5o 3h 5o")) == []


def test_what_was_counted_before_it_was_over_does_not_raise_it_again() -> None:
    alarms = MachineAlarms("pump1", [fault(n=20)])
    assert [state for _, _, state in play(alarms, letters("4o 12h"))] == ["alert", "normal"]
    assert [state for _, _, state in play(alarms, letters("3o 2h o", 16))] == ["alert"]


def test_since_is_when_it_began() -> None:
    (change,) = taken(MachineAlarms("pump1", [fault(hold_s=2)]), letters("10h o h 6o"))
    assert change.time - START == 16
    assert change.since - START == 10
    assert change.was == "normal"


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ("60x", []),  # never from unfit seconds, whatever is said in them
        ("3o 60x", []),
        ("3o 3x o", [(6, "alert")]),  # nor do they interrupt
        ("4o 50x", [(3, "alert")]),  # nor clear
        ("4o 5h 50x h", [(3, "alert"), (59, "normal")]),
        ("60s", []),  # a machine that stands raises none
        ("60c", []),  # nor one that starts or runs down
        ("3o 20s", []),
        ("4o 500s", [(3, "alert")]),  # what is open stays open
        ("4o 500s 6h", [(3, "alert"), (509, "normal")]),
        ("4o 20c 6h", [(3, "alert"), (29, "normal")]),
        ("3o 500s o", []),  # a start does not go on counting where the stop broke off
    ],
)
def test_what_is_no_knowledge_neither_raises_nor_clears(
    history: str, said: list[tuple[int, str]]
) -> None:
    alarms = MachineAlarms("pump1", [fault()])
    assert play(alarms, letters(history)) == [(at, "fault", state) for at, state in said]


def test_a_rule_is_normal_since_the_first_second() -> None:
    alarms = MachineAlarms("pump1", [fault()])
    play(alarms, letters("5h", 100))
    assert alarms.now()[1][0].since == START + 100


def test_stopped_is_the_state_of_a_machine_that_stands() -> None:
    alarms = MachineAlarms("pump1", [fault()])
    assert alarms.now()[0] == "normal"
    play(alarms, letters("3h 3s"))
    assert (alarms.now()[0], alarms.since) == ("stopped", START + 3)
    play(alarms, letters("4h", 6))
    assert (alarms.now()[0], alarms.since) == ("normal", START)
    play(alarms, letters("4o 9s", 10))
    assert alarms.since == START + 10
    state, (rule,) = alarms.now()
    assert (state, rule.state) == ("alert", "alert")  # frozen, and not hidden by the stop
    assert alarms.running == "standing"


def test_one_running_sensor_makes_a_machine_run() -> None:
    alarms = MachineAlarms("pump1", [fault()])
    alarms.take(second(0, running="standing"))
    alarms.take(second(0, sensor="NDE"))
    assert alarms.running == "running"
    for at in range(1, 15):  # what a sensor that died said last counts no more
        alarms.take(second(at, running="standing"))
    assert alarms.running == "standing"


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([2.7] * 50, []),
        ([2.9] * 50, [(3, "alert")]),
        ([4.6] * 50, [(3, "danger")]),  # at once
        ([2.9] * 10 + [4.6] * 40, [(3, "alert"), (13, "danger")]),
        ([4.6] * 10 + [4.2] * 40, [(3, "danger")]),  # the return limit is a tenth below
        ([4.6] * 10 + [4.0] * 40, [(3, "danger"), (14, "alert")]),
        ([4.6] * 10 + [2.0] * 40, [(3, "danger"), (14, "normal")]),  # one message, not two
        ([2.9] * 10 + [2.6] * 40, [(3, "alert")]),
        ([2.9] * 10 + [2.5] * 40, [(3, "alert"), (14, "normal")]),
        ([2.9, 2.6] * 40, []),
        ([float("nan")] * 50, []),
        ([2.9] * 10 + [None] * 50, [(3, "alert")]),
    ],
)
def test_zones_raise_and_come_back_with_hysteresis(
    levels: list[float | None], said: list[tuple[int, str]]
) -> None:
    rule = Zone(k=4, n=5, return_s=6)
    alarms = MachineAlarms("pump1", [rule], limits=Limits(zones=ZONES))
    seconds = [second(at, velocity=v) for at, v in enumerate(levels)]
    assert play(alarms, seconds) == [(at, "zone", state) for at, state in said]


def test_a_level_that_lies_at_its_limit_does_not_chatter() -> None:
    """An hour of a level that crosses the limit in half of all seconds."""
    rng = np.random.default_rng(3)
    levels = 2.8 + 0.05 * rng.standard_normal(3600)
    alarms = MachineAlarms("pump1", [Zone(k=5, n=10)], limits=Limits(zones=ZONES))
    seconds = [second(at, velocity=float(v)) for at, v in enumerate(levels)]
    assert [state for _, _, state in play(alarms, seconds)] == ["alert"]


def test_several_sensors_of_a_machine_are_one_alarm_that_names_the_worst() -> None:
    alarms = MachineAlarms("pump1", [Zone(k=4, n=5, return_s=6)], limits=Limits(zones=ZONES))

    def both(start: int, stop: int, de: float, nde: float) -> list[Any]:
        pairs = (
            (second(at, velocity=de), second(at + 0.001, velocity=nde, sensor="NDE"))
            for at in range(start, stop)
        )
        return taken(alarms, chain.from_iterable(pairs))

    (first,) = both(0, 20, 3.0, 3.5)
    assert (first.state, first.sensor, first.value, first.limit) == ("alert", "NDE", 3.5, 2.8)
    assert both(20, 40, 3.6, 1.0) == []  # the other one goes on: nothing new
    assert both(40, 60, 3.6, 3.9) == []  # one joins: nothing new
    (graver,) = both(60, 80, 3.6, 4.8)
    assert (graver.state, graver.was, graver.sensor) == ("danger", "alert", "NDE")
    assert both(80, 84, 1.0, 1.0) == []  # five of six: one may be bad
    (over,) = both(84, 100, 1.0, 1.0)
    assert (over.state, over.was) == ("normal", "danger")
    assert len({first.alarm, graver.alarm, over.alarm}) == 1
    assert len({first.id, graver.id, over.id}) == 3


def test_a_sensor_that_joins_before_it_is_said_is_named_if_it_is_worse() -> None:
    alarms = MachineAlarms("pump1", [Zone(k=4, n=5)], limits=Limits(zones=ZONES))
    history = [second(0, velocity=3.0)]
    for at in range(1, 6):
        history += [second(at, velocity=3.0), second(at, velocity=4.0, sensor="NDE")]
    (change,) = taken(alarms, history)
    assert (change.sensor, change.time - START, change.since - START) == ("NDE", 3, 0)


def test_every_alarm_has_an_id_of_its_own() -> None:
    alarms = MachineAlarms("pump1", [fault()])
    up, down, again = taken(alarms, letters("4o 6h 4o"))
    assert up.alarm == down.alarm != again.alarm
    assert [up.alarm, again.alarm] == sorted([up.alarm, again.alarm])  # they sort by time
    assert alarms.now()[1][0].alarm == again.alarm


@pytest.mark.parametrize("jump", [-86_400, -3, 7, 86_400, 1e9, -START])
def test_a_clock_that_jumps_raises_and_clears_nothing(jump: float) -> None:
    alarms = MachineAlarms("pump1", [fault()])
    before, after = list(letters("20h 3o")), list(letters("3h 20h", 23 + jump))
    assert play(alarms, [*before, *after]) == []
    open_one = MachineAlarms("pump1", [fault()])
    assert len(taken(open_one, letters("4o"))) == 1
    assert play(open_one, letters("5h", 4 + jump)) == []
    assert len(taken(open_one, letters("8h", 9 + jump))) == 1


def test_a_fault_is_found_whatever_the_clock_does() -> None:
    alarms = MachineAlarms("pump1", [fault()])
    times = [0, 1, -500, -499, 1e6]
    (change,) = taken(alarms, [second(at, place="outer") for at in times])
    assert change.since <= change.time


def test_unfit_seconds_of_a_running_machine_are_a_sensor_fault() -> None:
    alarms = MachineAlarms("pump1", [Unfit(k=8, n=10, return_s=10), fault()])
    assert play(alarms, letters("20h 7x 20h")) == []
    (change,) = taken(alarms, letters("20h 30x", 100))
    assert (change.rule, change.state, change.time - START) == ("unfit", "sensor fault", 127)
    assert "clipped" in change.text
    assert alarms.now()[0] == "sensor fault"
    assert play(alarms, letters("100s", 150)) == []
    assert play(alarms, letters("10h", 250)) == [(259, "unfit", "normal")]


def test_a_silent_source_is_a_sensor_fault_once() -> None:
    alarms = MachineAlarms("pump1", [Silent(after_s=30, return_s=20)])
    taken(alarms, letters("3h"))
    said = []
    for at in range(100):
        said += alarms.tick(START + 3 + at, {"tcp": float(at)})
    (change,) = said
    assert (change.state, change.sensor) == ("sensor fault", "tcp")
    assert (change.time - START, change.since - START) == (33, 3)
    for at in range(100):  # it comes and goes: not heard for long enough
        said += alarms.tick(START + 103 + at, {"tcp": 31.0} if at % 10 == 9 else {})
    assert len(said) == 1
    for at in range(30):
        said += alarms.tick(START + 203 + at, {"tcp": 0.5})
    assert [each.state for each in said] == ["sensor fault", "normal"]
    assert said[1].time - START == 222


def test_a_watch_that_begins_anew_has_not_heard_a_silent_sensor() -> None:
    alarms = MachineAlarms("pump1", [Silent(after_s=30, return_s=20)])
    assert len(alarms.tick(START, {"DE": 40.0})) == 1
    for at in range(1, 60):  # too short to be silent again, and nothing came
        silent = {"DE": float(at)} if at > 30 else {}
        assert alarms.tick(START + at, silent, {"DE"}) == []
    said = [c for at in range(60, 90) for c in alarms.tick(START + at, {})]
    assert [each.state for each in said] == ["normal"]


def test_a_clock_that_jumps_does_not_make_a_source_heard() -> None:
    alarms = MachineAlarms("pump1", [Silent(after_s=30, return_s=60)])
    assert len(alarms.tick(START, {"tcp": 40.0})) == 1
    assert alarms.tick(START + 86_400, {}) == []
    assert alarms.tick(START - 86_400, {}) == []


def test_silence_of_a_standing_machine_raises_none_and_clears_none() -> None:
    alarms = MachineAlarms("pump1", [Silent(after_s=30), fault()])
    taken(alarms, letters("4o 3s"))
    for at in range(300):
        assert alarms.tick(START + 7 + at, {"tcp": float(at)}) == []
    assert alarms.now()[0] == "alert"
    told = MachineAlarms("pump1", [Silent(after_s=30, while_standing=True)])
    taken(told, letters("3s"))
    assert len(told.tick(START + 40, {"tcp": 37.0})) == 1


def test_a_threshold_of_the_file_goes_before_that_of_the_baseline() -> None:
    base = Limits(baseline={"DE": {"velocity_mm_s": 2.0}})
    own = Threshold(name="v", level="velocity_mm_s", k=4, n=5)
    alarms = MachineAlarms("pump1", [own], limits=base)
    (change,) = taken(alarms, [second(at, velocity=2.1) for at in range(10)])
    assert (change.limit, change.unit) == (2.0, "mm/s")
    other = MachineAlarms("pump1", [own], limits=base)
    strange = [second(at, velocity=9.0, sensor="NDE") for at in range(10)]
    assert taken(other, strange) == []  # there is no limit of that sensor
    stated = Threshold(name="v", level="velocity_mm_s", alert=3.0, danger=6.0, back=1.0, k=4, n=5)
    alarms = MachineAlarms("pump1", [stated], limits=base)
    history = [2.1] * 10 + [3.1] * 10 + [1.2] * 90 + [0.9] * 90 + [7.0] * 10
    seconds = [second(at, velocity=v) for at, v in enumerate(history)]
    states = [(at, state) for at, _, state in play(alarms, seconds)]
    assert states == [(13, "alert"), (157, "normal"), (203, "danger")]
