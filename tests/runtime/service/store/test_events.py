from __future__ import annotations

from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.store import Store


def lost(time: float, **fields) -> Event:
    given = {"kind": "lost", "text": f"at {time}", "machine": "pump", "source": "tcp"}
    return Event(time=time, seconds=0.5, **{**given, **fields})


def test_a_source_that_chatters_is_one_row_an_hour(store, reading) -> None:
    for number in range(20_000):  # half a second apart: 10,000 s
        store.write_event(lost(number / 2))
        if number % 10 == 0:
            store.heartbeat(number / 2)
    store.heartbeat(10_000)
    events = reading.events()
    assert len(events) == 3
    assert sum(event.count for event in events) == 20_000
    assert sum(event.seconds for event in events) == 10_000
    assert events[0].text == "at 9999.5"


def test_others_are_rows_of_their_own(store, reading) -> None:
    store.write_event(lost(1.0))
    store.write_event(lost(2.0, machine="fan"))
    store.write_event(lost(3.0, source=None))
    store.write_event(lost(4.0, kind="late"))
    store.heartbeat(5.0)
    store.write_event(lost(61.5))  # more than a minute later
    store.heartbeat(65.0)
    assert [event.time for event in reading.events()] == [61.5, 4, 3, 2, 1]
    assert [event.time for event in reading.events(machine="fan")] == [2]
    assert len(reading.events(most=2)) == 2
    assert reading.events()[-1] == lost(1.0)


def test_an_end_by_force_is_a_gap_and_one_in_order_is_none(tmp_path) -> None:
    folder, reading = tmp_path / "store", Reading(tmp_path / "store")
    store = Store.open(folder, Limits(), now=100.0)
    store.heartbeat(130.0, {"pump": 129.5})
    store._stack.close()  # nothing is said of an end, as after a kill
    store = Store.open(folder, Limits(), now=142.0)
    (gap,) = reading.events()
    assert (gap.kind, gap.time, gap.seconds) == ("gap", 142.0, 12.0)
    assert store.upto() == {"pump": 129.5}
    store._stack.close()  # again, before the first heartbeat: only what was not said yet
    store = Store.open(folder, Limits(), now=145.0)
    assert [event.seconds for event in reading.events()] == [3.0, 12.0]
    store.close(150.0)
    Store.open(folder, Limits(), now=999.0).close(1000.0)
    assert len(reading.events()) == 2


def test_a_clock_that_is_behind_the_last_watch_is_said(tmp_path) -> None:
    store = Store.open(tmp_path, Limits(), now=1e9)
    store._stack.close()
    with Store.open(tmp_path, Limits(), now=5.0):
        events = Reading(tmp_path).events()
    assert {event.kind for event in events} == {"gap", "clock"}
    assert {event.seconds for event in events} == {None}


def test_a_gap_that_is_told_again_from_its_beginning_on_takes_the_place_of_the_first(
    store, reading
) -> None:
    def gap(end: float, seconds: float) -> Event:
        return Event(time=end, kind="gap", text=f"to {end}", machine="pump", seconds=seconds)

    store.write_event(gap(130.0, 30.0))
    store.heartbeat(131.0)
    store.write_event(gap(180.0, 80.0))  # killed before it had kept more, and begun again
    store.write_event(gap(190.0, 5.0))  # another one
    store.heartbeat(191.0)
    found = [(event.time, event.seconds) for event in reading.events() if event.machine == "pump"]
    assert found == [(190.0, 5.0), (180.0, 80.0)]
