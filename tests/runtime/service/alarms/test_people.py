"""What persons do to alarms: acknowledge, shelve, commission again."""

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.alarms.kinds import Fault, Zone
from dlrsd.runtime.service.alarms.machine import MachineAlarms
from dlrsd.runtime.service.alarms.rule import Limits
from tests.runtime.service.alarms.histories import START, letters, play, second, taken


def alarms_of(**values: object) -> MachineAlarms:
    return MachineAlarms("pump1", [Fault(k=4, n=5, return_s=6, **values)])  # type: ignore[arg-type]


def test_a_latched_alarm_stays_until_it_is_acknowledged() -> None:
    alarms = alarms_of(latch=True)
    assert play(alarms, letters("4o 100h")) == [(3, "fault", "alert")]
    (over,) = alarms.acknowledge("fault", "anna", START + 104)
    assert (over.state, over.was, over.time) == ("normal", "alert", START + 104)
    assert alarms.now()[1][0].acknowledged_by is None  # with the alarm its acknowledgement ends


def test_a_latched_alarm_acknowledged_before_ends_when_it_is_over() -> None:
    alarms = alarms_of(latch=True)
    play(alarms, letters("8o"))
    assert alarms.acknowledge("fault", "anna", START + 8) == []
    assert play(alarms, letters("20h", 8)) == [(12, "fault", "normal")]


def test_who_acknowledged_and_when_is_known() -> None:
    alarms = alarms_of()
    (change,) = taken(alarms, letters("8o"))
    assert alarms.acknowledge(change.alarm, "anna", START + 9) == []
    (rule,) = alarms.now()[1]
    assert (rule.acknowledged_by, rule.acknowledged) == ("anna", START + 9)
    (event,) = alarms.events()
    assert (event.kind, event.machine) == ("configured", "pump1")
    assert event.text == "pump1: fault is acknowledged by anna"
    assert alarms.events() == []


def test_what_is_graver_was_not_acknowledged() -> None:
    rule = Zone(k=4, n=5, return_s=6, latch=True)
    alarms = MachineAlarms("pump1", [rule], limits=Limits(zones=(1.4, 2.8, 4.5)))
    taken(alarms, [second(at, velocity=3.0) for at in range(9)])
    alarms.acknowledge("zone", "anna", START + 9)
    (graver,) = taken(alarms, [second(at, velocity=5.0) for at in range(9, 20)])
    assert graver.state == "danger"
    assert alarms.now()[1][0].acknowledged_by is None
    assert taken(alarms, [second(at, velocity=1.0) for at in range(20, 60)]) == []


def test_what_is_not_open_is_not_acknowledged() -> None:
    alarms = alarms_of()
    with pytest.raises(InputError, match=r"pump1 has no open alarm 'fault': expected one of none"):
        alarms.acknowledge("fault", "anna", START)
    taken(alarms, letters("8o"))
    with pytest.raises(InputError, match=r"no open alarm 'x': expected one of fault"):
        alarms.acknowledge("x", "anna", START)


def test_a_shelved_rule_says_nothing_and_its_shelving_ends_by_itself() -> None:
    alarms = alarms_of()
    assert alarms.shelve("fault", START + 50, "anna", START) == []
    assert play(alarms, letters("40o")) == []
    state, (rule,) = alarms.now()
    assert (state, rule.state) == ("normal", "normal")
    assert (rule.shelved_until, rule.shelved_by) == (START + 50, "anna")
    assert alarms.tick(START + 49.9, {}) == []
    (change,) = alarms.tick(START + 50, {})  # what came meanwhile is said at once
    assert (change.state, change.time, change.since) == ("alert", START + 50, START)
    assert alarms.now()[1][0].shelved_until is None
    assert [each.text for each in alarms.events()] == [
        "pump1: fault is shelved by anna until 2027-01-15 08:00:50 UTC",
        "pump1: fault: its shelving has ended",
    ]


def test_shelving_does_not_end_while_the_machine_stands_for_that_would_raise_an_alarm() -> None:
    alarms = alarms_of()
    alarms.shelve("fault", START + 50, "anna", START)
    assert play(alarms, letters("40o 20s")) == []
    assert alarms.tick(START + 60, {}) == []
    taken(alarms, letters("1o", 60))
    assert [each.state for each in alarms.tick(START + 61, {})] == ["alert"]


def test_what_came_and_went_while_shelved_is_not_said() -> None:
    alarms = alarms_of()
    alarms.shelve("fault", START + 500, "anna", START)
    assert play(alarms, letters("40o 40h")) == []
    assert alarms.unshelve("fault", "ben", START + 80) == []
    assert play(alarms, letters("4o", 80)) == [(83, "fault", "alert")]


def test_an_open_alarm_that_is_shelved_stays_open_and_is_no_state_of_the_machine() -> None:
    alarms = alarms_of()
    (first,) = taken(alarms, letters("8o"))
    alarms.shelve("fault", START + 500, "anna", START + 8)
    state, (rule,) = alarms.now()
    assert (state, rule.state, rule.alarm) == ("normal", "alert", first.alarm)
    assert taken(alarms, letters("40h", 8)) == []
    (over,) = alarms.unshelve("fault", "anna", START + 48)
    assert (over.state, over.alarm) == ("normal", first.alarm)


def test_shelving_that_cannot_be_is_refused() -> None:
    alarms = alarms_of()
    with pytest.raises(InputError, match=r"no rule 'vault': expected one of fault"):
        alarms.shelve("vault", START + 50, "anna", START)
    with pytest.raises(InputError, match="expected a later time"):
        alarms.shelve("fault", START, "anna", START)
    with pytest.raises(InputError, match="expected a later time"):
        alarms.shelve("fault", float("nan"), "anna", START)
    with pytest.raises(InputError, match="'fault' of pump1 is not shelved"):
        alarms.unshelve("fault", "anna", START)


def test_a_machine_that_is_commissioned_again_begins_anew() -> None:
    alarms = alarms_of(latch=True)
    (first,) = taken(alarms, letters("8o"))
    (over,) = alarms.renew(START + 8)
    assert (over.state, over.was, over.alarm) == ("normal", "alert", first.alarm)
    assert (
        over.text
        == "pump1, normal: the alarm of rule fault ends, for the machine is commissioned again"
    )
    assert [each.kind for each in alarms.events()] == ["commissioned"]
    assert alarms.now()[1][0].alarm is None
    assert play(alarms, letters("3o 3h", 8)) == []  # nothing of before is counted
    (again,) = taken(alarms, letters("4o", 14))
    assert again.alarm != first.alarm
    assert alarms.renew(START + 20)[0].alarm == again.alarm


def test_a_machine_that_is_commissioned_again_has_other_limits() -> None:
    alarms = MachineAlarms("pump1", [Zone(k=1, n=1)], limits=Limits(zones=(1.4, 2.8, 4.5)))
    assert alarms.renew(START, Limits(zones=(3.5, 7.1, 11))) == []
    assert taken(alarms, [second(at, velocity=5.0) for at in range(9)]) == []
    alarms.renew(START + 9)
    assert taken(alarms, [second(at, velocity=5.0) for at in range(9, 20)]) == []
