"""How much of what was measured and said is kept, and for how long."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_Days = Annotated[float, Meta(gt=0, le=36_500)]
_Seconds = Annotated[float, Meta(ge=0, le=60)]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a store. What is over the size goes in this order: the oldest waveforms, but none
    of an open alarm; then the oldest minutes, of which their hours remain.

    Parameters
    ----------
    keep_days : float > 0
        Hours of the trend, alarms that ended, and events.
    minutes_days : float > 0
        Minutes of the trend; after that they are hours.
    waveform_days : float > 0
        Waveforms, those of open alarms apart.
    keep_gb : float > 0
        Of all of it on the disk, 10^9 bytes; windows that people labelled do not count and stay.
    before_s, after_s : float >= 0
        How much of the signal is kept before and after an alarm.
    undelivered : int > 0
        Changes that wait for one sink; beyond that the oldest are dropped, and it is said.
    """

    keep_days: Annotated[_Days, Meta(description="Hours of the trend, ended alarms, events")] = 3650
    minutes_days: Annotated[_Days, Meta(description="Minutes of the trend; then hours")] = 400
    waveform_days: Annotated[_Days, Meta(description="Waveforms, but of open alarms")] = 90
    keep_gb: Annotated[
        float, Meta(ge=0.01, le=1e6, description="Of all of it on the disk, 10^9 bytes")
    ] = 20
    before_s: Annotated[_Seconds, Meta(description="Signal kept before an alarm")] = 10
    after_s: Annotated[_Seconds, Meta(description="Signal kept after an alarm")] = 10
    undelivered: Annotated[
        int, Meta(ge=1, le=10**6, description="Changes that wait for one sink")
    ] = 10_000

    def __post_init__(self) -> None:
        if self.minutes_days > self.keep_days:
            raise ValueError(
                f"minutes_days is {self.minutes_days:g}, expected at most keep_days, which is "
                f"{self.keep_days:g}"
            )
