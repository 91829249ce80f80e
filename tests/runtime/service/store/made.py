"""Minutes and changes as the rooms below would make them."""

from __future__ import annotations

from typing import Any

from dlrsd.runtime.service.said import Change, Levels, Minute


def minute(number: int, machine: str = "pump", sensor: str = "DE", **fields: Any) -> Minute:
    given = {
        "seconds": 60, "running_seconds": 60,
        "levels": Levels(velocity_mm_s=float(number % 7), crest=3.0),
    }  # fmt: skip
    return Minute(machine=machine, sensor=sensor, minute=number, **{**given, **fields})


def change(number: int, alarm: str = "a1", state: str = "alert", **fields: Any) -> Change:
    given = {
        "machine": "pump", "rule": "zone", "was": "normal", "time": float(number),
        "since": float(number) - 5, "text": f"text {number}",
    }  # fmt: skip
    return Change(id=f"c{number}", alarm=alarm, state=state, **{**given, **fields})


def newest(old: Minute, new: Minute) -> Minute:
    return new
