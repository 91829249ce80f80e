"""Minutes and changes as the rooms below would make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlrsd.runtime.service.said import Change, Levels, Minute
from dlrsd.runtime.service.store.waveform import About, Waveform


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


def waveform(
    *,
    n: int = 1000,
    dtype: str = "<i2",
    gaps: Sequence[tuple[int, int]] = (),
    seed: int = 0,
    machine: str = "pump",
    alarm: str | None = "a1",
    **fields: Any,
) -> Waveform:
    samples = np.random.default_rng(seed).normal(0, 1000, (2, n)).astype(dtype)
    for first, count in gaps:
        samples[:, first : first + count] = 0
    given: dict[str, Any] = {"start": 1.7e9, "scale": [1.0, 1.0], **fields}
    about = About(
        machine=machine, source="tcp", sensors=["DE", "NDE"], rate_hz=1000.0, unit="m/s2",
        alarm=alarm, **given,
    )  # fmt: skip
    return Waveform(about=about, samples=samples, gaps=list(gaps))
