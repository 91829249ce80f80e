"""The rule of faults: what the network or the lines name, and holds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta

from dlrsd.runtime.base.formats import Text
from dlrsd.runtime.diagnosis.beside import UNKNOWN_FAULT
from dlrsd.runtime.diagnosis.verdict import UNDECIDED
from dlrsd.runtime.service.alarms import texts
from dlrsd.runtime.service.alarms.rule import Limits, RuleOfSeconds, Said
from dlrsd.runtime.service.said import Second, State

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

    name: Text = "fault"
    faults: Annotated[
        tuple[Text, ...],
        Meta(description="Classes of the network, or places of the lines; none means any fault"),
    ] = ()
    by: Annotated[
        Literal["either", "lines", "network", "both"],
        Meta(description="Whose word counts; by both, a fault is one that both of them see"),
    ] = "either"
    state: Annotated[Literal["alert", "danger"], Meta(description="What it raises")] = "alert"

    def of_grade(self, grade: int) -> State:
        return self.state if grade else "normal"

    def grade(self, second: Second, limits: Limits) -> tuple[int, int] | None:
        del limits
        lines, network = self._words(second)
        if lines is None and network is None:
            return None
        is_fault = (lines, network).count(True)
        if is_fault == 2 or (is_fault and self.by != "both"):
            return 1, 1
        is_sound = lines is False or network is False
        return 0, 0 if is_sound and (self.by == "both" or not is_fault) else 1

    def _words(self, second: Second) -> tuple[bool | str | None, bool | str | None]:
        """Whether lines and network see a fault; `UNDECIDED`, or None where they say nothing."""
        lines = network = None
        if self.by != "network" and second.place is not None:
            lines = self._word(second.place, "healthy")
        if self.by != "lines" and second.label is not None:
            network = self._word(second.label, second.normal_class)
        return lines, network

    def _word(self, said: str, sound: str | None) -> bool | str:
        if said == UNDECIDED:
            return UNDECIDED
        if self.faults:
            return said in self.faults
        return UNDECIDED if sound is None and said != UNKNOWN_FAULT else said != sound

    def said(self, second: Second, limits: Limits) -> Said:
        lines, network = self._words(second)
        place, label = second.place, second.label
        by_lines = _IN_WORDS.get(place or "", place) if lines is True else None
        by_network = f"{label} by the network" if network is True else None
        what = " and ".join(filter(None, (by_lines, by_network))) or "no fault"
        level = (second.lines or {}).get(place or "")
        return Said(
            time=second.time,
            what=what,
            score=(lines is True) + (network is True) + (level or 0.0) / 1000,
            value=level,
            unit="dB" if level is not None else None,
            place=place,
            evidence=second.sentence,
        )
