"""Healthy machines of kinds that the rule was not made on: how often are they called faulty?

    python -m benchmarks.accuracy.healthy_kinds

Simulated, windows of 2 s at 12 kHz. Each machine is judged without a baseline, and, commissioned on
its first windows, against its own. "Faulty" counts outer, inner, ball, cage, shaft and gear; the
bound is the upper end of the 95 % interval of Clopper and Pearson. Windows of one machine are alike
by construction here: what days and loads change, this does not show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import beta

from benchmarks import machine
from dlrsd.runtime.commissioning.healthy import Healthy, sensor_baseline
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels
from dlrsd.runtime.evidence.windows import Asked, WindowEvidence, evidence_windows
from dlrsd.runtime.streams.source import Chunk
from dlrsd.training.base.threads import one_thread

RATE, SECONDS = 12000.0, 2.0
N = int(RATE * SECONDS)
T = np.arange(N) / RATE
COMMISSIONED, TESTED = 110, 90
MONTH = 30 * 86_400 / SECONDS
FAULTY = ("outer", "inner", "ball", "cage", "shaft", "gear")
# Rollers, their diameter and the pitch diameter, mm.
BEARINGS = ((9, 7.94, 39.04), (8, 6.747, 28.5), (9, 12.0, 60.0), (13, 7.5, 46.5), (18, 10.0, 70.5))

Rng = np.random.Generator
Kind = Callable[[Rng, Rng, float, Kinematics], np.ndarray]


def rings(r: Rng, at: np.ndarray, heights: np.ndarray, hz: float) -> np.ndarray:
    """Ringing impulses at some times in s."""
    train = np.zeros(N)
    inside = (at >= 0) & (at < T[-1])
    np.add.at(train, (at[inside] * RATE).astype(int), heights[inside])
    t = np.arange(180) / RATE
    ring = np.exp(-0.05 * 2 * np.pi * hz * t) * np.sin(2 * np.pi * hz * t)
    return np.convolve(train, ring)[:N]


def shaft(m: Rng, phase: np.ndarray) -> np.ndarray:
    """Five harmonics of an angle in turns, as strong as the machine has them."""
    gains = m.uniform(0.1, 1.5, 5) / np.arange(1, 6)
    return sum(a * np.cos(2 * np.pi * k * phase + k) for k, a in enumerate(gains, 1))


def variable_speed(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """The speed wanders by up to 3 %, and nobody measures it."""
    knots = np.arange(0, SECONDS + 0.6, 0.5)
    speed = 1 + np.interp(T, knots, m.uniform(0.003, 0.03) * r.standard_normal(len(knots)))
    phase = r.uniform() + np.cumsum(hz * speed) / RATE
    swell = 1 + m.uniform(0.1, 0.6) * np.cos(2 * np.pi * phase)
    return swell * r.standard_normal(N) + shaft(m, phase)


def mains(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """Hum and its harmonics, in the signal and as a swell of the noise."""
    line = float(m.choice([50.0, 60.0]))
    gains = m.uniform(0, 2, 10)
    hum = sum(a * np.cos(2 * np.pi * k * line * T + k * k) for k, a in enumerate(gains, 1))
    swell = 1 + m.uniform(0, 0.4) * np.cos(2 * np.pi * 2 * line * T)
    return swell * r.standard_normal(N) + hum + shaft(m, r.uniform() + hz * T)


def random_impulses(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """Knocks at random times and of random height, as of stones, cavitation or a loose hatch."""
    count = r.poisson(m.uniform(2, 300) * SECONDS)
    heights = m.uniform(3, 40) * r.standard_t(2, count)
    knocks = rings(r, r.uniform(0, SECONDS, count), heights, m.uniform(800, 5000))
    return r.standard_normal(N) + knocks + shaft(m, r.uniform() + hz * T)


def motor(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """An induction motor: slip, pole passing, bars with twice the mains beside them."""
    slip = m.uniform(0.005, 0.05)
    synchronous = hz / (1 - slip)
    pairs = max(1, round(50 / synchronous))  # fed by an inverter
    line, own = pairs * synchronous, hz
    passing, bars = 2 * slip * line, int(m.integers(28, 60))
    phase = r.uniform() + own * T
    swell = 1 + m.uniform(0.1, 0.7) * np.cos(2 * np.pi * passing * T + r.uniform(0, 6))
    x = swell * shaft(m, phase) + m.uniform(0, 2) * np.cos(4 * np.pi * line * T)
    for side in (-2, -1, 0, 1, 2):
        x += m.uniform(0, 1) * np.cos(2 * np.pi * (bars * own + 2 * side * line) * T)
    return x + (1 + 0.3 * (swell - 1)) * r.standard_normal(N)


def gears(m: Rng, r: Rng, hz: float, bearing: Kinematics) -> np.ndarray:
    """A mesh of another shaft, whose modulation is a multiple of turns beside BPFO or BPFI."""
    phase = r.uniform() + hz * T
    places = [bearing.bpfo, bearing.bpfi, 2 * bearing.bsf]
    order = m.choice(places) * (1 + m.choice([-1, 1]) * m.uniform(0.025, 0.08))
    teeth = int(m.integers(17, 60))
    depth = m.uniform(0.1, 0.8)
    beside = 2 * np.pi * order * phase + r.uniform(0, 6)
    x = r.standard_normal(N) * (1 + 0.3 * depth * np.cos(beside)) + shaft(m, phase)
    for k in (1, 2, 3):
        if k * teeth * hz < 0.45 * RATE:
            mesh = np.cos(2 * np.pi * k * teeth * phase + k)
            x += m.uniform(0.2, 2) * mesh * (1 + depth * np.cos(beside))
    return x


def belt(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """A belt that flaps below the shaft's speed, with harmonics and slip."""
    turn = hz * m.uniform(0.2, 0.75) * (1 + 0.005 * r.standard_normal())
    flap = sum(m.uniform(0, 0.4) * np.cos(2 * np.pi * k * turn * T + k) for k in range(1, 9))
    x = np.maximum(1 + flap, 0) * r.standard_normal(N)
    return x + 2 * flap + shaft(m, r.uniform() + hz * T)


def blades(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """A pump or a fan: noise that swells with its blades, knocks once a turn, turbulence."""
    phase = r.uniform() + hz * T
    count = int(m.integers(3, 9))
    swell = 1 + sum(
        m.uniform(0, 0.5) / k * np.cos(2 * np.pi * k * count * phase) for k in (1, 2, 3)
    )
    slow = 1 + 0.3 * np.interp(T, np.arange(0, 3, 0.1), r.standard_normal(30))
    at = (np.arange(int(phase[-1]) + 1) - phase[0]) / hz
    once = rings(r, at, m.uniform(0, 12) * (1 + 0.3 * r.standard_normal(len(at))), 2200.0)
    return np.maximum(swell * slow, 0) * r.standard_normal(N) + shaft(m, phase) + once


def two_machines(m: Rng, r: Rng, hz: float, _: Kinematics) -> np.ndarray:
    """A neighbour on the same foundation, at a speed of its own, knocks and turns as well."""
    other = hz * m.uniform(0.5, 2.2) * (1 + 0.003 * r.standard_normal())
    at = np.arange(0, SECONDS, 1 / other) + r.uniform(0, 1 / other)
    heights = m.uniform(2, 15) * (1 + 0.3 * r.standard_normal(len(at)))
    x = r.standard_normal(N) + shaft(m, r.uniform() + hz * T)
    return x + shaft(m, r.uniform() + other * T) + rings(r, at, heights, m.uniform(900, 4000))


KINDS: dict[str, Kind] = {
    "variable speed": variable_speed,
    "mains": mains,
    "random impulses": random_impulses,
    "induction motor": motor,
    "gears beside the lines": gears,
    "belt": belt,
    "blades": blades,
    "two machines": two_machines,
}


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--machines", type=int, default=25, help="of each kind")
    parser.add_argument("--seed", type=int, default=910_000, help="of the first machine")
    parser.add_argument("--jobs", type=int, default=1)
    a = parser.parse_args()
    seeds = range(a.seed, a.seed + (1 if a.quick else a.machines))
    rows, all_said = [], [Counter[str](), Counter[str]()]
    with ProcessPoolExecutor(a.jobs) as pool:
        for name in KINDS:
            said = [Counter[str](), Counter[str]()]
            for one in pool.map(partial(measure, name), seeds):
                for total, part in zip(said, one, strict=True):
                    total.update(part)
            rows.append([name, *_cells(said)])
            for total, part in zip(all_said, said, strict=True):
                total.update(part)
    rows.append(["all", *_cells(all_said)])
    columns = [
        "kind", "windows", "faulty without a baseline", "faulty", "its bound", "unknown",
        "undecided",
    ]  # fmt: skip
    title = "Healthy machines of other kinds, against their own baseline"
    machine.show(title, columns, rows)
    if not a.quick:
        command = "python -m benchmarks.accuracy.healthy_kinds"
        note = " ".join((__doc__ or "").split("\n\n")[2].split())
        result = {"title": title, "command": command, "note": note}
        print(machine.save("healthy-kinds", result | {"columns": columns, "rows": rows}, a.out))


def _cells(said: list[Counter[str]]) -> list[Any]:
    alone, own = said
    n = own.total()
    faulty = sum(own[place] for place in FAULTY)
    bound = float(beta.ppf(0.975, faulty + 1, n - faulty))
    return [
        n,
        f"{sum(alone[place] for place in FAULTY) / alone.total():.4f}",
        f"{faulty} ({faulty / n:.4f})",
        f"{bound:.4f}",
        f"{own['unknown'] / n:.4f}",
        f"{own['undecided'] / n:.4f}",
    ]


def measure(name: str, seed: int) -> list[Counter[str]]:
    """Verdicts on a machine's later windows, without and with its baseline."""
    m = np.random.default_rng([seed, 1])
    count, d, pitch = BEARINGS[m.integers(len(BEARINGS))]
    g, hz = d / pitch, m.uniform(12, 55)
    orders = {
        "bpfo": count / 2 * (1 - g), "bpfi": count / 2 * (1 + g),
        "bsf": (1 - g * g) / (2 * g), "ftf": (1 - g) / 2,
    }  # fmt: skip
    stated = Kinematics(60 * hz * (1 + m.uniform(-0.003, 0.003)), **orders)

    def drawn(first: int, n: int, **known: Any) -> list[WindowEvidence]:
        made = [
            # The same machine, each time: its own numbers come first.
            KINDS[name](np.random.default_rng([seed, 2]), _rng(seed, i), hz, stated)
            for i in range(first, first + n)
        ]
        chunks = (Chunk(x[None].astype(np.float32), 0) for x in made)
        return list(evidence_windows(chunks, RATE, [Asked(0, stated, **known)], seconds=SECONDS))

    with one_thread():
        edges = band_edges(RATE)
        healthy = [
            Healthy(stated.speed_rpm, each.evidence, band_levels(each.samples, RATE, edges))
            for each in drawn(0, COMMISSIONED)
            if each.unfit is None and each.evidence.lines
        ]
        if not healthy:  # where the stated speed is doubtful, a machine cannot be commissioned
            alone = Counter(each.evidence.verdict for each in drawn(COMMISSIONED, TESTED))
            return [alone, Counter(undecided=TESTED)]
        own, _ = sensor_baseline(
            "one",
            {order: getattr(stated, order) for order in ORDERS},
            healthy,
            edges_hz=edges,
            n_month=MONTH,
            seconds=SECONDS,
            accept_lines=True,
        )
        return [
            Counter(each.evidence.verdict for each in drawn(COMMISSIONED, TESTED, **known))
            for known in ({}, {"own": own})
        ]


def _rng(seed: int, index: int) -> Rng:
    return np.random.default_rng([seed, 3, index])


if __name__ == "__main__":
    machine.run(main)
