"""Parts of a minute put together: the levels of its seconds, and rows that came in parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from dlrsd.runtime.service.said import Levels, Minute

Weighed = Sequence[tuple[float, int]]  # values, each of so many seconds


def merge(old: Minute, new: Minute) -> Minute:
    """One row of two parts of the same minute of the same sensor, the second of which came later.

    Exact: the counts, the shares, the worst second, the peak, and all averages of powers (if each
    fit second had them, as those of 0.9 s or more have). Nearly so: crest, kurtosis, lines,
    novelty, speed, load and temperature, which are medians of seconds; of two medians the mean is
    taken, weighted by their seconds. The zone is the graver where they differ.

    Raises
    ------
    ValueError
        If they are not of the same minute and sensor.
    """
    if (old.machine, old.sensor, old.minute) != (new.machine, new.sensor, new.minute):
        raise ValueError("the two rows are not of the same minute, machine and sensor")
    seconds = old.seconds + new.seconds
    zones = [row.zone for row in (old, new) if row.zone is not None]
    worst = max((old, new), key=lambda each: severity(each.worst))
    windows = old.windows + new.windows
    lines = {
        place: value
        for place in {**(old.lines or {}), **(new.lines or {})}
        if (value := _fit(old, new, _line(place))) is not None
    }
    counts = {
        label: sum((row.labels or {}).get(label, 0.0) * row.windows for row in (old, new))
        for label in {**(old.labels or {}), **(new.labels or {})}
    }
    return Minute(
        machine=old.machine,
        sensor=old.sensor,
        minute=old.minute,
        seconds=seconds,
        running_seconds=old.running_seconds + new.running_seconds,
        fit_seconds=old.fit_seconds + new.fit_seconds,
        windows=windows,
        levels=together([(row.levels, row.fit_seconds) for row in (old, new) if row.fit_seconds]),
        worst_time=worst.worst_time,
        worst=worst.worst,
        zone=max(zones, default=None),
        lines=lines or None,
        place=new.place if new.fit_seconds else old.place,
        labels={label: min(1.0, n / windows) for label, n in counts.items()} if windows else None,
        novelty=_fit(old, new, lambda row: row.novelty),
        unfit_share=min(
            1.0, (old.unfit_share * old.seconds + new.unfit_share * new.seconds) / seconds
        ),
        speed_rpm=_all(old, new, lambda row: row.speed_rpm),
        load=_all(old, new, lambda row: row.load),
        temperature_c=_all(old, new, lambda row: row.temperature_c),
    )


def together(parts: Sequence[tuple[Levels, int]]) -> Levels:
    """The levels of several stretches, each of so many seconds, as one."""
    out: dict[str, float] = {}
    for name, how in _HOW.items():
        known = [
            (value, weight) for part, weight in parts if (value := getattr(part, name)) is not None
        ]
        if known:
            out[name] = how(known)
    return Levels(**out)


def severity(levels: Levels | None) -> tuple[float, float]:
    """By which the worst second is found: its velocity, or where none has one, its acceleration."""
    if levels is None:
        return -2.0, -2.0
    velocity, acceleration = levels.velocity_mm_s, levels.acceleration_m_s2
    return -1.0 if velocity is None else velocity, -1.0 if acceleration is None else acceleration


def _rms(known: Weighed) -> float:
    return math.sqrt(sum(w * value**2 for value, w in known) / sum(w for _, w in known))


def _most(known: Weighed) -> float:
    return max(value for value, _ in known)


def _mean(known: Weighed) -> float:
    return sum(w * value for value, w in known) / sum(w for _, w in known)


def _median(known: Weighed) -> float:
    """Of single seconds; what are medians already is averaged."""
    if all(w == 1 for _, w in known):
        return median(value for value, _ in known)
    return _mean(known)


# Powers are averaged. A ratio is no power, and one second with a knock shall make neither the
# crest nor the kurtosis of a minute.
_HOW: Mapping[str, Callable[[Weighed], float]] = {
    "velocity_mm_s": _rms,
    "acceleration_m_s2": _rms,
    "peak_m_s2": _most,
    "crest": _median,
    "kurtosis": _median,
    "envelope_m_s2": _rms,
}


def _line(place: str) -> Callable[[Minute], float | None]:
    return lambda row: (row.lines or {}).get(place)


def _fit(old: Minute, new: Minute, of: Callable[[Minute], float | None]) -> float | None:
    return _weighted([(of(old), old.fit_seconds), (of(new), new.fit_seconds)])


def _all(old: Minute, new: Minute, of: Callable[[Minute], float | None]) -> float | None:
    return _weighted([(of(old), old.seconds), (of(new), new.seconds)])


def _weighted(parts: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(value, weight) for value, weight in parts if value is not None and weight]
    return _mean(known) if known else None
