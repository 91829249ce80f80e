"""The blocks of one sensor, in whatever order they come, as signal in its place.

Blocks with a number wait for those that are late, up to `MOST_WAITING` blocks or `LONGEST_WAIT_S`;
then what did not come is lost: a gap. Without numbers their order of arrival counts. A block from
before what is placed already is a duplicate, or late, or the first of a sender that began anew:
one whose time is newer begins anew at once, else three that follow each other.

Every block is accounted for: ``received = taken + duplicate + late + refused + waiting``, and of
those that follow each other by number, from first to last, ``taken + lost``.
"""

from __future__ import annotations

import math

from msgspec import Struct

from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.service.sources.agreed import Agreed
from dlrsd.runtime.service.sources.counted import Counted, Tell
from dlrsd.runtime.service.sources.placing import Placed, Placing
from dlrsd.runtime.service.sources.remembered import Remembered

MOST_WAITING = 8
LONGEST_WAIT_S = 2.0
_STEP_S = 30.0  # between two ticks, which come each second: a clock that was set
_ANEW = 3  # blocks that follow each other, from before what is placed
_STRAGGLE_S = 2.0  # how well a block from before a new beginning fits the times of then
_AGAIN = "its sender counts anew"

__all__ = ["Arrivals", "Counts", "Placed"]


class Counts(Struct):
    """What became of the blocks of one sensor, in blocks but for ``missing``, in samples."""

    received: int = 0
    taken: int = 0
    duplicate: int = 0
    late: int = 0  # came when their place was given up
    refused: int = 0  # of another rate, dtype or number of channels
    lost: int = 0  # never came, or came late
    anew: int = 0  # how often the sender began anew
    clock: int = 0  # how often its clock jumped
    gaps: int = 0
    missing: int = 0


class Arrivals:
    """Turns the blocks of one sensor into placed signal.

    Parameters
    ----------
    tell : function
        Is given an `Event` for each thing that happened, many of one kind as one.
    rate_hz : float, optional
        What its blocks must have; by default that of the first.
    channels : int, optional
    silent_s : float, optional
        After how long without a block it is said to be silent.
    now : float, optional
        Unix time in s at which waiting for the first block began.
    """

    def __init__(
        self,
        tell: Tell,
        *,
        rate_hz: float | None = None,
        channels: int | None = None,
        silent_s: float | None = None,
        now: float | None = None,
    ) -> None:
        self._events = Counted(tell)
        self._placing = Placing(self._events)
        self._counts = Counts()
        self._agreed = Agreed(rate_hz, channels)
        self._expected: int | None = None
        self._held: dict[int, Block] = {}
        self._behind: list[Block] = []
        self._remembered = Remembered()
        self._before = Remembered()  # until the sender began anew
        self._before_end = 0, math.nan, 0.0  # the number and time that would have come next
        self._silent_s = silent_s
        self._is_silent = False
        self._heard = now
        self._ticked: float | None = None

    @property
    def counts(self) -> Counts:
        """What became of all blocks until now."""
        placing = self._placing
        self._counts.clock = placing.clock
        self._counts.gaps, self._counts.missing = placing.gaps, placing.missing
        return self._counts

    @property
    def waiting(self) -> int:
        """Blocks that wait for others, or to be told from duplicates."""
        return len(self._held) + len(self._behind)

    def push(self, block: Block) -> list[Placed]:
        """Take a block as it comes; what has its place now, often the block itself."""
        self._counts.received += 1
        self._heard = block.arrived
        if self._is_silent:
            self._is_silent = False
            self._events.add("back", block.arrived, "blocks come again")
        if why := self._agreed.refusal(block):
            self._counts.refused += 1
            self._events.add("refused", block.arrived, why)
            return []
        sequence = block.sequence
        if sequence is None:
            return self._unnumbered(block)
        if sequence == self._expected:
            if self._behind:
                self._settle(block.arrived)
            out = [self._take(block)]
            if self._held:
                self._drain(out, block.arrived)
            return out
        if self._expected is None:
            anew = "" if self._placing.next_time is None else "its blocks are counted now"
            return [self._take(block, anew=anew)]
        if sequence > self._expected:
            return self._ahead(block, sequence)
        return self._from_before(block, sequence)

    def tick(self, now: float) -> list[Placed]:
        """What waited too long by ``now``, Unix time in s; to be called about once a second."""
        out: list[Placed] = []
        if self._held:
            self._drain(out, now)
        stepped = self._ticked is not None and now - self._ticked > _STEP_S
        self._ticked = now
        if self._heard is None or now < self._heard or stepped:  # this box's clock was set
            self._heard = now
        elif self._silent_s is not None and not self._is_silent:
            silent = now - self._heard
            if silent > self._silent_s:
                self._is_silent = True
                self._events.add("silent", now, f"no block came for {silent:.0f} s")
        self._events.tick(now)
        return out

    def flush(self, now: float) -> list[Placed]:
        """All that waits, and all that was not told yet: at the end."""
        out: list[Placed] = []
        self._release(out, keep=0)
        self._settle(now)
        self._events.flush(now)
        return out

    def _take(self, block: Block, *, lost: int = 0, anew: str = "") -> Placed:
        """Give a block its place, as the next."""
        self._counts.taken += 1
        sequence = block.sequence
        if anew:
            self._counts.anew += 1
            if self._expected is not None and self._placing.next_time is not None:
                # Some may still be on their way.
                self._remembered.lose(self._expected, self._expected + MOST_WAITING - 1)
                block_s = block.samples.shape[1] / block.rate_hz
                self._before_end = self._expected, self._placing.next_time, block_s
            self._before, self._remembered = self._remembered, Remembered()
        elif lost and sequence is not None:
            self._counts.lost += lost
            self._remembered.lose(sequence - lost, sequence - 1)
        placed = self._placing.place(block, lost=lost, anew=anew)
        self._remembered.take(block)
        if sequence is not None:
            self._expected = sequence + 1
        return placed

    def _unnumbered(self, block: Block) -> list[Placed]:
        out: list[Placed] = []
        if self._expected is not None:
            self._release(out, keep=0)
            self._expected = None
            out.append(self._take(block, anew="its blocks are counted no more"))
            return out
        is_behind = self._placing.is_behind(block)
        if is_behind and self._remembered.came(block):
            self._count_duplicate(block.arrived)
            return []
        if not is_behind or block.missing_before is None:  # its source says that it begins anew
            if self._behind:
                self._settle(block.arrived)
            return [self._take(block)]
        return self._suspect(block, "its clock went back")

    def _ahead(self, block: Block, sequence: int) -> list[Placed]:
        out: list[Placed] = []
        if self._behind:
            self._settle(block.arrived)
        if sequence in self._held:
            self._count_duplicate(block.arrived)
        elif not self._is_of_before(block, sequence):
            self._held[sequence] = block
        self._drain(out, block.arrived)
        return out

    def _is_of_before(self, block: Block, sequence: int) -> bool:
        """Whether it was sent before its sender began anew; it is counted then."""
        if block.time is None or not self._placing.is_behind(block):
            return False
        end, end_time, block_s = self._before_end
        fits = end_time + (sequence - end) * block_s
        if not abs(block.time - fits) < _STRAGGLE_S:
            return False
        if self._before.came(block):
            self._count_duplicate(block.arrived)
        elif self._before.was_lost(sequence):
            self._count_late(block.arrived)
        else:
            return False
        return True

    def _from_before(self, block: Block, sequence: int) -> list[Placed]:
        """A block whose number is one before what is placed."""
        placing = self._placing
        if self._remembered.came(block):
            self._count_duplicate(block.arrived)
            return []
        if self._is_of_before(block, sequence):
            return []
        is_newer = placing.believes(block) and not placing.is_behind(block)
        is_lost = self._remembered.was_lost(sequence)
        if is_lost and not is_newer:
            self._count_late(block.arrived)
            return []
        if is_newer and not is_lost:
            out: list[Placed] = []
            self._settle(block.arrived)
            self._release(out, keep=0)
            out.append(self._take(block, anew=_AGAIN))
            return out
        return self._suspect(block, _AGAIN)

    def _suspect(self, block: Block, why: str) -> list[Placed]:
        """One from before: with two more that follow each other, its source began anew."""
        if self._behind and not self._follows(self._behind[-1], block):
            self._settle(block.arrived)
        self._behind.append(block)
        if len(self._behind) < _ANEW:
            return []
        out: list[Placed] = []
        self._release(out, keep=0)
        first, *rest = self._behind
        self._behind = []
        out.append(self._take(first, anew=why))
        out += [self._take(each) for each in rest]
        return out

    def _follows(self, before: Block, block: Block) -> bool:
        if before.sequence is not None and block.sequence is not None:
            return block.sequence == before.sequence + 1
        return before.sequence is block.sequence  # both have none: as they came

    def _drain(self, out: list[Placed], now: float) -> None:
        """Place what follows, and give up what is waited for too long."""
        held = self._held
        while held:
            following = held.pop(self._expected, None) if self._expected is not None else None
            if following is not None:
                out.append(self._take(following))
                continue
            oldest = min(block.arrived for block in held.values())
            size = sum(block.samples.nbytes for block in held.values())
            is_full = len(held) > MOST_WAITING or size > MOST_BLOCK_BYTES
            if not is_full and now - oldest < LONGEST_WAIT_S:
                return
            self._release(out, keep=len(held) - 1)

    def _release(self, out: list[Placed], *, keep: int) -> None:
        """Place the first of those that wait, though others are missing before them."""
        while len(self._held) > keep:
            sequence = min(self._held)
            block = self._held.pop(sequence)
            lost = sequence - (self._expected if self._expected is not None else sequence)
            if self._placing.expects(lost, block):
                out.append(self._take(block, lost=lost))
            else:
                out.append(self._take(block, anew=_AGAIN))

    def _settle(self, now: float) -> None:
        """Those from before were no new beginning."""
        for _ in self._behind:
            self._count_late(now)
        self._behind = []

    def _count_duplicate(self, now: float) -> None:
        self._counts.duplicate += 1
        self._events.add("duplicate", now, "a block came twice: taken once")

    def _count_late(self, now: float) -> None:
        self._counts.late += 1
        self._events.add("late", now, "a block came when its place was given up: left out")
