"""Plants of the PHM Society's 2015 data challenge: slow signals on one grid, and the fault events.

A plant is up to three files of long rows without a header. `a`: component, time, four sensors S1
to S4, four control references R1 to R4. `b`: zone, time, cumulative energy E1, power E2. `c`:
start, end and code of a fault. The published plants (``plant_Na.csv``) have codes 1 to 6, the raw
sites (``siteNa.csv``) have names. Every defect of such files is counted in the plant's report; none
stops the reading of what is there.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import DlrsdWarning, InputError
from dlrsd.training.data.plants.fault_codes import CODES, fault_codes
from dlrsd.training.data.plants.rows import (
    STEP_S,
    Rows,
    fill_grid,
    fit_grid,
    natural,
    no_rows,
    read_columns,
    read_rows,
)

CLASSES = ("Normal", *(f"Fault{code}" for code in CODES))
SENSORS = ("S1", "S2", "S3", "S4", "R1", "R2", "R3", "R4")
METERS = ("energy", "power")
PRECURSOR = np.timedelta64(3, "h")  # a fault is independent of what lies further back
SIMULATION = "plant"  # what stands in the place of a folder for plants of the simulation
SIMULATED = "simulated.json"  # marks a folder of simulated plants

_FILE = re.compile(r"(plant_\d+|site\d+)([abc])\.csv", re.IGNORECASE)
_ALIKE = re.compile(r"(plant|site)[ _-]?\d+", re.IGNORECASE)
_DAY = 24 * 3600


class Event(NamedTuple):
    """A fault: its first and last second (numpy.datetime64[s]) and its code, 1 to 6."""

    start: np.datetime64
    end: np.datetime64
    code: int


@dataclass(frozen=True, eq=False)
class Plant:
    """What is known of one plant, on a regular grid.

    Parameters
    ----------
    name : such as "plant_1" or "site25".
    start : time of the first sample.
    channels : one name per row of `signal`: ``m1.S1`` to ``m1.R4`` of a component, ``z1.energy``
        and ``z1.power`` of a zone. A zone or component that has a name instead of a number goes by
        it (``METER.power``). ``energy`` is what the meter advanced since the sample before: its
        reading only ever rises, so no level of it means anything.
    signal : float32 array, shape (channels, samples); NaN where nothing was measured.
    events : by start; those that do not touch the recorded time are left out.
    report : what was read and what was wrong with it, by name.
    simulated : whether the plant is made up.
    step_s : seconds between samples.
    """

    name: str
    start: np.datetime64
    channels: tuple[str, ...]
    signal: NDArray[np.float32]
    events: tuple[Event, ...]
    report: dict[str, int]
    simulated: bool
    step_s: float = float(STEP_S)

    @property
    def n_samples(self) -> int:
        return self.signal.shape[1]

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Time of every sample, shape (samples,)."""
        return self.start + np.arange(self.n_samples) * np.timedelta64(int(self.step_s), "s")


def is_plant_folder(path: str | Path) -> bool:
    """Whether a path is a folder that holds files of plants."""
    folder = Path(path)
    return folder.is_dir() and any(_FILE.fullmatch(file.name) for file in folder.iterdir())


def load_plants(folder: str | Path) -> list[Plant]:
    """Read every plant of a folder that has samples.

    Parameters
    ----------
    folder : holds ``plant_Na.csv``, ``plant_Nb.csv`` and ``plant_Nc.csv``, or ``siteNa.csv`` and
        so on. Any of the three may be absent; a plant with neither `a` nor `b` is left out (ask
        `load_plant` for its report, `read_events` for its events).

    Returns
    -------
    list of Plant, by number.

    Raises
    ------
    InputError
        If there is no such file, none of the plants has samples, or a file is something else.
    """
    plants = [load_plant(name, files) for name, files in find_plants(folder).items()]
    with_samples = [plant for plant in plants if plant.n_samples]
    if not with_samples:
        raise InputError(
            f"none of the {len(plants)} plants in {folder} has samples: expected files of "
            "components (plant_1a.csv) or zones (plant_1b.csv) beside those of events"
        )
    return with_samples


def find_plants(folder: str | Path) -> dict[str, dict[str, Path]]:
    """The files of each plant, by its name and their letter.

    A `DlrsdWarning` names those that are alike and left out, such as ``plant_1a.xlsx``.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise InputError(f"got {str(folder)!r}: expected a folder with files plant_1a.csv, ...")
    found: dict[str, dict[str, Path]] = {}
    paths = sorted(folder.iterdir(), key=lambda path: natural(path.name))
    for path in paths:
        if match := _FILE.fullmatch(path.name):
            found.setdefault(match[1].lower(), {})[match[2].lower()] = path
    mistaken = [path.name for path in paths if _ALIKE.match(path.name)]
    mistaken = [name for name in mistaken if not _FILE.fullmatch(name)]
    if mistaken:
        warnings.warn(
            f"files in {folder} that are named like those of plants, and are none, are left out: "
            + ", ".join(mistaken),
            DlrsdWarning,
            stacklevel=2,
        )
    if not found:
        raise InputError(
            f"{folder} has no files of plants: expected plant_1a.csv, plant_1b.csv, plant_1c.csv "
            "(or site1a.csv, ...)"
        )
    return found


def load_plant(name: str, files: Mapping[str, Path]) -> Plant:
    """Read one plant from its files, as `find_plants` gives them.

    A row goes to the nearest slot of the grid; of several in one slot the last that has a value
    counts. Rows more than a year apart from all others are those of a wrong clock, and left out.
    A plant without samples has no channels.

    Raises
    ------
    InputError
        If a file holds something else, or a code is not 1 to 6.
    """
    report: Counter[str] = Counter(dict.fromkeys(REPORT, 0))
    components = _rows(files.get("a"), SENSORS, pa.float32(), report)
    zones = _rows(files.get("b"), METERS, pa.float64(), report)  # a meter has many digits
    events: list[Event] = []
    if "c" in files:
        events, counts = read_events(files["c"])
        report.update(counts)
    start, n = fit_grid(np.concatenate([components.seconds, zones.seconds]))
    sensors, meters = (fill_grid(rows, start, n, report) for rows in (components, zones))
    for reading in meters[:: len(METERS)]:
        reading[:], resets = meter_increments(reading)
        report["meter_resets"] += resets
    signal = np.concatenate([sensors, meters.astype(np.float32)], dtype=np.float32)
    report["missing_samples"] = int(np.isnan(signal).sum())
    first = np.datetime64(start, "s")
    if n:
        last = first + np.timedelta64((n - 1) * STEP_S, "s")
        touching = [e for e in events if e.end >= first and e.start - PRECURSOR < last]
        report["events_outside"] = len(events) - len(touching)
        events = touching
    channels = [
        f"{unit}.{channel}"
        for rows, prefix, names in ((components, "m", SENSORS), (zones, "z", METERS))
        for unit in (prefix + unit if unit.isdigit() else unit for unit in rows.units)
        for channel in names
    ]
    simulated = any((path.parent / SIMULATED).is_file() for path in files.values())
    return Plant(name, first, tuple(channels), signal, tuple(events), dict(report), simulated)


# What a report counts. Rows: of components and zones. A jump of the clock: from one row of a
# component to its next, back by a step or more, or ahead by more than a day.
REPORT = (
    "rows", "unreadable_rows", "null_values", "duplicate_slots", "rows_out_of_order", "clock_jumps",
    "stray_times", "missing_samples", "meter_resets", "empty_files", "events", "unreadable_events",
    "events_without_end", "events_zero_length", "events_negative", "events_overlapping",
    "events_out_of_order", "events_outside", "events_other_names",
)  # fmt: skip


def read_events(path: str | Path) -> tuple[list[Event], dict[str, int]]:
    """Read a file of events: start, end, and a code from 1 to 6 or the name of a fault.

    `fault_codes` says how a code may be written. Any other name is the code 6, a fault that is not
    in focus; such names are counted, and a `DlrsdWarning` says them.

    An event without an end ends at its start. One that ends before it starts is dropped. One
    overlaps if it starts before another has ended that started no later.

    Returns
    -------
    events : by start.
    counts : of the keys of `REPORT` that are about events, and ``empty_files``.

    Raises
    ------
    InputError
        If no row is one of an event, or a number is not from 1 to 6.
    """
    path = Path(path)
    counts = {key: 0 for key in REPORT if "event" in key} | {"empty_files": 0}
    table, unreadable = read_columns(
        path, {"start": pa.timestamp("s"), "end": pa.timestamp("s"), "code": pa.string()}
    )
    if table is None:
        return [], counts | {"empty_files": 1}
    starts, ends = (table.column(k).to_numpy().astype("M8[s]") for k in ("start", "end"))
    names = table.column("code").to_pylist()
    dated = [None if nat else name for name, nat in zip(names, np.isnat(starts), strict=True)]
    codes, counts["events_other_names"] = fault_codes(dated, path)
    known = ~np.isnat(starts) & (np.array(codes) > 0)
    counts["events"] = len(known) + unreadable
    counts["unreadable_events"] = unreadable + int((~known).sum())
    if not known.any():
        raise InputError(f"{path} has no row of an event: expected such as {_EXAMPLE_EVENT}")
    open_ended = np.isnat(ends)
    ends = np.where(open_ended, starts, ends)
    counts["events_without_end"] = int((known & open_ended).sum())
    counts["events_zero_length"] = int((known & ~open_ended & (ends == starts)).sum())
    counts["events_negative"] = int((known & (ends < starts)).sum())
    starts_in_file = starts[known]
    counts["events_out_of_order"] = int((np.diff(starts_in_file) < np.timedelta64(0)).sum())
    kept = np.flatnonzero(known & (ends >= starts))
    events = sorted(Event(starts[i], ends[i], codes[i]) for i in kept)
    counts["events_overlapping"] = count_overlapping(events)
    return events, counts


_EXAMPLE_EVENT = "2010-11-02 09:44:59,2010-11-03 16:15:00,5"


def count_overlapping(events: Sequence[Event]) -> int:
    """How many of events sorted by start begin before all that began earlier have ended."""
    ends = np.array([event.end for event in events], "M8[s]")
    starts = np.array([event.start for event in events], "M8[s]")
    return int((starts[1:] < np.maximum.accumulate(ends)[:-1]).sum())


def meter_increments(reading: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """What a cumulative meter advanced since the sample before, shape (n,), and its resets.

    Missing where either of the two is, at the first sample, and where the meter went back.
    """
    steps = np.diff(reading, prepend=np.nan)
    back = steps < 0
    steps[back] = np.nan
    return steps, int(back.sum())


def _rows(
    path: Path | None, values: Sequence[str], number: pa.DataType, report: Counter[str]
) -> Rows:
    if path is None:
        return no_rows(len(values))
    rows, counts = read_rows(path, values, number)
    report.update(counts)
    # Row by row in the order of the file, each unit by itself.
    order = np.argsort(rows.unit, kind="stable")
    steps = np.diff(rows.seconds[order])[np.diff(rows.unit[order]) == 0]
    report["rows_out_of_order"] += int((steps < 0).sum())
    report["clock_jumps"] += int(((steps <= -STEP_S) | (steps > _DAY)).sum())
    return rows
