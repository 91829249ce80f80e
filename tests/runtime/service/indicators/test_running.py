"""Whether a machine runs, stands or changes, told of courses of level and speed."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest

from dlrsd.runtime.service.indicators.level_history import LevelHistory
from dlrsd.runtime.service.indicators.levels import levels_of
from dlrsd.runtime.service.indicators.minutes import Minutes
from dlrsd.runtime.service.indicators.running import RunningState
from dlrsd.runtime.service.said import Levels, Second

START = 1_700_000_000.0
RUNS, STANDS = 10.0, -25.0  # dB re 1 m/s2


def noise(n, size=0.5, seed=1):
    return np.random.default_rng(seed).normal(0, size, n)


def course(*parts):
    """Of (seconds, from, to) or (seconds, level), in dB, with half a dB of noise."""
    level = np.concatenate([np.linspace(part[1], part[-1], part[0]) for part in parts])
    return level + noise(len(level))


def states(level_db, *, speed=None, state=None, start=START, nominal=None, unfit=None):
    state = state or RunningState(nominal)
    return [
        state.update(
            "DE",
            start + i,
            Levels(acceleration_m_s2=10 ** (level / 20)),
            speed_rpm=None if speed is None else float(speed[i]),
            unfit=unfit,
        )
        for i, level in enumerate(level_db)
    ]


def runs(said):
    return [(state, len(list(group))) for state, group in groupby(said)]


@pytest.mark.parametrize("level", [-45.0, -20.0, 0.0, 30.0])
@pytest.mark.parametrize("size", [0.05, 0.5, 1.5])
def test_what_runs_evenly_runs_from_the_first_second_on_however_quiet(level, size):
    said = states(level + noise(7200, size))
    assert said[0] == "running"
    assert Counter(said)["running"] > 0.998 * len(said)
    assert "standing" not in said


def test_a_stop_is_seen_at_once_and_stays():
    said = states(course((600, RUNS), (8, RUNS, STANDS), (3600, STANDS)))
    assert set(said[:600]) == {"running"}
    assert "running" not in said[603:]
    assert set(said[612:]) == {"standing"}


def test_a_start_changes_until_the_level_is_even():
    before = course((600, RUNS), (300, STANDS))
    said = states(np.r_[before, course((20, STANDS, RUNS), (300, RUNS))])
    start = said[900:]
    assert "running" not in start[:30]
    assert "standing" not in start[15:]
    assert set(start[90:]) == {"running"}


def test_a_run_down_of_minutes_changes_before_it_stands():
    said = states(course((600, RUNS), (300, RUNS, -30), (300, -30)))
    assert set(said[:600]) == {"running"}
    # A minute at most until a fall of 8 dB a minute is told from what runs.
    assert "running" not in said[660:]
    assert set(said[660:680]) == {"changing"}
    assert set(said[-200:]) == {"standing"}


def test_a_machine_that_stood_when_the_watch_began_is_known_to_stand_once_it_ran():
    first = states(course((600, -90.0)))  # quieter than a sensor alone
    assert set(first) == {"standing"}
    said = states(
        course((600, STANDS), (5, STANDS, RUNS), (300, RUNS), (5, RUNS, STANDS), (99, STANDS))
    )
    assert Counter(said[610:905])["running"] > 285
    assert set(said[-90:]) == {"standing"}


@pytest.mark.parametrize("step_db", [4.0, 8.0])
def test_a_step_of_the_load_is_no_stop_and_soon_over(step_db):
    said = states(course(*[(300, RUNS), (300, RUNS - step_db)] * 3))
    assert "standing" not in said
    assert Counter(said)["changing"] < 60


@pytest.mark.parametrize("minutes", [10, 60, 240])
def test_a_fault_that_grows_runs_all_the_while(minutes):
    said = states(course((600, RUNS), (60 * minutes, RUNS, RUNS + 20), (600, RUNS + 20)))
    assert Counter(said)["running"] > 0.99 * len(said)


def test_a_fault_that_comes_at_once_runs_within_seconds():
    said = states(course((600, RUNS), (600, RUNS + 15)))
    assert Counter(said[600:])["changing"] < 20


def test_knocks_neither_start_nor_stop_a_machine():
    level = course((3600, RUNS))
    level[np.random.default_rng(2).integers(0, 3600, 60)] += 30
    level[:3] += 40  # and none in the first seconds
    assert Counter(states(level))["running"] > 0.99 * 3600
    level = course((600, RUNS), (1800, STANDS))
    level[700:2400:100] += 25
    said = states(level)[610:]
    assert "running" not in said


def test_what_moves_for_ever_is_heard_after_ten_minutes():
    """A ramp up and down every minute, by more than any even machine's."""
    cycle = course((30, RUNS, RUNS + 10), (30, RUNS + 10, RUNS))
    said = states(np.tile(cycle, 120))
    assert Counter(said[:1200])["changing"] > 400
    assert Counter(said[1800:])["running"] > 0.85 * len(said[1800:])


def test_a_machine_in_cycles_shorter_than_a_start_is_heard_too():
    said = states(np.tile(course((10, RUNS), (10, -20.0)), 360))
    loud = [each for i, each in enumerate(said[3600:]) if i % 20 < 10]
    assert Counter(loud)["running"] > 0.8 * len(loud)


def test_loud_minutes_of_a_new_watch_do_not_silence_it_for_ever():
    """Cleaned with a jet for two minutes in the first ten: it is heard again within hours."""
    said = states(course((300, -10.0), (120, RUNS + 10), (8 * 3600, -10.0)))
    assert said[600] == "standing"
    assert set(said[-3600:]) == {"running"}
    # After an hour of history it does nothing.
    said = states(course((3600, -10.0), (120, RUNS + 10), (600, -10.0)))
    assert "standing" not in said


def test_a_shutdown_of_three_weeks_stands_to_its_end():
    state = RunningState()
    states(course((3600, RUNS), (60, STANDS)), state=state)
    level, day = 10 ** (STANDS / 20), 86_400
    said = set()
    for hour in range(21 * 24):  # a minute of each hour
        for i in range(60):
            time = START + 3700 + 3600 * hour + i
            said.add(state.update("DE", time, Levels(acceleration_m_s2=level)))
    assert said == {"standing"}
    assert states(course((120, RUNS)), state=state, start=START + 22 * day)[-1] == "running"


def test_a_repair_that_makes_it_quieter_runs_where_standing_is_known():
    said = states(course((3600, RUNS), (600, -40.0), (600, RUNS - 15)))
    assert set(said[-500:]) == {"running"}


def test_after_a_restart_its_history_comes_from_the_store():
    minutes, state = Minutes(), RunningState()
    rows = []
    for i, level in enumerate(course((1800, RUNS), (600, STANDS))):
        levels = Levels(acceleration_m_s2=10 ** (level / 20))
        running = state.update("DE", START + i, levels)
        rows += minutes.add(
            Second(machine="pump", sensor="DE", time=START + i, levels=levels, running=running)
        )
    again = RunningState()
    for row in rows:
        again.remember(row)
    assert set(states(course((600, STANDS)), state=again, start=START + 2500)) == {"standing"}
    # Without it, what is heard first is taken to run.
    assert states(course((600, STANDS)))[-1] == "running"


def test_a_machine_whose_level_is_known_beforehand_may_stand_from_the_first_second_on():
    state = RunningState()
    state.expect("DE", START, 10 ** (RUNS / 20))
    assert set(states(course((600, STANDS)), state=state)) == {"standing"}
    # And what was told wrongly is forgotten within hours.
    said = states(course((8 * 3600, STANDS)), state=state, start=START + 600)
    assert said[-1] == "running"


def test_by_its_speed_a_machine_stands_and_changes():
    speed = np.r_[np.full(300, 1500.0), np.linspace(1500, 0, 60), np.zeros(300)]
    speed = np.r_[speed, np.linspace(0, 1500, 90), np.full(300, 1500.0)]
    speed *= 1 + noise(len(speed), 0.001)
    level = np.where(speed > 200, RUNS, RUNS - 8)  # its level alone does not tell: see below
    said = states(level + noise(len(level)), speed=speed)
    assert set(said[:300]) == {"running"}
    assert "running" not in said[312:665]
    assert set(said[365:660]) == {"standing"}
    assert "running" not in said[675:745]
    assert set(said[-200:]) == {"running"}


def test_half_the_speed_held_runs():
    speed = np.r_[np.full(300, 3000.0), np.linspace(3000, 900, 20), np.full(600, 900.0)]
    said = states(course((920, RUNS)), speed=speed, nominal=3000.0)
    assert set(said[-500:]) == {"running"}
    assert Counter(said[300:])["changing"] > 10


def test_a_tacho_that_breaks_hides_nothing_for_longer_than_a_minute():
    speed = np.r_[np.full(600, 1500.0), np.zeros(600)]
    said = states(course((1200, RUNS)), speed=speed)
    assert set(said[670:]) == {"running"}


def test_sensors_vote_and_one_whose_cable_is_off_has_no_say():
    state = RunningState()
    for i in range(600):
        for sensor in ("DE", "NDE", "gear"):
            state.update(sensor, START + i, Levels(acceleration_m_s2=3.0))
    for i in range(600, 900):
        said = {
            state.update("NDE", START + i, Levels(acceleration_m_s2=1e-4)),
            state.update("DE", START + i, Levels(acceleration_m_s2=3.0)),
            state.update("gear", START + i, Levels(acceleration_m_s2=3.0)),
        }
        assert said == {"running"}
    for i in range(900, 1200):  # all fall, but two say nothing of the machine
        for sensor, unfit in (("DE", None), ("NDE", "flat"), ("gear", "gap")):
            said = state.update(sensor, START + i, Levels(acceleration_m_s2=1e-4), unfit=unfit)
    assert said == "standing"
    for i in range(1200, 1300):  # and where none says anything it stays as it is
        said = state.update("DE", START + i, Levels(), unfit="non_finite")
    assert said == "standing"


def test_clocks_that_jump_and_gaps_do_no_harm():
    state = RunningState()
    assert states(course((600, RUNS)), state=state)[-1] == "running"
    for start in (START - 1e9, 0.0, START + 1e7, START):
        said = states(course((120, RUNS)), state=state, start=start)
        assert set(said) == {"running"}


def test_whatever_comes_it_says_something():
    rng = np.random.default_rng(11)
    state = RunningState()
    for _ in range(20_000):
        time = START + float(rng.choice([0, 1, 5, 100, -1e9, 1e12])) + float(rng.uniform(0, 3600))
        level = rng.choice([None, 0.0, 1e-300, 1e30, 1.0, 5.0])
        speed = rng.choice([None, 0.0, -1500.0, np.nan, np.inf, 1e-9, 1e9, 1500.0])
        said = state.update(
            str(rng.integers(3)),
            time,
            Levels(acceleration_m_s2=level),
            speed_rpm=speed,
            unfit=rng.choice([None, "gap", "level"]),
        )
        assert said in ("running", "standing", "changing")


def test_a_simulated_machine_from_its_signal():
    """Imbalance that grows with the square of the speed, over the noise of a sensor."""
    rate, rng = 2560, np.random.default_rng(3)
    hz = np.concatenate(
        [
            np.full(240, 25.0),
            np.linspace(25, 0, 40),
            np.zeros(120),
            np.linspace(0, 25, 30),
            np.full(120, 25.0),
        ]
    )
    every = np.interp(np.arange(len(hz) * rate) / rate, np.arange(len(hz)), hz)
    phase = 2 * np.pi * np.cumsum(every) / rate
    share = (every / 25) ** 2
    x = share * (3 * np.sin(phase) + np.sin(2 * phase) + 0.8 * rng.standard_normal(len(phase)))
    x += 0.02 * rng.standard_normal(len(phase))
    state = RunningState()
    said = []
    for i, second in enumerate(x.astype(np.float32).reshape(-1, rate)):
        (levels,) = levels_of(second[None], rate)
        said.append(state.update("DE", START + i, levels))
    assert set(said[:240]) == {"running"}
    assert "running" not in said[265:425]
    assert set(said[290:395]) == {"standing"}
    assert set(said[-60:]) == {"running"}


def test_a_history_forgets_and_keeps_its_size():
    history = LevelHistory()
    for i in range(1000):
        history.add(START + i, 10.0 if i % 2 else 20.0)
    assert history.seconds == pytest.approx(1000, rel=0.01)
    assert (history.level_db(0.25), history.level_db(0.95)) == (10.0, 20.0)
    for day in range(1, 71):
        history.add(START + 1000 + day * 86_400, -500.0, 0.0)
    assert history.seconds == pytest.approx(1000 * np.exp(-10), rel=0.05)
    history.add(1e12, 0.0, 0.0)  # a clock that jumps takes a day's part
    assert history.seconds == pytest.approx(1000 * np.exp(-71 / 7), rel=0.05)
    for i in range(10_000):  # a century: the weights stay finite
        history.add(1e12 + 86_400.0 * 4 * i, 5.0)
    assert np.isfinite(history.seconds)
    assert history.level_db(0.5) == 5.0
