"""The rules of levels: zones of ISO 20816-3, and thresholds."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, ClassVar

from msgspec import Meta

from dlrsd.runtime.base.formats import Finite
from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.levels import LEVELS, Level
from dlrsd.runtime.service.alarms.rule import HowMany, Limits, Name, OfHowMany, RuleOfSeconds, Said
from dlrsd.runtime.service.said import Second, State

_BACK = 0.1  # of a limit: what is so far below it has come back


class Zone(RuleOfSeconds, frozen=True, kw_only=True, tag="zone"):
    """Velocity in zone C (alert) or D (danger) of ISO 20816-3, where the machine's class is
    known."""

    states: ClassVar[tuple[State, ...]] = ("alert", "danger")
    default_text: ClassVar[str] = texts.ZONE

    name: Name = "zone"
    k: HowMany = 36
    n: OfHowMany = 40

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        value = second.levels.velocity_mm_s
        if value is None or not isfinite(value) or limits.zones is None:
            return None
        return _over(value, *limits.zones[1:])

    def said(self, second: Second, limits: Limits) -> Said:
        value, (_, c, d) = second.levels.velocity_mm_s or 0.0, limits.zones or (0.0, 0.0, 0.0)
        zone, limit = ("D", d) if value > d else ("C", c)
        return Said(
            time=second.time,
            what=f"zone {zone} of ISO 20816-3" if value > c else "below zone C of ISO 20816-3",
            score=value,
            value=value,
            limit=limit,
            unit="mm/s",
            place=second.place,
            evidence=second.sentence,
        )


class Threshold(RuleOfSeconds, frozen=True, kw_only=True, tag="threshold"):
    """A level above a limit: of the file, or else of the machine's baseline.

    Raises
    ------
    ValueError
        If the limit of danger is not above that of alert.
    """

    states: ClassVar[tuple[State, ...]] = ("alert", "danger")
    default_text: ClassVar[str] = texts.THRESHOLD

    k: HowMany = 36
    n: OfHowMany = 40
    level: Annotated[Level, Meta(description="What is held against the limit")]
    alert: Annotated[
        Finite | None, Meta(description="Limit; unless stated that of the sensor's baseline")
    ] = None
    danger: Annotated[Finite | None, Meta(description="Limit")] = None
    back: Annotated[
        Finite | None,
        Meta(description="Below which it is over; unless stated a tenth below each limit"),
    ] = None

    def __post_init__(self) -> None:
        RuleOfSeconds.__post_init__(self)
        if self.alert is not None and self.danger is not None and self.danger <= self.alert:
            raise ValueError(
                f"rule {self.name!r} has danger {self.danger:g} and alert {self.alert:g}: danger "
                "is above alert"
            )
        lowest = min((each for each in (self.alert, self.danger) if each is not None), default=None)
        if lowest is not None and self.back is not None and self.back > lowest:
            raise ValueError(
                f"rule {self.name!r} is back at {self.back:g}, above its limit of {lowest:g}: back "
                "is at most that"
            )

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        value = LEVELS[self.level].of(second)
        alert, danger = self._limits(second, limits)
        if value is None or not isfinite(value) or (alert is None and danger is None):
            return None
        highest = float("inf") if danger is None else danger
        return _over(value, highest if alert is None else alert, highest, self.back)

    def _limits(self, second: Second, limits: Limits) -> tuple[float | None, float | None]:
        if self.alert is not None or self.danger is not None:
            return self.alert, self.danger
        return limits.healthy(second, self.level), None

    def said(self, second: Second, limits: Limits) -> Said:
        words, unit, of = LEVELS[self.level]
        value, (alert, danger) = of(second) or 0.0, self._limits(second, limits)
        reached = [each for each in (danger, alert) if each is not None and value > each]
        limit = reached[0] if reached else alert if alert is not None else danger
        return Said(
            time=second.time,
            what=words,
            score=value - (limit or 0.0),
            value=value,
            limit=limit,
            unit=unit,
            place=second.place,
            evidence=second.sentence,
        )


def _over(value: float, first: float, second: float, back: float | None = None) -> tuple[int, int]:
    """How many of two rising limits a value is above, and of their return limits."""
    if value <= (_below(first) if back is None else back):
        return 0, 0
    return (value > first) + (value > second), 1 + (value > _below(second))


def _below(limit: float) -> float:
    return limit - _BACK * abs(limit)
