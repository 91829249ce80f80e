"""The levels of a second that a limit may be set for, by name."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from dlrsd.runtime.service.said import Second

Level = Literal[
    "velocity_mm_s", "acceleration_m_s2", "peak_m_s2", "crest", "kurtosis", "envelope_m_s2",
    "novelty", "temperature_c", "line outer", "line inner", "line ball", "line cage", "line shaft",
    "line gear",
]  # fmt: skip


class _Level(NamedTuple):
    words: str
    unit: str | None
    of: Callable[[Second], float | None]


def _line(place: str) -> Callable[[Second], float | None]:
    return lambda second: None if second.lines is None else second.lines.get(place)


LEVELS: Final[dict[str, _Level]] = {
    "velocity_mm_s": _Level("velocity", "mm/s", attrgetter("levels.velocity_mm_s")),
    "acceleration_m_s2": _Level("acceleration", "m/s2", attrgetter("levels.acceleration_m_s2")),
    "peak_m_s2": _Level("peak acceleration", "m/s2", attrgetter("levels.peak_m_s2")),
    "crest": _Level("crest factor", None, attrgetter("levels.crest")),
    "kurtosis": _Level("kurtosis", None, attrgetter("levels.kurtosis")),
    "envelope_m_s2": _Level("envelope", "m/s2", attrgetter("levels.envelope_m_s2")),
    "novelty": _Level("novelty", None, attrgetter("novelty")),
    "temperature_c": _Level("temperature", "°C", attrgetter("temperature_c")),
} | {
    f"line {place}": _Level(f"level of the {words} lines", "dB", _line(place))
    for place, words in (
        ("outer", "outer race's"), ("inner", "inner race's"), ("ball", "rolling elements'"),
        ("cage", "cage's"), ("shaft", "shaft's"), ("gear", "gears'"),
    )
}  # fmt: skip
