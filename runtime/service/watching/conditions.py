"""How a machine runs by its slow values: speed, load and temperature."""

from __future__ import annotations

from msgspec import Struct

from dlrsd.runtime.service.blocks import Slow

OLD_S = 60.0  # a value older than this says nothing of a signal any more


class Conditions(Struct, frozen=True, kw_only=True):
    """How it runs; None where nothing tells."""

    speed_rpm: float | None = None
    load: float | None = None
    temperature_c: float | None = None


class Heard:
    """The slow values that came, the latest of each."""

    def __init__(self) -> None:
        self._latest: dict[str, Slow] = {}

    def take(self, slow: Slow) -> None:
        """Take the next value."""
        self._latest[slow.name] = slow

    def at(self, time: float) -> Conditions:
        """How it runs at a time, Unix time in s, by the latest values that are not old."""
        return Conditions(
            **{
                # A shaft that turns the other way turns as fast.
                name: abs(slow.value) if name == "speed_rpm" else slow.value
                for name, slow in list(self._latest.items())
                if abs(time - slow.time) <= OLD_S
            }
        )
