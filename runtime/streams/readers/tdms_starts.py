"""When the samples of a TDMS file were taken: the starts that its segments state, and the gaps.

A segment that sets ``wf_start_time`` anew begins there. What lies between is missing; a start that
is before the end of the samples so far, or about there, is how well the program told the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.tdms_index import Channel
from dlrsd.runtime.streams.source import Chunk

_SAME_RATE = 1e-3
_SET_BACK_S = 1.0
_SAME_START_S = 1e-3
_FIRST_YEAR = 2006  # of the format; earlier starts are what programs write that know none
_LONGEST_STEP = 1.5  # intervals; a longer one is a gap


def first_start(channel: Channel) -> datetime | None:
    """The time of a channel's first sample, or None."""
    starts = _starts(channel)
    before = [moment for index, moment in starts if index == 0]
    at_end = [moment for index, moment in starts if index == channel.length]
    return next(iter([*before[-1:], *at_end]), None)


def one_start(facts: Mapping[str, dict[str, Any]]) -> None:
    """Make starts that are as good as the same the same: channels are stamped one after another."""
    first: datetime | None = None
    for each in facts.values():
        start = each.get("wf_start_time")
        if isinstance(start, datetime):
            first = first or start
            if abs((start - first).total_seconds()) < _SAME_START_S:
                each["wf_start_time"] = first


def gaps_of(
    channels: Mapping[str, Channel], rate_hz: float | None, warnings: list[str], path: Path
) -> dict[int, int]:
    """Samples that are missing before others, by the starts of segments.

    Parameters
    ----------
    channels : mapping of str to Channel
    rate_hz : float > 0, optional
        Without it, nothing is known of a gap but that there is one.
    warnings : list of str
        Where a sentence is put if a clock was set back.
    path : Path

    Raises
    ------
    InputError
        If channels were not taken together, or their rate changes.
    """
    found = {name: _gaps(each, rate_hz) for name, each in channels.items()}
    (first, (gaps, set_back)), *others = found.items()
    for name, channel in channels.items():
        _check_rate(name, channel, path)
    for name, (other, _) in others:
        most = 2 + _SAME_START_S * (rate_hz or 0.0)
        same = other.keys() == gaps.keys() and all(abs(other[i] - gaps[i]) <= most for i in gaps)
        if not same:
            raise InputError(
                f"the segments of {first} and {name} in {path} start at different times: name "
                f"those to read together as variable"
            )
    if set_back:
        warnings.append(
            f"the start of a segment of {path} is before the end of the one before it: the clock "
            f"was set back, or recordings were appended out of order; a gap of one sample is taken"
        )
    return gaps


def with_gaps(chunks: Iterator[Chunk], gaps: Mapping[int, int]) -> Iterator[Chunk]:
    """Chunks of samples without gaps, cut where there are some."""
    waiting, at = deque(sorted(gaps)), 0
    for chunk in chunks:
        samples, begin = chunk.samples, 0
        length = samples.shape[1]
        gap = 0
        while waiting and waiting[0] < at + length:
            end = waiting.popleft() - at
            if end > begin:
                yield Chunk(samples[:, begin:end], gap)
            begin, gap = end, gaps[at + end]
        yield Chunk(samples[:, begin:], gap)
        at += length


def _gaps(channel: Channel, rate_hz: float | None) -> tuple[dict[int, int], bool]:
    starts = _starts(channel)
    if not starts or rate_hz is None or not rate_hz > 0:
        later = {i: 1 for i, moment in starts if 0 < i < channel.length and moment != starts[0][1]}
        return later, False
    deviations = {}
    index, moment = starts[0]
    for here, now in starts[1:]:
        if 0 < here < channel.length and now != moment:
            deviations[here] = (now - moment).total_seconds() - (here - index) / rate_hz
        if now != moment:
            index, moment = here, now
    early = [-each for each in deviations.values() if -_SET_BACK_S < each < 0]
    tolerance = max(_LONGEST_STEP / rate_hz, 2 * max(early, default=0.0))
    gaps, set_back = {}, False
    for here, late in deviations.items():
        if late > tolerance:
            gaps[here] = max(1, round(late * rate_hz))
        elif late <= -_SET_BACK_S:
            gaps[here], set_back = 1, True
    return gaps, set_back


def _starts(channel: Channel) -> list[tuple[int, datetime]]:
    """By the sample that they are of."""
    starts, offset = [], 0.0
    for index, properties in channel.changes:
        offset = _number(properties.get("wf_start_offset", offset))
        moment = properties.get("wf_start_time")
        if isinstance(moment, datetime) and moment.year >= _FIRST_YEAR:
            starts.append((index, moment + timedelta(seconds=offset)))
    return starts


def _number(value: Any) -> float:
    number = float(value) if isinstance(value, (int, float)) else 0.0
    return number if abs(number) < 1e9 else 0.0


def _check_rate(name: str, channel: Channel, path: Path) -> None:
    said = None
    for index, properties in channel.changes:
        increment = _number(properties.get("wf_increment"))
        if increment in (0.0, 1.0) or index == channel.length:
            continue
        rate = 1 / increment
        if said is not None and index and abs(rate - said) > _SAME_RATE * abs(said):
            raise InputError(
                f"{name} in {path} is sampled at {said:g} Hz and from sample {index} at {rate:g} "
                f"Hz: expected one rate; keep recordings of different rates in files of their own"
            )
        said = rate
