"""Minutes out of seconds, and parts of them put together."""

import math
import random
from statistics import median

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.machine.facts import Iso20816
from dlrsd.runtime.service.indicators.minutes import Minutes
from dlrsd.runtime.service.indicators.parts import merge
from dlrsd.runtime.service.said import Levels, Minute, Second

START = 60 * 29_000_000


def second(time, velocity=1.0, sensor="DE", machine="pump", **more):
    levels = Levels(
        velocity_mm_s=velocity,
        acceleration_m_s2=2 * velocity,
        peak_m_s2=7 * velocity,
        crest=3.5,
        kurtosis=3 + velocity,
        envelope_m_s2=velocity / 2,
    )
    return Second(machine=machine, sensor=sensor, time=time, **{"levels": levels, **more})


def rows_of(seconds, minutes=None):
    minutes = minutes or Minutes()
    return [row for each in seconds for row in minutes.add(each)] + minutes.rest()


def test_a_minute_is_the_average_of_powers_the_largest_peak_and_medians():
    rng = np.random.default_rng(1)
    velocity = rng.gamma(4, 0.5, 60)
    (row,) = rows_of(second(START + i, v) for i, v in enumerate(velocity))
    assert (row.machine, row.sensor, row.minute) == ("pump", "DE", 29_000_000)
    assert (row.seconds, row.running_seconds, row.fit_seconds) == (60, 60, 60)
    assert row.levels.velocity_mm_s == pytest.approx(np.sqrt(np.mean(velocity**2)))
    assert row.levels.acceleration_m_s2 == pytest.approx(2 * np.sqrt(np.mean(velocity**2)))
    assert row.levels.peak_m_s2 == pytest.approx(7 * velocity.max())
    assert row.levels.kurtosis == pytest.approx(3 + np.median(velocity))
    assert row.worst_time == START + velocity.argmax()
    assert row.worst.velocity_mm_s == velocity.max()
    assert row.zone is None
    assert row.unfit_share == 0


def test_the_row_comes_when_the_minute_is_over_and_late_seconds_had_time():
    minutes = Minutes()
    for i in range(60):
        assert minutes.add(second(START + i)) == []
    for i in range(60, 65):
        assert minutes.add(second(START + i)) == []
    assert minutes.add(second(START + 59.5)) == []  # late, and still in time
    (row,) = minutes.add(second(START + 65))
    assert (row.minute, row.seconds) == (29_000_000, 61)


def test_unfit_seconds_and_those_in_which_it_does_not_run_are_counted_and_not_heard():
    seconds = [second(START + i, 1.0) for i in range(30)]
    seconds += [second(START + i, 50.0, unfit="clipped") for i in range(30, 40)]
    seconds += [second(START + i, 30.0, running="changing") for i in range(40, 50)]
    seconds += [second(START + i, 0.01, running="standing") for i in range(50, 60)]
    (row,) = rows_of(seconds)
    assert (row.seconds, row.running_seconds, row.fit_seconds) == (60, 40, 30)
    assert row.unfit_share == pytest.approx(10 / 60)
    assert row.levels.velocity_mm_s == pytest.approx(1.0)
    assert row.levels.peak_m_s2 == pytest.approx(7.0)
    assert row.worst.velocity_mm_s == 1.0


def test_a_minute_in_which_nothing_ran_has_a_row_without_levels():
    iso = {"pump": Iso20816(group=2, mounting="rigid")}
    (row,) = rows_of([second(START + i, running="standing") for i in range(60)], Minutes(iso))
    assert row.levels == Levels()
    assert (row.worst, row.worst_time, row.zone, row.labels, row.lines) == (None,) * 5
    assert (row.seconds, row.running_seconds) == (60, 0)


def test_where_no_velocity_is_the_worst_second_is_by_acceleration():
    levels = [Levels(acceleration_m_s2=a) for a in (1.0, 5.0, 2.0)]
    (row,) = rows_of(second(START + i, levels=each) for i, each in enumerate(levels))
    assert (row.worst_time, row.levels.velocity_mm_s) == (START + 1, None)


def test_shares_lines_novelty_and_slow_values():
    labels = [{"healthy": 22, "outer": 1}, {"healthy": 20, "outer": 3}, None]
    lines = [{"outer": 3.0, "inner": 1.0}, {"outer": 9.0}, {"outer": 4.0}]
    (row,) = rows_of(
        second(
            START + i,
            labels=labels[i],
            lines=lines[i],
            novelty=[0.4, None, 0.8][i],
            place=["undecided", "healthy", "outer"][i],
            speed_rpm=[1480.0, 1490.0, 1470.0][i],
            temperature_c=[float("nan"), 60.0, 61.0][i],
        )
        for i in range(3)
    )
    assert row.labels == {"healthy": pytest.approx(42 / 46), "outer": pytest.approx(4 / 46)}
    assert row.windows == 46
    assert row.lines == {"outer": 4.0, "inner": 1.0}
    assert row.novelty == pytest.approx(0.6)
    assert row.place == "outer"
    assert (row.speed_rpm, row.temperature_c, row.load) == (1480.0, 60.5, None)


@pytest.mark.parametrize(("velocity", "zone"), [(1.0, "A"), (2.0, "B"), (3.0, "C"), (5.0, "D")])
def test_the_zone_is_of_the_minutes_velocity(velocity, zone):
    iso = {"pump": Iso20816(group=2, mounting="rigid"), "fan": None}
    seconds = [second(START + i, velocity) for i in range(60)]
    seconds += [second(START + i, velocity, machine="fan") for i in range(60)]
    assert {row.machine: row.zone for row in rows_of(seconds, Minutes(iso))} == {
        "pump": zone,
        "fan": None,
    }


def test_sensors_and_machines_are_kept_apart():
    kinds = [("pump", "DE"), ("pump", "NDE"), ("fan", "DE")]
    seconds = [
        second(START + i, 1.0 + k, machine=machine, sensor=sensor)
        for i in range(180)
        for k, (machine, sensor) in enumerate(kinds)
    ]
    rows = rows_of(seconds)
    assert len(rows) == 9
    for row in rows:
        assert row.seconds == 60
        expected = 1.0 + kinds.index((row.machine, row.sensor))
        assert row.levels.velocity_mm_s == pytest.approx(expected)


def test_every_second_is_in_one_row_however_clocks_jump():
    """Late, early, an hour back, into 1970, standing still: parts add up, and memory is bounded."""
    rng = random.Random(7)
    minutes, kept, given, clock = Minutes(), {}, 0, float(START)
    for _ in range(20_000):
        clock += 1.0
        if rng.random() < 0.002:
            clock += rng.choice([-3600.0, 3600.0, -120.0, 30.0, -START])
        time = clock - (rng.choice([0, 3, 70, 400]) if rng.random() < 0.05 else 0)
        rows = minutes.add(second(time))
        given += 1
        for row in rows:
            kept[row.minute] = merge(kept[row.minute], row) if row.minute in kept else row
        held = minutes._open["pump", "DE"]
        assert len(held) <= 2
    for row in minutes.rest():
        kept[row.minute] = merge(kept[row.minute], row) if row.minute in kept else row
    assert sum(row.seconds for row in kept.values()) == given
    for _ in range(1000):
        minutes.add(second(START))  # a clock that stands still
        assert sum(len(each.seconds) for each in minutes._open["pump", "DE"].values()) <= 120


def test_the_last_minute_of_a_silent_source_is_given_whatever_its_clock():
    minutes = Minutes()
    minutes.add(second(13.0))  # a clock in 1970
    assert minutes.finish(START) == []
    assert minutes.finish(START + 19) == []
    minutes.add(second(14.0))
    assert minutes.finish(START + 21) == []
    assert minutes.finish(START + 40) == []
    (row,) = minutes.finish(START + 41)
    assert (row.minute, row.seconds) == (0, 2)
    assert minutes.finish(START + 100) == []


def test_a_machine_that_is_watched_no_more_leaves_its_rest_and_nothing_else():
    minutes = Minutes()
    for machine in ("pump", "fan"):
        minutes.add(second(START, machine=machine))
    assert [row.machine for row in minutes.forget("pump")] == ["pump"]
    assert [row.machine for row in minutes.rest()] == ["fan"]


def test_parts_merge_to_the_row_of_the_whole():
    """Exact where it can be; between the parts where medians are merged."""
    rng = np.random.default_rng(3)
    iso = {"pump": Iso20816(group=2, mounting="rigid")}
    for split in (1, 17, 40, 59):
        seconds = [
            second(
                START + i,
                float(rng.gamma(4, 0.5)),
                unfit="clipped" if rng.random() < 0.2 else None,
                running="running" if rng.random() < 0.8 else "changing",
                labels={"healthy": int(rng.integers(10, 20)), "outer": int(rng.integers(0, 5))},
                lines={"outer": float(rng.normal(6, 1))},
                novelty=float(rng.gamma(4, 0.1)),
                speed_rpm=float(rng.normal(1480, 5)),
            )
            for i in range(60)
        ]
        (whole,) = rows_of(seconds, Minutes(iso))
        (first,) = rows_of(seconds[:split], Minutes(iso))
        (last,) = rows_of(seconds[split:], Minutes(iso))
        got = merge(first, last)
        for name in ("seconds", "running_seconds", "fit_seconds", "windows", "worst", "worst_time"):
            assert getattr(got, name) == getattr(whole, name)
        assert got.unfit_share == pytest.approx(whole.unfit_share)
        assert got.labels == pytest.approx(whole.labels)
        for name in ("velocity_mm_s", "acceleration_m_s2", "peak_m_s2", "envelope_m_s2"):
            assert getattr(got.levels, name) == pytest.approx(getattr(whole.levels, name))
        assert got.levels.kurtosis == pytest.approx(whole.levels.kurtosis, rel=0.05)
        assert got.lines["outer"] == pytest.approx(whole.lines["outer"], abs=0.5)
        assert got.speed_rpm == pytest.approx(whole.speed_rpm, abs=3)


def test_a_part_without_fit_seconds_changes_no_level():
    (old,) = rows_of([second(START + i, place="outer") for i in range(20)])
    (new,) = rows_of([second(START + i, 99.0, unfit="clipped") for i in range(20, 60)])
    got = merge(old, new)
    assert got.levels == old.levels
    assert (got.place, got.worst, got.novelty) == ("outer", old.worst, None)
    assert got.unfit_share == pytest.approx(40 / 60)
    assert merge(new, old).levels == old.levels


def test_only_parts_of_one_minute_are_merged():
    (a,), (b,) = rows_of([second(START)]), rows_of([second(START + 60)])
    with pytest.raises(ValueError, match="same minute"):
        merge(a, b)


def test_a_row_fits_its_own_format():
    (row,) = rows_of([second(START + i, labels={"a": 3, "b": 4, "c": 1}) for i in range(60)])
    merged = merge(row, row)
    for each in (row, merged):
        assert msgspec.json.decode(msgspec.json.encode(each), type=Minute) == each
    assert math.isclose(median([row.levels.crest]), merged.levels.crest)
