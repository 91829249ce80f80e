"""Time of day as NumPy counts it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, TypeVar

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from dlrsd.runtime.diagnosis.records import Change, Verdict

_Dated = TypeVar("_Dated", Verdict, Change)


def start_time(start: datetime | None) -> tuple[np.datetime64 | None, bool]:
    """The stream's start as microseconds, and whether it is in UTC (else in no stated zone)."""
    if start is None:
        return None, False
    if start.tzinfo is None:
        return np.datetime64(start, "us"), False
    return np.datetime64(start.astimezone(timezone.utc).replace(tzinfo=None), "us"), True


def microseconds(seconds: NDArray[np.float64]) -> NDArray[np.timedelta64]:
    """The nearest ones."""
    return np.round(seconds * 1e6).astype("timedelta64[us]")


def dated(record: _Dated, start: np.datetime64 | None, utc: bool) -> _Dated:
    """The record with a time of day beside every ``..._s`` that is a point in time; ``start`` and
    ``utc`` as of `start_time`."""
    if start is None:
        return record
    times: dict[str, Any] = {}
    for name in ("time", "since", "decided"):
        seconds = getattr(record, f"{name}_s", None)
        if seconds is not None:
            moment = start + np.timedelta64(round(seconds * 1e6), "us")
            times[name] = str(np.datetime_as_string(moment)) + ("Z" if utc else "")
    if isinstance(record, Verdict):
        times["latest_changes"] = [dated(change, start, utc) for change in record.latest_changes]
    return structs.replace(record, **times)
