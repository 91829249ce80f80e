"""Time of day as NumPy counts it."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray


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
