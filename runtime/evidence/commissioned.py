"""What commissioning leaves in a machine's folder: ``baseline/baseline.json``.

Of every sensor and speed, how lines, scores and levels lie while the machine is healthy, and the
limits that follow from a stated rate of false alarms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded, write_atomic
from dlrsd.runtime.base.formats import (
    Count,
    Finite,
    FormatError,
    Positive,
    Text,
    checked,
    json_text,
    parse_json,
)
from dlrsd.runtime.base.numbers import plain
from dlrsd.runtime.dsp.order_map_config import Order
from dlrsd.runtime.evidence.baseline import UNKNOWN_MACHINE, Baseline
from dlrsd.runtime.evidence.limit import Limit as Limit
from dlrsd.runtime.evidence.network import NetworkBaseline
from dlrsd.runtime.evidence.place import Place
from dlrsd.runtime.evidence.spectral_shape import Shape

SCHEMA_VERSION: Final = 1
FOLDER, NAME = "baseline", "baseline.json"
SAME_SPEED = 0.1  # share by which a speed may differ from the commissioned one
_MOST_BYTES = 1 << 22  # some hundred sensors and speeds
_HIGHEST = 0.41  # of the rate: bands end below it, also at a rate that is a little off

Name = Annotated[Text, Meta(max_length=1000)]
LevelName = Literal["velocity_mm_s", "acceleration_m_s2", "peak_m_s2", "envelope_m_s2"]


class HealthyLevel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level of single healthy seconds, in mm/s or m/s2: the usual one (their median), the
    highest, and the limit that follows."""

    usual: Finite
    highest: Finite
    limit: Limit


class AtSpeed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    loads : tuple of two floats, optional
        The least and the most at which it was commissioned, in the unit of ``machine.toml``.
    suspected : list of str
        Places whose lines most of the windows had: what looked like a fault from the start.
    network : NetworkBaseline, optional
        Where it was commissioned with a bundle.
    levels : dict of str to HealthyLevel, optional
        By name, where the recordings' unit is one of acceleration and windows are of a second or
        more; see `dlrsd.runtime.dsp.levels`.

    Raises
    ------
    ValueError
        If the scores of a place are missing, or the least load is above the most.
    """

    speed_rpm: Positive
    windows: Count
    baseline: Baseline
    shape: Shape
    score_limit: Limit
    shape_limit: Limit
    loads: tuple[Finite, Finite] | None = None
    suspected: list[Place] = []
    network: NetworkBaseline | None = None
    levels: dict[LevelName, HealthyLevel] = {}

    def __post_init__(self) -> None:
        if self.loads and self.loads[0] > self.loads[1]:
            raise ValueError(f"the least load is {self.loads[0]:g} and the most {self.loads[1]:g}")
        if missing := UNKNOWN_MACHINE.keys() - self.baseline.scores.keys():
            raise ValueError(f"no scores of {', '.join(sorted(missing))}")


class SensorBaseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one sensor: at each speed at which it was commissioned, slowest first."""

    sensor: Name
    orders: Annotated[dict[Order, Positive], Meta(min_length=len(get_args(Order)))]
    speeds: Annotated[list[AtSpeed], Meta(min_length=1, max_length=256)]

    def at(self, speed_rpm: float) -> AtSpeed | None:
        """What holds at a speed; None where none was commissioned within 10 %."""
        nearest = min(self.speeds, key=lambda each: abs(each.speed_rpm / speed_rpm - 1))
        off = abs(nearest.speed_rpm / speed_rpm - 1)
        return nearest if off <= SAME_SPEED else None


def outside(own: SensorBaseline, speed_rpm: float, load: float | None) -> str | None:
    """Why the baseline says nothing of a machine at a speed and a load; None: it does."""
    at = own.at(speed_rpm)
    if at is None:
        low, high = (plain(each.speed_rpm) for each in (own.speeds[0], own.speeds[-1]))
        known = f"{low} rpm" if low == high else f"{low} to {high} rpm"
        return (
            f"{plain(speed_rpm)} rpm lies more than 10 % from every speed that the machine was "
            f"commissioned at ({known})"
        )
    if load is not None and at.loads is not None and not at.loads[0] <= load <= at.loads[1]:
        least, most = at.loads
        known = f"{least:g}" if least == most else f"{least:g} to {most:g}"
        return f"a load of {load:g} lies outside of {known} that the machine was commissioned at"
    return None


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
    seconds : float, 0.1 to 60
        Of a window.
    false_alarms_per_month : float > 0
        That the limits stand for, of each sensor.
    sensors : list of SensorBaseline
    notes : list of str
        What a person was told when the machine was commissioned.
    machine : str, optional
        What it was called.

    Raises
    ------
    ValueError
        If two sensors have one name, or a band lies beyond what the rate holds.
    """

    schema_version: Literal[1]
    dlrsd_version: Name
    created: Name
    rate_hz: Positive
    unit: Name | None
    seconds: Annotated[float, Meta(ge=0.1, le=60)]  # as `EvidenceWindows` takes
    false_alarms_per_month: Positive
    sensors: Annotated[list[SensorBaseline], Meta(min_length=1, max_length=1024)]
    notes: list[str]
    machine: Name | None = None

    def __post_init__(self) -> None:
        names = [each.sensor for each in self.sensors]
        if len(set(names)) < len(names):
            raise ValueError("two sensors have the same name")
        shapes = [at.shape for each in self.sensors for at in each.speeds]
        if (highest := max(shape.edges_hz[-1] for shape in shapes)) > _HIGHEST * self.rate_hz:
            raise ValueError(f"a band up to {highest:g} Hz at a rate of {self.rate_hz:g} Hz")


def read_baseline(machine: Path) -> MachineBaseline | None:
    """The baseline in a machine's folder; None if it was not commissioned: nothing is there.

    Raises
    ------
    InputError
        If the file cannot be read or does not fit the format.
    """
    path = machine / FOLDER / NAME
    try:
        return checked(parse_json(read_bounded(path, most=_MOST_BYTES)), MachineBaseline)
    except (OSError, FormatError) as error:
        if isinstance(error, FileNotFoundError) and not (
            path.is_symlink() or path.parent.is_symlink()
        ):
            return None
        raise InputError(f"{path} cannot be read: {error}; commission the machine again") from error


def write_baseline(baseline: MachineBaseline, machine: Path) -> None:
    """Write the file into the machine's folder, all or nothing."""
    folder = machine / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with write_atomic(folder / NAME, durable=True) as file:
        file.write(json_text(baseline, indent=1).encode())
