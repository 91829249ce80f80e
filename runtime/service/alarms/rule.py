"""What rules have in common: how long something must hold, and what a second says by a rule."""

from __future__ import annotations

from typing import Annotated, ClassVar, NamedTuple

from msgspec import Meta, Struct

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.evidence.commissioned import SAME_SPEED
from dlrsd.runtime.evidence.place import Place
from dlrsd.runtime.service.alarms.texts import OVER, check_template
from dlrsd.runtime.service.said import Second, State

Seconds = Annotated[int, Meta(ge=1, le=3600)]
Name = Annotated[Text, Meta(max_length=80, description="What alarms call it; no two have the same")]
HowMany = Annotated[Seconds, Meta(description="How many of the last n seconds must say it")]
OfHowMany = Annotated[
    Seconds, Meta(description="Seconds of fit signal of the running machine that are counted")
]
Template = Annotated[Text, Meta(max_length=500)]


class Limits(Struct, frozen=True, kw_only=True):
    """The numbers of one machine that rules hold its seconds against.

    Parameters
    ----------
    zones : tuple of three floats, optional
        Velocity in mm/s from which zones B, C and D of ISO 20816-3 begin.
    baseline : dict
        By sensor and level (a `Level` of threshold rules, "line outer" for that of a place): what
        the healthy machine stays below at all of its speeds.
    at_speeds : dict
        By sensor, speed in rpm and level, where a machine was commissioned at several speeds.
    network_known : bool
        Whether the baseline holds what this network says of the healthy machine, so that a fault
        which it sees in that as well is told from one that came.
    """

    zones: tuple[float, float, float] | None = None
    baseline: dict[str, dict[str, float]] = {}
    at_speeds: dict[str, dict[float, dict[str, float]]] = {}
    network_known: bool = False

    def healthy(self, second: Second, level: str) -> float | None:
        """What a level stays below while healthy: at the speed of a second, or at any where that
        is unknown or was not commissioned."""
        known = self.baseline.get(second.sensor, {})
        speeds, rpm = self.at_speeds.get(second.sensor), second.speed_rpm
        if speeds and rpm:
            nearest = min(speeds, key=lambda each: abs(each - rpm))
            if abs(nearest / rpm - 1) <= SAME_SPEED:
                known = speeds[nearest]
        return known.get(level)


class Crossing(Struct, frozen=True, kw_only=True):
    """When a trend will cross a limit.

    Parameters
    ----------
    earliest, likely : float
        Unix time in s.
    latest : float or None
        None where the slope may as well be none.
    limit : float
    figure : str
        What rises, in words: "velocity".
    value : float, optional
        As it is now.
    unit : str, optional
        Of limit and value.
    """

    earliest: float
    likely: float
    latest: float | None
    limit: float
    figure: str
    value: float | None = None
    unit: str | None = None


class Said(Struct, frozen=True, kw_only=True):
    """What a rule found in one second.

    ``score`` orders the sensors of a machine, the worst highest.
    """

    time: float
    what: str
    score: float
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    place: Place | None = None
    evidence: str | None = None


class Patience(NamedTuple):
    """How long something must hold, counted in fit seconds of the running machine.

    ``k`` of the last ``n`` must reach a grade, for ``hold`` of them in a row; it comes back when
    in the last ``back`` of them no larger share than ``(n - k) / n`` stays above the return limit.
    What was counted before a gap of more than ``stale_s`` counts no more.
    """

    k: int
    n: int
    hold: int
    back: int
    stale_s: float


class Rule(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True,
    tag_field="kind",
):  # fmt: skip
    """Base of all rules.

    Raises
    ------
    ValueError
        If a text is no template.
    """

    states: ClassVar[tuple[State, ...]] = ("alert",)  # the graver the later
    default_text: ClassVar[str] = ""

    name: Name
    latch: Annotated[
        bool, Meta(description="Whether an alarm stays until a person acknowledges it")
    ] = False
    text: Annotated[Template | None, Meta(description="Of an alarm, in place of the own")] = None
    text_over: Annotated[Template, Meta(description="When an alarm is over")] = OVER

    def __post_init__(self) -> None:
        for template in (self.text, self.text_over):
            if template is not None:
                check_template(template)

    @property
    def kind(self) -> str:
        """As the file calls it."""
        return str(self.__struct_config__.tag)

    def of_grade(self, grade: int) -> State:
        """The state of a grade; 0 is normal."""
        return self.states[grade - 1] if grade else "normal"

    def patience(self) -> Patience:
        """How long it must hold."""
        raise NotImplementedError


class RuleOfSeconds(Rule, frozen=True, kw_only=True):
    """Base of the rules that look at seconds of signal."""

    of_unfit: ClassVar[bool] = False  # whether unfit seconds tell it something

    k: HowMany = 27
    n: OfHowMany = 30
    hold_s: Annotated[
        int, Meta(ge=0, le=86_400, description="For how many seconds more k of n must go on")
    ] = 0
    return_s: Annotated[
        Seconds, Meta(description="Seconds of which such a share must be back for it to be over")
    ] = 60

    def __post_init__(self) -> None:
        if self.k > self.n:
            raise ValueError(
                f"rule {self.name!r} wants {self.k} of {self.n} seconds: k is at most n"
            )
        Rule.__post_init__(self)

    def patience(self) -> Patience:
        return Patience(self.k, self.n, self.hold_s + 1, self.return_s, max(self.n, 60))

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        """Which of the grades a second reaches, and which it keeps up once reached; 0 is none.

        None where the second tells the rule nothing.
        """
        raise NotImplementedError

    def said(self, second: Second, limits: Limits) -> Said:
        """What is to be told of a second that has a grade."""
        raise NotImplementedError
