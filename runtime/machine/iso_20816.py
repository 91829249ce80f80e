"""Zones of vibration by ISO 20816-3:2022, annex A: velocity on bearing housings, RMS, mm/s.

The limits are those of tables A.1 and A.2, and of ISO 10816-3:2009 and GB/T 6075.3-2011 before it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from dlrsd.runtime.machine.facts import Iso20816

Zone = Literal["A", "B", "C", "D"]


class Limits(NamedTuple):
    """The velocities between the zones, mm/s RMS."""

    a_b: float
    b_c: float
    c_d: float


MEANING: Final[dict[Zone, str]] = {
    "A": "as new machines are",
    "B": "fit to run without limit of time",
    "C": "not fit to run for long: to be mended when there is occasion",
    "D": "so severe that it may damage the machine",
}

# By group (1: above 300 kW, or shafts from 315 mm of height; 2: 15 to 300 kW, or shafts of 160 to
# 315 mm) and mounting.
_LIMITS: Final[dict[tuple[int, str], Limits]] = {
    (1, "rigid"): Limits(2.3, 4.5, 7.1),
    (1, "flexible"): Limits(3.5, 7.1, 11.0),
    (2, "rigid"): Limits(1.4, 2.8, 4.5),
    (2, "flexible"): Limits(2.3, 4.5, 7.1),
}

NOT_COVERED: Final = (
    "The zones are of the machine's vibration at its bearing housings; what they say of the state "
    "of a rolling bearing is little, for a damaged one hardly raises the velocity until late.",
    "They hold for coupled machines above 15 kW at 120 to 30,000 r/min (15,000 by the edition of "
    "2009) that run steadily in their usual range of speed and load; not while a machine starts, "
    "stops or changes its load.",
    "They do not hold for pumps (ISO 10816-7), reciprocating machines (ISO 20816-8), hydro sets "
    "(ISO 20816-5), large turbine sets (ISO 20816-2 and -4), wind turbines (ISO 10816-21), or fans "
    "of less than 300 kW that stand on springs.",
    "The velocity is measured from 10 to 1000 Hz. For shafts below 600 r/min the standard begins "
    "at 2 Hz and judges the displacement too: there the zone here can be too good.",
    "They are of the highest of the directions at a bearing: one sensor tells its own alone.",
    "They are guidance: limits that were agreed with the maker, or found in service, come first.",
)
"""What the standard does not cover, or is not measured here: one sentence each, for a person."""


def limits(iso: Iso20816) -> Limits:
    """The velocities between the zones of a machine, mm/s RMS."""
    return _LIMITS[iso.group, iso.mounting]


def zone_of(velocity_mm_s: float | None, iso: Iso20816 | None) -> Zone | None:
    """Zone of a velocity, RMS from 10 to 1000 Hz in mm/s; a limit itself is of the better zone.

    None where the velocity is, or where the machine's facts lack its group and mounting.

    >>> zone_of(2.8, Iso20816(group=2, mounting="rigid"))
    'B'
    """
    if velocity_mm_s is None or iso is None:
        return None
    a_b, b_c, c_d = limits(iso)
    if velocity_mm_s <= a_b:
        return "A"
    if velocity_mm_s <= b_c:
        return "B"
    return "C" if velocity_mm_s <= c_d else "D"
