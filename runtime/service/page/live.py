"""What the page asks of the watch that runs beside it, and what it may tell it to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Protocol

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from dlrsd.runtime.evidence.place import Place
from dlrsd.runtime.machine.iso_20816 import Limits
from dlrsd.runtime.service.said import Change, Event, MachineNow

Told = list[MachineNow] | Change | Event
"""What a browser is told as it happens: machines whose figures are new, a change, an event."""


class SignalNow(Struct, frozen=True, kw_only=True):
    """The last seconds of a sensor, and what is said of them.

    Parameters
    ----------
    samples : array, shape (n,), float32
        Acceleration, m/s2, without a gap; the newest last. Nobody writes to it any more.
    rate_hz : float > 0
    start : float
        When the first sample was measured, Unix time in s.
    speed_rpm : float, optional
    orders : dict, optional
        "bpfo", "bpfi", "bsf" and "ftf" in multiples of the shaft's speed, where the bearing is
        known.
    place, sentence : optional
        What the lines say, and in words.
    label : str, optional
        The network's verdict: a class, "unknown fault", "undecided".
    normal_class : str, optional
        Which of the network's classes is no fault.
    probabilities : dict, optional
        By class, 0 to 1, mean of the last windows.
    novelty : float, optional
        Median of the last windows; 1 is the threshold.
    unfit : str, optional
        The quality flag, where the signal is not fit for diagnosis.
    """

    samples: NDArray[np.float32]
    rate_hz: float
    start: float
    speed_rpm: float | None = None
    orders: dict[str, float] | None = None
    place: Place | None = None
    sentence: str | None = None
    label: str | None = None
    normal_class: str | None = None
    probabilities: dict[str, float] | None = None
    novelty: float | None = None
    unfit: str | None = None


class Stock(Struct, frozen=True, kw_only=True):
    """How many labelled windows there are of each class a machine's network may be taught."""

    windows: Annotated[dict[str, int], Meta(description="By class, those with none yet as well")]
    needed: Annotated[int, Meta(ge=1, description="Windows that a class needs for a training")]


class Labelled(Struct, frozen=True, kw_only=True):
    """What a confirmed or corrected diagnosis has put aside for training."""

    label: str
    windows: Annotated[int, Meta(ge=0, description="That were added")]
    stock: Stock


class Live(Protocol):
    """What the page needs of the watch.

    All but `subscribe` are called from threads of the page, several at a time: they answer from
    what is in memory, at once. What cannot be done raises InputError, whose one line the page
    shows.
    """

    def machines(self) -> list[MachineNow]: ...

    def signal(self, machine: str, sensor: str) -> SignalNow | None:
        """The last seconds (2 or more), or None where there are none."""

    def limits(self, machine: str) -> Limits | None:
        """Between the zones of ISO 20816-3; None where group and mounting are not stated."""

    def acknowledge(self, alarm: str, *, by: str) -> None: ...

    def shelve(self, machine: str, rule: str, *, until: float, by: str) -> None:
        """Leave a rule out of the machine's state until then (Unix time, s)."""

    def unshelve(self, machine: str, rule: str, *, by: str) -> None: ...

    def confirm(
        self,
        machine: str,
        label: str,
        *,
        by: str,
        sensor: str | None = None,
        alarm: str | None = None,
    ) -> Labelled:
        """Put the windows of a sensor's last seconds, or of an alarm's waveform, aside as
        ``label``."""

    def needed(self, machine: str) -> Stock | None:
        """None where the machine has no network."""

    def subscribe(self) -> AsyncGenerator[Told, None]:
        """What happens from now on; ends where the reader is too slow. See `page.telling`."""
