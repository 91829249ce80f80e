"""A window as it would be had the shaft turned at one speed, by its tacho."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.dsp.tacho.angle import to_angle
from dlrsd.runtime.dsp.tacho.pulses import pulse_times
from dlrsd.runtime.dsp.tacho.shaft import Shaft, TachoFault, shaft_of_pulses, shaft_of_speed

# Turns by which the angle may be off that of one speed: half a cycle of a line of order 25. Edges
# of pulses fall between samples, and are off by less.
STEADY = 0.02


class Tacho(Struct, frozen=True):
    """A channel that tells how the shaft turns.

    Parameters
    ----------
    channel : int >= 0
    pulses_per_turn : int > 0 or None
        None where the channel holds the speed in rpm.
    """

    channel: int
    pulses_per_turn: int | None = 1

    def shaft(self, samples: NDArray[np.floating], rate_hz: float) -> Shaft:
        """The shaft's angle over a window, shape (channels, n).

        Raises
        ------
        InputError
            If the channel holds neither pulses nor speeds.
        """
        own = samples[self.channel]
        if self.pulses_per_turn is None:
            return shaft_of_speed(own, rate_hz)
        return shaft_of_pulses(pulse_times(own, rate_hz), per_turn=self.pulses_per_turn)


class Turned(Struct, frozen=True):
    """A channel at one speed.

    Attributes
    ----------
    x : array, shape (n,)
    rate_hz : float
        As if the shaft had turned at ``speed_rpm`` throughout.
    speed_rpm : float
        Its mean.
    remark : str or None
        Pulses that were missing or too many.
    """

    x: NDArray[np.floating]
    rate_hz: float
    speed_rpm: float
    remark: str | None = None


def at_one_speed(
    samples: NDArray[np.floating], channel: int, rate_hz: float, tacho: Tacho
) -> Turned:
    """A channel of a window, resampled to equal angles where its speed moves.

    Parameters
    ----------
    samples : array, shape (channels, n)
    channel : int
        The one that is wanted.
    rate_hz : float > 0
    tacho : Tacho

    Raises
    ------
    InputError
        If the tacho's channel tells no angle.
    """
    shaft = tacho.shaft(samples, rate_hz)
    mean = shaft.mean_rpm
    remark = _remark(shaft.faults)
    straight = np.polynomial.Polynomial.fit(shaft.times_s, shaft.turns, 1)
    if np.ptp(shaft.turns - straight(shaft.times_s)) <= STEADY:
        return Turned(samples[channel], rate_hz, mean, remark)
    resampled = to_angle(samples[channel], rate_hz, shaft)
    return Turned(resampled.samples[0], resampled.per_turn * mean / 60, mean, remark)


def _remark(faults: Sequence[TachoFault]) -> str | None:
    """How many pulses of each kind, and when the first was."""
    said = []
    for kind, words in (("missing", "missing"), ("extra", "too many")):
        own = [fault for fault in faults if fault.kind == kind]
        if count := sum(fault.count for fault in own):
            many = "s" if count > 1 else ""
            where = ", the first at" if count > 1 else " at"
            said.append(f"{count} pulse{many} {words}{where} {own[0].time_s:.4g} s")
    return f"tacho: {', '.join(said)}" if said else None
