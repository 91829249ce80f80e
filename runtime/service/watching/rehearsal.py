"""A rehearsal: a fault that is not there, added to the signal of a machine that is."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from msgspec import structs

from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.evidence.asking import orders_of
from dlrsd.runtime.machine.facts import Machine
from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.said import Change
from dlrsd.runtime.service.sources.rig import STRIKE_G, Strikes

_MARK = "REHEARSAL: "  # before whatever is said of it
NO_FAULT = "no fault is rehearsed: machine.toml states no bearing of the first sensor, or no speed"
BEGINS_S, GROWS_S = 30.0, 60.0
_STRENGTH = 3.0  # of the strikes, in RMS of the signal: plain to see in the envelope's spectrum


class RehearsedFault:
    """A growing fault of an outer race, in the numbers and at the level of the signal itself.

    Parameters
    ----------
    kinematics : Kinematics
    seed : int >= 0
    """

    def __init__(self, kinematics: Kinematics, seed: int) -> None:
        self._kinematics, self._rng = kinematics, np.random.default_rng(seed)
        self._strikes: Strikes | None = None
        self._turned = self._passed = 0.0

    def added(self, block: Block) -> Block:
        """The block with the fault in its first channel."""
        if self._strikes is None:
            self._strikes = Strikes("outer", self._kinematics, block.rate_hz, self._rng)
        n, rate_hz = block.samples.shape[1], block.rate_hz
        if not n:
            return block
        turn_hz = self._kinematics.speed_rpm / 60
        turns = self._turned + turn_hz / rate_hz * np.arange(1, n + 1)
        self._turned = float(turns[-1])
        self._passed += n / rate_hz
        severity = min(1.0, max(0.0, (self._passed - BEGINS_S) / GROWS_S))
        own = block.samples[0].astype(np.float64)
        level = float(own.std()) * _STRENGTH / STRIKE_G
        faulty = own + level * self._strikes.push(turns, severity)
        samples = np.array(block.samples)
        if samples.dtype.kind == "i":
            limits = np.iinfo(samples.dtype)
            faulty = np.clip(np.rint(faulty), limits.min, limits.max)
        samples[0] = faulty
        return structs.replace(block, samples=samples)


def marked(changes: Iterable[Change]) -> list[Change]:
    """Changes of alarm that say what they are: of a rehearsal."""
    return [structs.replace(each, text=_MARK + each.text) for each in changes]


def rehearsed_fault(machine: Machine) -> RehearsedFault | None:
    """What is added to a machine's signal; None where bearing or speed are not stated."""
    orders = orders_of(machine.sensors[0])
    if orders is None or machine.shaft.speed_rpm is None:
        return None
    kinematics = Kinematics(machine.shaft.speed_rpm, **orders)
    return RehearsedFault(kinematics, zlib.crc32(machine.name.encode()))
