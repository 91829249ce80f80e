"""Healthy machines as streams of any length: simulated ones, and real recordings in a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.accuracy import evidence_signals, healthy_kinds
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics
from dlrsd.training.data.vibration.datasets import find_dataset

SECONDS = 2.0  # of a piece, as of a window of the evidence
_SEAM_S = 0.05  # over which the end of a loop fades into its start
_NOISE = 0.1  # of a recording's RMS
_SWELL = 0.05  # by which its level wanders

DESIGN: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "CWRU fan end": (
        "cwru12k",
        # It has no healthy recording: its own sensor while the drive end has its smallest fault.
        lambda q: (
            q["channel"] == "FE"
            and q["fault_location"] == "motor_bearing_de"
            and q["fault_type"] == "inner"
            and q["fault_size_mm"] < 0.2
        ),
    ),
    "HIT self-built": ("hit_self", lambda q: q["fault_type"] == "normal"),
}
HELD_OUT: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "CWRU drive end": ("cwru12k", lambda q: q["channel"] == "DE" and q["fault_type"] == "normal"),
    "HIT MFS": ("hit_mfs", lambda q: q["fault_type"] == "normal"),
}


class Healthy(NamedTuple):
    """A healthy machine.

    ``pieces`` gives arrays of shape (n,), float32, in order of time and without end; the argument
    says whether they are for commissioning or for the watch after it.
    """

    name: str
    rate_hz: float
    kinematics: Kinematics
    pieces: Callable[[bool], Iterator[np.ndarray]]


def simulated(seed: int, machines: int = 10) -> list[Healthy]:
    """Machines of the kinds that the evidence was not made on, and two that it was."""
    names = [*healthy_kinds.KINDS, "general", "general"]
    return [_simulated(names[i % len(names)], seed + i) for i in range(machines)]


def _simulated(name: str, seed: int) -> Healthy:
    rate = evidence_signals.RATE
    if name == "general":
        drawn = evidence_signals.machine(seed)

        def general(is_later: bool) -> Iterator[np.ndarray]:
            made = evidence_signals.windows(seed, "healthy", 10**9, 10**6 * is_later)
            return (x.astype(np.float32) for x in made)

        return Healthy(f"{name}, {seed}", rate, drawn.kinematics, general)
    m = np.random.default_rng([seed, 1])
    count, d, pitch = healthy_kinds.BEARINGS[m.integers(len(healthy_kinds.BEARINGS))]
    g, hz = d / pitch, m.uniform(12, 55)
    stated = Kinematics(
        60 * hz * (1 + m.uniform(-0.003, 0.003)),
        count / 2 * (1 - g),
        count / 2 * (1 + g),
        (1 - g * g) / (2 * g),
        (1 - g) / 2,
    )

    def pieces(is_later: bool) -> Iterator[np.ndarray]:
        index = 10**6 * is_later
        while True:
            own = np.random.default_rng([seed, 2])  # the same machine, each time
            r = np.random.default_rng([seed, 3, index])
            yield healthy_kinds.KINDS[name](own, r, hz, stated).astype(np.float32)
            index += 1

    return Healthy(f"{name}, {seed}", rate, stated, pieces)


def looped(root: str, *, held_out: bool, halves: bool) -> list[Healthy]:
    """Real recordings in a loop with noise.

    Parameters
    ----------
    root : str
        Folder of the data sets.
    held_out : bool
        Whether those that were kept for the end.
    halves : bool
        Whether each is commissioned on its first half and watched on its second, of which it knows
        nothing; else both are the whole of it, with other noise.
    """
    found = []
    for rig, (name, select) in (HELD_OUT if held_out else DESIGN).items():
        dataset: Any = find_dataset(name, root=root)
        every = dataset.metadata().to_dict("records")
        for signal in filter(select, every):
            own = next(each for each in every if _same_bearing(each, signal, rig))
            kinematics = Kinematics(
                float(signal["speed_rpm"]), *(float(own[order]) for order in ORDERS)
            )
            x = np.asarray(dataset.signal(signal["signal_id"]), dtype=np.float64)
            label = f"{rig}, {signal['signal_id']}" + ", other half" * halves
            parts = np.array_split(x / x.std(), 2) if halves else [x / x.std()]
            found.append(_looped(label, parts, float(signal["fs"]), kinematics))
    return found


def _same_bearing(each: dict[str, Any], signal: dict[str, Any], rig: str) -> bool:
    """A signal whose stated orders are those of the bearing at this sensor."""
    if rig == "CWRU fan end":
        return bool(each["fault_location"] == "motor_bearing_nde")
    if rig == "CWRU drive end":
        return bool(each["fault_location"] == "motor_bearing_de")
    return bool(each["fault_type"] != "normal")


def _looped(name: str, parts: Sequence[np.ndarray], rate: float, kinematics: Kinematics) -> Healthy:
    def pieces(is_later: bool) -> Iterator[np.ndarray]:
        loop = _closed(parts[-1 if is_later else 0], round(_SEAM_S * rate))
        r = np.random.default_rng([len(loop), int(is_later)])
        n, at, level = round(SECONDS * rate), 0, 0.0
        while True:
            level = 0.9 * level + _SWELL * float(r.standard_normal())
            piece = np.take(loop, np.arange(at, at + n), mode="wrap")
            at = (at + n) % len(loop)
            yield (np.exp(level) * piece + _NOISE * r.standard_normal(n)).astype(np.float32)

    return Healthy(name, rate, kinematics, pieces)


def _closed(x: np.ndarray, seam: int) -> np.ndarray:
    """A signal whose end fades into its start."""
    fade = np.linspace(0, np.pi / 2, seam)
    body = x[:-seam].copy()
    body[:seam] = np.sin(fade) * x[:seam] + np.cos(fade) * x[-seam:]
    return body
