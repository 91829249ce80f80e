"""What ``/api/machines`` and ``/api/alarms`` answer. Times are ISO 8601, UTC."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from dlrsd.runtime.service.page.reading import AlarmRow
from dlrsd.runtime.service.page.words import gravity, iso
from dlrsd.runtime.service.said import Levels, MachineNow, SensorNow

Time = Annotated[str, Meta(description="ISO 8601, UTC")]


class SensorSaid(Struct, frozen=True, kw_only=True):
    """The latest second of a sensor."""

    name: str
    time: Time | None = None
    levels: Levels | None = None
    place: str | None = None
    sentence: str | None = None
    label: str | None = None
    novelty: float | None = None
    speed_rpm: float | None = None
    load: float | None = None
    temperature_c: float | None = None
    unfit: str | None = None
    silent_s: float | None = None


class RuleSaid(Struct, frozen=True, kw_only=True):
    """Where a rule stands."""

    rule: str
    state: str
    since: Time | None
    alarm: str | None = None
    acknowledged_by: str | None = None
    acknowledged: Time | None = None
    shelved_until: Time | None = None
    shelved_by: str | None = None


class MachineSaid(Struct, frozen=True, kw_only=True):
    """A machine now."""

    name: str
    state: str
    since: Time | None
    running: str | None
    zone: str | None
    commissioned: bool
    sensors: list[SensorSaid]
    rules: list[RuleSaid]
    events: dict[str, int]


class MachinesSaid(Struct, frozen=True, kw_only=True):
    """``GET /api/machines``: all of them, the gravest first."""

    machines: list[MachineSaid]


class AlarmSaid(Struct, frozen=True, kw_only=True):
    """An alarm, from leaving normal to coming back."""

    id: str
    machine: str
    rule: str
    state: str
    gravest: str
    began: Time | None
    changed: Time | None
    ended: Time | None
    text: str
    sensor: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    place: str | None = None
    evidence: str | None = None
    acknowledged_by: str | None = None
    acknowledged: Time | None = None
    shelved_until: Time | None = None
    shelved_by: str | None = None


class AlarmsSaid(Struct, frozen=True, kw_only=True):
    """``GET /api/alarms``: newest first; ``before`` asks for those that came earlier."""

    alarms: list[AlarmSaid]
    before: Annotated[
        float | None, Meta(description="For the next call, where there may be more; Unix time, s")
    ] = None


def machines_said(machines: list[MachineNow]) -> MachinesSaid:
    return MachinesSaid(machines=[machine_said(m) for m in sorted(machines, key=gravity)])


def alarm_said(row: AlarmRow) -> AlarmSaid:
    return AlarmSaid(
        id=row.id,
        machine=row.machine,
        rule=row.rule,
        state=row.state,
        gravest=row.gravest,
        began=iso(row.began),
        changed=iso(row.changed),
        ended=iso(row.ended),
        text=row.text,
        sensor=row.sensor,
        value=row.value,
        limit=row.limit,
        unit=row.unit,
        place=row.place,
        evidence=row.evidence,
        acknowledged_by=row.acknowledged_by,
        acknowledged=iso(row.acknowledged),
        shelved_until=iso(row.shelved_until),
        shelved_by=row.shelved_by,
    )


def machine_said(machine: MachineNow) -> MachineSaid:
    return MachineSaid(
        name=machine.name,
        state=machine.state,
        since=iso(machine.since),
        running=machine.running,
        zone=machine.zone,
        commissioned=machine.commissioned,
        sensors=[_sensor(sensor) for sensor in machine.sensors],
        rules=[
            RuleSaid(
                rule=rule.rule,
                state=rule.state,
                since=iso(rule.since),
                alarm=rule.alarm,
                acknowledged_by=rule.acknowledged_by,
                acknowledged=iso(rule.acknowledged),
                shelved_until=iso(rule.shelved_until),
                shelved_by=rule.shelved_by,
            )
            for rule in machine.rules
        ],
        events=machine.events,
    )


def _sensor(sensor: SensorNow) -> SensorSaid:
    second = sensor.second
    if second is None:
        return SensorSaid(name=sensor.name, silent_s=sensor.silent_s)
    return SensorSaid(
        name=sensor.name,
        time=iso(second.time),
        levels=second.levels,
        place=second.place,
        sentence=second.sentence,
        label=second.label,
        novelty=second.novelty,
        speed_rpm=second.speed_rpm,
        load=second.load,
        temperature_c=second.temperature_c,
        unfit=second.unfit,
        silent_s=sensor.silent_s,
    )
