"""The facts on a machine that nobody wrote down yet: from options and its first recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from dlrsd.runtime.bundle.bearings.geometry import parse_geometry
from dlrsd.runtime.evidence.asking import asked_of
from dlrsd.runtime.machine.facts import SCHEMA_VERSION, Machine, Sensor, Shaft
from dlrsd.runtime.streams.stream import StreamFormat, open_stream


def machine_of(
    recording: str,
    form: StreamFormat,
    *,
    name: str,
    bearing: str | None = None,
    geometry: str | None = None,
    teeth: Sequence[int] = (),
) -> Machine:
    """A machine whose every channel is a sensor at one kind of bearing.

    Parameters
    ----------
    recording : str
        Whose channels they are.
    form : StreamFormat
        What is stated of it, the bearing's orders too.
    name : str
        Of the machine.
    bearing, geometry : str, optional
        How the bearing was stated, if not by its orders.
    teeth : sequence of int
        Of the gears on the shaft.

    Raises
    ------
    InputError
        If speed or bearing are stated nowhere, or the recording cannot be read.
    """
    with open_stream(recording, form) as stream:
        description = stream.description
        asked_of(description)  # refuses what is not known
    known = parse_geometry(geometry) if geometry is not None else None
    sizes = astuple(known) if known else None
    orders = dict(description["orders"]) if bearing is None and sizes is None else None
    names, tacho = description["channel_names"], description["tacho"]
    sensors = [
        Sensor(
            name=names[channel] if channel < len(names) else f"channel {channel}",
            channel=channel,
            bearing=bearing,
            geometry=sizes,
            orders=orders,
        )
        for channel in range(description["channels"])
        if tacho is None or channel != tacho["channel"]
    ]
    return Machine(
        schema_version=SCHEMA_VERSION,
        name=name,
        shaft=_shaft(form, tacho, names),
        sensors=sensors,
        teeth=list(teeth),
    )


def _shaft(form: StreamFormat, tacho: dict[str, Any] | None, names: Sequence[str]) -> Shaft:
    if tacho is None:
        return Shaft(speed_rpm=form.speed_rpm)
    number, pulses = tacho["channel"], tacho["pulses_per_turn"]
    channel = names[number] if number < len(names) else number
    if pulses is None:
        return Shaft(speed_rpm=form.speed_rpm, speed=channel)
    return Shaft(speed_rpm=form.speed_rpm, tacho=channel, pulses_per_turn=pulses)
