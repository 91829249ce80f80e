"""What the verdicts of a recording come to, for who asks no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dlrsd.runtime.diagnosis.records import Verdict
from dlrsd.runtime.diagnosis.verdict import UNDECIDED

Outcome = Literal["sound", "fault", "no verdict"]
SOUND_PLACES = ("healthy", UNDECIDED)


def outcome_of(verdicts: Sequence[Verdict], normal_class: str | None) -> Outcome:
    """A fault where any channel has one, by the network or by its lines; a fault unknown counts.

    Without a fault there is no verdict where any channel has none.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of every channel.
    normal_class : str, optional
        Which class is no fault; without one every class is.
    """
    for verdict in verdicts:
        is_named = verdict.label not in (UNDECIDED, normal_class)
        if is_named or (verdict.place is not None and verdict.place not in SOUND_PLACES):
            return "fault"
    if not verdicts or any(verdict.label == UNDECIDED for verdict in verdicts):
        return "no verdict"
    return "sound"
