from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.service.store.limits import Limits
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.recorder import Recorder
from dlrsd.runtime.service.store.store import Store
from tests.runtime.service.store.made import waveform

RATE, T0 = 1000.0, 1.7e9
LIMITS = Limits()  # 10 s before, 10 s after


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(store, clock):
    recorder = Recorder(store, clock=clock)
    yield recorder
    recorder.close()


@pytest.fixture
def signal() -> np.ndarray:
    return np.random.default_rng(0).integers(-9999, 9999, (2, 100_000)).astype("<i2")


def tapped(recorder: Recorder, source: str = "tcp", dtype: str = "<i2"):
    return recorder.tap(
        "pump", source, ["DE", "NDE"], rate_hz=RATE, dtype=dtype, scale=[0.01, 0.01], unit="m/s2"
    )


def feed(tap, signal: np.ndarray, first: float, last: float, block: int = 250) -> None:
    for at in range(round(first * RATE), round(last * RATE), block):
        tap.push(signal[:, at : at + block], T0 + at / RATE)


def test_the_waveform_of_an_alarm_is_ten_seconds_before_and_after(
    store, reading, recorder, signal
) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 30)
    recorder.alarm("pump", "a1", T0 + 29.3)
    recorder.alarm("fan", "a2", T0 + 29.3)
    recorder.flush()
    (row,) = reading.waveforms()
    assert (row.alarm, row.seconds) == ("a1", pytest.approx(10.7))  # at once, what there is
    before = reading.waveform(row.id)
    assert before.about.start == pytest.approx(T0 + 19.3)
    np.testing.assert_array_equal(before.samples, signal[:, 19_300:30_000])
    assert (before.about.scale, before.about.unit) == ([0.01, 0.01], "m/s2")
    feed(tap, signal, 30, 39.25)
    recorder.flush()
    assert reading.waveforms()[0].seconds == pytest.approx(10.7)
    feed(tap, signal, 39.25, 40)
    recorder.flush()
    (row,) = reading.waveforms(alarm="a1")
    whole = reading.waveform(row.id)
    np.testing.assert_array_equal(whole.samples, signal[:, 19_300:39_300])
    assert whole.samples.dtype == np.dtype("<i2")
    assert whole.gaps == []
    feed(tap, signal, 40, 60)
    recorder.flush()
    assert len(reading.waveforms()) == 1


def test_gaps_before_and_after_an_alarm_are_marked(reading, recorder, signal) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 10)
    tap.push(signal[:, 12_000:20_000], T0 + 12, missing=2000)
    recorder.alarm("pump", "a1", T0 + 20)
    tap.push(signal[:, 21_500:22_000], T0 + 21.5, missing=1500)
    feed(tap, signal, 22, 35)
    recorder.flush()
    (row,) = reading.waveforms()
    found = reading.waveform(row.id)
    expected = signal[:, 10_000:30_000].copy()
    expected[:, :2000] = expected[:, 10_000:11_500] = 0
    np.testing.assert_array_equal(found.samples, expected)
    assert found.gaps == [(0, 2000), (10_000, 1500)]


def test_a_gap_longer_than_the_rest_ends_the_waveform(reading, recorder, signal) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 12)
    recorder.alarm("pump", "a1", T0 + 12)
    tap.push(signal[:, :1000], T0 + 9e6, missing=9_000_000_000)
    recorder.flush()
    found = reading.waveform(reading.waveforms()[0].id)
    assert found.samples.shape == (2, 20_000)
    assert found.gaps == [(10_000, 10_000)]


def test_a_source_that_dies_after_the_alarm_leaves_what_came(
    reading, recorder, signal, clock
) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 20)
    recorder.alarm("pump", "a1", T0 + 20)
    feed(tap, signal, 20, 23)
    for clock.now in (1.0, 30.0, 39.0):
        recorder.tick()
    recorder.flush()
    assert reading.waveforms()[0].seconds == pytest.approx(10)
    clock.now = 41.0
    recorder.tick()
    recorder.flush()
    assert reading.waveforms()[0].seconds == pytest.approx(13)


def test_every_source_of_the_machine_and_every_alarm_has_its_own(reading, recorder, signal) -> None:
    taps = [tapped(recorder), tapped(recorder, "mqtt")]
    silent = tapped(recorder, "serial")
    for tap in taps:
        feed(tap, signal, 0, 15)
    recorder.alarm("pump", "a1", T0 + 15)
    for tap in taps:
        feed(tap, signal, 15, 18)
    recorder.alarm("pump", "a2", T0 + 18)
    for tap in taps:
        feed(tap, signal, 18, 40)
    recorder.flush()
    rows = reading.waveforms()
    assert {(row.source, row.alarm) for row in rows} == {
        (source, alarm) for source in ("tcp", "mqtt") for alarm in ("a1", "a2")
    }
    starts = {row.alarm: row.start - T0 for row in rows}
    assert starts == {"a1": pytest.approx(5), "a2": pytest.approx(8)}
    assert {row.seconds for row in rows} == {20.0}
    assert silent.ring.take(0, 1e11) is None


def test_a_source_that_comes_back_with_another_rate_or_numbers_ends_what_was(
    reading, recorder, signal
) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 15)
    recorder.alarm("pump", "a1", T0 + 15)
    feed(tap, signal, 15, 17)
    with pytest.raises(ValueError, match="expected int16"):
        tap.push(signal.astype("<f4"), T0 + 17)
    again = tapped(recorder, dtype="<f4")
    again.push(signal[:, :500].astype("<f4"), T0 + 17)
    recorder.flush()
    (row,) = reading.waveforms()
    assert row.seconds == pytest.approx(12)


def test_the_worst_second_of_each_day_is_kept(reading, recorder, signal, clock) -> None:
    tap = tapped(recorder)
    figures = {3: 1.0, 4: 2.0, 5: 2.05, 6: None, 7: float("nan"), 20: 5.0, 21: 4.0}
    for second in range(30):
        feed(tap, signal, second, second + 1)
        tap.second(T0 + second, figures.get(second, 0.5))
    recorder.flush()
    assert reading.waveforms() == []  # not each time that one is worse
    clock.now = 601.0
    recorder.tick()
    recorder.flush()
    (row,) = reading.waveforms()
    assert (row.worst, row.seconds, row.alarm, row.start - T0) == (5.0, 1.0, None, 20.0)
    np.testing.assert_array_equal(reading.waveform(row.id).samples, signal[:, 20_000:21_000])
    feed(tap, signal, 30, 32)
    tap.second(T0 + 30, 9.0)
    tap.push(signal[:, :2000], T0 + 86_400)  # the next day
    tap.second(T0 + 86_400, 0.1)
    recorder.close()
    assert [row.worst for row in reading.waveforms()] == [0.1, 9.0]


def test_after_a_restart_a_second_that_is_not_worse_replaces_none(store, reading, signal) -> None:
    for figure in (5.0, 3.0, 6.0):
        recorder = Recorder(store)
        tap = tapped(recorder)
        feed(tap, signal, 0, 2)
        tap.second(T0, figure)
        recorder.close()
        assert reading.waveforms()[0].worst == max(5.0, figure)


def test_what_is_not_whole_when_the_watch_ends_is_written(reading, recorder, signal) -> None:
    tap = tapped(recorder)
    feed(tap, signal, 0, 12)
    recorder.alarm("pump", "a1", T0 + 12)
    feed(tap, signal, 12, 14)
    recorder.forget("pump")
    recorder.close()
    assert reading.waveforms()[0].seconds == pytest.approx(12)


def test_a_library_that_fails_is_said_and_the_thread_goes_on(
    store, reading, recorder, signal, monkeypatch
) -> None:
    from dlrsd.runtime.service.store import keeping

    tap = tapped(recorder)
    feed(tap, signal, 0, 12)
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "waveform_bytes", lambda waveform: 1 / 0)
        recorder.alarm("pump", "a1", T0 + 12)
        recorder.flush()
    recorder.alarm("pump", "a2", T0 + 12)
    recorder.flush()
    store.heartbeat(1.0)
    assert [row.alarm for row in reading.waveforms()] == ["a2"]
    (event,) = reading.events(machine="pump")
    assert event.kind == "disk"
    assert "division by zero" in event.text


def test_tidying_that_fails_ends_no_thread_and_keeps_nobody_waiting(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise ValueError("nobody thought of it")

    monkeypatch.setattr("dlrsd.runtime.service.store.recorder.tidy", fail)
    with Store.open(tmp_path / "store", Limits()) as store:
        recorder = Recorder(store)
        recorder._keep(waveform())
        recorder.flush()
        assert recorder._thread.is_alive()
        recorder.close()
    reading = Reading(tmp_path / "store")
    assert len(reading.waveforms()) == 1
    assert ["deleted: nobody thought of it" in each.text for each in reading.events()] == [True]
