"""Minutes out of seconds: the rows of the trend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median

from dlrsd.runtime.machine.facts import Iso20816
from dlrsd.runtime.machine.iso_20816 import zone_of
from dlrsd.runtime.service.indicators.parts import severity, together
from dlrsd.runtime.service.said import Minute, Second

LATE_S = 5.0  # how long into the next minute a second may still come before the row is made
QUIET_S = 20.0  # a minute that got nothing for so long is over, whatever the clock of its source
_OPEN = 2  # minutes a sensor has open at most
_MOST_SECONDS = 120  # of one minute: more come only if the clock of a source stands still


class Minutes:
    """Gathers the seconds of any sensor and gives the rows of minutes that are over.

    Levels, lines, labels and novelty are over seconds that were fit and in which the machine ran;
    the share of unfit ones, speed, load and temperature over all. At most two minutes of a sensor
    are held, of 120 seconds each.

    A row may come in parts, where seconds came late, a clock was set back, or the watch ended in
    mid-minute: whoever keeps rows adds a part to what is there by `parts.merge`.

    Parameters
    ----------
    classes : mapping of machine's name to its class by ISO 20816-3, or None
        Where there is none, the zone is None.
    """

    def __init__(self, classes: Mapping[str, Iso20816 | None] | None = None) -> None:
        self.classes: Mapping[str, Iso20816 | None] = {} if classes is None else classes
        self._open: dict[tuple[str, str], dict[int, _Seconds]] = {}

    def add(self, second: Second) -> list[Minute]:
        """Take a second; the rows that are over by it."""
        key = second.machine, second.sensor
        of_sensor = self._open.setdefault(key, {})
        number = math.floor(second.time / 60)
        of_sensor.setdefault(number, _Seconds()).seconds.append(second)
        over = [
            each
            for each, held in of_sensor.items()
            if len(held.seconds) >= _MOST_SECONDS
            or (each < number and second.time >= 60 * (each + 1) + LATE_S)
        ]
        rows = [self._close(key, each) for each in sorted(over)]
        while len(of_sensor) > _OPEN:  # a clock that jumped back
            rows.append(self._close(key, next(each for each in of_sensor if each != number)))
        return rows

    def finish(self, now: float) -> list[Minute]:
        """The rows of minutes that got nothing for 20 s by the clock ``now``, in s.

        To be called every few seconds: so the last minute of a source that died is not held for
        ever. The clock may be any that goes on; it is not compared with the times of seconds.
        """
        rows = []
        for key, of_sensor in self._open.items():
            for number, held in list(of_sensor.items()):
                if held.seen != len(held.seconds):
                    held.seen, held.since = len(held.seconds), now
                elif now - held.since >= QUIET_S:
                    rows.append(self._close(key, number))
        return rows

    def rest(self) -> list[Minute]:
        """All that is held, as rows, whether the minute is over or not.

        For the end of a watch; or now and then, so that what is held is kept before the power goes.
        """
        return [self._close(key, each) for key, held in self._open.items() for each in sorted(held)]

    def forget(self, machine: str) -> list[Minute]:
        """The rest of a machine that is watched no more."""
        of_machine = [key for key in self._open if key[0] == machine]
        rows = [self._close(key, each) for key in of_machine for each in sorted(self._open[key])]
        for key in of_machine:
            del self._open[key]
        return rows

    def _close(self, key: tuple[str, str], number: int) -> Minute:
        held = self._open[key].pop(number)
        return _row(key, number, held.seconds, self.classes.get(key[0]))


class _Seconds:
    """Those of one sensor and minute."""

    def __init__(self) -> None:
        self.seconds: list[Second] = []
        self.seen = 0
        self.since = 0.0


def _row(key: tuple[str, str], number: int, seconds: list[Second], iso: Iso20816 | None) -> Minute:
    running = [each for each in seconds if each.running == "running"]
    fit = [each for each in running if each.unfit is None]
    levels = together([(each.levels, 1) for each in fit])
    worst = max(fit, key=lambda each: severity(each.levels), default=None)
    counts: Counter[str] = Counter()
    lines: dict[str, list[float]] = {}
    for each in fit:
        counts.update(each.labels or {})
        for place, level in (each.lines or {}).items():
            lines.setdefault(place, []).append(level)
    windows = sum(counts.values())
    return Minute(
        machine=key[0],
        sensor=key[1],
        minute=number,
        seconds=len(seconds),
        running_seconds=len(running),
        fit_seconds=len(fit),
        windows=windows,
        levels=levels,
        worst_time=worst.time if worst else None,
        worst=worst.levels if worst else None,
        zone=zone_of(levels.velocity_mm_s, iso),
        lines={place: median(values) for place, values in lines.items()} or None,
        place=fit[-1].place if fit else None,
        labels={label: n / windows for label, n in counts.items()} if windows else None,
        novelty=_median(each.novelty for each in fit),
        unfit_share=sum(each.unfit is not None for each in seconds) / len(seconds),
        speed_rpm=_median(each.speed_rpm for each in seconds),
        load=_median(each.load for each in seconds),
        temperature_c=_median(each.temperature_c for each in seconds),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return median(known) if known else None
