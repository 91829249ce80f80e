"""Which lines belong to which place of a bearing, and how much they say for it together.

Sources: McFadden and Smith, J. Sound Vib. 96 (1984), of sidebands; Randall and Antoni, MSSP 25
(2011); Smith and Randall, MSSP 64 (2015), of what shows a ball fault.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.combs import Fit, fit, heights
from dlrsd.runtime.dsp.envelope import Spectrum
from dlrsd.runtime.dsp.order_map_config import TOLERANCE, Kinematics
from dlrsd.runtime.dsp.shaft_speed import ShaftSpeed

Array = NDArray[np.float64]

HARMONICS = 5
OWN_ORDERS = 15.5  # of the signal's own spectrum: five harmonics of three times the speed
_SIDED = 3  # harmonics that have sidebands
_SIDEBAND = 0.5  # their weight
_CAGE_HARMONICS = 4
_CAGE_GOES_ON = 3  # further lines that must all stand out
_CAGE_TOLERANCE = 0.02  # a cage's turn follows how the rollers are loaded
_GUARD = 2.0  # bins on either side of a line: the main lobe of a Hann window
_FINEST = 5  # parts of a comb's distance between which lines are looked for
_FINER_TO = 4  # of its harmonics
_LEAST_FINER, _FINER_SHARE = 3, 0.7
_FINER_SIDES, _FINER_GUARD = 3, 3  # sidebands, and bins on either side of each
_FINER_OFFSET, _AS_HIGH = 0.5, 1.0  # ln of power
_FINER_STANDS = 1.0  # noise does in one of 30
_EXPLAINED = 10  # harmonics of one place that prove nothing for another


class Tooth(NamedTuple):
    """One line of a comb."""

    name: str
    """For example "bpfi 2x -1 shaft"."""
    moving: float
    """Order that stretches with the comb."""
    fixed: float
    """Order that does not: of a sideband."""
    weight: float


class Side(NamedTuple):
    """What the sidebands of a comb are of."""

    name: str
    distance: float
    """In multiples of the shaft's speed."""
    weight: float
    """0: reported alone. A fault of the outer race stands in the load zone and has none."""


class Comb(NamedTuple):
    """The lines of one place."""

    place: str
    base: float
    """Order of the first."""
    teeth: tuple[Tooth, ...]
    tolerance: float


class Found(NamedTuple):
    """A place's comb where it fits best."""

    comb: Comb
    fit: Fit
    score: float
    """Of the lines that no other place explains."""


@lru_cache(maxsize=64)
def combs(kinematics: Kinematics) -> tuple[Comb, ...]:
    """Of outer race, inner race, ball and cage."""
    outer, inner = kinematics.bpfo, kinematics.bpfi
    ball, cage = 2 * kinematics.bsf, kinematics.ftf
    return (
        _sided("outer", "bpfo", outer, Side("shaft", 1.0, 0.0)),
        _sided("inner", "bpfi", inner, Side("shaft", 1.0, _SIDEBAND)),
        _sided("ball", "2bsf", ball, Side("ftf", cage, _SIDEBAND)),
        Comb("cage", cage, _harmonics("ftf", cage, _CAGE_HARMONICS), _CAGE_TOLERANCE),
    )


def _harmonics(name: str, order: float, count: int) -> tuple[Tooth, ...]:
    return tuple(Tooth(f"{name} {k}x", k * order, 0.0, 1.0) for k in range(1, count + 1))


def _sided(place: str, name: str, order: float, side: Side) -> Comb:
    sidebands = tuple(
        Tooth(
            f"{name} {k}x {sign}1 {side.name}",
            k * order,
            float(f"{sign}1") * side.distance,
            side.weight,
        )
        for k in range(1, _SIDED + 1)
        for sign in "-+"
    )
    return Comb(place, order, _harmonics(name, order, HARMONICS) + sidebands, TOLERANCE)


def guarded(spectrum: Spectrum, speed: ShaftSpeed) -> NDArray[np.bool_]:
    """Bins that a multiple of the shaft's speed explains, shape (n_bins,).

    As wide as a Hann window draws a line, and wider by what the speed may be wrong. Whether a
    fault's line and the shaft's can be told apart is thus a matter of the window's length: over 60
    turns 3.05 and 3 of a 6203 are, over 20 they are not.
    """
    orders = np.arange(len(spectrum.excess)) * spectrum.bin_hz / speed.hz
    nearest = np.maximum(np.rint(orders), 1.0)
    width = _GUARD * spectrum.bin_hz / speed.hz + speed.share_off * nearest
    bins: NDArray[np.bool_] = np.abs(orders - nearest) <= width
    return bins


def find(spectrum: Spectrum, speed: ShaftSpeed, kinematics: Kinematics) -> dict[str, Found]:
    """How well each place's comb fits a window's envelope spectrum.

    A line explained by the shaft counts for nobody. Of the two places that fit best, each is also
    looked for without the other's lines (3 BPFO is 2 BPFI within 1 % in many bearings): the one
    that is left with more explains the other's.
    """
    height = heights(spectrum.excess)
    height = np.where(guarded(spectrum, speed), np.minimum(height, 0.0), height)
    turn = speed.hz / spectrum.bin_hz
    all_combs = combs(kinematics)
    fits = {comb.place: _fit(height, comb, turn) for comb in all_combs}
    scores = {place: found.score for place, found in fits.items()}
    by_place = {comb.place: comb for comb in all_combs}

    def without(place: str, other: str) -> float:
        rest = _explain(height, by_place[other].base * fits[other].stretch * turn)
        return min(scores[place], _fit(rest, by_place[place], turn).score)

    races = sorted(("outer", "inner", "ball"), key=lambda place: -scores[place])
    first, second, third = races
    left, right = without(first, second), without(second, first)
    if left >= right:
        scores[second] = right
    else:
        scores[first], first = left, second
    scores[third] = without(third, first)
    return {p: Found(by_place[p], fits[p], scores[p]) for p in by_place}


def _fit(height: Array, comb: Comb, turn: float) -> Fit:
    moving, fixed, weights = np.array([tooth[1:] for tooth in comb.teeth]).T
    return fit(height, moving * turn, fixed * turn, weights, comb.tolerance)


def _explain(height: Array, base: float) -> Array:
    """Heights without the harmonics of a line, ``base`` bins apart."""
    bins = np.arange(len(height))
    nearest = np.clip(np.rint(bins / base), 1, _EXPLAINED)
    return np.where(np.abs(bins - nearest * base) <= _GUARD, np.minimum(height, 0.0), height)


def cage_strikes(spectrum: Spectrum, speed: ShaftSpeed, found: Found) -> bool:
    """Whether the cage's comb goes on beyond its 4th line: a cage that strikes draws a long one, a
    damaged ball that comes and goes with its cage a short one."""
    order = found.comb.base * found.fit.stretch * speed.hz / spectrum.bin_hz
    at = np.rint(order * np.arange(_CAGE_HARMONICS + 1, 2 * _CAGE_HARMONICS + 1)).astype(np.int64)
    at = at[at < len(spectrum.excess)]
    height = heights(spectrum.excess)[at[~guarded(spectrum, speed)[at]]]
    return len(height) >= _CAGE_GOES_ON and bool((height > 0.5).all())


def finer_comb(spectrum: Spectrum, speed: ShaftSpeed, found: Found) -> float | None:
    """How often something knocks whose every second to fifth line is the comb's, Hz; else None.

    A race's fault draws no line at a half or a third of its own; a neighbour's shaft, a belt or a
    pump may well have one of its multiples there.
    """
    base = found.comb.base * found.fit.stretch * speed.hz / spectrum.bin_hz
    logs = np.log(np.maximum(spectrum.excess, 1e-9)) - _FINER_OFFSET
    turn = speed.hz / spectrum.bin_hz

    def tops(at: NDArray[np.int64]) -> Array:
        return np.asarray(logs[at[:, None] + np.array([-1, 0, 1])].max(axis=1))

    lines = np.rint(base * np.arange(1, _FINER_TO + 1)).astype(np.int64)
    main = float(tops(lines[lines + 1 < len(logs)]).mean())
    # The comb's own lines and the sidebands that the shaft draws beside them.
    own = base * np.arange(_FINER_TO + 2)[:, None] + turn * np.arange(
        -_FINER_SIDES, _FINER_SIDES + 1
    )
    explained = guarded(spectrum, speed)
    for middle in np.rint(own.ravel()).astype(np.int64):
        explained[max(0, middle - _FINER_GUARD) : max(0, middle + _FINER_GUARD + 1)] = True
    for part in range(_FINEST, 1, -1):
        at = np.rint(base / part * np.arange(1, _FINER_TO * part + 1)).astype(np.int64)
        at = at[np.arange(1, len(at) + 1) % part != 0]
        at = at[(at > 0) & (at + 1 < len(logs))]
        at = at[~explained[at]]
        if len(at) < _LEAST_FINER:
            continue
        between = tops(at)
        is_finer = (between > _FINER_STANDS).mean() >= _FINER_SHARE
        if is_finer and between.mean() > main - _AS_HIGH:
            return float(base / part * spectrum.bin_hz)
    return None
