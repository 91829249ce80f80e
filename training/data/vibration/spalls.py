"""Simulated machines with spalls: what a model learns that shall meet bearings it never saw.

Each machine has its own bearing, speed, structure and company of sounds; nothing is shared but the
physics. A spall strikes each time a roller passes it. Strikes follow the shaft with slip, both as a
lasting difference from the nominal order and as jitter from strike to strike; they are weighed by
the load at the spot (Stribeck's load zone, in which a spall of the outer race stands, through
which one of the inner race turns with the shaft and one of a ball with the cage); a larger spall
strikes twice, where the roller leaves and where it lands. They ring several resonances through a
path of their own. Healthy and faulty machines alike have what is mistaken for a fault: lines of
shaft, mesh and mains, noise that swells with the shaft or a little with the rollers and the cage
(no bearing is equally stiff all around), knocks at random or once a turn, and strikes from a
neighbour at an order that is none of the bearing's.

Bearings are those of the runtime's table, their insides varied by a few percent as makers do; a
fifth of the designations is kept for `UNSEEN`. A 6203, whose orders lie on multiples of the
shaft's, is among those trained on.

Sources: McFadden and Smith, J. Sound Vib. 96 (1984), of the point defect and its load zone;
Antoni and Randall, "Differential diagnosis of gear and bearing faults", J. Vib. Acoust. 124 (2002),
of jitter; Sawalhi and Randall, "Vibration response of spalled rolling element bearings", MSSP 25
(2011), of the two strikes; Randall and Antoni, "Rolling element bearing diagnostics - A tutorial",
MSSP 25 (2011).
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.geometry import Geometry
from dlrsd.runtime.bundle.bearings.table import rows
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.strikes import (
    at_level,
    impulses_at,
    ringing,
    rumble,
    strike_angles,
    wandering,
)

Array = NDArray[np.float64]

SPALLS, UNSEEN = "spalls", "spalls-unseen"
MACHINES = {SPALLS: 500, UNSEEN: 100}
SECONDS, RATE_HZ = 4.0, 12000.0
PLACES = ("outer", "inner", "ball")
CLASSES = ("normal", *PLACES)
_SPEED_HZ = (10.0, 60.0)
_KEPT = 5  # one designation in so many is not trained on
_TRAP = "6203"
_LINES = 2  # harmonics of BPFI that an eighth of the rate must hold


class _Machine(NamedTuple):
    """What stays from one recording of a machine to the next."""

    orders: dict[str, float]
    stated_rpm: float
    true_hz: float
    wander: float
    modes: Array
    """Responses, shape (modes, taps), of unit energy."""
    paths: Array
    """Gains of each mode, shape (4, modes): of noise, spall, knocks and neighbour."""
    shaft: Array
    swell: Array
    roll: Array
    """How far noise swells at each roller's passing of the outer race, and with the cage."""
    mesh: tuple[int, Array, float]
    mains: Array
    mains_hz: float
    knocks: tuple[float, float, float]
    """Knocks a second, their height, and that of the one in each turn."""
    neighbour: tuple[float, float]
    """Order of its strikes and their level in dB; an order of 0: there is none."""
    colour: float
    cut: float
    """From which share of half the rate on an anti-aliasing filter has left nothing."""


def simulate_spalls(
    name: str, *, seed: int, machines: int | None = None, seconds: float = SECONDS
) -> list[Recording]:
    """Simulate machines, each healthy and with a spall in each of three places.

    Parameters
    ----------
    name : `SPALLS` or `UNSEEN`
        Which bearings they have.
    seed : int >= 0
    machines : int > 0, optional
        Default: of `MACHINES`.
    seconds : float > 0
        Of a recording.

    Returns
    -------
    list of Recording
        Four a machine, at 12 kHz; the unit is g in name only, for gains are drawn too. Each states
        the nominal orders and a speed that is now and then some percent off.
    """
    if seed < 0:
        raise InputError(f"got seed = {seed}: expected 0 or more")
    bearings = _bearings(name == UNSEEN)
    found = []
    for index in range(MACHINES[name] if machines is None else machines):
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), index])
        machine = _draw(rng, bearings)
        for place in CLASSES:
            signal = _vibration(machine, place, rng, round(seconds * RATE_HZ))
            found.append(
                Recording(
                    signal=signal.astype(np.float32)[None],
                    rate=RATE_HZ,
                    unit="g",
                    label=place,
                    recording_id=f"{index:04d}_{place}",
                    channels=("sensor",),
                    fault=place,
                    bearing_id=f"{index:04d}_{place}",
                    speed_rpm=machine.stated_rpm,
                    fault_orders=dict(machine.orders),
                )
            )
    return found


def _bearings(unseen: bool) -> list[Geometry]:
    return [
        row.geometry
        for designation, own in sorted(rows().items())
        for row in own
        if row.geometry and _is_kept(designation) == unseen
    ]


def _is_kept(designation: str) -> bool:
    return designation != _TRAP and zlib.crc32(designation.encode()) % _KEPT == 0


def _draw(rng: np.random.Generator, bearings: list[Geometry]) -> _Machine:
    g = bearings[rng.integers(len(bearings))]
    if rng.random() < 0.1 and (traps := [b for b in bearings if _is_trap(b)]):
        g = traps[rng.integers(len(traps))]
    ratio = g.diameter_mm * rng.uniform(0.98, 1.02)
    orders = {
        str(k): v for k, v in Geometry(g.elements, ratio, g.pitch_mm, g.angle_deg).orders.items()
    }
    highest = RATE_HZ / 8 / (_LINES * orders["bpfi"] + 1)
    stated_hz = rng.uniform(_SPEED_HZ[0], min(_SPEED_HZ[1], 0.9 * highest))
    off = rng.uniform(-0.005, 0.005) if rng.random() < 0.8 else rng.uniform(-0.08, 0.08)
    count = int(rng.integers(2, 6))
    t = np.arange(int(0.03 * RATE_HZ)) / RATE_HZ
    omega = 2 * np.pi * np.exp(rng.uniform(np.log(500), np.log(5400), count))[:, None]
    damping = np.exp(rng.uniform(np.log(0.008), np.log(0.08), count))[:, None]
    modes = np.exp(-damping * omega * t) * np.sin(omega * np.sqrt(1 - damping**2) * t)
    modes /= np.sqrt((modes**2).sum(1, keepdims=True))
    has = rng.random(8) < (0.6, 0.5, 0.5, 0.4, 0.4, 0.2, 0.25, 0.4)
    neighbour = (_foreign_order(rng, orders), rng.uniform(-20, 0)) if has[6] else (0.0, 0.0)
    harmonics = np.arange(1, int(rng.integers(3, 9)) + 1)
    return _Machine(
        orders=orders,
        stated_rpm=60 * stated_hz,
        true_hz=stated_hz * (1 + off),
        wander=float(rng.choice([0, 0.0005, 0.002])),
        modes=modes,
        paths=np.stack([rng.uniform(0, 4, count), *rng.uniform(0.1, 1, (3, count))]),
        shaft=has[0]
        * 10 ** rng.uniform(-1.5, 0.7)
        * rng.uniform(0, 1, len(harmonics))
        / harmonics**0.5,
        swell=has[1] * rng.uniform(0, 0.35, int(rng.integers(1, 8))),
        roll=has[7] * rng.uniform(0, 0.12, 2),
        mesh=(int(rng.integers(13, 70)), has[2] * rng.uniform(0, 3, 3), rng.uniform(0, 0.7)),
        mains=has[3] * rng.uniform(0, 1, 4),
        mains_hz=float(rng.choice([50, 60, 100])),
        knocks=(has[4] * rng.uniform(1, 30), rng.uniform(3, 40), has[5] * rng.uniform(3, 25)),
        neighbour=neighbour,
        colour=rng.uniform(0, 0.95),
        cut=rng.uniform(0.75, 1.0) if rng.random() < 0.6 else 1.0,
    )


def _is_trap(g: Geometry) -> bool:
    """Whether two of its orders lie within 2 % of multiples of the shaft's."""
    orders = np.array([g.orders[name] for name in ("bpfo", "bpfi", "bsf")])
    return int((np.abs(orders / np.rint(orders) - 1) < 0.02).sum()) >= 2


def _foreign_order(rng: np.random.Generator, orders: dict[str, float]) -> float:
    """One that none of the first lines of the bearing's own places is within 3 % of."""
    own = np.array([orders["bpfo"], orders["bpfi"], 2 * orders["bsf"]])
    lines = (np.arange(1, 4)[:, None] * own / np.arange(1, 4)[:, None, None]).ravel()
    while True:
        order = float(rng.uniform(1.3, 12))
        if np.abs(lines / order - 1).min() > 0.03:
            return order


def _vibration(m: _Machine, place: str, rng: np.random.Generator, n: int) -> Array:
    t = np.arange(n) / RATE_HZ
    knots = np.arange(0, n + RATE_HZ, RATE_HZ / 2)
    speed = 1 + np.interp(np.arange(n), knots, m.wander * rng.standard_normal(len(knots)))
    turn = rng.uniform() + np.cumsum(m.true_hz / RATE_HZ * speed)
    angle = 2 * np.pi * turn
    noise, spall, knock, beside = m.paths @ m.modes
    x = rng.standard_normal(n) + ringing(rng.standard_normal(n), noise)
    x += 2 * m.colour * rumble(rng.standard_normal(n), m.colour)
    swell = 1 + sum(a * np.cos(k * angle + k * k) for k, a in enumerate(m.swell, 1))
    swell += m.roll[0] * np.cos(m.orders["bpfo"] * angle) + m.roll[1] * np.cos(
        m.orders["ftf"] * angle
    )
    x = x * np.maximum(swell, 0) + 0.5 * rng.standard_normal(n)
    floor = x.std()
    x += sum(a * floor * np.cos(k * angle + k) for k, a in enumerate(m.shaft, 1))
    teeth, amplitudes, depth = m.mesh
    for k, a in enumerate(amplitudes, 1):
        if a and k * teeth * m.true_hz < 0.45 * RATE_HZ:
            x += a * (1 + depth * np.cos(angle + k)) * np.cos(k * teeth * angle + k)
    x += sum(a * np.cos(2 * np.pi * k * m.mains_hz * t) for k, a in enumerate(m.mains, 1))
    x += ringing(_knocks(m, turn, rng), knock)
    if m.neighbour[0]:
        strikes = _strikes(turn, m.neighbour[0], rng.uniform(0.001, 0.01), rng)
        x += at_level(ringing(strikes, beside), floor, m.neighbour[1])
    if place != "normal":
        level_db = rng.uniform(-14, 6)
        x += at_level(ringing(_spall(m, place, turn, rng), spall), floor, level_db)
    if m.cut < 1:
        bins = np.fft.rfft(x)
        share = np.linspace(0, 1, len(bins))
        bins *= 10 ** (-4 * np.clip((share - m.cut) / 0.1, 0, 1))
        x = np.fft.irfft(bins, n)
    return np.asarray(10 ** rng.uniform(-2, 1) * x)


def _spall(m: _Machine, place: str, turn: Array, rng: np.random.Generator) -> Array:
    k = m.orders
    order = {"outer": k["bpfo"], "inner": k["bpfi"], "ball": 2 * k["bsf"]}[place]
    order *= 1 + float(np.clip(rng.normal(0, 0.004), -0.009, 0.009))
    at = strike_angles(turn, order, 10 ** rng.uniform(-3, -1.7), rng)
    height = np.exp(0.25 * rng.standard_normal(len(at)))
    # The load there: extent of the zone over its depth; beyond 1 it goes all around.
    zone = {"outer": rng.uniform(0, 0.3), "inner": rng.uniform(0.3, 2), "ball": rng.uniform(0.2, 2)}
    turned = {"outer": at, "inner": at, "ball": k["ftf"] * at}[place]
    load = 1 - zone[place] / 2 * (1 - np.cos(2 * np.pi * (turned + rng.uniform())))
    height *= np.maximum(load, 0) ** 1.5
    if place == "ball":
        height[1::2] *= rng.uniform(0, 1)  # the race that is farther from the sensor
        # Its spin axis wanders, and with it whether the spot meets a race.
        height *= np.exp(rng.uniform(0, 0.8) * np.interp(at, *wandering(turn, rng)))
    impulses = impulses_at(at, height, turn)
    if rng.random() < 0.3:
        apart = rng.uniform(0.03, 0.2) / order
        impulses += rng.uniform(0.3, 1) * impulses_at(at - apart, height, turn)
    return impulses


def _strikes(turn: Array, order: float, jitter: float, rng: np.random.Generator) -> Array:
    at = strike_angles(turn, order, jitter, rng)
    return impulses_at(at, np.exp(0.3 * rng.standard_normal(len(at))), turn)


def _knocks(m: _Machine, turn: Array, rng: np.random.Generator) -> Array:
    a_second, height, each_turn = m.knocks
    n = len(turn)
    out = np.zeros(n)
    at = rng.integers(0, n, rng.poisson(a_second * n / RATE_HZ))
    out[at] += height * rng.standard_normal(len(at))
    at = np.flatnonzero(np.diff(np.floor(turn)) > 0)
    out[at] += each_turn * (1 + 0.2 * rng.standard_normal(len(at)))
    return out
