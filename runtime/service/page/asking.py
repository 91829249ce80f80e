"""What a request asks for, or which of it is no such thing."""

from __future__ import annotations

import math

from starlette.requests import Request

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.errors import NotThereError
from dlrsd.runtime.service.page.live import Live
from dlrsd.runtime.service.said import MachineNow, SensorNow
from dlrsd.runtime.service.store.reading import Reading
from dlrsd.runtime.service.store.rows import AlarmRow

_LONGEST_NAME = 500


def live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


def reading(request: Request) -> Reading:
    found: Reading = request.app.state.reading
    return found


def machine_of(request: Request, key: str = "name") -> MachineNow:
    """The machine that the query names."""
    name = text(request, key)
    for machine in live(request).machines():
        if machine.name == name:
            return machine
    raise NotThereError(f"no machine is called {short(name)}: the overview lists those there are")


def sensor_of(request: Request, machine: MachineNow) -> SensorNow | None:
    """The sensor that the query names, else the first; None where the machine has none."""
    name = request.query_params.get("sensor")
    if name is None:
        return machine.sensors[0] if machine.sensors else None
    for sensor in machine.sensors:
        if sensor.name == name:
            return sensor
    raise NotThereError(f"{short(machine.name)} has no sensor {short(name)}")


def alarm_of(request: Request) -> AlarmRow:
    """The alarm that the query names."""
    wanted = text(request, "id")
    row = reading(request).alarm(wanted)
    if row is None:
        raise NotThereError(f"there is no alarm {short(wanted)}: it may have been too long ago")
    return row


def text(request: Request, key: str) -> str:
    value = request.query_params.get(key, "")
    if not value or len(value) > _LONGEST_NAME:
        raise InputError(f"got no {key}: expected it in the address, as the page's links have it")
    return value


def number(request: Request, key: str, default: float | None = None) -> float | None:
    """A finite number of the query."""
    value = request.query_params.get(key)
    if value is None:
        return default
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"got {key} {short(value)}: expected a number")
    return found


def short(name: str) -> str:
    """A name within a message, of any length and kind."""
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
