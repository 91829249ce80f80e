"""What the rooms of the service tell each other: seconds, minutes, changes of alarm, events.

Times are Unix times in s (UTC) within the service; what leaves it says ISO 8601.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.evidence.place import Place

Running = Literal["running", "standing", "changing"]
Zone = Literal["A", "B", "C", "D"]
State = Literal["normal", "alert", "danger", "sensor fault", "stopped"]
EventKind = Literal[
    "lost", "duplicate", "late", "clock", "gap", "silent", "back", "refused", "started", "stopped",
    "disk", "commissioned", "configured", "undelivered",
]  # fmt: skip

_Share = Annotated[float, Meta(ge=0, le=1)]


class Levels(Struct, frozen=True, kw_only=True):
    """The levels of a stretch of signal; None where it holds too little or is unfit."""

    velocity_mm_s: Annotated[
        float | None, Meta(description="RMS of the velocity from 10 to 1000 Hz, mm/s")
    ] = None
    acceleration_m_s2: Annotated[
        float | None, Meta(description="RMS of the acceleration, m/s2")
    ] = None
    peak_m_s2: Annotated[float | None, Meta(description="Largest absolute acceleration")] = None
    crest: Annotated[float | None, Meta(description="Peak over RMS")] = None
    kurtosis: Annotated[float | None, Meta(description="3 for a Gaussian signal")] = None
    envelope_m_s2: Annotated[
        float | None, Meta(description="RMS of the envelope's variation, m/s2")
    ] = None


class Second(Struct, frozen=True, kw_only=True):
    """What one second of one sensor says.

    ``place``, ``lines``, ``label``, ``novelty`` are the latest at the end of the second; they hold
    over several windows already.
    """

    machine: str
    sensor: str
    time: float  # of its first sample
    levels: Levels
    unfit: str | None = None  # why the second is not fit for diagnosis: a quality flag
    running: Running = "running"
    speed_rpm: float | None = None
    load: float | None = None
    temperature_c: float | None = None
    place: Place | None = None  # by the lines of bearing, shaft and gears
    lines: dict[str, float] | None = None  # dB over the surroundings or baseline, by place
    sentence: str | None = None  # the evidence in words
    label: str | None = None  # the network's verdict: a class, "unknown fault", "undecided"
    normal_class: str | None = None  # which of the network's classes is no fault
    labels: dict[str, int] | None = None  # windows of this second, by class
    novelty: float | None = None  # median of its windows; 1 is the threshold
    windows: int = 0
    unfit_windows: int = 0


class Minute(Struct, frozen=True, kw_only=True):
    """A row of the trend: one minute of one sensor of a machine."""

    machine: str
    sensor: str
    minute: Annotated[int, Meta(description="Unix time of its start over 60")]
    seconds: Annotated[int, Meta(ge=0, description="How many of its seconds were measured")]
    running_seconds: int
    fit_seconds: Annotated[int, Meta(description="Of the running ones, how many were fit")] = 0
    windows: Annotated[int, Meta(description="The network's, of fit running seconds")] = 0
    levels: Annotated[Levels, Meta(description="Over the fit running seconds; the peak's largest")]
    worst_time: Annotated[
        float | None, Meta(description="Unix time of the second of highest velocity")
    ] = None
    worst: Annotated[Levels | None, Meta(description="Of that second")] = None
    zone: Annotated[Zone | None, Meta(description="ISO 20816-3, where group and mounting are")] = (
        None
    )
    lines: Annotated[dict[str, float] | None, Meta(description="Median level by place, dB")] = None
    place: Place | None = None
    labels: Annotated[dict[str, _Share] | None, Meta(description="Share of windows by class")] = (
        None
    )
    novelty: float | None = None
    unfit_share: _Share = 0.0
    speed_rpm: float | None = None
    load: float | None = None
    temperature_c: float | None = None


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a source, a store, or the watch itself; counted, never an alarm.

    ``count`` is how many times since the last such event of the same machine and source, where
    many are told as one.
    """

    time: float
    kind: EventKind
    text: str  # one line, for a person
    machine: str | None = None
    source: str | None = None
    count: int = 1
    seconds: float | None = None  # of signal, for what was lost


class Change(Struct, frozen=True, kw_only=True):
    """A change of state that a rule decided for a machine: what an alarm message is made of.

    ``alarm`` is the id of the whole alarm, from leaving normal to coming back; ``id`` that of
    this change. The rules make both when they decide; the store keeps a change once by its id.
    """

    machine: str
    rule: str
    state: State
    was: State
    time: float  # when it was decided
    since: float  # when what it tells began
    text: str  # one sentence
    sensor: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    place: Place | None = None
    evidence: str | None = None
    id: str = ""
    alarm: str = ""


class SensorNow(Struct, frozen=True, kw_only=True):
    """What is known of a sensor at this moment."""

    name: str
    second: Second | None = None  # the latest
    minute: Minute | None = None  # the latest whole one
    silent_s: float | None = None  # since when nothing came, where that is too long
    windows_unfit: int = 0  # since the watch began
    bearing: bool = False  # whether its bearing is known, so that lines are looked for


class RuleNow(Struct, frozen=True, kw_only=True):
    """Where the state machine of one rule stands."""

    rule: str
    state: State
    since: float
    alarm: str | None = None  # id of the open alarm
    acknowledged_by: str | None = None
    acknowledged: float | None = None
    shelved_until: float | None = None
    shelved_by: str | None = None


class MachineNow(Struct, frozen=True, kw_only=True):
    """What is known of a machine now; its state is the gravest of its unshelved rules."""

    name: str
    state: State
    since: float
    running: Running | None
    zone: Zone | None
    commissioned: bool
    sensors: list[SensorNow]
    rules: list[RuleNow]
    events: dict[str, int]  # by kind, since the watch began
