"""A machine in the few figures that the overview shows and browsers are told each second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from dlrsd.runtime.service.page.words import GRAVEST
from dlrsd.runtime.service.said import MachineNow, Running, SensorNow, State, Zone
from dlrsd.runtime.service.store.rows import AlarmRow

_NOT_A_FAULT = (None, "healthy", "undecided")


class Glance(Struct, frozen=True, kw_only=True):
    """One machine; of several sensors the one of highest velocity speaks."""

    name: str
    state: State
    since: Annotated[float, Meta(description="Unix time, s")]
    running: Running | None
    zone: Zone | None
    sensor: str | None = None
    velocity_mm_s: float | None = None
    speed_rpm: float | None = None
    place: str | None = None
    label: str | None = None
    unfit: str | None = None
    silent_s: float | None = None
    shelved: int = 0


def glance(machine: MachineNow) -> Glance:
    """What is shown of a machine at a glance."""
    leading = leading_sensor(machine)
    second = leading.second if leading else None
    faulty = [
        s.second.place
        for s in machine.sensors
        if s.second is not None and s.second.place not in _NOT_A_FAULT
    ]
    place = faulty[0] if faulty else (second.place if second else None)
    silent = [s.silent_s for s in machine.sensors if s.silent_s is not None]
    return Glance(
        name=machine.name,
        state=machine.state,
        since=machine.since,
        running=machine.running,
        zone=machine.zone,
        sensor=leading.name if leading else None,
        velocity_mm_s=_rounded(velocity(leading)),
        speed_rpm=_rounded(second.speed_rpm, 1) if second else None,
        place=place,
        label=second.label if second else None,
        unfit=second.unfit if second else None,
        silent_s=_rounded(max(silent), 0) if silent else None,
        shelved=sum(rule.shelved_until is not None for rule in machine.rules),
    )


def leading_sensor(machine: MachineNow) -> SensorNow | None:
    """The one of highest velocity; None where the machine has none."""
    return max(machine.sensors, key=lambda sensor: velocity(sensor) or 0.0, default=None)


def velocity(sensor: SensorNow | None) -> float | None:
    """The latest, mm/s RMS; of the last whole minute where the second has none."""
    if sensor is None:
        return None
    for said in (sensor.second, sensor.minute):
        if said is not None and said.levels.velocity_mm_s is not None:
            return said.levels.velocity_mm_s
    return None


def gravest_by_machine(alarms: Iterable[AlarmRow]) -> Mapping[str, AlarmRow]:
    """Of the open alarms of each machine the gravest, and of these the newest."""
    found: dict[str, AlarmRow] = {}
    for alarm in alarms:
        other = found.get(alarm.machine)
        if other is None or _rank(alarm) < _rank(other):
            found[alarm.machine] = alarm
    return found


def _rank(alarm: AlarmRow) -> tuple[int, float]:
    return GRAVEST.index(alarm.state), -alarm.changed


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
