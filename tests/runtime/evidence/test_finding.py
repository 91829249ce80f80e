"""What is told of a channel whose windows differ."""

import numpy as np
import pytest

from dlrsd.runtime.evidence.finding import Finding, FindingTracker
from dlrsd.runtime.evidence.verdict import Evidence
from dlrsd.runtime.evidence.windows import WindowEvidence


def found(*verdicts: str) -> Finding:
    tracker = FindingTracker(0)
    for i, verdict in enumerate(verdicts):
        said = Evidence(verdict=verdict, sentence=f"{verdict}!", seconds=2.0)
        tracker.add(WindowEvidence(0, 2.0 * i, np.zeros(1, np.float32), said))
    return tracker.finding()


def test_the_last_windows_decide() -> None:
    assert found(*["healthy"] * 10, *["outer"] * 10).verdict == "outer"
    assert found(*["healthy"] * 10, *["outer"] * 3).verdict == "outer"
    half = found(*["healthy"] * 2, *["outer"] * 2)
    assert half.verdict == "undecided"
    assert half.sentence == "undecided: the last 4 windows do not agree: healthy in 2, outer in 2"
    assert found().sentence == "undecided: the recording is shorter than a window"


@pytest.mark.parametrize(("n_outer", "told"), [(10, True), (1, False)])
def test_a_fault_that_is_gone_is_told(n_outer: int, told: bool) -> None:
    finding = found(*["outer"] * n_outer, *["healthy"] * 15)
    assert finding.verdict == "healthy"
    assert finding.windows == {"outer": n_outer, "healthy": 15}
    assert (finding.reason == f"but earlier outer in {n_outer} of {n_outer + 15} windows") is told
    assert finding.sentence == (
        "healthy! (but earlier outer in 10 of 25 windows)" if told else "healthy!"
    )
