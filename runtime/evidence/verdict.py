"""The verdict of physics on one window of one channel: which place, how sure, in which words.

It needs the shaft's speed and the bearing's orders, no training. A place is named where its lines
stand out by more than `FLOOR` and by `MARGIN` more than any other place's; both were set on
simulated rigs, the fan end of CWRU's rig and a self-built one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.numbers import plain
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.fault_lines import BLOCK_ORDERS
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.dsp.places import (
    HARMONICS,
    OWN_ORDERS,
    cage_strikes,
    find,
    finer_comb,
)
from dlrsd.runtime.dsp.shaft_speed import TOLERANCE, ShaftSpeed, shaft_speed
from dlrsd.runtime.evidence.baseline import OWN_LINES, UNKNOWN_MACHINE, Baseline
from dlrsd.runtime.evidence.lines import Line, bearing_lines, knocks, machine_lines, seen
from dlrsd.runtime.evidence.place import Place as Place
from dlrsd.runtime.evidence.sentence import sentence_of
from dlrsd.runtime.evidence.usable import made_up, no_signal, too_little

RACES_AND_BALL: tuple[Place, ...] = ("outer", "inner", "ball")
FLOOR = 2.5  # in spreads of healthy windows
MARGIN = 0.8
MACHINE_FLOOR = 10.0  # of shaft and gears, against the machine's own: a reassembled one reaches 8
# Knocks once a turn, 11 dB: a healthy gearbox knocked by up to 7 dB more at one load than another.
KNOCK_FLOOR = 5.0
_INSTEAD = 3  # lines that stand for a missing first
_CAGE_SHARE = 0.7  # of the best other score, which a striking cage makes too
_DB = 10 / np.log(10)  # of ln of power


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of one window say."""

    verdict: Place
    """"healthy" means that no line stands out, or none more than in the baseline."""
    sentence: str
    """The finding in a vibration engineer's words."""
    reason: str | None = None
    """Why it is undecided, or what of the stated facts the signal contradicts."""
    seconds: float
    speed: ShaftSpeed | None = None
    scores: dict[str, float] = {}
    """By place: spreads of healthy windows above their mean. Against a baseline alone: shaft, gear,
    and unknown, for what knocks once a turn."""
    raw_scores: dict[str, float] = {}
    """By place, before a baseline: what a baseline is made of."""
    lines: list[Line] = []


def evidence(
    window: ArrayLike,
    rate_hz: float,
    kinematics: Kinematics,
    *,
    teeth: Sequence[int] = (),
    baseline: Baseline | None = None,
) -> Evidence:
    """Weigh the lines of a window.

    Parameters
    ----------
    window : array, shape (n,), real
        One channel, in any unit: as long as the verdict shall be, best of 60 turns or more.
    rate_hz : float > 0
        Sampling rate.
    kinematics : Kinematics
        The shaft's stated speed (refined from the signal within 10 %) and the bearing's orders.
    teeth : of the gears on that shaft, each > 0
    baseline : of the machine at this speed

    Returns
    -------
    Evidence
        Undecided with a reason where the window does not allow a verdict: shorter than eight
        turns, samples that are no numbers, no signal, a rate too low for two lines, the shaft's own
        lines more than 10 % off the stated speed.

    Raises
    ------
    InputError
        If the orders fit no bearing, or the rate or the teeth are no numbers above 0.
    """
    x = np.asarray(window, dtype=np.float64)
    _check(x, rate_hz, kinematics, teeth)
    seconds, stated_hz = len(x) / rate_hz, kinematics.speed_rpm / 60
    if reason := too_little(len(x), rate_hz, kinematics):
        return _undecided(reason, seconds, None)
    largest = np.abs(x).max()
    if reason := no_signal(x, largest):
        return _undecided(reason, seconds, None)
    scaled = x / largest  # no square overflows, whatever the unit
    if reason := made_up(scaled):
        return _undecided(reason, seconds, None)
    block_hz = BLOCK_ORDERS * stated_hz
    highest_hz = (HARMONICS * kinematics.bpfi + 2) * (1 + TOLERANCE) * stated_hz
    own_orders = max([OWN_ORDERS, *(3.2 * count + 3 for count in teeth)])
    own = signal_spectrum(scaled, rate_hz, own_orders * stated_hz, block_hz)
    envelope = envelope_spectrum(scaled, rate_hz, min(highest_hz, rate_hz / 8), block_hz)
    speed = shaft_speed(own, envelope, stated_hz)
    if speed.how == "wrong":
        return _undecided(_contradicted(speed) + ": state the true speed", seconds, speed)
    found = find(envelope, speed, kinematics)
    lines = bearing_lines(envelope, speed, list(found.values()))
    lines += machine_lines(own, speed, teeth)
    raw = {place: one.score for place, one in found.items()} | _machine_scores(lines)
    if (knocking := knocks(envelope, speed)) is not None:
        raw["unknown"] = knocking
    scores = scores_against(raw, baseline)
    floor = max(FLOOR, baseline.floor or 0.0) if baseline else FLOOR
    strikes = cage_strikes(envelope, speed, found["cage"])
    verdict, reason = _verdict(scores, lines, floor, strikes)
    if verdict in ("outer", "inner") and (hz := finer_comb(envelope, speed, found[verdict])):
        reason = (
            f"lines of {verdict} stand out, and as high those between them: something knocks at "
            f"{plain(hz)} Hz"
        )
        verdict = "undecided"
    if speed.how == "double" and baseline is None:  # what a commissioned machine draws is its own
        verdict, reason = "undecided", _contradicted(speed) + ": state the true speed"
    lines = [_over_baseline(line, baseline) for line in lines]
    if speed.how == "contradicted" or speed.elsewhere_hz is not None:
        reason = _contradicted(speed) + (f"; {reason}" if reason else "")
    return Evidence(
        verdict=verdict,
        sentence=sentence_of(
            verdict, lines, speed, reason, over_healthy_db=_knocks_db(raw, baseline)
        ),
        reason=reason,
        seconds=seconds,
        speed=speed,
        scores=scores,
        raw_scores=raw,
        lines=lines,
    )


def scores_against(raw: dict[str, float], baseline: Baseline | None) -> dict[str, float]:
    """Raw scores of places in spreads of healthy windows; shaft and gear with a baseline alone."""
    levels = UNKNOWN_MACHINE if baseline is None else baseline.scores
    scores = {}
    for place, score in raw.items():
        if level := levels.get(place):
            # A machine quieter than most is given no credit for it: lines start from nothing.
            mean = max(level.mean, 0.0)
            # Loads alone change how a shaft knocks by more than one recording shows.
            spread = max(level.spread, OWN_LINES.spread) if place == "unknown" else level.spread
            scores[place] = (score - mean) / spread
    return scores


def stands_alone(found: Evidence) -> Place | None:
    """The race or ball that the same lines would name on a machine without a baseline."""
    scores = scores_against(
        {p: s for p, s in found.raw_scores.items() if p in RACES_AND_BALL}, None
    )
    if not scores:
        return None
    first, second = sorted(RACES_AND_BALL, key=lambda place: -scores[place])[:2]
    stands = scores[first] > FLOOR and scores[first] - scores[second] > MARGIN
    return first if stands and _whole(found.lines, first) else None


def _undecided(reason: str, seconds: float, speed: ShaftSpeed | None) -> Evidence:
    return Evidence(
        verdict="undecided",
        sentence=f"undecided: {reason}",
        reason=reason,
        seconds=seconds,
        speed=speed,
    )


def _contradicted(speed: ShaftSpeed) -> str:
    stated = plain(60 * speed.stated_hz)
    if speed.how == "double":
        return (
            f"the stated speed of {stated} rpm is doubtful: the shaft's lines are as well those of "
            f"half as much, {plain(30 * speed.hz)} rpm, or of a belt or a loose part"
        )
    if speed.elsewhere_hz is not None:
        return (
            f"no line stands at the stated speed of {stated} rpm, but lines tower at multiples of "
            f"{plain(60 * speed.elsewhere_hz)} rpm: check the speed"
        )
    return (
        f"the stated speed of {stated} rpm is contradicted: the shaft's lines are those of "
        f"{plain(60 * speed.hz)} rpm"
    )


def _check(
    x: NDArray[np.float64], rate_hz: float, kinematics: Kinematics, teeth: Sequence[int]
) -> None:
    if x.ndim != 1:
        raise InputError(f"got a window of shape {x.shape}: expected one channel, (n,)")
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise InputError(f"got a rate of {rate_hz:g} Hz: expected a number above 0")
    if why := odd_orders(kinematics):
        raise InputError(f"the orders fit no rolling bearing: {why}")
    if any(count < 1 for count in teeth):
        raise InputError(f"got teeth {', '.join(map(str, teeth))}: expected numbers above 0")


def _machine_scores(lines: Sequence[Line]) -> dict[str, float]:
    """Mean height of the shaft's and of the gears' lines, in ln of power."""
    heights: dict[str, list[float]] = {}
    for line in lines:
        if line.place in ("shaft", "gear"):
            heights.setdefault(line.place, []).append(line.level_db / _DB)
    return {place: float(np.mean(values)) for place, values in heights.items()}


def _verdict(
    scores: dict[str, float], lines: Sequence[Line], floor: float, strikes: bool
) -> tuple[Place, str | None]:
    first, second = sorted(RACES_AND_BALL, key=lambda place: -scores[place])[:2]
    cage = scores["cage"]
    # As many cage turns as there are rollers are one BPFO, and about twelve twice the ball's spin.
    if strikes and cage > floor and cage > _CAGE_SHARE * scores[first]:
        return "cage", None
    if scores[first] > floor:
        if not _whole(lines, first):
            why = "but not the first of them: they may be of something else"
            return "undecided", f"lines of {first} stand out, {why}"
        if scores[first] - scores[second] > MARGIN:
            return first, None
        return "undecided", f"lines of {first} and {second} stand out alike"
    if cage > floor and _whole(lines, "cage"):
        return "ball", "lines of the cage's turn alone: a ball carried round, or the cage itself"
    machine: dict[Place, float] = {"gear": MACHINE_FLOOR, "shaft": MACHINE_FLOOR}
    for place, limit in (machine | {"unknown": KNOCK_FLOOR}).items():
        if scores.get(place, 0.0) > limit:
            return place, None
    return "healthy", None


def _knocks_db(raw: Mapping[str, float], baseline: Baseline | None) -> float | None:
    """How far what knocks once a turn lies above its healthy level, dB."""
    own = baseline.scores.get("unknown") if baseline else None
    return None if own is None or "unknown" not in raw else _DB * (raw["unknown"] - own.mean)


def _whole(lines: Sequence[Line], place: str) -> bool:
    """Whether a comb has its first line, or three others: one or two alone, as 2 and 4 times BPFO,
    are as well those of something else."""
    standing = [line for line in seen(lines, place) if place != "outer" or not line.is_sideband]
    return len(standing) >= _INSTEAD or any(line.name.endswith(" 1x") for line in standing)


def _over_baseline(line: Line, baseline: Baseline | None) -> Line:
    if baseline is None or line.name not in baseline.lines:
        return line
    over = line.level_db - baseline.lines[line.name].mean
    return msgspec.structs.replace(line, over_baseline_db=over)
