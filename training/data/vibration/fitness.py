"""Which windows are fit to be trained on and tested with: the same checks as the runtime's.

Windows that are unfit whatever was trained on (gaps, stuck or clipped samples, spikes, values that
are no numbers) are left out first; the limits come of the rest, and what lies beyond those is left
out too. All that is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.quality import (
    OK,
    QUALITY,
    QualityLimits,
    learned_limits,
    window_quality,
)
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import WindowIndex, cut, part_of

ANY_LEVEL = QualityLimits(level_low=0.0, level_high=1e30)  # before there are limits
MOST_LEFT_OUT = 0.5  # of a class's drawn windows
_AT_ONCE = 1024

LeftOut = dict[str, dict[str, int]]  # by class, then by quality


class Screened(NamedTuple):
    """Windows to train on, the limits that they set, and what was left out."""

    kept: WindowIndex
    limits: QualityLimits
    left_out: LeftOut


def screen(
    recordings: Sequence[Recording],
    drawn: WindowIndex,
    classes: Sequence[str],
    *,
    window: int,
) -> Screened:
    """Leave out drawn windows that are unfit for diagnosis, and learn limits of the others.

    Raises
    ------
    InputError
        If more than half of a class's windows are unfit.
    """
    rate = recordings[0].rate
    codes = quality_of(recordings, drawn, window=window)
    _require_enough(codes, drawn, classes)
    fit = np.flatnonzero(codes == OK)
    kept = part_of(drawn, fit)
    limits = learned_limits(
        cut(recordings, kept, window), kept.label, rate_hz=rate, shared=_shared(kept, window)
    )
    codes[fit] = quality_of(recordings, kept, window=window, limits=limits)
    _require_enough(codes, drawn, classes)
    left_out: LeftOut = {}
    for label, name in enumerate(classes):
        flags = Counter(QUALITY[code] for code in codes[drawn.label == label] if code != OK)
        if flags:
            left_out[name] = dict(flags.most_common())
    return Screened(part_of(drawn, np.flatnonzero(codes == OK)), limits, left_out)


def quality_of(
    recordings: Sequence[Recording],
    index: WindowIndex,
    *,
    window: int,
    limits: QualityLimits = ANY_LEVEL,
) -> NDArray[np.uint8]:
    """Quality of each window: that of its first unfit channel, shape (n,)."""
    worst = np.full(len(index), OK, np.uint8)
    for begin in range(0, len(index), _AT_ONCE):
        rows = np.arange(begin, min(begin + _AT_ONCE, len(index)))
        windows = cut(recordings, part_of(index, rows), window, finite=False)
        codes = window_quality(windows, limits, rate_hz=recordings[0].rate)
        worst[rows] = codes[np.arange(len(rows)), (codes != OK).argmax(axis=1)]
    return worst


def described(left_out: LeftOut) -> list[str]:
    """One sentence for each class that lost windows."""
    return [
        f"{name}: {sum(flags.values())} unfit training "
        f"window{'s' * (sum(flags.values()) > 1)} left out ({_listed(flags)})"
        for name, flags in left_out.items()
    ]


def _require_enough(codes: NDArray[np.uint8], drawn: WindowIndex, classes: Sequence[str]) -> None:
    for label, name in enumerate(classes):
        own = codes[drawn.label == label]
        flags = Counter(QUALITY[code] for code in own if code != OK)
        n = flags.total()
        if n > MOST_LEFT_OUT * len(own) or (n and len(own) - n < 2):
            raise InputError(
                f"class {name!r}: {n} of {len(own)} training windows are unfit for diagnosis "
                f"({_listed(flags)}): expected more than half to be fit, and two at least; repair "
                "its recordings or leave them out (`dlrsd-train inspect` names them)"
            )


def _listed(flags: Counter[str] | dict[str, int]) -> str:
    ordered = sorted(flags.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {flag}" for flag, count in ordered)


def _shared(index: WindowIndex, window: int) -> NDArray[np.int64]:
    """Of each class, the most windows that share one sample: so many one bad sample can spoil."""
    shared = np.ones(index.label.max(initial=0) + 1, np.int64)
    for label, recording in {*zip(index.label.tolist(), index.recording.tolist(), strict=True)}:
        start = np.sort(index.start[(index.label == label) & (index.recording == recording)])
        count = np.arange(1, len(start) + 1) - np.searchsorted(start, start - window, "right")
        shared[label] = max(shared[label], int(count.max()))
    return shared
