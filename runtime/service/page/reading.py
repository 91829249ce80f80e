"""What the page reads from the store.

The store's own rows fit: these name what the page uses of them, so that neither knows the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.service.said import Change, Event


class AlarmRow(Protocol):
    """An alarm from leaving normal to coming back; times are Unix times in s."""

    @property
    def id(self) -> str: ...
    @property
    def machine(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def gravest(self) -> str: ...
    @property
    def began(self) -> float: ...
    @property
    def changed(self) -> float: ...
    @property
    def ended(self) -> float | None: ...
    @property
    def text(self) -> str: ...
    @property
    def sensor(self) -> str | None: ...
    @property
    def value(self) -> float | None: ...
    @property
    def limit(self) -> float | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def place(self) -> str | None: ...
    @property
    def evidence(self) -> str | None: ...
    @property
    def acknowledged_by(self) -> str | None: ...
    @property
    def acknowledged(self) -> float | None: ...
    @property
    def shelved_until(self) -> float | None: ...
    @property
    def shelved_by(self) -> str | None: ...


class WaveformRow(Protocol):
    """A waveform that is kept: of an alarm, or the worst second of its day."""

    @property
    def id(self) -> int: ...
    @property
    def machine(self) -> str: ...
    @property
    def sensors(self) -> Sequence[str]: ...
    @property
    def start(self) -> float: ...
    @property
    def seconds(self) -> float: ...
    @property
    def alarm(self) -> str | None: ...


class About(Protocol):
    """What a waveform is of; ``scale`` is the unit per stored number, by sensor."""

    @property
    def sensors(self) -> Sequence[str]: ...
    @property
    def rate_hz(self) -> float: ...
    @property
    def start(self) -> float: ...
    @property
    def scale(self) -> Sequence[float]: ...
    @property
    def unit(self) -> str: ...


class Waveform(Protocol):
    """Samples in the numbers that were sent, shape (sensors, n); ``gaps`` are those that are
    missing: the first, and how many."""

    @property
    def about(self) -> About: ...
    @property
    def samples(self) -> NDArray[np.generic]: ...
    @property
    def gaps(self) -> Sequence[tuple[int, int]]: ...


class Trend(Protocol):
    """At most as many points as were asked for, each of ``width_s``; those without a value are
    left out."""

    @property
    def width_s(self) -> float: ...
    @property
    def time(self) -> Sequence[float]: ...
    @property
    def low(self) -> Sequence[float]: ...
    @property
    def mean(self) -> Sequence[float]: ...
    @property
    def high(self) -> Sequence[float]: ...


class Reading(Protocol):
    """The reading side of the store; called from several threads."""

    def alarms(
        self,
        *,
        machine: str | None = None,
        open_only: bool = False,
        before: float | None = None,
        most: int = 100,
    ) -> Sequence[AlarmRow]:
        """Newest first."""

    def alarm(self, alarm: str) -> AlarmRow | None: ...

    def changes(self, alarm: str) -> Sequence[Change]: ...

    def epochs(self, machine: str) -> Sequence[float]:
        """When each began: the first at minus infinity, one more at each commissioning."""

    def trend(
        self,
        machine: str,
        sensor: str,
        figure: str,
        *,
        start: float,
        end: float,
        points: int = 2000,
        epoch: int | None = None,
    ) -> Trend:
        """Within an epoch, by its place in `epochs`; None is the present one."""

    def events(self, *, machine: str | None = None, most: int = 100) -> Sequence[Event]: ...

    def waveforms(
        self, *, machine: str | None = None, alarm: str | None = None
    ) -> Sequence[WaveformRow]: ...

    def waveform(self, number: int) -> Waveform:
        """One by the id of its row."""
