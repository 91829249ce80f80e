"""The facts on a machine: sensors, speed, bearings, teeth, and its group by ISO 20816-3.

They stand in ``machine.toml``, in the folder of the machine. The classes here are the format; the
published ``machine.schema.json`` comes of them.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import Count, Positive, Text, json_schema
from dlrsd.runtime.bundle.bearings.stated import MAX_SPEED_RPM
from dlrsd.runtime.dsp.order_map_config import Order

SCHEMA_VERSION: Final = 1
MAX_TEETH = 2000

Speed = Annotated[float, Meta(gt=0, le=MAX_SPEED_RPM)]


class Sensor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An accelerometer, and the bearing it is mounted at.

    Parameters
    ----------
    name : str
        What verdicts call it.
    channel : int or str, optional
        Its number in a recording, from 0, or its name there; by default its place in the list.
    bearing : str, optional
        Designation of the bearing, such as "6205".
    geometry : tuple of four floats, optional
        In place of it: rolling elements, their diameter and the pitch diameter in mm, and the
        contact angle in degrees.
    orders : dict of str to float, optional
        In place of both: ``bpfo``, ``bpfi``, ``bsf``, ``ftf`` in multiples of the shaft's speed.

    Raises
    ------
    ValueError
        If more than one of the last three is stated.
    """

    name: Annotated[Text, Meta(description="What verdicts call it")]
    channel: Annotated[
        Annotated[int, Meta(ge=0, le=2**16)] | Text | None,
        Meta(description="Its number in a recording, from 0, or its name there"),
    ] = None
    bearing: Annotated[Text | None, Meta(description="A designation such as 6205")] = None
    geometry: Annotated[
        tuple[Count, Positive, Positive, Annotated[float, Meta(ge=0, lt=90)]] | None,
        Meta(
            description="Rolling elements, their diameter and the pitch diameter in mm, and the "
            "contact angle in degrees"
        ),
    ] = None
    orders: Annotated[
        Annotated[dict[Order, Positive], Meta(min_length=4)] | None,
        Meta(description="bpfo, bpfi, bsf and ftf in multiples of the shaft's speed"),
    ] = None

    def __post_init__(self) -> None:
        stated = [name for name in ("bearing", "geometry", "orders") if getattr(self, name)]
        if len(stated) > 1:
            raise ValueError(f"sensor {self.name!r} states {' and '.join(stated)}: keep one")


class Shaft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fast the shaft turns.

    Parameters
    ----------
    speed_rpm : float > 0, optional
        Where it is the same in every recording.
    tacho : str or int, optional
        Channel of a recording that holds a tacho's pulses.
    pulses_per_turn : int > 0
        Of the tacho.
    speed : str or int, optional
        In place of a tacho, channel of a recording that holds the speed in rpm.

    Raises
    ------
    ValueError
        If both channels are stated.
    """

    speed_rpm: Annotated[Speed | None, Meta(description="In revolutions per minute")] = None
    tacho: Annotated[
        Annotated[int, Meta(ge=0, le=2**16)] | Text | None,
        Meta(description="Channel of a tacho's pulses, by number or name"),
    ] = None
    pulses_per_turn: Annotated[Count, Meta(description="Of the tacho")] = 1
    speed: Annotated[
        Annotated[int, Meta(ge=0, le=2**16)] | Text | None,
        Meta(description="Channel of the speed in rpm, by number or name"),
    ] = None

    def __post_init__(self) -> None:
        if self.tacho is not None and self.speed is not None:
            raise ValueError("the shaft states tacho and speed: keep one")


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The loads at which the machine runs, in a unit of its own.

    Raises
    ------
    ValueError
        If the least is above the most.
    """

    least: Annotated[float, Meta(description="Of the loads at which it runs")]
    most: Annotated[float, Meta(description="Of them")]
    unit: Annotated[Text, Meta(description="Of both, such as kW or %")]

    def __post_init__(self) -> None:
        if not (self.least <= self.most and math.isfinite(self.most - self.least)):
            raise ValueError(f"the least load is {self.least:g} and the most {self.most:g}")


class Iso20816(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Its class by ISO 20816-3: group 1 is above 300 kW, group 2 from 15 to 300 kW."""

    group: Annotated[Literal[1, 2], Meta(description="1: above 300 kW; 2: 15 to 300 kW")]
    mounting: Annotated[Literal["rigid", "flexible"], Meta(description="Of the machine")]


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stands in a ``machine.toml``.

    Parameters
    ----------
    schema_version : int
    name : str
        What verdicts and pages call the machine.
    shaft : Shaft
    sensors : list of Sensor
    teeth : list of int, optional
        Of the gears on the shaft.
    load : Load, optional
    iso_20816_3 : Iso20816, optional

    Raises
    ------
    ValueError
        If two sensors have the same name or channel.
    """

    schema_version: Annotated[Literal[1], Meta(description="Of this file")]
    name: Annotated[Text, Meta(description="What verdicts and pages call the machine")]
    shaft: Annotated[Shaft, Meta(description="How fast it turns")] = Shaft()
    sensors: Annotated[
        list[Sensor], Meta(min_length=1, max_length=1024, description="Its accelerometers")
    ]
    teeth: Annotated[
        list[Annotated[int, Meta(ge=2, le=MAX_TEETH)]],
        Meta(max_length=16, description="Of the gears on the shaft"),
    ] = []
    load: Annotated[Load | None, Meta(description="The loads at which it runs")] = None
    iso_20816_3: Annotated[Iso20816 | None, Meta(description="Its class by ISO 20816-3")] = None

    def __post_init__(self) -> None:
        names: list[int | str] = [sensor.name for sensor in self.sensors]
        channels = [channel_of(self.sensors, i) for i in range(len(self.sensors))]
        for what, values in (("name", names), ("channel", channels)):
            twice = next((each for each in values if values.count(each) > 1), None)
            if twice is not None:
                raise ValueError(f"two sensors have the {what} {twice!r}")


def channel_of(sensors: list[Sensor], at: int) -> int | str:
    """Channel of a sensor in a recording: as stated, or its place in the list."""
    channel = sensors[at].channel
    return at if channel is None else channel


def machine_schema() -> dict[str, Any]:
    """The content of the published ``machine.schema.json``."""
    return json_schema(
        Machine,
        identifier=f"dlrsd-machine-{SCHEMA_VERSION}",
        title=f"What is known of a machine, schema version {SCHEMA_VERSION}",
    )
