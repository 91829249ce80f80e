"""What physics says beside the network's word: evidence of the same stream, at its own rate.

The evidence is imported where it begins, for a diagnosis without it shall begin at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.diagnosis.records import Verdict
from dlrsd.runtime.diagnosis.verdict import UNDECIDED, UNLIKE
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.streams.source import Chunk

if TYPE_CHECKING:
    from dlrsd.runtime.evidence.finding import FindingTracker
    from dlrsd.runtime.evidence.windows import Asked, EvidenceWindows

UNKNOWN_FAULT = "unknown fault"
_SOUND = ("healthy", "undecided")


class EvidenceBeside:
    """Evidence of a stream that is being diagnosed.

    Its `hear` is what `open_stream` tells of the stream; before the stream is known to have what
    evidence needs, and where it has not, it does nothing.
    """

    def __init__(self) -> None:
        self._windows: EvidenceWindows | None = None
        self._asked: dict[int, Asked] = {}
        self._trackers: dict[int, FindingTracker] = {}

    def begin(
        self, rate_hz: float, asked: Sequence[Asked], *, seconds: float | None = None
    ) -> None:
        """Look at a stream from now on.

        Parameters
        ----------
        rate_hz : float > 0
            Of the chunks that are heard.
        asked : sequence of Asked
        seconds : float, optional
            Of a window, if not `SECONDS`.
        """
        from dlrsd.runtime.evidence.finding import FindingTracker
        from dlrsd.runtime.evidence.windows import SECONDS, EvidenceWindows

        self._windows = EvidenceWindows(rate_hz, asked, seconds or SECONDS)
        self._asked = {each.channel: each for each in asked}
        self._trackers = {each.channel: FindingTracker(each.channel) for each in asked}

    def hear(self, chunk: Chunk) -> None:
        """Take in the next chunk of the stream."""
        if self._windows is None:
            return
        for window in self._windows.push(chunk):
            self._trackers[window.channel].add(window)

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict of a channel with the place that its lines name.

        Where the signal is unlike all that was trained on, the lines name a fault, and the machine
        was commissioned, it is an unknown fault.
        """
        tracker = self._trackers.get(verdict.channel)
        if tracker is None:
            return verdict
        finding = tracker.finding()
        is_commissioned = self._asked[verdict.channel].own is not None
        is_faulty = finding.verdict not in _SOUND
        label = verdict.label
        is_unlike = label == UNDECIDED and (verdict.reason or "").startswith(UNLIKE)
        if is_unlike and is_commissioned and is_faulty:
            label = UNKNOWN_FAULT
        return structs.replace(
            verdict, label=label, place=finding.verdict, evidence=finding.sentence
        )


def begin_evidence(
    beside: EvidenceBeside, description: dict[str, Any], machine: str | Path | None
) -> None:
    """Look at a stream if its speed and bearing are known, by itself or from the machine's folder.

    Parameters
    ----------
    beside : EvidenceBeside
    description : dict
        Of the stream that it hears.
    machine : str or Path, optional
        The machine's folder; its baseline is used where it was commissioned.

    Raises
    ------
    InputError
        If a machine is given and does not fit the stream, or options state a speed without a
        bearing or a bearing without a speed.
    """
    if machine is None:
        orders, speed = description["orders"], description["speed_rpm"]
        if orders is None or speed is None:
            _refuse_half(description["stated_by"])
            return
        if odd_orders(Kinematics(speed, **orders)):
            return
        from dlrsd.runtime.evidence.asking import asked_of

        beside.begin(description["rate_hz"], asked_of(description))
        return
    from dlrsd.runtime.evidence.asking import asked_of
    from dlrsd.runtime.evidence.commissioned import read_baseline
    from dlrsd.runtime.machine.file import folder_of, read_machine

    baseline = read_baseline(folder_of(machine))
    asked = asked_of(description, machine=read_machine(machine), baseline=baseline)
    seconds = baseline.seconds if baseline else None
    beside.begin(description["rate_hz"], asked, seconds=seconds)


def _refuse_half(stated_by: dict[str, str]) -> None:
    if stated_by.get("speed_rpm") == "option":
        raise InputError(
            "got --speed and no bearing: give --bearing, --geometry or --orders too, for its lines "
            "to be looked at, or leave --speed out"
        )
    if stated_by.get("orders") == "option":
        raise InputError(
            "got a bearing and no speed of the shaft: give --speed too, for the bearing's lines to "
            "be looked at, or leave the bearing out"
        )
