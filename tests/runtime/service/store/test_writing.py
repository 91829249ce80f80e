from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.reading import Reading
from tests.runtime.service.store.made import change, minute, newest


@pytest.fixture
def locked(store):
    """While it is called, another connection holds the database, and nothing can be written."""
    store.writing.connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(store.folder / "store.db", isolation_level=None)

    class Locked:
        def __enter__(self) -> None:
            other.execute("BEGIN IMMEDIATE")

        def __exit__(self, *error: object) -> None:
            other.execute("COMMIT")

    yield Locked()
    other.close()


def test_what_cannot_be_written_is_told_and_written_later_in_order(store, reading, locked) -> None:
    store.decide([change(1)], "pump", b"1")
    with locked:
        store.decide([change(2, state="danger")], "pump", b"2")
        store.write_minutes([minute(5)], newest)
        store.decide([change(3, state="normal")], "pump", b"3")
        assert store.writing.is_behind
        assert [each.id for each in store.undelivered("mail", 9)] == ["c1", "c2", "c3"]
        store.delivered("mail", ["c1", "c2"])
        assert [each.id for each in store.undelivered("mail", 9)] == ["c3"]
        assert [each.id for each in store.undelivered("mqtt", 2)] == ["c1", "c2"]
        assert len(reading.changes("a1")) == 1
    store.heartbeat(9.0)
    assert not store.writing.is_behind
    assert [each.id for each in reading.changes("a1")] == ["c1", "c2", "c3"]
    assert reading.alarm("a1").gravest == "danger"
    assert [each.id for each in store.undelivered("mail", 9)] == ["c3"]
    assert [each.id for each in store.undelivered("mqtt", 9)] == ["c1", "c2", "c3"]
    assert len(reading.minutes("pump", "DE", start=0, end=1e6)) == 1
    (event,) = reading.events()
    assert event.kind == "disk"
    assert "database is locked" in event.text


def test_a_call_does_not_wait_for_all_that_had_to_wait(store, locked) -> None:
    slow = []

    def operation(c: sqlite3.Connection) -> None:
        time.sleep(0.1)
        slow.append(1)

    with locked:
        for _ in range(10):
            store.writing.write(operation)
    assert slow == []
    store.heartbeat(1.0)
    assert 0 < len(slow) < 10
    for _ in range(10):
        store.heartbeat(2.0)
    assert len(slow) == 10


def test_what_waits_is_bounded_and_that_is_said(store, reading, locked) -> None:
    done = []
    store.writing.connection.execute("PRAGMA busy_timeout = 0")
    with locked:
        for number in range(300):
            store.writing.write(lambda c, number=number: done.append(number))
            store.heartbeat(1.0)  # which need not be written later
    store.heartbeat(2.0)
    assert done == [*range(60, 300)]
    assert any("the oldest of it is lost" in event.text for event in reading.events())


def test_a_mistake_is_raised_and_stops_nothing_else(store, reading) -> None:
    def mistaken(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO snapshot VALUES ('fan', x'00')")
        c.execute("INSERT INTO snapshot VALUES ('fan', x'00')")

    with pytest.raises(sqlite3.IntegrityError):
        store.writing.write(mistaken)
    assert store.snapshot("fan") is None
    assert not store.writing.is_behind
    store.decide([change(1)], "pump", b"")
    assert len(reading.alarms()) == 1


def test_events_that_come_while_others_are_written_are_not_lost(store, reading) -> None:
    def write() -> None:
        for _ in range(3000):
            store.write_event(Event(time=1.0, kind="lost", text="a", count=1, seconds=0.5))

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.heartbeat(1.0)
    store.heartbeat(1.0)
    (event,) = reading.events()
    assert (event.count, event.seconds) == (9000, 4500.0)


def test_many_threads_read_while_one_writes(store) -> None:
    reading, wrong = Reading(store.folder), []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            row = reading.alarm("a1")
            changes = reading.changes("a1")
            if row is not None and (len(changes) < 1 or not reading.latest()):
                wrong.append(row)

    store.write_minutes([minute(1)], newest)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100):
        store.decide([change(number)], "pump", b"")
    stop.set()
    for thread in threads:
        thread.join()
    reading.close()
    assert wrong == []
