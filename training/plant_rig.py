"""Simulated plants in the layout of the PHM Society's 2015 challenge, and a writer of that layout.

The real component files are not at hand everywhere; whatever is found on these plants is to be
called simulated. A plant is a building under feedback control (`plant_building`) in which events
of six codes happen (`plant_events`) in one component each. A fault grows in the three hours before
its event, with a strength of its own, some hardly to be seen, and leaves a weaker trace while it
lasts. The same things happen at times without any event: doors stand open, set points are moved,
units are weak for an hour.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.errors import InputError
from dlrsd.training.plant_building import EFFECTS, Array, Building, make_building, operate
from dlrsd.training.plant_events import draw_events
from dlrsd.training.plants import (
    METERS,
    PRECURSOR,
    REPORT,
    SENSORS,
    SIMULATED,
    STEP_S,
    Event,
    Plant,
    meter_increments,
)

START = np.datetime64("2010-01-01T00:00:00", "s")

# What an event of each code does at full strength; of several, one is drawn.
SIGNATURES: Mapping[int, Sequence[Mapping[str, float]]] = {
    # Supply and return differ too little with cooling stage 1 on, or 2; the zone is in specification
    1: ({"delta1": 0.75, "capacity": 0.15, "gain": 0.12},),
    2: ({"delta2": 0.75, "capacity": 0.2, "gain": 0.45},),
    # ... and no longer is.
    3: ({"delta2": 0.6, "delta1": 0.2, "capacity": 0.45, "gain": 0.65},),
    4: ({"gain": 1.1, "capacity": 0.35, "flow": 0.2},),
    5: ({"cold": 6.5, "flow": 0.3},),
    # All others: half of them in nothing that is measured.
    6: (
        {}, {}, {}, {}, {}, {}, {}, {"heating": 0.8}, {"flow": 0.6}, {"sensor": 2.5},
        {"setpoint": -3.0}, {"power": 0.7}, {"off": 0.9}, {"lost": 0.6},
    ),
}  # fmt: skip
_LASTING = 0.45  # of its strength, while an event lasts
# Without an event, times a component and year, with their duration in hours and strength.
_DISTURBANCES: Sequence[tuple[Mapping[str, float], float, tuple[float, float]]] = (
    ({"gain": 0.5}, 60, (0.5, 2)),  # a door stands open in summer, a crowd
    ({"gain": -0.5}, 30, (0.5, 2)),
    ({"setpoint": 1.5}, 15, (2, 10)),
    ({"setpoint": -1.5}, 15, (2, 10)),
    *((signature, 10, (1, 6)) for code in (1, 2, 3) for signature in SIGNATURES[code]),
    *((signature, 2, (1, 6)) for code in (4, 5) for signature in SIGNATURES[code]),
    *((signature, 2, (1, 12)) for signature in SIGNATURES[6] if signature),
)


def simulate_plants(
    *,
    seed: int,
    n_plants: int,
    years: float = 1.0,
    components: int = 4,
    zones: int = 2,
    events_from: str | Path | None = None,
) -> list[Plant]:
    """Simulate plants from 2010 on.

    Parameters
    ----------
    seed : >= 0; fixes everything.
    n_plants : > 0.
    years : length of each, > 0.
    components, zones : of each plant, > 0.
    events_from : folder whose events give durations and times of day; else statistics of five
        real sites do.

    Returns
    -------
    list of Plant. Samples are lost one by one and for hours; windows of 24 samples, one every 4,
    have the published shares of classes (`plant_events.SHARES`), by expectation.

    Raises
    ------
    InputError
        If a number is out of range, or ``events_from`` has no event of some code.
    """
    for name, value in (("n_plants", n_plants), ("components", components), ("zones", zones)):
        if value < 1:
            raise InputError(f"got {name} = {value}: expected 1 or more")
    n = round(years * 365.25 * 24 * 3600 / STEP_S) if 0 < years <= 1000 else 0
    if n < 96:
        raise InputError(f"got years = {years:g}: expected more than 0, at least a day")
    if seed < 0:
        raise InputError(f"got seed = {seed}: expected 0 or more")
    starts = np.full(n_plants, START)
    events = draw_events(
        rng=np.random.default_rng([seed, 0]),
        starts=starts,
        seconds=n * STEP_S,
        events_from=events_from,
    )
    return [
        _simulate(
            f"plant_{k + 1}", np.random.default_rng([seed, k + 1]), n, components, zones, events[k]
        )
        for k in range(n_plants)
    ]


def _simulate(
    name: str,
    rng: np.random.Generator,
    n: int,
    components: int,
    zones: int,
    events: Sequence[Event],
) -> Plant:
    building = make_building(rng, START, n, components)
    effects = {effect: np.zeros((n, components)) for effect in EFFECTS}
    _add_events(effects, building, events, rng)
    _add_disturbances(effects, rng)
    sensors, power = operate(building, effects, rng=rng, zones=zones)
    reading = np.round(np.cumsum(power, axis=0) * STEP_S / 3600, 2)
    _lose(sensors, power, reading, effects["lost"], rng)
    increments, resets = zip(*map(meter_increments, reading.T), strict=True)
    signal = np.concatenate(
        [
            sensors.transpose(1, 2, 0).reshape(-1, n),
            np.stack([np.stack(increments), power.T], axis=1).reshape(-1, n),
        ]
    ).round(4)
    report = dict.fromkeys(REPORT, 0) | {
        "rows": int((~np.isnan(sensors)).any(2).sum() + (~np.isnan(power)).sum()),
        "missing_samples": int(np.isnan(signal).sum()),
        "meter_resets": sum(resets),
        "events": len(events),
    }
    channels = (
        *(f"m{m + 1}.{sensor}" for m in range(components) for sensor in SENSORS),
        *(f"z{z + 1}.{meter}" for z in range(zones) for meter in METERS),
    )
    return Plant(
        name, START, channels, signal.astype(np.float32), tuple(events), report, simulated=True
    )


def _add_events(
    effects: dict[str, Array],
    building: Building,
    events: Sequence[Event],
    rng: np.random.Generator,
) -> None:
    n, components = building.gain.shape
    load = building.cooling_load()
    for event in events:
        start, end = ((time - START).astype(float) / STEP_S for time in (event.start, event.end))
        before = PRECURSOR / np.timedelta64(STEP_S, "s")
        first, last = max(0, int(start - before)), min(n, int(end) + 1)
        k = np.arange(first, last)
        grown = np.clip((k - start + before) / before, 0, 1) ** rng.uniform(0.5, 1.2)
        course = np.where(k <= start, grown, _LASTING)
        # Mostly where there is something to cool: elsewhere cooling faults are not seen.
        weight = np.exp(6 * load[min(int(start), n - 1)])
        component = rng.choice(components, p=weight / weight.sum())
        _add(effects, SIGNATURES[event.code], slice(first, last), component, course, rng, 0.2, 1.2)


def _add_disturbances(effects: dict[str, Array], rng: np.random.Generator) -> None:
    n, components = effects["gain"].shape
    years = n * STEP_S / 3600 / 24 / 365.25
    for signature, a_year, hours in _DISTURBANCES:
        for _ in range(rng.poisson(a_year * years * components)):
            length = max(1, round(rng.uniform(*hours) * 3600 / STEP_S))
            first = rng.integers(n)
            course = np.sin(np.pi * (np.arange(min(length, n - first)) + 0.5) / length) ** 0.5
            where = slice(first, first + len(course))
            _add(effects, (signature,), where, rng.integers(components), course, rng, 0.1, 0.8)


def _add(
    effects: dict[str, Array],
    signatures: Sequence[Mapping[str, float]],
    where: slice,
    component: int,
    course: Array,
    rng: np.random.Generator,
    weakest: float,
    strongest: float,
) -> None:
    strength = rng.uniform(weakest, strongest)
    for effect, size in signatures[rng.integers(len(signatures))].items():
        effects[effect][where, component] += size * strength * course


def _lose(
    sensors: Array, power: Array, reading: Array, lost: Array, rng: np.random.Generator
) -> None:
    """Make samples missing: rows, values, stretches of all channels; the ends of the record stay."""
    n, components, _ = sensors.shape
    gone = rng.random((n, components)) < 0.003 + lost
    meter_gone = rng.random(power.shape) < 0.004
    for _ in range(rng.poisson(8 * n * STEP_S / (365.25 * 24 * 3600))):
        first = rng.integers(n)
        stretch = slice(first, first + 1 + int(rng.exponential(6 * 3600 / STEP_S)))
        gone[stretch] = True
        meter_gone[stretch] = True
    for one in (gone, meter_gone):
        one[[0, -1]] = False
    sensors[rng.random(sensors.shape) < 0.0005] = np.nan
    sensors[gone] = np.nan
    power[meter_gone] = np.nan
    reading[meter_gone] = np.nan
