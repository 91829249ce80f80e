"""What is said of a recording's facts that are not understood, and of what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlrsd.runtime.streams.attributes import factor_of, unclear_of
from dlrsd.runtime.streams.readers.beside import nearest
from dlrsd.runtime.streams.readers.holding import Holding, Samples
from dlrsd.runtime.streams.source import Source

_MOST_LISTED = 8


def scale_note(holding: Holding, arrays: Mapping[str, Samples], channels: Sequence[str]) -> str:
    """What is said beside channels of integers that may be their scale, or nothing."""
    chosen = {re.sub(r"\[\d+\]$", "", name) for name in channels} | set(channels)
    for name, array in arrays.items():
        said = nearest(holding, name, factor_of) if name in chosen else None
        if said is not None and array.dtype.kind in "iu":
            return (
                f"holds integers ({name}) and states {said[0]} {said[1]:g}, which may be what they "
                f"have to be multiplied with, or divided by, or neither"
            )
    return ""


def say_unclear(holding: Holding, source: Source, path: Path) -> None:
    """Say what is stated of the rate and the start, and not understood."""
    names = [re.sub(r"\[\d+\]$", "", name) for name in source.channel_names or ("",)]
    said = [nearest(holding, name, _unclear) for name in names]
    rate, start = next((each for each in said if each is not None), ("", ""))
    texts = [name for name, n in holding.text_times.items() if n == source.n_samples]
    if source.rate_hz is None and (rate or texts):
        what = rate or f"its times {', '.join(texts)} as text"
        source.rate_unclear = (
            source.rate_unclear or f"{path} states {what}, which is not understood"
        )
    if source.start is None and start:
        source.warnings.append(f"{path} states {start}, which is not understood: it has no start")


def _unclear(facts: dict[str, Any]) -> tuple[str, str] | None:
    said = unclear_of(facts)
    return said if any(said) else None


def listed(left: Mapping[str, str]) -> str:
    some = "; ".join(f"{name} {why}" for name, why in list(left.items())[:_MOST_LISTED])
    rest = len(left) - _MOST_LISTED
    return some + (f"; and {rest} more" if rest > 0 else "")
