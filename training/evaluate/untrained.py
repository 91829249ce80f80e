"""What the lines in the envelope's spectrum say of the test part, with nothing trained.

It stands beside the network in the report, where recordings state the shaft's speed and the
bearing's orders. Each recording is judged as `dlrsd-runtime evidence` judges it: no baseline, the
verdict of most of its windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from dlrsd.runtime.bundle.kinematics import odd_orders
from dlrsd.runtime.dsp.envelope import Spectrum
from dlrsd.runtime.dsp.order_map import Kinematics
from dlrsd.runtime.dsp.order_map_config import REVOLUTIONS
from dlrsd.runtime.evidence.examine import Examined
from dlrsd.runtime.evidence.finding import Finding, FindingTracker
from dlrsd.runtime.evidence.lines import Line
from dlrsd.runtime.evidence.windows import SECONDS, Asked, WindowEvidence, evidence_windows
from dlrsd.runtime.output.spectrum_picture import bearing_lines_of, spectrum_shown
from dlrsd.runtime.streams.source import Chunk
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.recording import Recording, kinematics, missing_kinematics

LabelPlace = Literal["healthy", "outer", "inner", "ball", "cage"]
#: By a recording's fault the place that the lines should name.
PLACES: dict[str, LabelPlace] = {
    "normal": "healthy",
    "outer": "outer",
    "inner": "inner",
    "ball": "ball",
    "rolling_element": "ball",
    "cage": "cage",
}
MOST_RECORDINGS = 40  # of a class, spread evenly
MOST_WINDOWS = 5  # of a recording: its first


class ClassEvidence(Struct, frozen=True, kw_only=True):
    """What the lines say of a class, and the window that shows it.

    Attributes
    ----------
    place : "healthy", "outer", "inner", "ball" or "cage"
        That its recordings' faults are in; "healthy" where there is none.
    recordings : int > 0
        That were judged: ``right``, ``missed`` (no line stands out, though there is a fault),
        ``undecided`` and ``wrong`` (another place) add up to it.
    verdict, sentence : str
        Of the recording that is shown, the middle one of those with the class's commonest verdict.
    recording : str
    shaft_hz, bin_hz : float > 0
        Of its spectrum.
    lines : list of Line
    """

    place: LabelPlace
    recordings: int
    right: int
    missed: int
    undecided: int
    wrong: int
    verdict: str
    sentence: str
    recording: str
    shaft_hz: float
    bin_hz: float
    lines: list[Line]


class _Judged(NamedTuple):
    recording: Recording
    finding: Finding
    typical: WindowEvidence


def untrained(data: Divided) -> tuple[dict[str, Any], dict[str, NDArray[np.float16]]]:
    """Judge the test part's recordings by their lines.

    Parameters
    ----------
    data : Divided
        Left out are classes whose recordings do not all have a fault in the same of `PLACES`, and
        recordings that state no speed, no orders or some that no bearing has, or are shorter than
        eight turns of the shaft.

    Returns
    -------
    figures : dict
        ``untrained``: a `ClassEvidence` by class; empty where there is none.
    arrays : dict
        By ``envelope/<class index>`` the spectrum of the squared envelope of the window shown, dB
        over its floor, shape (n_bins,).
    """
    figures: dict[str, Any] = {}
    arrays: dict[str, NDArray[np.float16]] = {}
    stretches = _stretches(data)
    for index, name in enumerate(data.classes):
        own = {at: parts for at, parts in stretches.items() if data.recordings[at].label == name}
        places = {PLACES.get((data.recordings[at].fault or "").lower()) for at in own}
        place = places.pop() if len(places) == 1 else None
        if place is None:
            continue
        chosen = [[*own][i] for i in _spread(len(own))]
        judged = [j for at in chosen if (j := _judge(data.recordings[at], own[at])) is not None]
        shown = _typical(judged)
        if shown is None:
            continue
        found, spectrum = shown
        arrays[f"envelope/{index}"] = _decibels(spectrum)
        figures[name] = to_builtins(_figures(place, judged, found, spectrum.bin_hz))
    return ({"untrained": figures} if figures else {}), arrays


def _stretches(data: Divided) -> dict[int, list[tuple[int, int]]]:
    """Of each recording of the test part that states what is needed: its samples, joined."""
    joined: dict[int, list[tuple[int, int]]] = {}
    for span in sorted(data.split.test):
        if not _stated(data.recordings[span.recording]):
            continue
        own = joined.setdefault(span.recording, [])
        if own and span.start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], span.stop))
        else:
            own.append((span.start, span.stop))
    return joined


def _stated(recording: Recording) -> bool:
    """Whether speed and orders are known, and a bearing can have such orders."""
    return not missing_kinematics(recording) and not odd_orders(kinematics(recording))


def _judge(recording: Recording, stretches: Sequence[tuple[int, int]]) -> _Judged | None:
    """Each channel by its windows of two seconds, or of the longest stretch that there is."""
    facts = kinematics(recording)
    longest = max(stop - start for start, stop in stretches)
    seconds = min(SECONDS, longest / recording.rate)
    if seconds * facts.speed_rpm / 60 < REVOLUTIONS or seconds < 0.1:
        return None
    channels = range(len(recording.signal))
    trackers = [FindingTracker(channel) for channel in channels]
    for window in _windows(recording, stretches, facts, seconds):
        trackers[window.channel].add(window)
    findings = [tracker.finding() for tracker in trackers]
    typical = [t.typical(f.verdict) for t, f in zip(trackers, findings, strict=True)]
    first = Examined(findings, typical).first
    shown = typical[first]
    return _Judged(recording, findings[first], shown) if shown else None


def _windows(
    recording: Recording,
    stretches: Sequence[tuple[int, int]],
    facts: Kinematics,
    seconds: float,
) -> Iterator[WindowEvidence]:
    asked = [Asked(channel, facts) for channel in range(len(recording.signal))]
    left = MOST_WINDOWS
    length = round(seconds * recording.rate)
    for start, stop in stretches:
        count = min(left, (stop - start) // length)
        left -= count
        chunk = Chunk(recording.signal[:, start : start + count * length])
        yield from evidence_windows([chunk], recording.rate, asked, seconds=seconds)


def _spread(count: int) -> NDArray[np.int64]:
    """Places of at most `MOST_RECORDINGS` of so many, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_RECORDINGS)).astype(np.int64))


def _typical(judged: Sequence[_Judged]) -> tuple[_Judged, Spectrum] | None:
    """The middle one, by its highest score, of those with the commonest verdict."""
    drawn = [(j, s) for j in judged if (s := spectrum_shown(j.typical, j.recording.rate))]
    if not drawn:
        return None
    common = Counter(j.finding.verdict for j, _ in drawn).most_common(1)[0][0]
    own = [(j, s) for j, s in drawn if j.finding.verdict == common]
    own.sort(key=lambda each: max(each[0].finding.scores.values(), default=0.0))
    return own[len(own) // 2]


def _figures(
    place: LabelPlace, judged: Sequence[_Judged], shown: _Judged, bin_hz: float
) -> ClassEvidence:
    said: Counter[str] = Counter(each.finding.verdict for each in judged)
    right, undecided = said.pop(place, 0), said.pop("undecided", 0)
    missed = said.pop("healthy", 0)
    speed = shown.typical.evidence.speed
    assert speed is not None  # noqa: S101 - its spectrum was drawn
    return ClassEvidence(
        place=place,
        recordings=len(judged),
        right=right,
        missed=missed,
        undecided=undecided,
        wrong=sum(said.values()),
        verdict=shown.finding.verdict,
        sentence=shown.finding.sentence,
        recording=shown.recording.recording_id,
        shaft_hz=speed.hz,
        bin_hz=bin_hz,
        lines=bearing_lines_of(shown.typical.evidence.lines),
    )


def _decibels(spectrum: Spectrum) -> NDArray[np.float16]:
    level = 10 * np.log10(np.maximum(spectrum.excess, 1e-3))
    return level.astype(np.float16)
