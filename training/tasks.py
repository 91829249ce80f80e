"""Known tasks: which recordings of a data set form a published benchmark, and their classes.

A task is plain data. Its two functions see one row of the data set's metadata table (one signal)
as a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What to take from a data set and what to call it."""

    dataset: str
    channels: tuple[str, ...]
    select: Callable[[Row], bool]
    label: Callable[[Row], str]
    statement: str


def _drive_end(row: Row) -> bool:
    if row["fault_type"] == "normal":
        return True
    return (
        row["fault_location"] == "motor_bearing_de"
        and row["fault_severity"] in ("0.007 in", "0.014 in", "0.021 in")
        and row["or_position"] in ("none", "6:00")
    )


def _drive_end_without_load(row: Row) -> bool:
    return _drive_end(row) and row["load"] == 0


def _fault_and_size(row: Row) -> str:
    return "Normal" if row["fault_type"] == "normal" else row["bearing_id"].removeprefix("DE_")


TASKS = {
    "cwru10": Task(
        dataset="cwru12k",
        channels=("DE",),
        select=_drive_end,
        label=_fault_and_size,
        statement=(
            "CWRU at 12 kHz, drive-end accelerometer and drive-end faults (SKF 6205): Normal and "
            "IR, B, OR@6 at 0.007, 0.014 and 0.021 in, loads 0 to 3 hp pooled"
        ),
    ),
    "cwru10-load0": Task(
        dataset="cwru12k",
        channels=("DE",),
        select=_drive_end_without_load,
        label=_fault_and_size,
        statement="cwru10 at a load of 0 hp only, as the published figures of DLRSD-SMOTE have it",
    ),
}
