"""The baseline of one sensor, and what a person should know of it before it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.numbers import plain
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.commissioning.levels import healthy_levels
from dlrsd.runtime.commissioning.network import network_baseline
from dlrsd.runtime.commissioning.tail import FEWEST, limit_passed_once_in
from dlrsd.runtime.dsp.order_map_config import Order
from dlrsd.runtime.evidence.baseline import baseline_of
from dlrsd.runtime.evidence.commissioned import (
    AtSpeed,
    HealthyLevel,
    LevelName,
    Limit,
    SensorBaseline,
)
from dlrsd.runtime.evidence.network import Heard
from dlrsd.runtime.evidence.spectral_shape import LEAST_LIMIT, distance, shape_of
from dlrsd.runtime.evidence.verdict import FLOOR, RACES_AND_BALL, Evidence, scores_against
from dlrsd.runtime.machine.facts import Iso20816

Array = NDArray[np.float64]

FEWEST_WINDOWS = 5
_ONE_SPEED = 0.05  # share within which speeds are one
_MOSTLY = 0.5  # share that makes it a suspicion, which verdicts remember
_FAULTY = 0.2  # share of the windows that name a place before there is a baseline
_FAR = 3.0  # times the farthest healthy window, where no rate can be stated
_STEADY_DB = 3.0  # by which the level of the parts of a recording may differ


class Healthy(Struct, frozen=True):
    """A fit window of healthy signal.

    Attributes
    ----------
    stated_rpm : float
    evidence : Evidence
    levels : array, shape (bands,)
        ln of the bands' power.
    load : float, optional
        In the machine's unit.
    heard : Heard, optional
        What a bundle's network says of it.
    seconds : array, shape (seconds, levels), optional
        Levels of its seconds, where its unit is one of acceleration.
    """

    stated_rpm: float
    evidence: Evidence
    levels: Array
    load: float | None = None
    heard: Heard | None = None
    seconds: Array | None = None


def sensor_baseline(
    name: str,
    orders: dict[Order, float],
    windows: Sequence[Healthy],
    *,
    edges_hz: Array,
    n_month: float,
    seconds: float,
    iso: Iso20816 | None = None,
    bundle: Bundle | None = None,
    accept_lines: bool = False,
) -> tuple[SensorBaseline, list[str]]:
    """The baseline of a sensor at each of its speeds.

    Parameters
    ----------
    name : str
    orders : dict of str to float
        Of its bearing.
    windows : sequence of Healthy
        In the order of the recordings.
    edges_hz : array, shape (bands + 1,)
        Of the bands whose levels they hold.
    n_month : float > 1
        Windows of which one may pass a limit; the levels divide their share by their number.
    seconds : float
        Of a window.
    iso : Iso20816, optional
        The machine's class.
    bundle : Bundle, optional
        Whose network heard the windows.
    accept_lines : bool
        Whether lines of a fault are taken for the machine's own, since somebody looked.

    Returns
    -------
    SensorBaseline
    list of str
        What a person should know.

    Raises
    ------
    InputError
        If there are too few windows at every speed.
    """
    speeds, notes, too_few = [], [], []
    for group in _by_speed(windows):
        rpm = float(np.median([_rpm(window) for window in group]))
        whose = f"{name} at {plain(rpm)} rpm"
        if len(group) < FEWEST_WINDOWS:
            too_few.append(
                f"{whose}: {len(group)} fit windows of {seconds:g} s, expected at least "
                f"{FEWEST_WINDOWS}"
            )
            continue
        own = _at_speed(group, rpm, edges_hz, n_month)
        if accept_lines:
            own = structs.replace(own, suspected=[])
        own = structs.replace(own, levels=_levels(group, n_month * seconds, iso))
        heard = [window.heard for window in group if window.heard is not None]
        if bundle is not None and heard:
            own = structs.replace(own, network=network_baseline(bundle, heard, n_month))
        speeds.append(own)
        notes += [f"{whose}: {note}" for note in _doubts(group, speeds[-1], seconds)]
    if not speeds:
        raise InputError(
            f"{too_few[0]}; give more healthy signal, {FEWEST} windows or more if a rate of false "
            "alarms shall hold"
        )
    notes += [f"{each}: this speed is left out" for each in too_few]
    return SensorBaseline(sensor=name, orders=orders, speeds=speeds), notes


def _by_speed(windows: Sequence[Healthy]) -> list[list[Healthy]]:
    """Windows of about one speed together, slowest first, each group in its old order."""
    groups: list[list[int]] = []
    slowest = 0.0
    for at in sorted(range(len(windows)), key=lambda at: _rpm(windows[at])):
        if not groups or _rpm(windows[at]) > slowest * (1 + 2 * _ONE_SPEED):
            groups.append([])
            slowest = _rpm(windows[at])
        groups[-1].append(at)
    return [[windows[at] for at in sorted(group)] for group in groups]


def _rpm(window: Healthy) -> float:
    speed = window.evidence.speed
    return 60 * speed.hz if speed else window.stated_rpm


def _stated_rpm(window: Healthy) -> float:
    speed = window.evidence.speed
    return 60 * speed.stated_hz if speed else window.stated_rpm


def _at_speed(group: Sequence[Healthy], rpm: float, edges_hz: Array, n_month: float) -> AtSpeed:
    baseline = baseline_of([window.evidence for window in group])
    levels = np.array([window.levels for window in group])
    shape = shape_of(levels, edges_hz)
    apart = distance(levels, shape)
    score_limit, shape_limit = Limit(FLOOR), Limit(max(LEAST_LIMIT, _FAR * float(apart.max())))
    if len(group) >= FEWEST:
        highest = [_highest(scores_against(w.evidence.raw_scores, baseline)) for w in group]
        score_limit = limit_passed_once_in(n_month, np.array(highest))
        found = limit_passed_once_in(n_month, apart)
        shape_limit = structs.replace(found, value=max(LEAST_LIMIT, found.value))
    baseline = structs.replace(baseline, floor=score_limit.value)
    places = Counter(window.evidence.verdict for window in group)
    loads = [window.load for window in group if window.load is not None]
    return AtSpeed(
        speed_rpm=rpm,
        windows=len(group),
        baseline=baseline,
        shape=shape,
        score_limit=score_limit,
        shape_limit=shape_limit,
        loads=(min(loads), max(loads)) if loads else None,
        suspected=[place for place in RACES_AND_BALL if places[place] > _MOSTLY * len(group)],
    )


def _levels(
    group: Sequence[Healthy], s_month: float, iso: Iso20816 | None
) -> dict[LevelName, HealthyLevel]:
    parts = [window.seconds for window in group if window.seconds is not None]
    return healthy_levels(np.concatenate(parts), s_month, iso) if parts else {}


def _highest(scores: dict[str, float]) -> float:
    return max(scores[place] for place in RACES_AND_BALL)


def _doubts(group: Sequence[Healthy], own: AtSpeed, seconds: float) -> list[str]:
    """What a person should know before this becomes the baseline."""
    said = []
    n = len(group)
    if own.score_limit.low is None:
        said.append(
            f"{n} windows are too few to state a rate of false alarms: give {FEWEST}, "
            f"{FEWEST * seconds / 60:.2g} min, or more"
        )
    else:
        said.append(f"{n} windows; a fault is named from a score of {_limit(own.score_limit)} on")
    if own.levels:
        said.append(f"a watch alerts from {_levels_in_words(own.levels)}")
    places = Counter(window.evidence.verdict for window in group)
    said += [
        f"{100 * places[place] / n:.0f} % of the windows have lines of {place}: {_then(place, own)}"
        for place in (*RACES_AND_BALL, "cage")
        if places[place] > _FAULTY * n
    ]
    level = np.log(np.exp([window.levels for window in group]).sum(axis=1)) * 10 / np.log(10)
    parts = [float(np.median(part)) for part in np.array_split(level, 4) if len(part)]
    if max(parts) - min(parts) > _STEADY_DB:
        said.append(
            f"the signal is not steady: its level moves by {max(parts) - min(parts):.1f} dB from "
            "one quarter of it to another"
        )
    unseen = sum(
        window.evidence.speed is not None and window.evidence.speed.how == "stated"
        for window in group
    )
    if unseen > _MOSTLY * n:
        said.append(
            f"no line of the shaft is seen in {100 * unseen / n:.0f} % of the windows: the speed "
            "is taken as stated"
        )
    contradicted = sum(
        window.evidence.speed is not None and window.evidence.speed.how == "contradicted"
        for window in group
    )
    if contradicted > _FAULTY * n:
        said.append(
            f"the stated speed of {plain(_stated_rpm(group[0]))} rpm is contradicted by the "
            f"shaft's lines, which are those of {plain(own.speed_rpm)} rpm"
        )
    return said


def _then(place: str, own: AtSpeed) -> str:
    if place in own.suspected:
        return (
            "while they are there verdicts stay undecided; check the bearing, and if it is sound "
            "commission again with --accept-lines"
        )
    return "if that is a fault it becomes part of what counts as healthy; check the bearing first"


def _levels_in_words(levels: dict[LevelName, HealthyLevel]) -> str:
    """Of those that a watch looks at unless told otherwise, or of what there is."""
    words = {"velocity_mm_s": "mm/s of velocity", "envelope_m_s2": "m/s2 of envelope"}
    known = {name: of for name, of in words.items() if name in levels}
    known = known or {"acceleration_m_s2": "m/s2 of acceleration"}
    return " and ".join(
        f"{levels[name].limit.value:.3g} {of} on (healthy seconds reach {levels[name].highest:.3g})"
        for name, of in known.items()
    )


def _limit(limit: Limit) -> str:
    return f"{limit.value:.3g} (95 % interval {limit.low:.3g} to {limit.high:.3g})"
