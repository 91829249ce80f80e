"""From the evidence of windows to what a person is told of a channel.

A verdict holds where more than half of the last windows say it; where none does it is undecided,
and the reason names what they say.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Annotated, Final

from msgspec import Meta, Struct

from dlrsd.runtime.evidence.lines import Line
from dlrsd.runtime.evidence.verdict import Evidence, Place
from dlrsd.runtime.evidence.windows import WindowEvidence

_MANY = 0.2  # of a stream's windows: what they say is told, whatever its end says
LAST: Final = 5  # windows: ten seconds of those of two; one alone is wrong in one of 6000


class Finding(Struct, frozen=True, kw_only=True):
    """What the evidence says of a channel."""

    channel: int
    name: Annotated[str | None, Meta(description="Of the channel, in the recording.")] = None
    verdict: Annotated[Place, Meta(description="The place that is faulty, or that none is.")]
    sentence: Annotated[str, Meta(description="The finding in a vibration engineer's words.")]
    reason: Annotated[str | None, Meta(description="Where the verdict needs a word.")] = None
    scores: Annotated[
        dict[str, float], Meta(description="By place: spreads of healthy windows above their mean.")
    ] = {}
    lines: Annotated[list[Line], Meta(description="Of the window that shows them most typically.")]
    speed_rpm: Annotated[float | None, Meta(description="Of the shaft, as it was used.")] = None
    time_s: Annotated[
        float | None, Meta(description="Start of that window, from the start of the stream.")
    ] = None
    windows: Annotated[dict[str, int], Meta(description="Of the whole stream, by verdict.")]
    unfit: Annotated[dict[str, int], Meta(description="Of these, by quality flag.")] = {}


class FindingTracker:
    """The finding on one channel as its windows come in. Memory is constant.

    Parameters
    ----------
    channel : int >= 0
    name : str, optional
        Of the channel.
    """

    def __init__(self, channel: int, name: str | None = None) -> None:
        self._channel = channel
        self._name = name
        self._last: deque[WindowEvidence] = deque(maxlen=LAST)
        self._windows: Counter[str] = Counter()
        self._unfit: Counter[str] = Counter()

    def add(self, window: WindowEvidence) -> None:
        """Take in the next window of the channel."""
        self._last.append(window)
        self._windows[window.evidence.verdict] += 1
        if window.unfit is not None:
            self._unfit[window.unfit] += 1

    def finding(self) -> Finding:
        """The finding as it stands."""
        verdict, doubt = self._agreed()
        shown = self.typical(verdict)
        found = shown.evidence if shown else None
        reason = doubt or (found.reason if found else None)
        sentence = found.sentence if found and not doubt else f"{verdict}: {doubt}"
        if verdict == "healthy" and (earlier := self._earlier()):
            reason, sentence = earlier, f"{sentence} ({earlier})"
        return Finding(
            channel=self._channel,
            name=self._name,
            verdict=verdict,
            sentence=sentence,
            reason=reason,
            scores={place: round(s, 3) for place, s in found.scores.items()} if found else {},
            lines=found.lines if found else [],
            speed_rpm=round(60 * found.speed.hz, 3) if found and found.speed else None,
            time_s=round(shown.time_s, 6) if shown else None,
            windows=dict(self._windows),
            unfit=dict(self._unfit),
        )

    def _agreed(self) -> tuple[Place, str | None]:
        """What more than half of the last windows say, or why nothing is said."""
        said = Counter(each.evidence.verdict for each in self._last)
        if not said:
            return "undecided", "the recording is shorter than a window"
        verdict, count = said.most_common(1)[0]
        if 2 * count > len(self._last):
            return verdict, None
        listed = ", ".join(f"{place} in {n}" for place, n in said.most_common())
        return "undecided", f"the last {len(self._last)} windows do not agree: {listed}"

    def _earlier(self) -> str | None:
        """What a good part of the whole stream said, where its end is healthy."""
        total = self._windows.total()
        said = [
            f"{place} in {n} of {total} windows"
            for place, n in self._windows.most_common()
            if place not in ("healthy", "undecided") and n >= _MANY * total
        ]
        return f"but earlier {', '.join(said)}" if said else None

    def typical(self, verdict: Place) -> WindowEvidence | None:
        """Of the last windows that say so (else of all), the one in the middle by its score."""
        own = [each for each in self._last if each.evidence.verdict == verdict] or [*self._last]
        own.sort(key=lambda each: _highest(each.evidence))
        return own[len(own) // 2] if own else None


def _highest(found: Evidence) -> float:
    return max(found.scores.values(), default=0.0)
