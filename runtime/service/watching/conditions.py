"""How a machine runs by its slow values: speed, load and temperature."""

from __future__ import annotations

import time

from msgspec import Struct

from dlrsd.runtime.service.blocks import Slow

OLD_S = 60.0  # a value that came longer ago says nothing of a signal any more


class Conditions(Struct, frozen=True, kw_only=True):
    """How it runs; None where nothing tells."""

    speed_rpm: float | None = None
    load: float | None = None
    temperature_c: float | None = None


class Heard:
    """The slow values that came, the latest of each."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[Slow, float]] = {}

    def take(self, slow: Slow) -> None:
        """Take the next value."""
        self._latest[slow.name] = slow, time.monotonic()

    def now(self) -> Conditions:
        """How it runs, by the latest values that are not old; a sensor's clock may be off."""
        now = time.monotonic()
        return Conditions(
            **{
                # A shaft that turns the other way turns as fast.
                name: abs(slow.value) if name == "speed_rpm" else slow.value
                for name, (slow, came) in list(self._latest.items())
                if now - came <= OLD_S
            }
        )
