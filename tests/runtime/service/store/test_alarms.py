from __future__ import annotations

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import change


def test_a_change_its_alarm_the_snapshot_and_the_outbox_are_kept_together(store, reading) -> None:
    first = change(10, value=5.1, limit=4.5, unit="mm/s", sensor="DE", place="outer")
    store.decide([first], "pump", b"known")
    assert store.snapshot("pump") == b"known"
    assert store.snapshot("fan") is None
    assert store.undelivered("mqtt", 10) == store.undelivered("mail", 10) == [first]
    assert reading.changes("a1") == [first]
    (row,) = reading.alarms()
    assert (row.id, row.state, row.gravest, row.began, row.ended) == (
        "a1", "alert", "alert", 10, None
    )  # fmt: skip
    assert (row.value, row.limit, row.unit, row.sensor, row.place) == (
        5.1, 4.5, "mm/s", "DE", "outer"
    )  # fmt: skip


def test_an_alarm_goes_from_leaving_normal_to_coming_back(store, reading) -> None:
    store.decide([change(1)], "pump", b"")
    store.decide([change(2, state="danger"), change(3, state="alert")], "pump", b"")
    (row,) = reading.alarms(open_only=True)
    assert (row.state, row.gravest, row.changed, row.text) == ("alert", "danger", 3, "text 3")
    store.decide([change(4, state="normal")], "pump", b"")
    (row,) = reading.alarms()
    assert (row.state, row.gravest, row.ended, row.text) == ("normal", "danger", 4, "text 3")
    assert reading.alarms(open_only=True) == []
    assert [each.id for each in reading.changes("a1")] == ["c1", "c2", "c3", "c4"]


def test_a_change_that_is_there_is_ignored(store, reading) -> None:
    store.decide([change(1)], "pump", b"1")
    store.delivered("mqtt", ["c1"])
    store.decide([change(1, state="danger"), change(2)], "pump", b"2")
    assert [each.id for each in reading.changes("a1")] == ["c1", "c2"]
    assert [each.id for each in store.undelivered("mqtt", 9)] == ["c2"]
    assert reading.alarms()[0].gravest == "alert"


def test_a_change_without_an_id_is_refused(store) -> None:
    with pytest.raises(ValueError, match="without an id"):
        store.decide([change(1, alarm="")], "pump", b"")
    assert store.snapshot("pump") is None


def test_each_sink_is_told_in_order_until_it_confirms(store) -> None:
    for number in range(20):
        store.decide([change(number)], "pump", b"")
    ids = [f"c{number}" for number in range(20)]
    assert [each.id for each in store.undelivered("mqtt", 5)] == ids[:5]
    store.delivered("mqtt", ids[:3])
    store.delivered("mqtt", [ids[4], "unheard of"])
    assert [each.id for each in store.undelivered("mqtt", 4)] == [ids[3], *ids[5:8]]
    assert [each.id for each in store.undelivered("mail", 99)] == ids
    assert store.undelivered("pigeon", 9) == []


def test_what_waits_for_a_sink_is_bounded_and_that_is_said(tmp_path) -> None:
    from dlrsd.runtime.service.store.reading import Reading

    with Store.open(tmp_path, Limits(undelivered=5), sinks=["mqtt", "mail"], now=0) as store:
        for number in range(12):
            store.decide([change(number)], "pump", b"")
            store.delivered("mail", [f"c{number}"])
        assert [each.id for each in store.undelivered("mqtt", 99)] == [
            f"c{n}" for n in range(7, 12)
        ]
        (event,) = Reading(tmp_path).events()
    assert (event.kind, event.source, event.count) == ("undelivered", "mqtt", 7)


def test_what_waits_is_there_when_it_is_opened_again_but_for_sinks_that_are_gone(tmp_path) -> None:
    with Store.open(tmp_path, Limits(), sinks=["mqtt", "mail"]) as store:
        store.decide([change(1)], "pump", b"")
    with Store.open(tmp_path, Limits(), sinks=["mqtt", "hook"]) as store:
        assert [each.id for each in store.undelivered("mqtt", 9)] == ["c1"]
        assert store.undelivered("hook", 9) == []
    with Store.open(tmp_path, Limits(), sinks=["mail"]) as store:
        assert store.undelivered("mail", 9) == []


def test_who_acknowledged_and_who_shelved_is_kept(store, reading) -> None:
    store.decide([change(1)], "pump", b"1")
    store.acknowledge("a1", "Ada", 7.0, b"2")
    store.shelve("pump", "zone", 500.0, "Bob", 8.0, b"3")
    row = reading.alarm("a1")
    assert (row.acknowledged_by, row.acknowledged) == ("Ada", 7.0)
    assert (row.shelved_until, row.shelved_by) == (500.0, "Bob")
    assert store.snapshot("pump") == b"3"
    store.unshelve("pump", "zone", "Eve", 9.0, b"4", [change(2)])
    assert reading.alarm("a1").shelved_until is None
    assert [each.id for each in store.undelivered("mail", 9)] == ["c1", "c2"]
    actions = store.writing.connection.execute("SELECT time, person, kind FROM action").fetchall()
    assert actions == [
        (7.0, "Ada", "acknowledge"),
        (8.0, "Bob", "shelve"),
        (9.0, "Eve", "unshelve"),
    ]
    with pytest.raises(InputError, match="no alarm 'a9'"):
        store.acknowledge("a9", "Ada", 7.0, b"")


def test_alarms_are_read_by_machine_and_from_a_time_back(store, reading) -> None:
    for number in range(10):
        machine = "pump" if number % 2 else "fan"
        store.decide([change(number, alarm=f"a{number}", machine=machine)], machine, b"")
    assert [row.id for row in reading.alarms(most=3)] == ["a9", "a8", "a7"]
    assert [row.id for row in reading.alarms(machine="fan", before=6.0)] == ["a4", "a2", "a0"]
    assert reading.alarm("none") is None


def test_what_is_graver_was_not_seen_by_whom_acknowledged_it(store, reading) -> None:
    store.decide([change(1)], "pump", b"")
    store.acknowledge("a1", "Ada", 2.0, b"")
    store.decide([change(3, state="alert")], "pump", b"")
    assert reading.alarm("a1").acknowledged_by == "Ada"
    store.decide([change(4, state="danger")], "pump", b"")
    assert reading.alarm("a1").acknowledged_by is None


def test_an_alarm_that_stayed_until_it_was_acknowledged_ends_with_that(store, reading) -> None:
    store.decide([change(1)], "pump", b"1")
    store.acknowledge("a1", "Ada", 7.0, b"2", [change(2, state="normal", time=7.0)])
    row = reading.alarm("a1")
    assert (row.acknowledged_by, row.ended, store.snapshot("pump")) == ("Ada", 7.0, b"2")
    assert [each.id for each in store.undelivered("mail", 9)] == ["c1", "c2"]
