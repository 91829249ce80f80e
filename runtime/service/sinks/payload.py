"""The messages that leave the box, one JSON object each: alarms, states, minutes, events.

``message.schema.json`` is their published form. Times are ISO 8601 in UTC. Fields may be added
within a schema version; what reads messages passes over those it does not know.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import json_schema
from dlrsd.runtime.evidence.place import Place
from dlrsd.runtime.service.said import (
    Change,
    Event,
    EventKind,
    Levels,
    MachineNow,
    Minute,
    Running,
    SensorNow,
    State,
    Zone,
)

SCHEMA_VERSION: Final = 1
FAULTY: Final = ("alert", "danger", "sensor fault")  # the states in which an alarm is open

Kind = Literal["alarm", "state", "minute", "event"]

_Version = Annotated[Literal[1], Meta(description="Of the messages.")]
_Machine = Annotated[str, Meta(description="Its name in watch.toml.")]
_Time = Annotated[datetime, Meta(description="When it was, ISO 8601 in UTC.")]


class AlarmMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="alarm"):
    """A rule changed the state of a machine; sent at least once, known again by ``id``."""

    schema_version: _Version = SCHEMA_VERSION
    id: Annotated[str, Meta(description="Of this change: who has it already drops the message.")]
    alarm: Annotated[str, Meta(description="Of the whole alarm, from leaving normal to its end.")]
    machine: _Machine
    rule: Annotated[str, Meta(description="The rule that decided.")]
    state: Annotated[State, Meta(description="Of the rule from now on.")]
    was: Annotated[State, Meta(description="Of the rule before.")]
    time: Annotated[datetime, Meta(description="When it was decided, ISO 8601 in UTC.")]
    since: Annotated[datetime, Meta(description="When what it tells began.")]
    text: Annotated[str, Meta(description="One sentence for a person.")]
    sensor: Annotated[str | None, Meta(description="The sensor that shows it.")] = None
    value: Annotated[float | None, Meta(description="What was compared.")] = None
    limit: Annotated[float | None, Meta(description="What it was compared with.")] = None
    unit: Annotated[str | None, Meta(description="Of value and limit.")] = None
    place: Annotated[Place | None, Meta(description="Where the fault is, by its lines.")] = None
    evidence: Annotated[str | None, Meta(description="Why, in words.")] = None


class OpenAlarm(Struct, frozen=True, kw_only=True):
    """A rule of a machine whose alarm is open."""

    rule: Annotated[str, Meta(description="The rule that decided.")]
    state: Annotated[State, Meta(description="Of the rule.")]
    since: Annotated[datetime, Meta(description="When it took that state.")]
    alarm: Annotated[str | None, Meta(description="Id of the alarm.")]
    acknowledged_by: Annotated[str | None, Meta(description="Who has seen it.")]
    shelved_until: Annotated[datetime | None, Meta(description="Until when it is put aside.")]


class SensorState(Struct, frozen=True, kw_only=True):
    """The latest second of a sensor; fields are null before the first."""

    sensor: Annotated[str, Meta(description="Its name.")]
    time: Annotated[datetime | None, Meta(description="Of the second's first sample.")]
    levels: Annotated[Levels | None, Meta(description="Of the second.")]
    unfit: Annotated[str | None, Meta(description="Why it is not fit for diagnosis.")]
    place: Annotated[Place | None, Meta(description="Where a fault is, by its lines.")]
    label: Annotated[str | None, Meta(description="The network's verdict.")]
    sentence: Annotated[str | None, Meta(description="The evidence in words.")]


class StateMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="state"):
    """How a machine is now."""

    schema_version: _Version = SCHEMA_VERSION
    machine: _Machine
    time: _Time
    state: Annotated[State, Meta(description="The gravest of its rules that are not shelved.")]
    since: Annotated[datetime, Meta(description="When it took that state.")]
    running: Annotated[Running | None, Meta(description="Whether it runs; null: not known yet.")]
    zone: Annotated[Zone | None, Meta(description="Of ISO 20816-3, where it can be told.")]
    commissioned: Annotated[bool, Meta(description="Whether it has a baseline.")]
    velocity_mm_s: Annotated[
        float | None, Meta(description="Highest of its sensors' RMS velocities, 10 to 1000 Hz.")
    ]
    alarms: Annotated[list[OpenAlarm], Meta(description="Those that are open, shelved ones too.")]
    sensors: Annotated[list[SensorState], Meta(description="Each with its latest second.")]


class MinuteMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="minute"):
    """A row of the trend: one minute of one sensor."""

    schema_version: _Version = SCHEMA_VERSION
    machine: _Machine
    sensor: Annotated[str, Meta(description="Its name.")]
    time: Annotated[datetime, Meta(description="Start of the minute, ISO 8601 in UTC.")]
    seconds: Annotated[int, Meta(description="How many of its seconds were measured.")]
    running_seconds: Annotated[int, Meta(description="In how many of them the machine ran.")]
    fit_seconds: Annotated[int, Meta(description="Of those, how many were fit for diagnosis.")]
    windows: Annotated[int, Meta(description="The network's, of fit running seconds.")]
    levels: Annotated[Levels, Meta(description="Over the fit running seconds.")]
    worst_time: Annotated[datetime | None, Meta(description="Of the second of highest velocity.")]
    worst: Annotated[Levels | None, Meta(description="Levels of that second.")]
    zone: Annotated[Zone | None, Meta(description="Of ISO 20816-3, where it can be told.")]
    lines: Annotated[dict[str, float] | None, Meta(description="Median level by place, dB.")]
    place: Annotated[Place | None, Meta(description="Where a fault is, by its lines.")]
    labels: Annotated[dict[str, float] | None, Meta(description="Share of windows by class.")]
    novelty: Annotated[float | None, Meta(description="Median; 1 is the threshold.")]
    unfit_share: Annotated[float, Meta(description="Share of windows that are unfit, 0 to 1.")]
    speed_rpm: Annotated[float | None, Meta(description="Of the shaft.")]
    load: Annotated[float | None, Meta(description="As its source gives it.")]
    temperature_c: Annotated[float | None, Meta(description="As its source gives it.")]


class EventMessage(Struct, frozen=True, kw_only=True, tag_field="type", tag="event"):
    """Something happened to a source, an output, the store or the watch; never an alarm."""

    schema_version: _Version = SCHEMA_VERSION
    time: _Time
    kind: Annotated[EventKind, Meta(description="What happened.")]
    text: Annotated[str, Meta(description="One line for a person.")]
    machine: Annotated[str | None, Meta(description="Whose source, where it is one's.")] = None
    source: Annotated[str | None, Meta(description="Name of the source or output.")] = None
    count: Annotated[int, Meta(description="How often, where many are told as one.")] = 1
    seconds: Annotated[float | None, Meta(description="Of signal, for what was lost.")] = None


Message = AlarmMessage | StateMessage | MinuteMessage | EventMessage

_encoder = msgspec.json.Encoder()


def kind_of(message: Message) -> Kind:
    """Which of the four it is: what its ``type`` says."""
    kind: Kind = message.__struct_config__.tag  # type: ignore[assignment]
    return kind


def encoded(message: Message) -> bytes:
    """A message as one line of JSON in UTF-8, without the line's end."""
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:  # half a character, of a file's name that is no UTF-8, say
        text = json.dumps(msgspec.to_builtins(message), ensure_ascii=False)
        return text.encode(errors="replace")


def of_change(change: Change) -> AlarmMessage:
    """The message of a change that the store has given its ids."""
    values = {name: getattr(change, name) for name in AlarmMessage.__struct_fields__[1:]}
    return AlarmMessage(**values | {"time": when(change.time), "since": when(change.since)})


def of_event(event: Event) -> EventMessage:
    """The message of an event."""
    values = {name: getattr(event, name) for name in EventMessage.__struct_fields__[1:]}
    return EventMessage(**values | {"time": when(event.time)})


def of_minute(row: Minute) -> MinuteMessage:
    """The message of a minute of the trend."""
    values = {
        name: getattr(row, name)
        for name in MinuteMessage.__struct_fields__
        if name not in ("schema_version", "time")
    }
    worst_time = None if row.worst_time is None else when(row.worst_time)
    return MinuteMessage(**values | {"time": when(60.0 * row.minute), "worst_time": worst_time})


def of_machine(machine: MachineNow, *, time: float) -> StateMessage:
    """The message of how a machine is at a time, Unix time in s."""
    seconds = [each.second for each in machine.sensors if each.second is not None]
    velocities = [
        second.levels.velocity_mm_s for second in seconds if second.levels.velocity_mm_s is not None
    ]
    return StateMessage(
        machine=machine.name,
        time=when(time),
        state=machine.state,
        since=when(machine.since),
        running=machine.running,
        zone=machine.zone,
        commissioned=machine.commissioned,
        velocity_mm_s=max(velocities, default=None),
        alarms=[
            OpenAlarm(
                rule=rule.rule,
                state=rule.state,
                since=when(rule.since),
                alarm=rule.alarm,
                acknowledged_by=rule.acknowledged_by,
                shelved_until=None if rule.shelved_until is None else when(rule.shelved_until),
            )
            for rule in machine.rules
            if rule.alarm is not None or rule.state in FAULTY
        ],
        sensors=[_sensor(each) for each in machine.sensors],
    )


def _sensor(sensor: SensorNow) -> SensorState:
    second = sensor.second
    if second is None:
        return SensorState(
            sensor=sensor.name, time=None, levels=None, unfit=None, place=None, label=None,
            sentence=None,
        )  # fmt: skip
    return SensorState(
        sensor=sensor.name,
        time=when(second.time),
        levels=second.levels,
        unfit=second.unfit,
        place=second.place,
        label=second.label,
        sentence=second.sentence,
    )


def when(seconds: float) -> datetime:
    """Unix time in s as a time of day in UTC, to the ms; what no calendar has becomes its end."""
    limit = 253402300799.0  # the last second of the year 9999
    held = 0.0 if math.isnan(seconds) else min(max(seconds, -62135596800.0), limit)
    start = datetime(1970, 1, 1, tzinfo=timezone.utc)
    return start + timedelta(milliseconds=round(held * 1000))


def message_schema() -> dict[str, Any]:
    """The content of the published ``message.schema.json``: one message."""
    return json_schema(
        Message,
        identifier=f"dlrsd-message-{SCHEMA_VERSION}",
        title=f"A message of a box that watches machines, schema version {SCHEMA_VERSION}",
    )
