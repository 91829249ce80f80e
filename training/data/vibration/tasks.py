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
    """What to take from a data set and what to call it.

    Without ``channels`` every selected signal is a recording of its own, of one channel.
    """

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


def _fan_end(row: Row) -> bool:
    """All fan-end bearings that ran at every load with the fault in one place."""
    places = {"FE_OR007": "6:00", "FE_OR014": "3:00"}
    return (
        row["fault_location"] == "motor_bearing_nde"
        and row["bearing_id"] != "FE_OR021"
        and row["or_position"] == places.get(row["bearing_id"], "none")
    )


def _fan_end_or_normal(row: Row) -> bool:
    return _fan_end(row) or row["fault_type"] == "normal"


def _at_the_bearing(row: Row) -> bool:
    """cwru10 by the drive-end sensor, and all fan-end bearings by the fan-end one."""
    if row["fault_location"] == "motor_bearing_nde":
        return row["channel"] == "FE"
    return row["channel"] == "DE" and _drive_end(row)


def _any_drive_end(row: Row) -> bool:
    return row["channel"] == "DE" and row["fault_location"] in ("motor_bearing_de", "none")


def _any_fan_end(row: Row) -> bool:
    return row["channel"] == "FE" and row["fault_location"] == "motor_bearing_nde"


def _place(row: Row) -> str:
    return str(row["fault_type"])


def _fault_and_size(row: Row) -> str:
    return "Normal" if row["fault_type"] == "normal" else row["bearing_id"][3:]


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
    # For design choices: no faulty bearing of cwru10 is in these two.
    "cwru-fan-near": Task(
        dataset="cwru12k",
        channels=("FE",),
        select=_fan_end,
        label=_fault_and_size,
        statement=(
            "CWRU at 12 kHz, fan-end accelerometer and fan-end faults (SKF 6203): IR, B at 0.007, "
            "0.014 and 0.021 in, OR at 0.007 and 0.014 in, loads 0 to 3 hp pooled; no Normal"
        ),
    ),
    "cwru-fan-far": Task(
        dataset="cwru12k",
        channels=("DE",),
        select=_fan_end_or_normal,
        label=_fault_and_size,
        statement="the fan-end faults of cwru-fan-near by the far, drive-end sensor, and Normal",
    ),
    "cwru-drive-end": Task(
        dataset="cwru12k",
        channels=("DE",),
        select=_any_drive_end,
        label=_place,
        statement=(
            "CWRU at 12 kHz, drive-end accelerometer: Normal and all drive-end faults (SKF 6205), "
            "of every size and with the outer race's in every position"
        ),
    ),
    "cwru-fan-end": Task(
        dataset="cwru12k",
        channels=("FE",),
        select=_any_fan_end,
        label=_place,
        statement=(
            "CWRU at 12 kHz, fan-end accelerometer: all fan-end faults (SKF 6203), of every size "
            "and with the outer race's in every position; no Normal"
        ),
    ),
    "cwru-both-ends": Task(
        dataset="cwru12k",
        channels=(),
        select=_at_the_bearing,
        label=_fault_and_size,
        statement=(
            "cwru10, and the fan-end faults (SKF 6203) by the fan-end accelerometer: each bearing "
            "by the sensor at its own end. Under `bearing` the published folds of the drive end "
            "are tested, and fan-end bearings always train"
        ),
    ),
}
