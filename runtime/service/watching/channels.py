"""Which sensors a source gives, and which of its channels they are."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.machine.facts import Machine, Sensor, channel_of
from dlrsd.runtime.service.sources.base import SignalSource, Source
from dlrsd.runtime.service.sources.standard_input import StandardInput


class Channel(Struct, frozen=True):
    """A sensor and the channel of a source that it is; the tacho's beside it, where there is one.

    ``machine`` states this sensor alone, as channel 0, with the tacho as channel 1.
    """

    machine: Machine
    number: int
    tacho: int | None

    def require_among(self, count: int) -> None:
        """Refuse a source of too few channels.

        Raises
        ------
        InputError
            If its source has not this one, or not the tacho's.
        """
        what = "it is" if self.number >= count else "its tacho is"
        number = max(self.number, self.tacho or 0)
        if number >= count:
            raise InputError(
                f"its source has {count} channels, and {what} channel {number}: correct "
                "machine.toml or the source's `sensors`"
            )


def channels_of(machine: Machine, source: SignalSource) -> list[Channel]:
    """The sensors of a source, and which of its channels they are.

    Raises
    ------
    InputError
        If it names a sensor that the machine has not, or numbers are missing.
    """
    named = source.sensors
    if named is not None:
        return [
            Channel(_alone(machine, sensor_of(machine, name), False), number, None)
            for number, name in enumerate(named)
        ]
    tacho = machine.shaft.tacho if machine.shaft.tacho is not None else machine.shaft.speed
    found = []
    for at, sensor in enumerate(machine.sensors):
        number = channel_of(machine.sensors, at)
        if isinstance(number, str) or isinstance(tacho, str):
            raise InputError(
                f"machine.toml calls a channel {number if isinstance(number, str) else tacho!r}, "
                "and a live source has numbers: state the source's `sensors`, in the order of its "
                "channels"
            )
        found.append(Channel(_alone(machine, sensor, tacho is not None), number, tacho))
    return found


def sensor_of(machine: Machine, name: str) -> Sensor:
    """A machine's sensor by its name.

    Raises
    ------
    InputError
        If it has none of this name.
    """
    for sensor in machine.sensors:
        if sensor.name == name:
            return sensor
    known = ", ".join(repr(sensor.name) for sensor in machine.sensors[:8])
    raise InputError(f"{machine.name} has no sensor {name!r}: expected one of {known}")


def _alone(machine: Machine, sensor: Sensor, tacho: bool) -> Machine:
    """The machine with this sensor alone, as channel 0."""
    shaft = machine.shaft
    if tacho:
        first = "tacho" if shaft.tacho is not None else "speed"
        shaft = structs.replace(shaft, **{first: 1})
    else:
        shaft = structs.replace(shaft, tacho=None, speed=None)
    own = structs.replace(sensor, channel=0)
    return structs.replace(machine, sensors=[own], shaft=shaft)


def require_signal(machine: Machine, sources: Sequence[Source]) -> None:
    """Refuse sources that give no signal, or that of one sensor twice.

    Raises
    ------
    InputError
        If they do.
    """
    of: dict[str, int] = {}
    for at, source in enumerate(sources, 1):
        if not isinstance(source, SignalSource):
            continue
        for name in names_of(machine, source):
            if name in of:
                raise InputError(
                    f"sources {of[name]} and {at} both give sensor {name!r}: expected one; state "
                    "in each which it has, in the order of its channels, such as "
                    f'sensors = ["{name}"]'
                )
            of[name] = at
    if not of:
        raise InputError("none of its sources gives signal: expected one besides slow values")
    if sum(isinstance(each, StandardInput) for each in sources) > 1:
        raise InputError("two of its sources read standard input: expected one at most")


def names_of(machine: Machine, source: SignalSource) -> list[str]:
    """The sensors of a source.

    Raises
    ------
    InputError
        As of `channels_of`.
    """
    if source.names_sensors:
        names = source.sensors or [sensor.name for sensor in machine.sensors]
        return [sensor_of(machine, name).name for name in names]
    return [channel.machine.sensors[0].name for channel in channels_of(machine, source)]
