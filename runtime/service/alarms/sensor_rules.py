"""The rules of sensors: a signal that is unfit, a source that is silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.held import Held, held_of
from dlrsd.runtime.service.alarms.rule import (
    Limits,
    Name,
    Patience,
    Rule,
    RuleOfSeconds,
    Said,
    Seconds,
)
from dlrsd.runtime.service.said import Running, Second, State

_LONGEST_S = 1e9  # of silence: thirty years, for a source that never was heard


class Unfit(RuleOfSeconds, frozen=True, kw_only=True, tag="unfit"):
    """A signal that is unfit for diagnosis while the machine runs."""

    states: ClassVar[tuple[State, ...]] = ("sensor fault",)
    default_text: ClassVar[str] = texts.UNFIT
    of_unfit: ClassVar[bool] = True

    name: Name = "unfit"

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        del limits
        return (0, 0) if second.unfit is None else (1, 1)

    def said(self, second: Second, limits: Limits) -> Said:
        return Said(time=second.time, what=second.unfit or "fit again", score=1.0)


class Silent(Rule, frozen=True, kw_only=True, tag="silent"):
    """A source from which nothing comes."""

    states: ClassVar[tuple[State, ...]] = ("sensor fault",)
    default_text: ClassVar[str] = texts.SILENT

    name: Name = "silent"
    after_s: Annotated[float, Meta(gt=0, le=86_400, description="Since when nothing came")] = 60.0
    return_s: Annotated[Seconds, Meta(description="For how long it must be heard again")] = 60
    while_standing: Annotated[
        bool, Meta(description="Whether it is raised of a machine that stood when last heard, too")
    ] = False

    def patience(self) -> Patience:
        return Patience(1, 1, 1, self.return_s, float("inf"))

    def listen(
        self,
        held: dict[str, Held],
        silent: Mapping[str, float],
        *,
        unheard: Collection[str] = (),
        now: float,
        passed: int,
        running: Running | None,
    ) -> list[str]:
        """The sensors of which what is held changes.

        Parameters
        ----------
        held : dict
            By sensor.
        silent : mapping
            By sensor, for how many seconds nothing came.
        unheard : collection of str
            Sensors of which nothing came since the watch began: that is no sign of being back.
        now : float
        passed : int
            Seconds since this was last asked.
        running : Running or None
            How the machine ran when it was last heard.
        """
        patience = self.patience()
        mute = {sensor: min(s, _LONGEST_S) for sensor, s in silent.items() if s >= self.after_s}
        changed = [
            sensor
            for sensor in held
            if sensor not in mute and sensor not in unheard
            if any(held[sensor].step(0, 0, now, patience) for _ in range(passed))
        ]
        is_awaited = self.while_standing or running in (None, "running")
        for sensor, seconds in mute.items():
            own = held.get(sensor)
            if not is_awaited and not (own and own.grade):
                continue
            own = held.setdefault(sensor, held_of(self))
            own.said = self.said(seconds, now)
            if own.step(1, 1, now - seconds, patience):
                changed.append(sensor)
        return changed

    def said(self, seconds: float, now: float) -> Said:
        """What is to be told of a sensor of which nothing came for some seconds."""
        return Said(
            time=now,
            what="nothing comes",
            score=seconds,
            value=seconds,
            limit=self.after_s,
            unit="s",
        )
