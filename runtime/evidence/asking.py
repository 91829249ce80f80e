"""What is looked for in which channel: from options, a sidecar, or the facts on a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bearings.stated import checked_speed, stated_bearing
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics, Order
from dlrsd.runtime.evidence.commissioned import MachineBaseline, SensorBaseline
from dlrsd.runtime.evidence.turning import Tacho
from dlrsd.runtime.evidence.windows import Asked
from dlrsd.runtime.machine.facts import Machine, Sensor, channel_of
from dlrsd.runtime.streams.stream_format import StreamFormat
from dlrsd.runtime.streams.turning import Turning

_SAME_SPEED = 0.1  # share by which a recording's speed may differ from the machine's
_SAME_ORDER = 0.01
SAME_RATE = 1e-3  # as clocks of recordings differ


def asked_of(
    description: dict[str, Any],
    *,
    machine: Machine | None = None,
    baseline: MachineBaseline | None = None,
    teeth: Sequence[int] = (),
) -> list[Asked]:
    """What is looked for in a stream's channels.

    Parameters
    ----------
    description : dict
        Of a `SampleStream`: its speed and orders, of options or a sidecar, hold for every channel.
    machine : Machine, optional
        Its sensors say which channels are looked at and for which bearing.
    baseline : MachineBaseline, optional
        Of the machine.
    teeth : sequence of int
        Of the gears on the shaft; those of the machine unless stated.

    Raises
    ------
    InputError
        If nothing states speed or bearing, two statements contradict each other, the stream lacks a
        sensor's channel, or its rate, its unit or a bearing is not that of the baseline.
    """
    tacho = _tacho(machine, description)
    load = _load(description, machine)
    # With a tacho every window has its own.
    speed_rpm = 1.0 if tacho else _speed(description["speed_rpm"], machine)
    counts = _teeth(teeth, machine)
    if machine is None:
        orders = description["orders"]
        if orders is None:
            raise InputError(
                "nothing states the bearing: give --bearing with its designation, --geometry or "
                "--orders, or --machine with the folder of a machine"
            )
        kinematics = Kinematics(speed_rpm, **orders)
        return [
            Asked(i, kinematics, counts, tacho=tacho)
            for i in range(description["channels"])
            if tacho is None or i != tacho.channel
        ]
    asked = []
    for at, sensor in enumerate(machine.sensors):
        own = orders_of(sensor)
        if own is None:
            continue
        _check_same(description, own, sensor)
        wanted = channel_of(machine.sensors, at)
        channel = _channel(wanted, f"sensor {sensor.name!r}", description)
        kinematics = Kinematics(speed_rpm, **own)
        if tacho is not None and channel == tacho.channel:
            raise InputError(
                f"sensor {sensor.name!r} and the tacho are both channel {wanted!r}: correct one"
            )
        asked.append(Asked(channel, kinematics, counts, sensor.name, tacho=tacho, load=load))
    if not asked:
        raise InputError(
            f"no sensor of {machine.name} states its bearing: add bearing, geometry or orders to "
            "machine.toml"
        )
    if baseline is None:
        return asked
    if baseline.machine not in (None, machine.name):
        raise InputError(
            f"the baseline is that of {baseline.machine}, and machine.toml is of {machine.name}: "
            "expected one machine; correct the name, or commission it anew"
        )
    return _with_baseline(asked, baseline, description)


def _speed(stated: float | None, machine: Machine | None) -> float:
    own = machine.shaft.speed_rpm if machine else None
    speed = stated if stated is not None else own
    if speed is None:
        raise InputError("nothing states how fast the shaft turns: give --speed, in rpm")
    if own is not None and abs(speed / own - 1) > _SAME_SPEED:
        raise InputError(
            f"got a speed of {speed:g} rpm, and the machine's is {own:g} rpm: expected them within "
            "10 %; correct one of them, or commission the machine for that speed"
        )
    return checked_speed(speed)


def _teeth(stated: Sequence[int], machine: Machine | None) -> Sequence[int]:
    own = machine.teeth if machine else []
    if own and stated and sorted(own) != sorted(stated):
        raise InputError(
            f"got teeth {', '.join(map(str, stated))}, and machine.toml has "
            f"{', '.join(map(str, own))}: leave the option out, or correct the file"
        )
    return stated or own


def _tacho(machine: Machine | None, description: dict[str, Any]) -> Tacho | None:
    stated = description.get("tacho")
    given = Tacho(**stated) if stated else None
    if machine is None or (turning := turning_of(machine)) is None:
        return given
    own = Tacho(_channel(turning.channel, "the tacho", description), turning.pulses_per_turn)
    if given is not None and given != own:
        raise InputError(
            f"got the tacho {_in_words(given)}, and in machine.toml it is {_in_words(own)}: leave "
            "the option out, or correct the file"
        )
    return own


def _in_words(tacho: Tacho) -> str:
    what = f"{tacho.pulses_per_turn} pulses a turn" if tacho.pulses_per_turn else "speed in rpm"
    return f"channel {tacho.channel} with {what}"


def turning_of(machine: Machine) -> Turning | None:
    """The channel that tells how its shaft turns, for `StreamFormat`."""
    shaft = machine.shaft
    if shaft.tacho is not None:
        return Turning(shaft.tacho, shaft.pulses_per_turn)
    return Turning(shaft.speed, None) if shaft.speed is not None else None


def with_facts(form: StreamFormat, machine: Machine) -> StreamFormat:
    """What is stated of a recording, and the tacho that the machine's file names."""
    turning = turning_of(machine)
    if turning is None or form.tacho is not None:
        return form
    return structs.replace(form, tacho=str(turning))


def fill_facts(description: dict[str, Any], machine: Machine) -> None:
    """Add to a stream's description what it lacks and the machine's file states.

    The speed, where it is the same in every recording; the orders, where all of its sensors are at
    bearings of one kind. What a bundle alone assumed gives way.
    """
    by, assumed = description["stated_by"], description["assumed"]
    if description["speed_rpm"] is None and machine.shaft.speed_rpm is not None:
        description["speed_rpm"], by["speed_rpm"] = machine.shaft.speed_rpm, "machine"
    orders = [each for sensor in machine.sensors if (each := orders_of(sensor)) is not None]
    is_open = description["orders"] is None or "orders" in assumed
    if is_open and orders and all(each == orders[0] for each in orders):
        description["orders"], by["orders"] = dict(orders[0]), "machine"
        assumed.pop("orders", None)


def _load(description: dict[str, Any], machine: Machine | None) -> float | None:
    load: float | None = description.get("load")
    if load is None or machine is None or machine.load is None:
        return load
    known = machine.load
    if not known.least <= load <= known.most:
        raise InputError(
            f"got a load of {load:g} {known.unit}, and the machine runs at {known.least:g} to "
            f"{known.most:g} {known.unit}: correct it, or the load in machine.toml"
        )
    return load


def orders_of(sensor: Sensor) -> dict[Order, float] | None:
    """Orders of the bearing that a sensor states; None where it states none.

    Raises
    ------
    InputError
        If the designation is not known, or they fit no bearing.
    """
    orders = [sensor.orders[name] for name in ORDERS] if sensor.orders else None
    try:
        stated = stated_bearing(
            bearing=sensor.bearing, geometry=_listed(sensor.geometry), orders=_listed(orders)
        )
    except InputError as error:
        raise InputError(f"sensor {sensor.name!r} in machine.toml: {error}") from error
    return stated.orders if stated else None


def _listed(values: Sequence[float] | None) -> str | None:
    return ",".join(f"{value:g}" for value in values) if values else None


def _check_same(description: dict[str, Any], own: dict[Order, float], sensor: Sensor) -> None:
    whose = {"option": "an option"}.get(description["stated_by"].get("orders"), "the recording")
    for name, order in (description["orders"] or {}).items():
        if abs(order / own[name] - 1) > _SAME_ORDER:
            raise InputError(
                f"got {name} {order:.4g} by {whose}, and sensor {sensor.name!r} in machine.toml "
                f"has {own[name]:.4g}: expected one bearing; correct one of them"
            )


def _channel(wanted: int | str, whose: str, description: dict[str, Any]) -> int:
    names, count = description["channel_names"], description["channels"]
    if isinstance(wanted, str) and wanted in names:
        return int(names.index(wanted))
    if isinstance(wanted, int) and wanted < count:
        return wanted
    has = ", ".join(map(repr, names[:8])) if names else f"{count} without names"
    raise InputError(
        f"{whose} is channel {wanted!r}, and {description['source']} has {has}: "
        "correct machine.toml, give a recording that has it, or name it with --variable"
    )


def named(asked: Asked, description: dict[str, Any]) -> str | None:
    """What a recording calls the channel."""
    names = description["channel_names"]
    return str(names[asked.channel]) if asked.channel < len(names) else None


def _with_baseline(
    asked: list[Asked], baseline: MachineBaseline, description: dict[str, Any]
) -> list[Asked]:
    """The same, each with what holds for its sensor at its speed."""
    rate, unit, source = (description[name] for name in ("rate_hz", "unit", "source"))
    if abs(rate / baseline.rate_hz - 1) > SAME_RATE:
        raise InputError(
            f"{source} is sampled at {rate:g} Hz, and the machine was commissioned at "
            f"{baseline.rate_hz:g} Hz: give a recording of that rate, or commission it anew"
        )
    if unit != baseline.unit:
        raise InputError(
            f"{source} is in {unit or 'no stated unit'}, and the machine was commissioned in "
            f"{baseline.unit or 'no stated unit'}: state --unit, and --scale where it needs one"
        )
    own = {sensor.sensor: sensor for sensor in baseline.sensors}
    if new := _new_gears(asked, own):
        description["warnings"].append(
            f"the machine was commissioned without gears of {', '.join(map(str, new))} teeth: they "
            "are not judged until it is commissioned with them in machine.toml"
        )
    return [_completed(each, own.get(each.sensor or "")) for each in asked]


def _new_gears(asked: Sequence[Asked], own: Mapping[str, SensorBaseline]) -> list[int]:
    """Gears whose healthy lines are not known; without them nothing is too high."""
    known = [own[each.sensor] for each in asked if each.sensor is not None and each.sensor in own]
    return sorted(
        {
            count
            for each in asked
            for count in each.teeth
            if any(f"mesh {count} 1x" not in old.speeds[0].baseline.lines for old in known)
        }
    )


def _completed(asked: Asked, own: SensorBaseline | None) -> Asked:
    if own is None:
        return structs.replace(asked, doubt=f"sensor {asked.sensor} was not commissioned")
    for order, value in own.orders.items():
        stated = getattr(asked.kinematics, order)
        if abs(stated / value - 1) > _SAME_ORDER:
            raise InputError(
                f"sensor {asked.sensor!r} has {order} {stated:.4g} in machine.toml, and was "
                f"commissioned with {value:.4g}: correct the bearing, or commission it anew"
            )
    return structs.replace(asked, own=own)
