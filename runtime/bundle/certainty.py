"""How sure a diagnosis must be: sets of classes, and probabilities that keep a stated risk."""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, Literal

from msgspec import Meta

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Count, Share
from dlrsd.runtime.bundle.parts import Part

LeftOutAsAWhole = Literal["bearing", "load", "rig", "window"]
_Inside = Annotated[float, Meta(gt=0, lt=1)]


class OperatingPoint(Part, frozen=True, kw_only=True):
    """Below ``limit`` a window is left undecided, so that few of those given are wrong."""

    risk: Annotated[_Inside, Meta(description="Share of wrong ones among the given, at most.")]
    limit: Annotated[Share, Meta(description="Least probability of a diagnosis that is given.")]
    given: Annotated[Share, Meta(description="Share of the left-out windows at or above it.")]
    wrong: Annotated[Share, Meta(description="Share of these that was wrong.")]
    worst: Annotated[
        Share,
        Meta(description="Share given and wrong, of all windows of the worst group (or class)."),
    ]


class Certainty(Part, frozen=True, kw_only=True):
    """Found by windows that classifiers had not seen, every class and group weighing alike.

    A class belongs to the set of a window where its probability is at least the class's limit. For
    windows like those left out a set holds the right class for ``coverage`` of them; with few
    groups of a class that is what was measured, and no guarantee for the next.
    """

    left_out: Annotated[
        LeftOutAsAWhole,
        Meta(
            description="What a group is: left out as a whole. Of a class of a single one, its "
            "recordings or windows."
        ),
    ]
    groups: Annotated[list[Count], Meta(description="How many were left out, by class.")]
    windows: Annotated[list[Count], Meta(description="Of how many windows, by class.")]
    coverage: Annotated[_Inside, Meta(description="Of the sets.")]
    limits: Annotated[list[Share], Meta(description="Of the sets, by class.")]
    confidence: Annotated[
        _Inside, Meta(description="That a risk is kept on other windows of the same groups.")
    ]
    points: Annotated[
        list[OperatingPoint],
        Meta(description="By rising risk; no risk below the first could be shown to be kept."),
    ]

    def __post_init__(self) -> None:
        risks = [point.risk for point in self.points]
        if risks != sorted(set(risks)):
            raise ValueError(f"its risks are {risks}, expected rising ones")

    def require_classes(self, count: int) -> None:
        """Raise a `ValueError` if it is not of so many classes."""
        for name in ("groups", "windows", "limits"):
            if len(getattr(self, name)) != count:
                raise ValueError(
                    f"contradictions: certainty.{name} has {len(getattr(self, name))} entries, "
                    f"expected one for each of {count} classes"
                )

    def lines(self) -> list[str]:
        """What `info` tells of it."""
        of = "left-out windows" if self.is_by_windows else f"the windows of left-out {self.left_out}s"
        each = self.windows if self.is_by_windows else self.groups
        some = " to ".join(map(str, sorted({min(each), max(each)})))
        lines = [
            f"sets        hold the right class for {self.coverage:g} of {of}, {some} of a class"
        ]
        points = ", ".join(
            f"{point.risk:g} from a probability of {point.limit:.4f} on ({100 * point.given:.0f} % "
            "given)"
            for point in self.points
        )
        return [*lines, f"risk        {points or 'none can be stated'}"]

    @property
    def is_by_windows(self) -> bool:
        """Whether it is of further windows of what was trained on, not of other bearings."""
        return self.left_out == "window"

    @property
    def judged_by(self) -> str:
        """What it was found by, and for what it does not hold."""
        if self.is_by_windows:
            return "found on windows of the bearings trained on, and not guaranteed for others"
        few = " to ".join(map(str, sorted({min(self.groups), max(self.groups)})))
        return f"found on {few} left-out {self.left_out}s of a class, not guaranteed for the next"


def operating_point(certainty: Certainty | None, risk: float, bundle: str) -> OperatingPoint:
    """The operating point of a bundle that keeps a risk: that of the largest stated one up to it.

    Parameters
    ----------
    certainty : Certainty, optional
        Of the bundle.
    risk : 0 < float < 1
        Share of the diagnoses given that may be wrong.
    bundle : str
        Its name, for what is said where it cannot.

    Raises
    ------
    InputError
        If the risk is out of range, or below all that the bundle states.
    """
    if not 0 < risk < 1:
        raise InputError(f"got a risk of {risk:g}: expected more than 0 and less than 1, such as 0.01")
    if certainty is None:
        raise InputError(
            f"got a risk of {risk:g}, and bundle {bundle} states no operating points: export it "
            "again from a run that has them (train it again if it was trained before runs had "
            "them), or leave the risk out"
        )
    kept = [point for point in certainty.points if point.risk <= risk]
    if kept:
        return kept[-1]
    judged = f"by {sum(certainty.windows)} left-out windows"
    if not certainty.points:
        raise InputError(
            f"got a risk of {risk:g}, and bundle {bundle} can state none: {judged} not even for "
            "the surest diagnoses; leave the risk out, or train with more windows"
        )
    raise InputError(
        f"got a risk of {risk:g}, and the least that bundle {bundle} can state is "
        f"{certainty.points[0].risk:g}, {judged}: give that or more, or leave the risk out"
    )
