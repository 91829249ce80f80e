"""Events of a simulated plant: when they come, how long they last, how many there are.

Durations, times of day and seasons are those of real sites; the numbers are set so that windows
have the published shares. Real events come in bad weeks: here each code has a random intensity
every week.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import PRECURSOR, Event, find_plants, read_events
from dlrsd.training.data.plants.rows import STEP_S
from dlrsd.training.data.plants.windows import RAREST_FIRST

# Published shares of windows (24 samples, one every 4); Normal is the rest, 0.6806.
SHARES = {1: 0.0483, 2: 0.0375, 3: 0.0339, 4: 0.0006, 5: 0.0065, 6: 0.1926}
# Real sites report faults of no communication for months: longer ones are cut, else a few events
# would be most of Fault6. Of the codes 1 to 5 that is one event in a thousand or fewer.
LONGEST_MIN = 1440.0
# Shape of the gamma distribution of a week's intensity: the standard deviation is the mean. Real
# weeks differ more (shapes from 0.07 to 0.6 with the seasons).
WEEKS_SHAPE = 1.0
FEWEST = 2  # events of every code in a set of plants, so that two parts of it can have one each

_DAY, _WEEK = 24 * 3600, 7 * 24 * 3600
_SLOTS = _DAY // STEP_S
_QUANTILES = (0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1)


class Habit(NamedTuple):
    """How events of one code come: pairs of time of day and duration, and shares of months."""

    second: NDArray[np.float64]  # (n,), of the day
    duration_s: NDArray[np.float64]  # (n,)
    months: NDArray[np.float64]  # (12,), of mean 1


def draw_events(
    *,
    rng: np.random.Generator,
    starts: NDArray[np.datetime64],
    seconds: int,
    events_from: str | Path | None = None,
) -> list[list[Event]]:
    """Draw the events of a set of plants.

    The number of events of a code is the expected one of the whole set, rounded, but at least
    `FEWEST`, and every plant has its share of them to the nearest event: 8 years of plants have
    some 10 of Fault4, one or two a year. (In a set shorter than about a plant and year Fault4 is
    so more frequent than published.)

    Parameters
    ----------
    rng : of the draw.
    starts : first second of each plant, datetime64[s].
    seconds : length of each, > 0.
    events_from : a folder with files of real events; else statistics of such.

    Returns
    -------
    list of events by start, for each plant.
    """
    habits = real_habits(events_from) if events_from else typical_habits()
    rates = rates_per_day(habits)
    drawn: list[list[Event]] = [[] for _ in starts]
    for code, habit in habits.items():
        expected = rates[code] * seconds / _DAY * len(starts)
        counts = np.full(len(starts), max(FEWEST, round(expected)) // len(starts))
        left = max(FEWEST, round(expected)) - counts.sum()
        counts[rng.permutation(len(starts))[:left]] += 1
        for plant, start, n in zip(drawn, starts, counts, strict=True):
            plant += _events(code, habit, rng, start, seconds, n)
    return [sorted(plant) for plant in drawn]


def _events(
    code: int, habit: Habit, rng: np.random.Generator, start: np.datetime64, seconds: int, n: int
) -> list[Event]:
    weeks = np.arange(0, seconds, _WEEK)
    intensity = rng.gamma(WEEKS_SHAPE, size=len(weeks)) * _season(habit, start, weeks)
    intensity[-1] *= (seconds - weeks[-1]) / _WEEK
    week = rng.choice(weeks, size=n, p=intensity / intensity.sum())
    pick = rng.integers(len(habit.second), size=n)
    midnight = start.astype("M8[D]").astype("M8[s]")
    at = (week + _DAY * rng.integers(7, size=n) + habit.second[pick]).astype(int) % seconds
    begin = midnight + at.astype("m8[s]")
    end = begin + habit.duration_s[pick].astype("m8[s]")
    return [Event(a, b, code) for a, b in zip(begin, end, strict=True)]


def _season(habit: Habit, start: np.datetime64, weeks: NDArray[np.int64]) -> NDArray[np.float64]:
    month = (start + weeks.astype("m8[s]")).astype("M8[M]").astype(int) % 12
    return habit.months[month]


def rates_per_day(habits: Mapping[int, Habit]) -> dict[int, float]:
    """Events a day of each code, with which the expected shares of windows are `SHARES`.

    In a week of intensity g the number of events that hold at a time of day is Poisson of mean
    g m, where m follows from times of day and durations. Over the gamma distribution of g none
    holds with probability (1 + m / a)^-a. Codes are independent, and of those that hold the rarest
    labels the window: solved from the rarest to the most frequent.
    """
    free: Any = 1.0  # probability that no rarer fault holds, by month and time of day
    rates = {}
    for code in RAREST_FIRST:
        holding = np.outer(habits[code].months, _holding(habits[code]))

        def none(rate: float, holding: Any = holding) -> Any:
            return (1 + rate * holding / WEEKS_SHAPE) ** -WEEKS_SHAPE

        def excess(rate: float, free: Any = free, none: Any = none, code: int = code) -> float:
            return float(np.mean(free * (1 - none(rate)))) - SHARES[code]

        rates[code] = brentq(excess, 0, 1000)
        free = free * none(rates[code])
    return rates


def _holding(habit: Habit) -> NDArray[np.float64]:
    """Mean number of events that hold at each slot of the day, for one event a day."""
    begin = (habit.second - PRECURSOR.astype("m8[s]").astype(int)) % _DAY
    length = habit.duration_s + PRECURSOR.astype("m8[s]").astype(int)
    slots = np.arange(_SLOTS) * STEP_S
    # Since the event's begin, of today or of a day before: it holds where that is not past its end.
    since = (slots[:, None] - begin) % _DAY
    days = int(np.ceil((length.max() + 1) / _DAY))
    return sum(np.mean(since + day * _DAY < length, axis=1) for day in range(days))


# ------------------------------------------------------------------ how real events come


def real_habits(folder: str | Path) -> dict[int, Habit]:
    """The habits of the events in a folder's files.

    Raises
    ------
    InputError
        If a code has no event there.
    """
    habits = {}
    events = [
        e for files in find_plants(folder).values() if "c" in files
        for e in read_events(files["c"])[0]
    ]  # fmt: skip
    for code in SHARES:
        own = [event for event in events if event.code == code]
        if not own:
            raise InputError(
                f"the files in {folder} have no event of code {code}: expected some of each of 1 "
                "to 6; leave --events-from away to draw from statistics of real ones"
            )
        start = np.array([event.start for event in own])
        length = (np.array([event.end for event in own]) - start).astype(float)
        months = np.bincount(start.astype("M8[M]").astype(int) % 12, minlength=12)
        habits[code] = Habit(
            (start - start.astype("M8[D]")).astype(float),
            np.minimum(length, 60 * LONGEST_MIN),
            _shares(months),
        )
    return habits


def measure(folder: str | Path) -> dict[int, tuple[tuple[float, ...], ...]]:
    """Statistics of the events in a folder, as in `_TYPICAL`."""
    return {
        code: (
            tuple(np.quantile(habit.duration_s / 60, _QUANTILES).round(1).tolist()),
            tuple(np.histogram(habit.second, np.arange(25) * 3600)[0].tolist()),
            tuple((habit.months * 100).round().astype(int).tolist()),
        )
        for code, habit in real_habits(folder).items()
    }


def typical_habits() -> dict[int, Habit]:
    """The habits that follow from `_TYPICAL`; times of day and durations are independent."""
    rng, n = np.random.default_rng(0), 4000
    habits = {}
    for code, (minutes, hours, months) in _TYPICAL.items():
        share = np.array(hours) / sum(hours)
        second = 3600 * (rng.choice(24, size=n, p=share) + rng.random(n))
        duration = 60 * np.interp((np.arange(n) + 0.5) / n, _QUANTILES, minutes)
        habits[code] = Habit(second, rng.permutation(duration), np.array(months) / np.mean(months))
    return habits


def _shares(months: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of mean 1, none of them 0: what did not happen in a few years may yet."""
    smooth = months + 0.1 * months.mean()
    return smooth / smooth.mean()


# Quantiles of the duration in minutes, events by hour of the day, and by month in per cent of the
# mean, of five raw sites of the challenge (1, 2, 6, 25, 31):
# python -c "from dlrsd.training.data.plants.events import measure as m; print(m('phm15'))"
_TYPICAL: dict[int, tuple[tuple[float, ...], ...]] = {
    1: (
        (14.2, 14.9, 15.1, 44.7, 105, 240.1, 480.1, 675, 899.5, 1199.8),
        (
            19, 9, 15, 11, 9, 10, 35, 181, 138, 323, 389, 411,
            457, 439, 401, 347, 321, 297, 275, 307, 296, 231, 135, 49,
        ),
        (22, 31, 60, 72, 113, 197, 192, 184, 145, 83, 75, 26),
    ),
    2: (
        (0, 14.9, 15, 30, 89.9, 315, 645, 762.7, 950.6, 1394.8),
        (
            7, 23, 21, 7, 3, 8, 89, 199, 201, 254, 239, 195,
            181, 179, 189, 180, 163, 142, 126, 149, 168, 126, 70, 45,
        ),
        (17, 16, 47, 69, 103, 101, 246, 250, 144, 63, 128, 15),
    ),
    3: (
        (6.4, 14.9, 14.9, 15, 44.6, 180.3, 619.8, 779.9, 959.9, 1440),
        (
            0, 1, 0, 0, 0, 2, 80, 73, 27, 60, 64, 61,
            64, 77, 82, 82, 68, 66, 46, 47, 44, 28, 14, 2,
        ),
        (32, 11, 49, 43, 61, 107, 279, 345, 84, 19, 160, 9),
    ),
    4: (
        (14.2, 14.8, 14.9, 15, 29.8, 90, 269.8, 360.4, 450, 750),
        (
            0, 0, 0, 0, 0, 0, 1, 36, 24, 14, 14, 27,
            35, 42, 53, 69, 85, 68, 57, 51, 31, 24, 14, 1,
        ),
        (48, 9, 78, 16, 24, 193, 335, 367, 45, 65, 9, 11),
    ),
    5: (
        (2.9, 14.9, 14.9, 15, 29.9, 60.2, 208.5, 390.1, 690, 795.1),
        (
            1, 1, 1, 0, 0, 2, 4, 11, 18, 65, 49, 40,
            26, 29, 37, 33, 39, 43, 42, 45, 45, 35, 22, 4,
        ),
        (9, 9, 33, 81, 131, 236, 370, 225, 72, 16, 9, 9),
    ),
    6: (
        (0, 15, 15.1, 58.2, 66.4, 135, 360.2, 750.1, 1440, 1440),
        (
            463, 175, 207, 126, 138, 171, 349, 437, 433, 425, 236, 253,
            211, 219, 184, 261, 252, 256, 257, 270, 398, 457, 286, 333,
        ),
        (79, 83, 72, 43, 61, 90, 120, 161, 109, 116, 158, 109),
    ),
}  # fmt: skip
