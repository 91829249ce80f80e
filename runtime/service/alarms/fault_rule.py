"""The rule of faults: what the network or the lines name, and holds."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.diagnosis.beside import UNKNOWN_FAULT
from dlrsd.runtime.diagnosis.verdict import UNDECIDED
from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.rule import Limits, Name, RuleOfSeconds, Said
from dlrsd.runtime.service.said import Second, State

_Word = Literal["fault", "sound", "undecided"]
_IN_WORDS: Final = {
    "outer": "fault of the bearing's outer race",
    "inner": "fault of the bearing's inner race",
    "ball": "fault of the bearing's rolling elements",
    "cage": "fault of the bearing's cage",
    "shaft": "fault of the shaft",
    "gear": "fault of the gears",
    "unknown": "unknown fault",
}


class Fault(RuleOfSeconds, frozen=True, kw_only=True, tag="fault"):
    """A fault that the network or the lines of bearing, shaft and gears name, and that holds."""

    default_text: ClassVar[str] = texts.FAULT

    name: Name = "fault"
    faults: Annotated[
        tuple[Text, ...],
        Meta(description="Classes of the network, or places of the lines; none means any fault"),
    ] = ()
    by: Annotated[
        Literal["either", "lines", "network", "both"] | None,
        Meta(
            description="Whose word counts. Unless stated the lines', and the network's where no "
            "lines are looked for or the machine was commissioned with this network"
        ),
    ] = None
    state: Annotated[Literal["alert", "danger"], Meta(description="What it raises")] = "alert"

    def of_grade(self, grade: int) -> State:
        return self.state if grade else "normal"

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        words = self._words(second, limits)
        if not any(words):
            return None
        is_enough = all if self.by == "both" else any
        if is_enough(word == "fault" for word in words):
            return 1, 1
        return 0, 0 if "sound" in words else 1

    def said(self, second: Second, limits: Limits) -> Said:
        lines, network = self._words(second, limits)
        place = second.place or ""
        by_lines = _IN_WORDS.get(place, place) if lines == "fault" else None
        by_network = f"{second.label} by the network" if network == "fault" else None
        level = (second.lines or {}).get(place)
        level = level if level is not None and isfinite(level) else None
        return Said(
            time=second.time,
            what=" and ".join(filter(None, (by_lines, by_network))) or "no fault",
            score=(lines, network).count("fault") + (level or 0.0) / 1000,
            value=level,
            unit="dB" if level is not None else None,
            place=second.place,
            evidence=second.sentence,
        )

    def _words(self, second: Second, limits: Limits) -> tuple[_Word | None, _Word | None]:
        """What lines and network say; None where they say nothing, or are not asked."""
        lines = network = None
        if self.by != "network" and second.place is not None:
            lines = self._word(second.place, "healthy")
        by = self.by or ("either" if limits.network_known or lines is None else "lines")
        if by != "lines" and second.label is not None:
            network = self._word(second.label, second.normal_class)
        return lines, network

    def _word(self, said: str, sound: str | None) -> _Word:
        if said == UNDECIDED:
            return "undecided"
        if self.faults:
            return "fault" if said in self.faults else "sound"
        if sound is None and said != UNKNOWN_FAULT:  # which of its classes is no fault?
            return "undecided"
        return "sound" if said == sound else "fault"
