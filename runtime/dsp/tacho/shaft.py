"""How far a shaft has turned at every time, and where its tacho failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError

_AROUND = 7  # intervals whose median is the usual one
_LONG, _SHORT = 1.5, 0.6  # of the usual interval: a pulse is missing, one is too many
_MOST_FAULTS = 0.25  # of all pulses


@dataclass(frozen=True)
class TachoFault:
    """Pulses that did not come, or came without a turn, at a time in s."""

    kind: Literal["missing", "extra"]
    time_s: float
    count: int

    def __str__(self) -> str:
        pulses = f"{self.count} pulse{'s' if self.count > 1 else ''}"
        return (
            f"{pulses} {'missing' if self.kind == 'missing' else 'too many'} at {self.time_s:.4g} s"
        )


@dataclass(frozen=True)
class Shaft:
    """A shaft's angle over time.

    Parameters
    ----------
    times_s : array, shape (n,), float64
        Increasing, n >= 2.
    turns : array, shape (n,), float64
        Turns made since the first of the times, increasing.
    faults : tuple of TachoFault
        What was mended: a person should know.
    """

    times_s: NDArray[np.float64]
    turns: NDArray[np.float64]
    faults: tuple[TachoFault, ...] = ()

    @property
    def mean_rpm(self) -> float:
        """Turns over time."""
        return float(60 * self.turns[-1] / (self.times_s[-1] - self.times_s[0]))

    def turns_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Turns made, linear between the times known; NaN outside them."""
        at = np.asarray(times_s, np.float64)
        return np.interp(at, self.times_s, self.turns, left=np.nan, right=np.nan)

    def times_at(self, turns: ArrayLike) -> NDArray[np.float64]:
        """Seconds at which so many turns were made; NaN outside what is known."""
        at = np.asarray(turns, np.float64)
        return np.interp(at, self.turns, self.times_s, left=np.nan, right=np.nan)

    def speed_rpm_at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """Speed: of an interval at its middle, linear between, constant beyond the outermost."""
        at = np.asarray(times_s, np.float64)
        middles = (self.times_s[1:] + self.times_s[:-1]) / 2
        return np.interp(at, middles, 60 * np.diff(self.turns) / np.diff(self.times_s))


def shaft_of_pulses(times_s: ArrayLike, *, per_turn: int = 1) -> Shaft:
    """The angle from pulses at equal angles.

    An interval of 1.5 times the median of those around it or more lacks pulses: the turn is
    divided as if they had come. A pulse too many is passed over. Both are named in ``faults``.

    Parameters
    ----------
    times_s : array, shape (pulses,)
        Increasing, as `pulse_times` gives them.
    per_turn : int > 0
        Pulses of a turn.

    Raises
    ------
    InputError
        If there are fewer than three pulses, they do not increase, or a quarter of them is at
        fault.
    """
    times = np.asarray(times_s, np.float64)
    if per_turn < 1:
        raise InputError(f"got {per_turn} pulses a turn: expected 1 or more")
    if len(times) < 3:
        raise InputError(
            f"the tacho has {len(times)} pulses: expected 3 or more; is the recording too short, "
            "or its threshold too high?"
        )
    if not (np.diff(times) > 0).all():
        raise InputError(
            "got times of pulses that do not increase: expected one pulse after another"
        )
    times, extra = _without_extra(times)
    intervals = np.diff(times)
    steps = np.maximum(1, np.round(intervals / _usual(intervals)))
    steps[intervals < _LONG * _usual(intervals)] = 1
    missing = [
        TachoFault("missing", float(times[at]), int(steps[at] - 1))
        for at in np.flatnonzero(steps > 1)
    ]
    faults = tuple(sorted((*missing, *extra), key=lambda fault: fault.time_s))
    count = sum(fault.count for fault in faults)
    if count > _MOST_FAULTS * len(times):
        raise InputError(
            f"{count} of some {len(times)} pulses are missing or too many, the first at "
            f"{faults[0].time_s:.4g} s: expected pulses at equal angles; check the tacho, or give "
            "the speed"
        )
    turns = np.concatenate([[0.0], np.cumsum(steps)]) / per_turn
    return Shaft(times, turns, faults)


def shaft_of_speed(speed_rpm: ArrayLike, rate_hz: float) -> Shaft:
    """The angle from a channel that holds the speed in revolutions per minute.

    Raises
    ------
    InputError
        If the speed is no number above 0 somewhere.
    """
    speed = np.asarray(speed_rpm, np.float64)
    if speed.ndim != 1 or len(speed) < 2:
        raise InputError(f"got speeds of shape {speed.shape}: expected one channel of two or more")
    if not (turns := np.isfinite(speed) & (speed > 0)).all():
        wrong = np.flatnonzero(~turns)
        raise InputError(
            f"the speed channel holds {speed[wrong[0]]:g} rpm at {wrong[0] / rate_hz:.4g} s, and "
            f"no speed above 0 in {len(wrong)} samples: cut the recording to where the shaft turns"
        )
    step = (speed[1:] + speed[:-1]) / 2 / 60 / rate_hz
    return Shaft(np.arange(len(speed)) / rate_hz, np.concatenate([[0.0], np.cumsum(step)]))


def _usual(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of the intervals around each one."""
    reach = min(_AROUND // 2, (len(intervals) - 1) // 2)
    padded = np.pad(intervals, reach, mode="reflect") if reach else intervals
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(around, axis=1))


def _without_extra(
    times: NDArray[np.float64],
) -> tuple[NDArray[np.float64], list[TachoFault]]:
    """Pulses without those that divide an interval which is usual without them."""
    faults = []
    keep = np.ones(len(times), bool)
    usual = _usual(np.diff(times))
    last = 0  # the last pulse kept
    for at in range(1, len(times)):
        if times[at] - times[last] < _SHORT * usual[at - 1] and at + 1 < len(times):
            keep[at] = False
            faults.append(TachoFault("extra", float(times[at]), 1))
        else:
            last = at
    return times[keep], faults
