"""A building for a simulated plant: weather, use, rooms, and the units that heat and cool them.

Each component is a unit with two cooling and two heating stages and a fan, serving one room. The
room is a first-order system that loses heat to outdoors and gains it from people and the sun; a PI
controller for each of its two set points drives the stages, with one step of delay. A sample
catches a stage as it is, on or off; the share of time on is what the controller asks for. Zones
meter the power of their components.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from dlrsd.training.data.plants.rows import STEP_S

Array = NDArray[np.float64]

# What a fault or disturbance may do to a component; (n, components), 0 where it does nothing.
EFFECTS = (
    "delta1",  # share of the temperature difference that cooling stage 1 no longer makes
    "delta2",  # the same of stage 2
    "heating",  # the same of heating
    "capacity",  # share of the cooling power that is lost
    "off",  # share of the stages that stay off though asked for
    "gain",  # heat into the room, K per step
    "flow",  # share of the air flow that is lost
    "cold",  # K that the supply air is too cold while cooling
    "sensor",  # K that the room's sensor is wrong
    "setpoint",  # K by which the set points are moved
    "power",  # share of power drawn in excess
    "lost",  # probability that a sample is lost
)

_DAY = 24 * 3600 // STEP_S
_INNER_LEAK, _INNER_C = 0.06, 22.5  # what a room exchanges with the rest of the building


class Building(NamedTuple):
    """What a plant is before anything happens in it; C components, n samples."""

    outdoor: Array  # (n,), degree C
    occupied: Array  # (n, C), 0 or 1
    gain: Array  # (n, C), heat from people and sun, K per step
    cooling_set: Array  # (n, C), degree C
    heating_set: Array  # (n, C), degree C
    leak: Array  # (C,), share of the difference to outdoors that passes in a step
    cooling: Array  # (C,), power of both stages, K per step
    heating: Array  # (C,), as above
    delta: Array  # (C,), temperature difference of stage 1, K
    fan: Array  # (C,), pressure at full flow, Pa
    bias: Array  # (3, C), error of each thermometer, K

    def cooling_load(self) -> Array:
        """Heat to be taken out where the cooling set point is held, K per step, (n, C)."""
        return self.leak * (self.outdoor[:, None] - self.cooling_set) + self.gain


def make_building(
    rng: np.random.Generator, start: np.datetime64, n: int, components: int
) -> Building:
    """Draw a building and its weather from `start` over n samples."""
    times = start + np.arange(n) * np.timedelta64(STEP_S, "s")
    day = (times - times.astype("M8[Y]")).astype("m8[s]").astype(float) / 86400
    hour = (times - times.astype("M8[D]")).astype("m8[s]").astype(float) / 3600
    weekday = (times.astype("M8[D]").astype(int) + 3) % 7 < 5

    fronts = _coloured(rng, n, correlation_h=60, size=3.0)
    clouds = 1 / (1 + np.exp(_coloured(rng, n, correlation_h=18, size=1.5)))
    summer = np.cos(2 * np.pi * (day - 205) / 365.25)
    sun = np.clip(np.sin(np.pi * (hour - 6 + 1.5 * summer) / (12 + 3 * summer)), 0, None)
    swing = (3 + 2 * summer) * (0.4 + 0.6 * clouds) * np.cos(2 * np.pi * (hour - 15.5) / 24)
    outdoor = rng.uniform(11, 15) + rng.uniform(9, 12) * summer + swing + fronts

    opens = 7 + rng.uniform(-1, 1, components).round(2)
    closes = opens + rng.uniform(9, 13, components)
    saturdays = rng.random(components) < 0.3
    working = weekday[:, None] | (saturdays & (times.astype("M8[D]").astype(int) % 7 == 2)[:, None])
    occupied = (working & (hour[:, None] > opens) & (hour[:, None] < closes)).astype(float)
    # Rooms inside have little of the outdoors and much to cool all year, as a kitchen or a shop.
    inside = (np.arange(components) % 3 == 0) | (rng.random(components) < 0.2)
    crowd = 1 + 0.35 * np.column_stack(
        [_coloured(rng, n, correlation_h=5, size=1.0) for _ in range(components)]
    )
    gain = occupied * crowd * rng.uniform(0.12, 0.3, components)
    gain += sun[:, None] * clouds[:, None] * rng.uniform(0.1, 0.3, components) * ~inside
    gain += inside * rng.uniform(0.3, 0.45, components)
    comfort = rng.uniform(22, 24, components)
    setback = 1 - occupied
    return Building(
        outdoor=outdoor,
        occupied=occupied,
        gain=gain,
        cooling_set=comfort + 3.0 * setback * ~inside,
        heating_set=comfort - 2.0 - 4.0 * setback,
        leak=rng.uniform(0.015, 0.035, components) * np.where(inside, 0.3, 1),
        cooling=rng.uniform(1.1, 1.5, components),
        heating=rng.uniform(1.3, 1.8, components),
        delta=rng.uniform(6.5, 9.0, components),
        fan=rng.uniform(180, 320, components),
        bias=rng.normal(0, 0.4, (3, components)),
    )


def operate(
    building: Building, effects: dict[str, Array], *, rng: np.random.Generator, zones: int
) -> tuple[Array, Array]:
    """Run a building under its controllers.

    Parameters
    ----------
    building : as made.
    effects : of `EFFECTS`, each of shape (n, components).
    rng : of stages and noise.
    zones : number of meters; component c is on meter c modulo zones.

    Returns
    -------
    sensors : shape (n, components, 8): temperatures of room, supply and return (degree C), fan
        pressure (Pa); cooling and heating set point (degree C), stage (-2 heating to 2 cooling),
        fan command (%).
    power : shape (n, zones), kW, mean of the step that ends at the sample.
    """
    loss = {name: np.clip(values, 0, 0.95) for name, values in effects.items()}
    cooling_set = building.cooling_set + effects["setpoint"]
    heating_set = building.heating_set + effects["setpoint"]
    room, cool, heat = _control(building, effects, loss, cooling_set, heating_set, rng)

    n, components = room.shape
    dither = rng.random((n, components))
    stage = np.floor(2 * cool + dither) - np.floor(2 * heat + dither)
    command = np.where((building.occupied > 0) | (stage != 0), 60, 0) + 20 * np.abs(stage)
    flow = command / 100 * (1 - loss["flow"])
    flow *= 1 - 0.12 * _sawtooth(rng, n, components)  # filters clog, and are changed
    outdoor = building.outdoor[:, None]
    returned = room + 0.4 + 0.12 * building.occupied * (outdoor - room)
    hot_day = 1 - 0.012 * np.clip(outdoor - 28, -10, 15)
    running = 1 - (rng.random((n, components)) < loss["off"])
    delta = building.delta * (stage == 1) * (1 - loss["delta1"])
    delta += 1.7 * building.delta * (stage == 2) * (1 - loss["delta2"])
    delta *= hot_day * np.clip(flow, 0.5, None) ** -0.3
    delta += effects["cold"] * (stage > 0)
    warm = 11 * np.clip(-stage, 0, None) ** 0.7 * (1 - loss["heating"])
    # The air in the duct follows a stage within the step, but not wholly.
    made = lfilter([0.8], [1, -0.2], running * (warm - delta), axis=0)
    supply = returned + made + 0.5 * _noise(rng, made.shape)
    pressure = building.fan * flow**2

    noise = np.array([0.08, 0.35, 0.25])[:, None, None] * _noise(rng, (3, *room.shape))
    s1, s2, s3 = np.stack([room, supply, returned]) + noise + building.bias[:, None]
    s1 = s1 + effects["sensor"]
    s4 = pressure * (1 + 0.03 * _noise(rng, room.shape)) + 2 * _noise(rng, room.shape)
    sensors = np.stack([s1, s2, s3, s4, cooling_set, heating_set, stage, command], axis=-1)

    own = 1.2 * flow**3 + 3.2 * cool * (1 + 0.015 * (outdoor - 25)) + 1.5 * heat
    own = (own + 0.4 + 1.5 * building.occupied * (1 + 0.1 * _noise(rng, own.shape))) * (
        1 + effects["power"]
    )
    of_zone = np.equal(np.arange(components)[:, None] % zones, np.arange(zones)).astype(float)
    power = np.clip(own @ of_zone + 0.15 * _noise(rng, (n, zones)), 0.05, None)
    return sensors, power


def _control(
    building: Building,
    effects: dict[str, Array],
    loss: dict[str, Array],
    cooling_set: Array,
    heating_set: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Room temperature and what the controllers ask for, 0 to 1, each (n, C)."""
    n, components = building.gain.shape
    heat_in = building.leak * building.outdoor[:, None] + _INNER_LEAK * _INNER_C
    heat_in += building.gain + np.clip(effects["gain"], -0.8, 0.8)
    heat_in += 0.03 * _noise(rng, (n, components))
    works = (1 - np.minimum(loss["capacity"], 0.5)) * (1 - loss["off"])
    cooling = building.cooling * works
    heating = building.heating * (1 - loss["off"]) * (1 - loss["heating"])
    wrong = effects["sensor"]
    room, cool, heat = (np.empty((n, components)) for _ in range(3))
    keep = 1 - building.leak - _INNER_LEAK
    t = (cooling_set[0] + heating_set[0]) / 2
    cooling_now = heating_now = cooling_sum = heating_sum = np.zeros(components)
    low, high, p, i = np.zeros(components), np.ones(components), 0.45, 0.06
    least, most = np.maximum, np.minimum
    for k in range(n):  # a feedback with limits: no filter does it
        t = keep * t + heat_in[k] - cooling[k] * cooling_now + heating[k] * heating_now
        seen = t + wrong[k]
        error = seen - cooling_set[k]
        cooling_sum = most(least(cooling_sum + i * error, low), high)
        cooling_now = most(least(p * error + cooling_sum, low), high)
        error = heating_set[k] - seen
        heating_sum = most(least(heating_sum + i * error, low), high)
        heating_now = most(least(p * error + heating_sum, low), high)
        room[k], cool[k], heat[k] = t, cooling_now, heating_now
    return room, cool, heat


def _coloured(rng: np.random.Generator, n: int, *, correlation_h: float, size: float) -> Array:
    """First-order noise of a standard deviation and correlation time."""
    pole = np.exp(-STEP_S / 3600 / correlation_h)
    start = rng.standard_normal() * size
    drive = size * np.sqrt(1 - pole**2) * rng.standard_normal(n)
    return lfilter([1], [1, -pole], drive, zi=[pole * start])[0]


def _sawtooth(rng: np.random.Generator, n: int, components: int) -> Array:
    """Rises from 0 to 1 over some months, again and again."""
    period = rng.uniform(60, 120, components) * _DAY
    return (np.arange(n)[:, None] / period + rng.random(components)) % 1


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)
