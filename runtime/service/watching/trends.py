"""Trends, asked of every sensor once an hour: whether a level that rises will cross a limit soon.

What is asked are the last two weeks of the present epoch, in stretches of some ten minutes: as
`benchmarks.accuracy.trend_alarms` counts how often that is wrong. Sensors are spread over the hour;
a machine's lock is held for what its rules make of an answer, not while that is found.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from zlib import crc32

from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.dsp import trend as dsp
from dlrsd.runtime.service.alarms.kinds import AnyRule, rules_of
from dlrsd.runtime.service.alarms.level_rules import Threshold
from dlrsd.runtime.service.alarms.levels import LEVELS
from dlrsd.runtime.service.alarms.rule import Crossing, Limits
from dlrsd.runtime.service.alarms.trend_rule import Trend
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.watching.outcome import Outcome
from dlrsd.runtime.service.watching.rehearsal import marked
from dlrsd.runtime.service.watching.watched import Keep, Watched

EVERY_S = 3600.0
SPAN_S = 14 * 86_400.0
_POINTS = 2000
_NOW_S = 7200.0  # of which the median is what a level is now
_OLD_S = 3600.0  # after which nothing new has come, and nothing is asked
_MOST_S = 0.2  # for which sensors are asked at a time; what is left is asked the next time
_log = logging.getLogger(__name__)


class Trends:
    """Asks the trends of machines that are watched.

    Parameters
    ----------
    folder : Path
        Of the store.
    clock : function
        Goes on with time, in s.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reading = Reading(folder)
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}

    def look(
        self, machines: Iterable[Watched], now: float, keep: Keep
    ) -> list[tuple[Watched, Outcome]]:
        """Ask those sensors whose turn it is; called about once a second, by a worker.

        Parameters
        ----------
        machines : iterable of Watched
        now : float
            Unix time in s.
        keep : function
            Is given changes of alarm before anybody else.
        """
        found, began = [], time.monotonic()
        by_name = {watched.name: watched for watched in machines}
        every = [(name, each.name) for name, of in by_name.items() for each in of.machine.sensors]
        for name, sensor in self.due(every):
            watched = by_name[name]
            try:
                outcome = self._asked(watched, sensor, now, keep)
            except DlrsdError as error:
                _log.warning("%s: the trend of sensor %s is not known: %s", name, sensor, error)
            else:
                if outcome.changes:
                    found.append((watched, outcome))
            if time.monotonic() - began > _MOST_S:
                break
        return found

    def due(self, sensors: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        """Those of all sensors, by machine and name, whose turn it is; each is asked once it is
        given."""
        now = self._clock()
        self._due = {
            key: self._due.get(key, now + crc32("\0".join(key).encode()) % EVERY_S)
            for key in sensors
        }
        for key, at in sorted(self._due.items(), key=lambda each: each[1]):
            if at > now:
                return
            self._due[key] = now + EVERY_S
            yield key

    def _asked(self, watched: Watched, sensor: str, now: float, keep: Keep) -> Outcome:
        setup, outcome = watched.setup, Outcome()
        rules = rules_of(setup.entry.rules if setup.entry else ())
        for level in dict.fromkeys(rule.level for rule in rules if isinstance(rule, Trend)):
            course = self._reading.trend(
                watched.name,
                sensor,
                level.replace(" ", ":"),
                start=now - SPAN_S,
                end=now,
                points=_POINTS,
            )
            if not course.time or course.time[-1] < now - _OLD_S - course.width_s:
                continue
            recent = [
                value
                for at, value in zip(course.time, course.mean, strict=True)
                if at > now - _NOW_S - course.width_s
            ]
            limits = limits_for(level, sensor, rules, setup.limits)
            crossing = None
            if limits:
                value = median(recent)
                crossing = _crossing(level, course.time, course.mean, value, limits, now)
            with watched.held() as alarms:
                changes = alarms.crossing(sensor, level, crossing, now)
                if setup.rehearse:
                    changes = marked(changes)
                if changes:
                    keep(changes, watched.name, alarms.snapshot())
            outcome.changes += changes
        return outcome


def limits_for(
    level: str, sensor: str, rules: Sequence[AnyRule], limits: Limits
) -> tuple[float, ...]:
    """The limits that a level may cross, lowest first: of zones C and D, or else those that the
    rules of thresholds state, or else the baseline's; empty where there is none."""
    if level == "velocity_mm_s" and limits.zones is not None:
        return limits.zones[1:]
    of_rules = (rule for rule in rules if isinstance(rule, Threshold) and rule.level == level)
    stated = {each for rule in of_rules for each in (rule.alert, rule.danger) if each is not None}
    of_baseline = limits.baseline.get(sensor, {}).get(level)
    return tuple(sorted(stated)) or (() if of_baseline is None else (of_baseline,))


def _crossing(
    level: str,
    times: Sequence[float],
    values: Sequence[float],
    value: float,
    limits: Sequence[float],
    now: float,
) -> Crossing | None:
    """When the next limit above what a level is now will be crossed; the highest is if all are
    below."""
    limit = next((each for each in limits if each > value), limits[-1])
    found = dsp.crossing(times, values, limit)
    if found is None:
        return None
    words, unit, _ = LEVELS[level]
    return Crossing(
        earliest=max(found.earliest, now),
        likely=max(found.likely, now),
        latest=max(found.latest, now),
        limit=limit,
        figure=words,
        value=value,
        unit=unit,
    )
