"""A machine that goes on being simulated, block after block, for demonstrations and rehearsals.

The shaft's first harmonics, coloured noise that rings the structure, and the strikes of a point
defect: each passing of a roller over it rings the structure's resonances. Strikes follow the shaft
with a little slip, and swell with the load zone that the defect turns through.

McFadden and Smith, J. Sound Vib. 96 (1984); Randall and Antoni, Mech. Syst. Signal Process. 25
(2011).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import require
from dlrsd.runtime.dsp.order_map_config import Kinematics

Array = NDArray[np.float64]
Defect = Literal["outer", "inner", "ball"]

_MODES = (0.06, 0.095, 0.15)  # resonances, in shares of the rate
_DAMPING = 0.04
_RING_S = 0.02
_SLIP = 0.01  # share by which the spacing of strikes differs, lastingly and each time
_HARMONICS_G = (0.03, 0.015, 0.008)  # of the shaft: 1.1 mm/s of velocity at 1770 rpm
_RUMBLE_G, _STRUCTURE_G, _SENSOR_G = 0.05, 0.012, 0.02
STRIKE_G = 0.55  # of a defect of severity 1, plain to see in the envelope's spectrum


class Strikes:
    """The vibration that a defect adds to a signal.

    Parameters
    ----------
    defect : {"outer", "inner", "ball"}
    kinematics : Kinematics
    rate_hz : float > 0
    rng : numpy Generator
    """

    def __init__(
        self, defect: Defect, kinematics: Kinematics, rate_hz: float, rng: np.random.Generator
    ) -> None:
        orders = {"outer": kinematics.bpfo, "inner": kinematics.bpfi, "ball": 2 * kinematics.bsf}
        # How often in a turn of the shaft the defect passes the load zone.
        self._zone = {"outer": 0.0, "inner": 1.0, "ball": kinematics.ftf}[defect]
        self._spacing = (1 + rng.uniform(-_SLIP, _SLIP)) / orders[defect]
        self._rng, self._next = rng, float(rng.uniform(0, self._spacing))
        self._ringing = Ringing(rate_hz, rng)

    def push(self, turns: Array, severity: float) -> Array:
        """What it adds over the next samples, shape (n,), in g.

        Parameters
        ----------
        turns : array, shape (n,)
            The shaft's angle in turns; it goes on from block to block.
        severity : float >= 0
        """
        at = []
        while self._next < turns[-1]:
            at.append(self._next)
            self._next += self._spacing * (1 + _SLIP * self._rng.standard_normal())
        angles = np.array(at)
        height = STRIKE_G * severity * self._rng.normal(1, 0.1, len(angles))
        if self._zone:
            height *= ((1 + np.cos(2 * np.pi * self._zone * angles)) / 2) ** 1.5  # Stribeck
        sample = np.interp(angles, turns, np.arange(len(turns)))
        impulses = np.bincount(np.floor(sample).astype(int), height, minlength=len(turns))
        return self._ringing.push(impulses.astype(np.float64))


class Ringing:
    """The structure's answer to impulses or noise, which goes on into the next block."""

    def __init__(self, rate_hz: float, rng: np.random.Generator) -> None:
        self._convolve = require("scipy.signal", extra="io", purpose="simulating").oaconvolve
        t = np.arange(round(_RING_S * rate_hz)) / rate_hz
        omega = 2 * np.pi * rate_hz * np.array(_MODES)[:, None]
        modes = np.exp(-_DAMPING * omega * t) * np.sin(omega * t)
        self._response = rng.uniform(0.6, 1.4, len(_MODES)) @ modes
        self._tail = np.zeros(len(self._response) - 1)

    def push(self, excitation: Array) -> Array:
        """What rings over the next samples, shape (n,)."""
        n = len(excitation)
        whole: Array = self._convolve(excitation, self._response)
        whole[: len(self._tail)] += self._tail
        self._tail = whole[n:].copy()
        return whole[:n]


class Rig:
    """A machine, healthy but for what a defect adds.

    Parameters
    ----------
    seed : int >= 0
    kinematics : Kinematics
    rate_hz : float > 0
        At least 8000, to hold the resonances.
    defect : {"outer", "inner", "ball"}, optional
    """

    def __init__(
        self,
        seed: int,
        kinematics: Kinematics,
        rate_hz: float,
        defect: Defect | None = None,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._turn_hz, self._rate_hz = kinematics.speed_rpm / 60, rate_hz
        self._turned = 0.0
        self._phases = self._rng.uniform(0, 2 * np.pi, len(_HARMONICS_G))
        self._structure = Ringing(rate_hz, self._rng)
        self._lfilter = require("scipy.signal", extra="io", purpose="simulating").lfilter
        self._rumble: Any = np.zeros(1)
        self._strikes = Strikes(defect, kinematics, rate_hz, self._rng) if defect else None

    def push(self, n: int, severity: float = 0.0) -> NDArray[np.float32]:
        """The next ``n`` samples, shape (n,), in g, with a defect of this severity."""
        rng = self._rng
        speed = self._turn_hz / self._rate_hz * (1 + 0.001 * rng.standard_normal())
        turns: Array = self._turned + speed * np.arange(1, n + 1, dtype=np.float64)
        self._turned = float(turns[-1])
        x = self._structure.push(_STRUCTURE_G * rng.standard_normal(n))
        rumble, self._rumble = self._lfilter(
            [0.08 * _RUMBLE_G], [1, -0.92], rng.standard_normal(n), zi=self._rumble
        )
        x += rumble + _SENSOR_G * rng.standard_normal(n)
        for order, (height, phase) in enumerate(
            zip(_HARMONICS_G, self._phases, strict=True), start=1
        ):
            x += height * np.cos(2 * np.pi * order * turns + phase)
        if self._strikes is not None:
            x += self._strikes.push(turns, severity)
        return x.astype(np.float32)
