"""What ``/api/machines`` and ``/api/alarms`` answer. Times are ISO 8601, UTC."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import json_schema
from dlrsd.runtime.service.page.words import gravity, iso
from dlrsd.runtime.service.said import Levels, MachineNow, SensorNow
from dlrsd.runtime.service.store.rows import AlarmRow


class SensorSaid(Struct, frozen=True, kw_only=True):
    """The latest second of a sensor."""

    name: Annotated[str, Meta(description="Its name in machine.toml")]
    time: Annotated[str | None, Meta(description="Start of the latest second, ISO 8601, UTC")] = (
        None
    )
    levels: Annotated[Levels | None, Meta(description="Of that second")] = None
    place: Annotated[
        str | None, Meta(description="What the lines of bearing, shaft and gears say")
    ] = None
    sentence: Annotated[str | None, Meta(description="The same in words")] = None
    label: Annotated[str | None, Meta(description="The network's verdict")] = None
    novelty: Annotated[float | None, Meta(description="1 is the threshold")] = None
    speed_rpm: Annotated[float | None, Meta(description="Of the shaft")] = None
    load: Annotated[float | None, Meta(description="In the unit of machine.toml")] = None
    temperature_c: Annotated[float | None, Meta(description="In degrees Celsius")] = None
    unfit: Annotated[str | None, Meta(description="Why the second is not fit for diagnosis")] = None
    silent_s: Annotated[float | None, Meta(description="Since when nothing comes, s")] = None


class RuleSaid(Struct, frozen=True, kw_only=True):
    """Where a rule stands."""

    rule: Annotated[str, Meta(description="Its name")]
    state: Annotated[str, Meta(description="normal, alert, danger or sensor fault")]
    since: Annotated[str | None, Meta(description="ISO 8601, UTC")]
    alarm: Annotated[str | None, Meta(description="Id of the alarm that is open")] = None
    acknowledged_by: Annotated[str | None, Meta(description="A person")] = None
    acknowledged: Annotated[str | None, Meta(description="When, ISO 8601, UTC")] = None
    shelved_until: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None
    shelved_by: Annotated[str | None, Meta(description="A person")] = None


class MachineSaid(Struct, frozen=True, kw_only=True):
    """A machine now."""

    name: Annotated[str, Meta(description="Its name in machine.toml")]
    state: Annotated[str, Meta(description="The gravest of its unshelved rules, or stopped")]
    since: Annotated[str | None, Meta(description="ISO 8601, UTC")]
    running: Annotated[str | None, Meta(description="running, standing or changing")]
    zone: Annotated[str | None, Meta(description="Of ISO 20816-3, A to D")]
    commissioned: Annotated[bool, Meta(description="Whether it has a baseline")]
    sensors: Annotated[list[SensorSaid], Meta(description="Each with its latest second")]
    rules: Annotated[list[RuleSaid], Meta(description="Where each stands")]
    events: Annotated[
        dict[str, int], Meta(description="How many of each kind since the watch began")
    ]


class MachinesSaid(Struct, frozen=True, kw_only=True):
    """``GET /api/machines``: all of them, the gravest first."""

    machines: Annotated[list[MachineSaid], Meta(description="The gravest first")]


class AlarmSaid(Struct, frozen=True, kw_only=True):
    """An alarm, from leaving normal to coming back."""

    id: Annotated[str, Meta(description="The same in every message of it")]
    machine: Annotated[str, Meta(description="Its name")]
    rule: Annotated[str, Meta(description="That raised it")]
    state: Annotated[str, Meta(description="Now")]
    gravest: Annotated[str, Meta(description="That it was in")]
    began: Annotated[str | None, Meta(description="ISO 8601, UTC")]
    changed: Annotated[str | None, Meta(description="When it changed last")]
    ended: Annotated[str | None, Meta(description="Null while it is open")]
    text: Annotated[str, Meta(description="What was said last while it was raised")]
    sensor: Annotated[str | None, Meta(description="The worst one")] = None
    value: Annotated[float | None, Meta(description="That was held against the limit")] = None
    limit: Annotated[float | None, Meta(description="That was passed")] = None
    unit: Annotated[str | None, Meta(description="Of both")] = None
    place: Annotated[str | None, Meta(description="What the lines say")] = None
    evidence: Annotated[str | None, Meta(description="The same in words")] = None
    acknowledged_by: Annotated[str | None, Meta(description="A person")] = None
    acknowledged: Annotated[str | None, Meta(description="When, ISO 8601, UTC")] = None
    shelved_until: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None
    shelved_by: Annotated[str | None, Meta(description="A person")] = None


class AlarmsSaid(Struct, frozen=True, kw_only=True):
    """``GET /api/alarms``: newest first; ``before`` asks for those that came earlier."""

    alarms: Annotated[list[AlarmSaid], Meta(description="The newest first")]
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


def machines_schema() -> dict[str, Any]:
    """The content of the published ``machines.schema.json``: what ``/api/machines`` answers."""
    return json_schema(
        MachinesSaid, identifier="dlrsd-api-machines-1", title="Machines that are watched"
    )


def alarms_schema() -> dict[str, Any]:
    """The content of the published ``alarms.schema.json``: what ``/api/alarms`` answers."""
    return json_schema(AlarmsSaid, identifier="dlrsd-api-alarms-1", title="Alarms, newest first")
