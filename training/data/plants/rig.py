"""Simulated plants in the layout of the PHM Society's 2015 challenge, and a writer of that layout.

The real component files are not at hand everywhere; whatever is found on these plants is to be
called simulated. A plant is a building under feedback control (`plant_building`) in which events
of six codes happen (`plant_events`) in one component each. A fault grows in the three hours before
its event, with a strength of its own, some hardly to be seen, and leaves a weaker trace while it
lasts. The same things happen at times without any event: doors stand open, set points are moved,
units are weak for an hour.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import json_text
from dlrsd.training.data.plants.building import EFFECTS, Array, make_building, operate
from dlrsd.training.data.plants.events import draw_events
from dlrsd.training.data.plants.faults import add_disturbances, add_events
from dlrsd.training.data.plants.plants import (
    METERS,
    REPORT,
    SENSORS,
    SIMULATED,
    Event,
    Plant,
    count_overlapping,
    meter_increments,
)
from dlrsd.training.data.plants.rows import STEP_S

START = np.datetime64("2010-01-01T00:00:00", "s")
MOST_VALUES = 100_000_000  # samples of all channels of all plants, which are in memory at once
_YEAR_S = 365.25 * 24 * 3600
_FACTORY_S = int(np.datetime64("2000-01-01T00:00:00", "s").astype(int))


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
    years : length of each, from a day to 100 years.
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
    if not 1 / 365 <= years <= 100:
        raise InputError(f"got years = {years:g}: expected a day (0.003) to 100 years")
    n = round(years * _YEAR_S / STEP_S)
    values = n_plants * n * (len(SENSORS) * components + len(METERS) * zones)
    if values > MOST_VALUES:
        raise InputError(
            f"got plants of {values:.3g} values in all, expected at most {MOST_VALUES:.3g}: give "
            "fewer plants, years, components or zones"
        )
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
    add_events(effects, building, events, START, rng)
    add_disturbances(effects, rng)
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
        "events_zero_length": sum(bool(event.start == event.end) for event in events),
        "events_overlapping": count_overlapping(events),
    }
    channels = (
        *(f"m{m + 1}.{sensor}" for m in range(components) for sensor in SENSORS),
        *(f"z{z + 1}.{meter}" for z in range(zones) for meter in METERS),
    )
    return Plant(
        name, START, channels, signal.astype(np.float32), tuple(events), report, simulated=True
    )


def _lose(
    sensors: Array, power: Array, reading: Array, lost: Array, rng: np.random.Generator
) -> None:
    """Make samples missing: rows, values, stretches of all channels; both ends stay."""
    n, components, _ = sensors.shape
    gone = rng.random((n, components)) < 0.003 + lost
    meter_gone = rng.random(power.shape) < 0.004
    for _ in range(rng.poisson(8 * n * STEP_S / _YEAR_S)):
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


def write_plants(plants: Iterable[Plant], folder: str | Path) -> None:
    """Write simulated plants in the published layout, as untidy as real files are.

    `load_plants` reads the same samples and events back: four decimals, times that jitter by some
    seconds, rows out of order, rows twice, ``\\N`` for a missing value or end, no row where all is
    missing. After a stretch without any sample the clock starts at its factory date for one row:
    that is in the files only, and the reader leaves it out.

    Parameters
    ----------
    plants : from `simulate_plants`.
    folder : is made; files in it of the same names are replaced.

    Raises
    ------
    InputError
        If a plant is not simulated: the folder says of all that they are.
    """
    plants, folder = list(plants), Path(folder)
    for plant in plants:
        if not plant.simulated:
            raise InputError(f"{plant.name} is a real plant: only simulated ones are written")
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"simulated": True, "plants": [plant.name for plant in plants]}
    with write_atomic(folder / SIMULATED) as file:
        file.write(json_text(facts, indent=1).encode())
    for plant in plants:
        rng = np.random.default_rng(zlib.crc32(plant.name.encode()))
        meters = next(
            (row for row, name in enumerate(plant.channels) if name.endswith(METERS)),
            len(plant.channels),
        )
        components = plant.signal[:meters].astype(float).reshape(-1, len(SENSORS), plant.n_samples)
        zones = plant.signal[meters:].astype(float).reshape(-1, len(METERS), plant.n_samples)
        for zone in zones:
            zone[0] = _reading(zone[0])
        _write_rows(folder / f"{plant.name}a.csv", plant.times, components, rng)
        _write_rows(folder / f"{plant.name}b.csv", plant.times, zones, rng)
        _write_events(folder / f"{plant.name}c.csv", plant.events)


def _reading(increments: Array) -> Array:
    """A cumulative meter that advanced so, NaN where its value is not needed."""
    known = np.isfinite(increments)
    needed = known | np.append(known[1:], False)
    total = 1000 + np.cumsum(np.where(known, increments, 0))
    # Where an increment is missing between two values that are needed, the meter was reset.
    reset = needed & ~known & np.insert(known[:-1], 0, False)
    base = np.maximum.accumulate(np.where(reset, total, 0))
    return np.where(needed, total - base, np.nan)


def _write_rows(
    path: Path, times: NDArray[np.datetime64], values: Array, rng: np.random.Generator
) -> None:
    """Long rows of values (units, values, n), in the order of time."""
    units = len(values)
    slot, unit = np.nonzero(np.isfinite(values).any(axis=1).T)
    seconds = times.astype("M8[s]").astype(np.int64)[slot]
    seconds += np.clip(np.rint(rng.normal(0, 6, len(slot))), -60, 60).astype(np.int64)
    order = np.argsort(np.arange(len(slot)) + 2.5 * units * (rng.random(len(slot)) < 0.0005))
    order = np.repeat(order, 1 + (rng.random(len(order)) < 0.0005))
    seconds = seconds[order]
    heard = np.unique(slot)
    ended = heard[1:][np.diff(heard) > 1]
    restarts = np.searchsorted(np.maximum.accumulate(slot[order]), ended)
    seconds = np.insert(seconds, restarts, _FACTORY_S)
    order = np.insert(order, restarts, order[restarts])
    texts = [(unit[order] + 1).astype(str), seconds.astype("M8[s]")]
    texts += list(values[unit, :, slot].T[:, order].round(4))
    _write(path, [pa.array(text, from_pandas=True) for text in texts])


def _write_events(path: Path, events: Sequence[Event]) -> None:
    # Of no length: every other one as if its end had not been seen.
    open_ended = [e.start == e.end and k % 2 == 1 for k, e in enumerate(events)]
    starts = pa.array([e.start for e in events], pa.timestamp("s"))
    ends = pa.array([e.end for e in events], pa.timestamp("s"), mask=np.array(open_ended, bool))
    _write(path, [starts, ends, pa.array([e.code for e in events], pa.int8())])


def _write(path: Path, columns: Sequence[pa.Array]) -> None:
    texts = [pc.fill_null(column.cast(pa.string()), "\\N") for column in columns]
    table = pa.table(texts, names=[str(k) for k in range(len(texts))])
    with write_atomic(path) as file:
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))
