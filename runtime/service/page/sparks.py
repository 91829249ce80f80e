"""The velocity of every machine over the last day, for the overview; looked up once a minute."""

from __future__ import annotations

import threading
import time

import msgspec

from dlrsd.runtime.service.page.glance import leading_sensor
from dlrsd.runtime.service.page.live import Live
from dlrsd.runtime.service.store.reading import Reading

FIGURE, HOURS, POINTS = "velocity_mm_s", 24, 48
_KEPT_S = 60.0


class Spark(msgspec.Struct, frozen=True):
    """Of one machine: seconds from ``start`` of `Sparks`' answer, and the mean then."""

    t: list[int]
    v: list[float]


class Sparks:
    """All of them as JSON."""

    def __init__(self, live: Live, reading: Reading) -> None:
        self._live, self._reading = live, reading
        self._lock = threading.Lock()
        self._until, self._content = 0.0, b""

    def content(self) -> bytes:
        """``{"start": s, "end": s, "width": s, "machines": {name: {"t": [...], "v": [...]}}}``."""
        with self._lock:
            if time.monotonic() > self._until:
                self._content = self._gather()
                self._until = time.monotonic() + _KEPT_S
            return self._content

    def _gather(self) -> bytes:
        end = time.time()
        start = end - HOURS * 3600
        machines, width = {}, 1800.0
        for machine in self._live.machines():
            sensor = leading_sensor(machine)
            if sensor is None:
                continue
            trend = self._reading.trend(
                machine.name, sensor.name, FIGURE, start=start, end=end, points=POINTS
            )
            width = trend.width_s
            machines[machine.name] = Spark(
                [round(t - start) for t in trend.time], [round(v, 3) for v in trend.mean]
            )
        return msgspec.json.encode(
            {"start": start, "end": end, "width": width, "machines": machines}
        )
