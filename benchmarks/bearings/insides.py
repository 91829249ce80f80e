"""What is inside a ball bearing, from the ratings that its maker prints.

A catalogue states no number of balls, but load ratings that follow from it by standard formulas:

- static (ISO 76): ``C0 = f0 Z d^2 cos(a)``;
- dynamic (ISO 281): ``C = 1.3 fc cos(a)^0.7 Z^(2/3) d^1.8``, above 25.4 mm ``3.647 d^1.4``;

with Z balls of diameter d at contact angle a, and f0 and fc tabulated over ``d cos(a) / D``, where
D is the pitch diameter. Z is a whole number and balls come in steps of 1/32 in (below half an inch
of 1/64 in) or of 0.5 mm: two or three ratings of three digits leave one answer, or none that is
clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians

import numpy as np

# ISO 76, deep groove and angular contact ball bearings: f0 at ratios 0, 0.01, ... 0.40.
_F0 = (
    *(14.7, 14.9, 15.1, 15.3, 15.5, 15.7, 15.9, 16.1, 16.3, 16.5, 16.4, 16.1, 15.9, 15.6, 15.4),
    *(15.2, 14.9, 14.7, 14.4, 14.2, 14.0, 13.7, 13.5, 13.2, 13.0, 12.8, 12.5, 12.3, 12.1, 11.8),
    *(11.6, 11.4, 11.2, 10.9, 10.7, 10.5, 10.3, 10.0, 9.8, 9.6, 9.4),
)
# ISO 281, single row: fc at ratios 0.05 to 0.10 in steps of 0.01, then to 0.40 in steps of 0.02.
_FC = (
    *(46.7, 49.1, 51.1, 52.8, 54.3, 55.5, 57.5, 58.8, 59.6, 59.9, 59.9, 59.6, 59.0, 58.2, 57.1),
    *(56.0, 54.6, 53.2, 51.7, 50.0, 48.4),
)
_FC_AT = (*np.arange(5, 11) / 100, *np.arange(12, 41, 2) / 100)
_INCHES = {n / 64 for n in range(6, 33)} | {n / 32 for n in range(16, 65)}
BALLS_MM = tuple(sorted({round(25.4 * n, 4) for n in _INCHES} | {n / 2 for n in range(4, 101)}))
_WITHIN = 0.01  # of a rating: three digits, and factors of three digits
_F0_WITHIN = 0.055  # half of its last digit, and what interpolation leaves
_PITCHES = 1 + np.arange(-0.02, 0.0351, 0.0005)  # of the mean of bore and outside diameter


@dataclass(frozen=True)
class Ratings:
    """A row of a catalogue: dimensions in mm, ratings in kN; ``f0`` None where none is printed."""

    designation: str
    bore_mm: float
    outer_mm: float
    angle_deg: float
    dynamic_kn: float
    static_kn: float
    f0: float | None


@dataclass(frozen=True)
class Inside:
    """Balls, their diameter and their pitch circle's, and how far ratings are off at most."""

    elements: int
    diameter_mm: float
    pitch_mm: float
    off: float


def ratings_of(
    elements: int, diameter_mm: float, pitch_mm: float, angle_deg: float
) -> tuple[float, float, float]:
    """Dynamic and static rating in kN, and f0."""
    cosine = cos(radians(angle_deg))
    ratio = diameter_mm * cosine / pitch_mm
    f0 = float(np.interp(ratio, np.arange(41) / 100, _F0))
    fc = float(np.interp(ratio, _FC_AT, _FC))
    power = diameter_mm**1.8 if diameter_mm <= 25.4 else 3.647 * diameter_mm**1.4
    dynamic = 1.3 * fc * cosine**0.7 * elements ** (2 / 3) * power
    return dynamic / 1e3, f0 * elements * diameter_mm**2 * cosine / 1e3, f0


def insides(row: Ratings) -> list[Inside]:
    """All that the ratings allow, best first."""
    found = []
    section = (row.outer_mm - row.bore_mm) / 2
    for diameter in BALLS_MM:
        if not 0.35 * section < diameter < 0.75 * section:
            continue
        pitch = _pitch(row, diameter)
        if pitch is None:
            continue
        for elements in range(5, 40):
            if diameter > pitch * np.sin(np.pi / elements):
                break
            dynamic, static, _ = ratings_of(elements, diameter, pitch, row.angle_deg)
            off = max(abs(dynamic / row.dynamic_kn - 1), abs(static / row.static_kn - 1))
            if off <= _WITHIN:
                found.append(Inside(elements, diameter, pitch, off))
    return sorted(found, key=lambda inside: inside.off)


def inside_of(row: Ratings) -> Inside | None:
    """The best, or None if there is none, or another number of balls fits half as well."""
    found = insides(row)
    others = [each.off for each in found if each.elements != found[0].elements]
    return found[0] if found and all(off > 2 * found[0].off for off in others) else None


def _pitch(row: Ratings, diameter_mm: float) -> float | None:
    """The pitch diameter: halfway between bore and outside, or as near to it as f0 allows."""
    middle = (row.bore_mm + row.outer_mm) / 2
    if row.f0 is None:
        return middle
    ratios = diameter_mm * cos(radians(row.angle_deg)) / (middle * _PITCHES)
    f0 = np.interp(ratios, np.arange(41) / 100, _F0)
    fit = _PITCHES[np.abs(f0 - row.f0) < _F0_WITHIN]
    return round(middle * fit[np.abs(fit - 1).argmin()], 2) if len(fit) else None
