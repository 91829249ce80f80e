from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.said import Levels, Minute
from dlrsd.runtime.service.store.rows import COLUMNS, LEVELS
from tests.runtime.service.store.made import minute, newest

EVERYTHING = Minute(
    machine="pump",
    sensor="DE",
    minute=27_000_000,
    seconds=60,
    running_seconds=59,
    levels=Levels(
        velocity_mm_s=1.5, acceleration_m_s2=2.5, peak_m_s2=9.0, crest=3.6, kurtosis=3.1,
        envelope_m_s2=0.7,
    ),
    worst_time=1_620_000_001.25,
    worst=Levels(velocity_mm_s=4.0, kurtosis=None),
    zone="B",
    lines={"outer": 12.5, "cage": -1.0},
    place="outer",
    labels={"normal": 0.75, "outer race": 0.25},
    novelty=0.9,
    unfit_share=0.125,
    speed_rpm=1797.0,
    load=0.5,
    temperature_c=61.0,
)  # fmt: skip


def test_a_minute_comes_back_as_it_was(store, reading) -> None:
    bare = minute(27_000_001, levels=Levels())
    store.write_minutes([EVERYTHING, bare], newest)
    assert reading.minutes("pump", "DE", start=0, end=1e11) == [EVERYTHING, bare]
    assert reading.latest() == {("pump", "DE"): bare}
    assert reading.minutes("pump", "NDE", start=0, end=1e11) == []


def test_every_field_of_a_minute_has_a_column() -> None:
    fields = {*Minute.__struct_fields__} - {"machine", "sensor", "minute", "levels"}
    assert {*COLUMNS} == fields | {*LEVELS}
    assert len(COLUMNS) == len({*COLUMNS})


def test_one_minute_in_two_parts_is_merged(store, reading) -> None:
    def merge(old: Minute, new: Minute) -> Minute:
        return replace(new, seconds=old.seconds + new.seconds, labels=old.labels)

    store.write_minutes([minute(100, seconds=20, labels={"a": 1.0})], merge)
    store.write_minutes([minute(100, seconds=15, labels={"b": 1.0})], merge)
    (row,) = reading.minutes("pump", "DE", start=6000, end=6060)
    assert row.seconds == 35
    assert row.labels == {"a": 1.0}


def test_minutes_are_those_that_begin_within_the_span(store, reading) -> None:
    store.write_minutes([minute(n) for n in range(100, 110)], newest)
    found = reading.minutes("pump", "DE", start=101 * 60, end=104 * 60)
    assert [row.minute for row in found] == [101, 102, 103]
    found = reading.minutes("pump", "DE", start=101 * 60 + 1, end=104 * 60 + 1)
    assert [row.minute for row in found] == [102, 103, 104]


def test_a_trend_of_minutes_is_the_minutes(store, reading) -> None:
    store.write_minutes([minute(n) for n in range(1000, 1030) if n != 1007], newest)
    trend = reading.trend("pump", "DE", "velocity_mm_s", start=60_000, end=61_800)
    expected = [n for n in range(1000, 1030) if n != 1007]
    assert trend.width_s == 60
    assert trend.time == [60 * n for n in expected]
    assert trend.low == trend.mean == trend.high == [n % 7 for n in expected]


@pytest.mark.parametrize(("points", "width"), [(400, 11), (100, 60), (30, 180)])
def test_a_trend_is_rolled_up_like_the_minutes_themselves(store, reading, points, width) -> None:
    rng = np.random.default_rng(0)
    numbers = np.flatnonzero(rng.random(4000) < 0.9) + 5_003
    values = rng.normal(size=len(numbers))
    lines = rng.normal(size=len(numbers))
    rows = [
        minute(int(n), levels=Levels(velocity_mm_s=v), lines={"outer": d}, labels={"a b": 0.5})
        for n, v, d in zip(numbers, values, lines, strict=True)
    ]
    late = rows.pop(700)  # of an hour that is rolled up when it comes
    for part in range(0, len(rows), 97):
        store.write_minutes(rows[part : part + 97], newest)
    store.write_minutes([late], newest)
    for figure, of in (("velocity_mm_s", values), ("line:outer", lines)):
        trend = reading.trend("pump", "DE", figure, start=5_003 * 60, end=9_003 * 60, points=points)
        assert trend.width_s == 60 * width
        assert len(trend.time) <= points
        stretches = numbers // width
        assert trend.time == [60 * width * each for each in np.unique(stretches)]
        each = [of[stretches == s] for s in np.unique(stretches)]
        np.testing.assert_allclose(trend.low, [part.min() for part in each])
        np.testing.assert_allclose(trend.mean, [part.mean() for part in each], atol=1e-12)
        np.testing.assert_allclose(trend.high, [part.max() for part in each])
    shares = reading.trend("pump", "DE", "label:a b", start=0, end=1e9, points=points)
    assert set(shares.mean) == {0.5}


def test_a_trend_of_what_is_not_there_is_empty(store, reading) -> None:
    store.write_minutes([minute(5)], newest)
    for sensor, figure in (("DE", "novelty"), ("DE", "line:outer"), ("NDE", "crest")):
        trend = reading.trend("pump", sensor, figure, start=0, end=1e6)
        assert trend.time == trend.mean == []


@pytest.mark.parametrize("figure", ["", "seconds", "line:", 'line:a"b', "zone", "x; DROP TABLE"])
def test_a_figure_that_is_none_is_refused(store, reading, figure) -> None:
    with pytest.raises(InputError, match="got the figure"):
        reading.trend("pump", "DE", figure, start=0, end=1e6)


def test_a_trend_begins_anew_after_a_repair_and_the_old_one_is_kept(store, reading) -> None:
    store.write_minutes([minute(n) for n in range(100, 120)], newest)
    store.begin_epoch("pump", 110 * 60.0)
    store.write_minutes([minute(n, "fan") for n in range(100, 120)], newest)

    def found(machine: str, **chosen: int) -> list[int]:
        rows = reading.minutes(machine, "DE", start=0, end=1e6, **chosen)
        trend = reading.trend(machine, "DE", "crest", start=0, end=120 * 60, **chosen)
        assert trend.time == [60 * row.minute for row in rows]
        return [row.minute for row in rows]

    assert found("pump") == found("pump", epoch=1) == list(range(110, 120))
    assert found("pump", epoch=0) == list(range(100, 110))
    assert found("fan") == list(range(100, 120))
    store.begin_epoch("pump", 115 * 60.0)
    assert found("pump") == list(range(115, 120))
    assert found("pump", epoch=1) == list(range(110, 115))
    assert reading.epochs("pump")[1:] == [6600.0, 6900.0]
    with pytest.raises(InputError, match="expected 0 to 2"):
        reading.minutes("pump", "DE", start=0, end=1e6, epoch=3)
