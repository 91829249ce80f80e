"""Simulated machines for the evidence's benchmark: one machine, as many windows of it as wanted.

Every machine has its own bearing, speed, resonances, shaft and mesh lines, and some of what makes
healthy machines look faulty: noise that swells with the shaft, mains, knocks at random or once a
turn. Faults strike with slip and ring through those resonances, from buried to plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dlrsd.runtime.dsp.order_map_config import Kinematics

RATE = 12000.0
SECONDS = 2.0
PLACES = ("outer", "inner", "ball")
# Rollers, their diameter and the pitch diameter, mm: 6205, 6203, 6206, 6208, NU206, 22210, 6310.
BEARINGS = (
    (9, 7.94, 39.04),
    (8, 6.747, 28.5),
    (9, 9.525, 46.0),
    (9, 12.0, 60.0),
    (13, 7.5, 46.5),
    (18, 10.0, 70.5),
    (8, 19.05, 80.0),
)


class Machine(NamedTuple):
    """What stays from window to window."""

    kinematics: Kinematics
    true_hz: float
    wander: float
    mode_gains: np.ndarray
    fault_gains: np.ndarray
    modes: np.ndarray
    shaft: np.ndarray
    swell: np.ndarray
    mesh: tuple[int, np.ndarray, float]
    mains: np.ndarray
    mains_hz: float
    knocks: tuple[float, float]
    once_a_turn: float
    slip: float
    jitter: float
    depth: float
    second_race: float
    level_db: float


def machine(seed: int) -> Machine:
    """Draw a machine."""
    r = np.random.default_rng([seed, 1])
    n, d, pitch = BEARINGS[r.integers(len(BEARINGS))]
    g = d / pitch
    hz = r.uniform(12, 50)
    off = r.uniform(-0.005, 0.005) if r.random() < 0.7 else r.uniform(-0.05, 0.05)
    count = int(r.integers(1, 5))
    t = np.arange(int(0.03 * RATE)) / RATE
    omega = 2 * np.pi * r.uniform(0.06, 0.45, count)[:, None] * RATE
    modes = np.exp(-r.uniform(0.01, 0.08, count)[:, None] * omega * t) * np.sin(omega * t)
    modes /= np.sqrt((modes**2).sum(1, keepdims=True))
    some = r.random(5) < (0.5, 0.5, 0.4, 0.3, 0.15)
    return Machine(
        kinematics=Kinematics(
            60 * hz, n / 2 * (1 - g), n / 2 * (1 + g), (1 - g * g) / (2 * g), (1 - g) / 2
        ),
        true_hz=hz * (1 + off),
        wander=float(r.choice([0, 0.0005, 0.002])),
        mode_gains=r.uniform(0, 4, count),
        fault_gains=r.uniform(0.2, 1, count),
        modes=modes,
        shaft=10 ** r.uniform(-2, 0) * r.uniform(0, 3, 5),
        swell=some[0] * r.uniform(0, 0.35, int(r.integers(1, 8))),
        mesh=(int(r.integers(15, 60)), some[1] * r.uniform(0, 4, 3), r.uniform(0, 0.6)),
        mains=some[2] * r.uniform(0, 1, 3),
        mains_hz=float(r.choice([50, 60, 100])),
        knocks=(some[3] * r.uniform(1, 20), r.uniform(5, 40)),
        once_a_turn=float(some[4] * r.uniform(5, 25)),
        slip=r.uniform(-0.008, 0.008),
        jitter=r.uniform(0.001, 0.015),
        depth=r.uniform(0.3, 1),
        second_race=r.uniform(0.1, 1),
        level_db=r.uniform(-22, 0),
    )


def windows(seed: int, place: str, count: int, start: int = 0) -> Iterator[np.ndarray]:
    """Windows of a machine, "healthy" or with a fault at one of `PLACES`, each drawn anew."""
    m = machine(seed)
    for index in range(start, start + count):
        yield _window(m, place, np.random.default_rng([seed, 2, index]))


def _window(m: Machine, place: str, r: np.random.Generator) -> np.ndarray:
    n = int(RATE * SECONDS)
    t = np.arange(n) / RATE
    knots = np.arange(0, n + RATE, RATE / 2)
    speed = 1 + np.interp(np.arange(n), knots, m.wander * r.standard_normal(len(knots)))
    turn = r.uniform() + np.cumsum(m.true_hz / RATE * speed)
    angle = 2 * np.pi * turn
    x = r.standard_normal(n) + _convolve(r.standard_normal(n), m.mode_gains @ m.modes)
    if m.swell.any():
        swell = 1 + sum(a * np.cos(k * angle + k * k) for k, a in enumerate(m.swell, 1))
        x = x * np.maximum(swell, 0) + 0.5 * r.standard_normal(n)
    x += sum(a * np.cos(k * angle + k) for k, a in enumerate(m.shaft, 1))
    teeth, amplitudes, depth = m.mesh
    for k, a in enumerate(amplitudes, 1):
        if a and k * teeth * m.true_hz < 0.45 * RATE:
            x += a * (1 + depth * np.cos(angle)) * np.cos(k * teeth * angle + k)
    for k, a in enumerate(m.mains, 1):
        x += a * np.cos(2 * np.pi * k * m.mains_hz * t)
    knocks = np.zeros(n)
    a_second, height = m.knocks
    at = r.integers(0, n, r.poisson(a_second * SECONDS))
    knocks[at] += height * r.standard_normal(len(at))
    at = np.flatnonzero(np.diff(np.floor(turn)) > 0)
    knocks[at] += m.once_a_turn * (1 + 0.2 * r.standard_normal(len(at)))
    if knocks.any():
        x += _convolve(knocks, m.modes.sum(0))
    if place == "healthy":
        return x
    fault = _convolve(_strikes(m, place, turn, r), m.fault_gains @ m.modes)
    return x + fault * x.std() / fault.std() * 10 ** (m.level_db / 20)


def _strikes(m: Machine, place: str, turn: np.ndarray, r: np.random.Generator) -> np.ndarray:
    k = m.kinematics
    order = {"outer": k.bpfo, "inner": k.bpfi, "ball": 2 * k.bsf}[place]
    spacing = (1 + m.slip) / order
    count = int(1.2 * (turn[-1] - turn[0]) / spacing) + 10
    steps = spacing * (1 + m.jitter * r.standard_normal(count))
    at = turn[0] + r.uniform() * spacing + np.cumsum(steps)
    at = at[at < turn[-1]]
    height = r.normal(1, 0.15, len(at))
    if place != "outer":
        angle = 2 * np.pi * ((1.0 if place == "inner" else k.ftf) * at + r.uniform())
        height *= (1 - m.depth / 2 * (1 - np.cos(angle))) ** 1.5
    if place == "ball":
        height[1::2] *= m.second_race
    where = np.interp(at, turn, np.arange(len(turn)))
    first = where.astype(np.int64)
    share = where - first
    n = len(turn)
    impulses = np.bincount(first, height * (1 - share), minlength=n + 1)
    impulses += np.bincount(first + 1, height * share, minlength=n + 1)
    return impulses[:n]


def _convolve(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    n = 1 << (len(x) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(response, n), n)[: len(x)]
