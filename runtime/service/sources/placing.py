"""When a block was measured, and how many samples are missing before it.

Stated times are followed block by block, so that a crystal some ppm off never adds up to a gap.
Where none are stated, or none that can be believed, time goes by the count of samples from when
the first came, held to the times of arrival: never later than these, and drawn after them slowly.
"""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timezone

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.said import EventKind
from dlrsd.runtime.service.sources.counted import Counted

_NO_CLOCK_BEFORE = 1262304000.0  # 2010-01-01: what says an earlier time has no clock
_NO_CLOCK_AFTER = 4102444800.0  # 2100-01-01
_MOST_AHEAD_S = 86400.0  # of this box; a clock of the wrong time zone is believed
# How far a stated time may stray from the last one's: stamps are made by busy computers.
_JITTER_S = 0.05
_MOST_JITTER_S = 0.5
# A clock that jumps as often as this is not believed for a while.
_MOST_JUMPS = 5
_JUMPS_WITHIN_S = 60.0
_DISTRUST_S = 600.0
# Without stated times: later than this is no delay any more.
_STALL_S = 10.0
_NUMBERED_STALL_S = 60.0
_FASTEST_DRIFT = 5e-4


class Placed(Struct, frozen=True):
    """Consecutive samples in their place.

    Attributes
    ----------
    start : int >= 0
        Number of the first sample, counted from the source's first and with missing ones.
    samples : array, shape (channels, n)
        As they were sent.
    gap_before : int >= 0
        Samples missing before them. 1 also stands for a break in which none or an unknown number
        is missing: no window may reach across it.
    time : float
        Unix time of the first sample in s, as good as it is known.
    """

    start: int
    samples: NDArray[np.generic]
    gap_before: int
    time: float


class Placing:
    """Gives each block of one source, in their order, its place.

    Attributes
    ----------
    next_time : float or None
        When the sample after the last one should have been measured; None before the first.
    clock : int
        How often the stated times jumped, or could not be believed from then on.
    gaps : int
        How many blocks stand behind a gap.
    missing : int
        Samples in all gaps.
    """

    def __init__(self, events: Counted) -> None:
        self.next_time: float | None = None
        self.clock = 0
        self.gaps = 0
        self.missing = 0
        self._events = events
        self._next_start = 0
        self._last = 0  # samples of the last block
        self._jumps: deque[float] = deque(maxlen=_MOST_JUMPS)  # when they arrived
        self._believed_from = -math.inf
        self._stated = True  # whether time goes by what is stated

    def believes(self, block: Block) -> bool:
        """Whether its stated time can be one."""
        time, arrived = block.time, block.arrived
        return (
            time is not None
            and _NO_CLOCK_BEFORE <= time < _NO_CLOCK_AFTER
            and arrived >= self._believed_from
            and (time <= arrived + _MOST_AHEAD_S or arrived < _NO_CLOCK_BEFORE)
        )

    def tolerance(self, block: Block) -> float:
        """How far in s its stated time may be from `next_time` with nothing missing between."""
        half: float = min(0.5 * block.samples.shape[1] / block.rate_hz, _MOST_JITTER_S)
        return half if block.sequence is None else max(half, _JITTER_S)

    def is_behind(self, block: Block) -> bool:
        """Whether it was measured, by its stated time, before the end of what is placed."""
        return (
            self.next_time is not None
            and self._stated
            and self.believes(block)
            and block.time is not None
            and block.time < self.next_time - self.tolerance(block)
        )

    def expects(self, lost: int, block: Block) -> bool:
        """Whether there was time for so many lost blocks before it, give or take."""
        if self.next_time is None or lost <= 1000:
            return True
        elapsed = block.arrived - self.next_time
        if self.believes(block) and block.time is not None:
            elapsed = max(elapsed, block.time - self.next_time)
        return lost * self._last / block.rate_hz <= 2 * elapsed

    def place(self, block: Block, *, lost: int = 0, anew: str = "") -> Placed:
        """The next block; ``lost`` ones did not come before it, or its source began ``anew``."""
        rate, n = block.rate_hz, block.samples.shape[1]
        # Most blocks: stated, expected, and nothing known to be missing.
        if (
            self._stated
            and not (lost or anew)
            and block.missing_before == 0
            and self.next_time is not None
            and block.time is not None
            and abs(block.time - self.next_time) <= self.tolerance(block)
            and self.believes(block)
        ):
            time, gap = block.time, 0
        else:
            time, gap = self._placed(block, lost, anew)
        start = self._next_start + gap
        self._next_start = start + n
        self._last = n
        self.next_time = time + n / rate
        if gap:
            self.gaps += 1
            self.missing += gap
        return Placed(start, block.samples, gap, time)

    def _placed(self, block: Block, lost: int, anew: str) -> tuple[float, int]:
        """Time of the first sample and samples missing before it."""
        rate, known = block.rate_hz, block.missing_before
        turned = self._turns(block)
        came = block.arrived - block.samples.shape[1] / rate
        if self.next_time is None:
            return (block.time if self._stated and block.time is not None else came), 0
        counted = None if known is None or anew or turned else lost * self._last + known
        if self._stated and block.time is not None:
            time = block.time
            off = (time - self.next_time) * rate
            tolerance = self.tolerance(block) * rate
            gap = self._by_stated(block, off, tolerance, counted, turned)
        else:
            time, gap = self._by_count(block, self.next_time, came, counted)
        if lost:
            self._tell("lost", block, f"{lost} blocks did not come", gap, count=lost)
        elif anew:
            self._tell("gap", block, anew, gap)
        elif known is None:
            self._tell("gap", block, "what came before is broken off", gap)
        elif known:
            self._tell("gap", block, f"{known} samples are missing, says the source", gap)
        return time, gap

    def _by_stated(
        self, block: Block, off: float, tolerance: float, counted: int | None, turned: bool
    ) -> int:
        """Samples missing where the stated time is ``off`` samples from the expected one."""
        if counted is None:
            if off < -tolerance and not turned:
                self._jumped(block, off)
            return max(1, round(off))
        if abs(off - counted) <= tolerance + counted / 2:
            return max(1, round(off)) if counted else 0
        if block.sequence is None and off > counted:
            gap = round(off)
            self._tell("gap", block, "samples are missing, by the stated times", gap)
            return gap
        self._jumped(block, off - counted)  # for the numbers of blocks say what is missing
        return max(1, counted)

    def _by_count(
        self, block: Block, expected: float, came: float, counted: int | None
    ) -> tuple[float, int]:
        """Time and missing samples where no time is stated; it ``came`` when it was measured."""
        rate = block.rate_hz
        if counted is None:
            gap = max(1, round((came - expected) * rate))
            return came if not self._stated else expected + gap / rate, gap
        time = expected + counted / rate
        if self._stated:  # one that states none among those that do
            return time, counted
        late = came - time
        if abs(late) > (_STALL_S if block.sequence is None else _NUMBERED_STALL_S):
            if block.sequence is None and late > 0:
                gap = counted + round(late * rate)
                self._tell("gap", block, "nothing came for longer than a delay", gap)
                return came, gap
            self._jumped(block, late * rate)
            return came, max(1, counted)
        if late > 0:
            late = min(late, _FASTEST_DRIFT * block.samples.shape[1] / rate)
        return time + late, counted

    def _turns(self, block: Block) -> bool:
        """Whether time goes by something else from this block on; decides by what."""
        if block.time is None:
            if self.next_time is None:
                self._stated = False
            return False
        believed = self.believes(block)
        if believed == self._stated:
            return False
        self._stated = believed
        if believed:
            text = "times are stated that can be believed: they are followed from here on"
        else:
            text = (
                f"the stated time {_iso(block.time)} cannot be believed: time goes by the count "
                "of samples from when they came; set the sensor's clock"
            )
        self.clock += 1
        self._tell("clock", block, text, 0)
        return True

    def _jumped(self, block: Block, samples: float) -> None:
        seconds = samples / block.rate_hz
        self.clock += 1
        way = "forward" if seconds > 0 else "back"
        self._tell("clock", block, f"its clock jumped {way} by {abs(seconds):.4g} s", 0)
        self._jumps.append(block.arrived)
        if len(self._jumps) == _MOST_JUMPS and block.arrived - self._jumps[0] < _JUMPS_WITHIN_S:
            self._jumps.clear()
            self._believed_from = block.arrived + _DISTRUST_S

    def _tell(self, kind: EventKind, block: Block, text: str, gap: int, count: int = 1) -> None:
        seconds = gap / block.rate_hz
        self._events.add(kind, block.arrived, text, count=count, seconds=seconds)


def _iso(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, timezone.utc).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{time:g} s"
