"""What commissioning leaves in a machine's folder: ``baseline/baseline.json``.

Of every sensor and speed, how lines, scores and levels lie while the machine is healthy, and the
limits that follow from a stated rate of false alarms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded, write_atomic
from dlrsd.runtime.base.formats import (
    Count,
    FormatError,
    Positive,
    Text,
    checked,
    json_text,
    parse_json,
)
from dlrsd.runtime.dsp.order_map_config import Order
from dlrsd.runtime.evidence.baseline import Baseline
from dlrsd.runtime.evidence.spectral_shape import Shape

SCHEMA_VERSION: Final = 1
FOLDER, NAME = "baseline", "baseline.json"
SAME_SPEED = 0.1  # share by which a speed may differ from the commissioned one
_MOST_BYTES = 1 << 24


class Limit(Struct, frozen=True):
    """A limit that healthy windows pass at the stated rate, and its 95 % interval.

    Without an interval the windows were too few to state a rate.
    """

    value: float
    low: float | None = None
    high: float | None = None


class AtSpeed(Struct, frozen=True, kw_only=True):
    """Of one sensor at one speed.

    Parameters
    ----------
    speed_rpm : float > 0
    windows : int
        Healthy ones.
    baseline : Baseline
        Of lines and scores.
    shape : Shape
        Of the power over frequency.
    score_limit, shape_limit : Limit
        Of a place's score and of the distance from the shape.
    """

    speed_rpm: Positive
    windows: Count
    baseline: Baseline
    shape: Shape
    score_limit: Limit
    shape_limit: Limit


class SensorBaseline(Struct, frozen=True, kw_only=True):
    """Of one sensor: at each speed at which it was commissioned, slowest first."""

    sensor: Text
    orders: dict[Order, Positive]
    speeds: list[AtSpeed]

    def at(self, speed_rpm: float) -> AtSpeed | None:
        """What holds at a speed; None where none was commissioned within 10 %."""
        nearest = min(self.speeds, key=lambda each: abs(each.speed_rpm / speed_rpm - 1))
        off = abs(nearest.speed_rpm / speed_rpm - 1)
        return nearest if off <= SAME_SPEED else None


class MachineBaseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of ``baseline.json``.

    Parameters
    ----------
    schema_version : int
    dlrsd_version, created : str
    rate_hz : float > 0
        Of the recordings.
    unit : str or None
        Of the recordings; None where nobody stated it.
    seconds : float > 0
        Of a window.
    false_alarms_per_month : float > 0
        That the limits stand for, of each sensor.
    sensors : list of SensorBaseline
    notes : list of str
        What a person was told when the machine was commissioned.
    """

    schema_version: Literal[1]
    dlrsd_version: str
    created: str
    rate_hz: Positive
    unit: str | None
    seconds: Positive
    false_alarms_per_month: Positive
    sensors: Annotated[list[SensorBaseline], Meta(min_length=1)]
    notes: list[str]


def read_baseline(machine: Path) -> MachineBaseline | None:
    """The baseline in a machine's folder; None if it was not commissioned.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit the format.
    """
    path = machine / FOLDER / NAME
    try:
        return checked(parse_json(read_bounded(path, most=_MOST_BYTES)), MachineBaseline)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, FormatError) as error:
        raise InputError(f"{path} cannot be read: {error}; commission the machine again") from error


def write_baseline(baseline: MachineBaseline, machine: Path) -> None:
    """Write the file into the machine's folder, all or nothing."""
    folder = machine / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with write_atomic(folder / NAME, durable=True) as file:
        file.write(json_text(baseline, indent=1).encode())
