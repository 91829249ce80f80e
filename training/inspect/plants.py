"""What a folder of plants holds and what was wrong with its files.

`inspect_plants` measures and returns plain data; `render` shows it on a terminal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import CLASSES, Plant, find_plants, load_plant
from dlrsd.training.data.plants.windows import window_labels

_COUNTED = {
    "rows": "rows",
    "unreadable_rows": "unreadable rows",
    "null_values": "values \\N or none",
    "duplicate_slots": "rows in a slot already taken",
    "rows_out_of_order": "rows out of order",
    "clock_jumps": "clock jumps",
    "stray_times": "rows of a wrong clock",
    "meter_resets": "meter resets",
    "empty_files": "empty files",
    "unreadable_events": "unreadable events",
    "events_without_end": "events without end",
    "events_zero_length": "events of no length",
    "events_negative": "events that end before they start",
    "events_overlapping": "overlapping events",
    "events_out_of_order": "events out of order",
    "events_outside": "events outside the record",
    "events_other_names": "events of unknown names, taken as Fault6",
}


def inspect_plants(
    folder: str | Path, *, window: int = 24, hop: int = 4
) -> dict[str, dict[str, Any]]:
    """Measure every plant of a folder, those without samples too.

    Parameters
    ----------
    folder : as for `load_plants`.
    window, hop : samples.

    Returns
    -------
    dict of plain values by plant: "simulated", "start", "days", "samples", "channels",
    "missing_share", "events" (by code, those that touch the record), "windows" (by class) and
    "report".
    """
    for name, value in (("window", window), ("hop", hop)):
        if value < 1:
            raise InputError(f"got {name} = {value}: expected 1 or more")
    return {
        name: _facts(load_plant(name, files), window, hop)
        for name, files in find_plants(folder).items()
    }


def _facts(plant: Plant, window: int, hop: int) -> dict[str, Any]:
    counts = np.bincount(window_labels(plant, window=window, hop=hop), minlength=len(CLASSES))
    codes = [event.code for event in plant.events]
    return {
        "simulated": plant.simulated,
        "start": str(plant.start) if plant.n_samples else None,
        "days": plant.n_samples * plant.step_s / 86400,
        "samples": plant.n_samples,
        "channels": len(plant.channels),
        "missing_share": float(np.isnan(plant.signal).mean()) if plant.n_samples else None,
        "events": {code: codes.count(code) for code in range(1, 7)},
        "windows": dict(zip(CLASSES, counts.tolist(), strict=True)),
        "report": plant.report,
    }


def render(facts: dict[str, dict[str, Any]], *, window: int = 24, hop: int = 4) -> RenderableType:
    """Lay out what `inspect_plants` found with these windows, for a terminal of 100 columns."""
    n = sum(plant["simulated"] for plant in facts.values())
    what = f"{len(facts)} plants" + (f", {n} of them simulated" if n else "")
    return Group(
        Text(what + "\n"),
        _plant_table(facts),
        Text("\nEvents"),
        _count_table(facts, "events"),
        Text(f"\nWindows by class ({window} samples, one every {hop})"),
        _count_table(facts, "windows", total=True),
        Text("\nCounted in the files"),
        _report_table(facts),
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for k, column in enumerate(columns):
        table.add_column(column, justify="right" if k else "left")
    return table


def _plant_table(facts: dict[str, dict[str, Any]]) -> Table:
    table = _table("plant", "from", "days", "samples", "channels", "missing")
    for name, plant in facts.items():
        if plant["samples"]:
            share = f"{100 * plant['missing_share']:.2f} %"
            size = (f"{plant['days']:.1f}", f"{plant['samples']:,}", str(plant["channels"]), share)
            table.add_row(name, plant["start"].replace("T", " "), *size)
        else:
            table.add_row(name, "no samples", "", "", "", "")
    return table


def _count_table(facts: dict[str, dict[str, Any]], key: str, *, total: bool = False) -> Table:
    table = _table("plant", *map(str, next(iter(facts.values()))[key]))
    for name, plant in facts.items():
        table.add_row(name, *(f"{n:,}" for n in plant[key].values()))
    sums = np.sum([list(plant[key].values()) for plant in facts.values()], axis=0)
    if total and sums.sum():
        shares = (f"{100 * n / sums.sum():.2f} %" for n in sums)
        table.add_row("share", *shares, style="bold")
    return table


def _report_table(facts: dict[str, dict[str, Any]]) -> Table:
    table = _table("plant", "")
    table.columns[1].justify = "left"
    for name, plant in facts.items():
        report = plant["report"]
        said = [f"{report[key]:,} {word}" for key, word in _COUNTED.items() if report[key]]
        table.add_row(name, ", ".join(said) or "nothing")
    return table
