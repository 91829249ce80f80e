"""The rule of trends: a level that will cross a limit soon."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, ClassVar

from msgspec import Meta

from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.levels import Level
from dlrsd.runtime.service.alarms.rule import Crossing, Name, Patience, Rule, Said, Seconds

_LONGER = 1.1  # than the stated time: a crossing that is further away is none any more


class Trend(Rule, frozen=True, kw_only=True, tag="trend"):
    """A level that rises and will cross a limit soon."""

    default_text: ClassVar[str] = texts.TREND

    name: Name = "trend"
    level: Annotated[Level, Meta(description="Whose trend it is")] = "velocity_mm_s"
    within_days: Annotated[
        float, Meta(gt=0, le=3650, description="How soon its likely crossing must be")
    ] = 14.0
    k: Annotated[Seconds, Meta(description="How many of the last n trends must say it")] = 5
    n: Annotated[Seconds, Meta(description="Trends that are counted")] = 5

    def __post_init__(self) -> None:
        if self.k > self.n:
            raise ValueError(
                f"rule {self.name!r} wants {self.k} of {self.n} trends: k is at most n"
            )
        Rule.__post_init__(self)

    def patience(self) -> Patience:
        return Patience(self.k, self.n, 1, self.n, float("inf"))

    def grade(self, crossing: Crossing | None, time: float) -> tuple[int, int]:
        """As of `RuleOfSeconds`; a slope that may as well be none raises nothing."""
        if crossing is None or not isfinite(crossing.likely):
            return 0, 0
        left = (crossing.likely - time) / 86_400
        is_sure = crossing.latest is not None and left >= 0
        return int(is_sure and left <= self.within_days), int(left <= _LONGER * self.within_days)

    def said(self, crossing: Crossing | None, time: float) -> Said:
        """What is to be told of a crossing."""
        if crossing is None or not isfinite(crossing.likely):
            return Said(time=time, what="it rises no more", score=0.0)
        limit = texts.number(crossing.limit, crossing.unit)
        latest = texts.when(crossing.latest) if crossing.latest is not None else "never"
        soon = (
            f"will reach {limit} about {texts.when(crossing.likely)} (between "
            f"{texts.when(crossing.earliest)} and {latest})"
        )
        return Said(
            time=time,
            what=f"{crossing.figure} rises and {soon}",
            score=-crossing.likely,
            value=crossing.value,
            limit=crossing.limit,
            unit=crossing.unit,
        )
