"""The findings on every channel of a recording."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dlrsd.runtime.evidence.asking import named
from dlrsd.runtime.evidence.finding import Finding, FindingTracker
from dlrsd.runtime.evidence.windows import SECONDS, Asked, WindowEvidence, evidence_windows
from dlrsd.runtime.streams.stream import SampleStream

# A fault anywhere is the machine's; what cannot be judged comes before what is healthy.
_BEHIND_FAULTS = ("healthy", "undecided")


class Examined(Struct, frozen=True):
    """What was found in a recording.

    Attributes
    ----------
    findings : list of Finding
        One a channel that was looked at.
    typical : list of WindowEvidence or None
        The window that each finding shows.
    """

    findings: list[Finding]
    typical: list[WindowEvidence | None]

    @property
    def first(self) -> int:
        """Place in the list of the finding that stands for the machine."""
        rank = [
            (
                _BEHIND_FAULTS.index(f.verdict) if f.verdict in _BEHIND_FAULTS else 9,
                max(f.scores.values(), default=0),
            )
            for f in self.findings
        ]
        return max(range(len(rank)), key=rank.__getitem__)


def examine(stream: SampleStream, asked: Sequence[Asked], *, seconds: float = SECONDS) -> Examined:
    """Weigh the lines of every window of a recording.

    Parameters
    ----------
    stream : SampleStream
        Opened `AS_RECORDED`.
    asked : sequence of Asked
    seconds : float
        Of a window.
    """
    trackers = {
        a.channel: FindingTracker(a.channel, a.sensor or named(a, stream.description))
        for a in asked
    }
    for window in evidence_windows(stream, stream.rate_hz, asked, seconds=seconds):
        trackers[window.channel].add(window)
    findings = [tracker.finding() for tracker in trackers.values()]
    return Examined(
        findings,
        [
            tracker.typical(finding.verdict)
            for tracker, finding in zip(trackers.values(), findings, strict=True)
        ],
    )
