"""How a watch is, for scripts: by what its store says, without asking the watch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from dlrsd.runtime.service.said import State
from dlrsd.runtime.service.store.reading import Reading

Condition = Literal["normal", "alarm", "sensor fault", "nobody watches"]
CODES: Final[dict[Condition, int]] = {
    "normal": 0,
    "alarm": 1,
    "sensor fault": 3,
    "nobody watches": 4,
}
_OLD_S = 30.0  # without a sign of life for so long nobody watches, or a full disk takes none
_OPEN = 1000  # open alarms that are looked at


class OpenAlarm(Struct, frozen=True, kw_only=True):
    """An alarm that is open; times are Unix times in s."""

    id: str
    machine: str
    rule: str
    state: State
    began: float
    text: str
    acknowledged_by: str | None
    shelved_until: float | None


class Status(Struct, frozen=True, kw_only=True):
    """How a watch is.

    Parameters
    ----------
    condition : str
    seen : float or None
        Unix time of its last sign of life, s; None: it never ran.
    alarms : list of OpenAlarm
        The gravest decides the condition; one that is shelved does not.
    """

    condition: Condition
    seen: float | None
    alarms: list[OpenAlarm]


def status_of(store: Path, now: float | None = None) -> Status:
    """How the watch of a store is.

    Raises
    ------
    InputError
        If the store is missing or cannot be read.
    """
    now = time.time() if now is None else now
    reading = Reading(store)
    try:
        beat = reading.heartbeat()
        rows = reading.alarms(open_only=True, most=_OPEN)
    finally:
        reading.close()
    alarms = [
        OpenAlarm(**{name: getattr(row, name) for name in OpenAlarm.__struct_fields__})
        for row in rows
    ]
    condition: Condition = "normal"
    if beat is None or beat[1] or abs(now - beat[0]) > _OLD_S:
        condition = "nobody watches"
    else:
        heard = {each.state for each in alarms if (each.shelved_until or 0) <= now}
        if heard & {"alert", "danger"}:
            condition = "alarm"
        elif "sensor fault" in heard:
            condition = "sensor fault"
    return Status(condition=condition, seen=beat[0] if beat else None, alarms=alarms)
