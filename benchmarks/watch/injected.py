"""A sensor whose blocks are lost, doubled, delayed and stamped by clocks that jump.

Samples are the numbers of the sensor's own ticks, so that what comes out says of itself where it
belongs. The truth is kept by the generator and compared by `Truth.check`, which knows nothing of
how blocks are put in order.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from dlrsd.runtime.service.blocks import Block
from dlrsd.runtime.service.sources.arrivals import Counts
from dlrsd.runtime.service.sources.placing import Placed

RATE_HZ = 100.0
BEGAN = 1.8e9
_CALM = 100  # blocks without a clock's jump around a new beginning
_STEADY = 160  # between two jumps: one that jumps more often is not believed any more


class Chances(Struct, frozen=True, kw_only=True):
    """How likely each is for a block."""

    lost: float = 0.01
    doubled: float = 0.01
    delayed: float = 0.02  # by less than what is waited for
    late: float = 0.002  # by more
    jump: float = 0.0005  # of the clock
    restart: float = 0.0002  # of the sender, which counts anew
    wrong: float = 0.001  # a block of another kind comes between


class Truth:
    """A sensor of blocks in the order they arrive, and what should become of them."""

    def __init__(
        self,
        blocks: int,
        seed: int,
        chances: Chances = Chances(),
        *,
        numbered: bool = True,
        timed: bool = True,
        drift: float = 1e-4,
    ) -> None:
        self.blocks = blocks
        self.expected: Counter[str] = Counter()
        self._chances = chances
        self._numbered, self._timed, self._drift = numbered, timed, drift
        self._random = np.random.default_rng(seed)
        self._breaks: set[int] = set()  # ticks at which nothing may hold together
        self._times: dict[int, float | None] = {}  # stated, by first tick; what must be taken
        self._previous: tuple[int, int] | None = None  # tick and place after the last

    def arriving(self) -> Iterator[Block]:
        """The blocks as they arrive; ``expected`` is complete at the end."""
        on_way: list[tuple[int, int, Block]] = []
        position = 0
        for number, (position, delay, block) in enumerate(self._measured()):
            heapq.heappush(on_way, (position + delay, number, block))
            while on_way and on_way[0][0] <= position:
                yield self._arrive(heapq.heappop(on_way)[2], position)
        while on_way:
            position += 1
            while on_way and on_way[0][0] <= position:
                yield self._arrive(heapq.heappop(on_way)[2], position)

    def _arrive(self, block: Block, position: int) -> Block:
        self.expected["received"] += 1
        return Block(
            samples=block.samples,
            rate_hz=block.rate_hz,
            arrived=BEGAN + position * 0.1 + 0.05,
            sequence=block.sequence,
            time=block.time,
        )

    def _measured(self) -> Iterator[tuple[int, int, Block]]:
        """Place in time, delay in blocks, block: what is measured and sent."""
        random, chances, expected = self._random, self._chances, self.expected
        tick, sequence, offset = 0, int(random.integers(0, 1000)), 0.0
        calm = _CALM  # until which nothing but loss within a run goes wrong
        until_end = self._run_length()
        losing, steady = 0, 0
        for position in range(self.blocks):
            n = int(random.integers(8, 13))
            safe = calm > _CALM - 10 or until_end < 10 or position > self.blocks - _CALM
            if until_end == 0:
                tick += int(random.integers(200, 3000))
                sequence = int(random.integers(0, 3))
                self._breaks.add(tick)
                expected["anew"] += 1
                calm, until_end, safe = _CALM, self._run_length(), True
            elif calm == steady == 0 and until_end > _CALM and random.random() < chances.jump:
                jump = float(random.choice((-1, 1)) * random.uniform(5, 5000))
                # A clock a day ahead of the box is not believed: that is another test.
                offset += jump if abs(offset + jump) < 40_000 else -jump
                self._breaks.add(tick)
                expected["clock"] += 1
                calm, steady = _CALM - 10, _STEADY
                safe = True
            samples = np.arange(tick, tick + n, dtype="<i4")[None]
            stamp = BEGAN + tick / RATE_HZ * (1 + self._drift) + random.uniform(-0.002, 0.002)
            block = Block(
                samples=samples,
                rate_hz=RATE_HZ,
                arrived=0.0,
                sequence=sequence if self._numbered else None,
                time=stamp + offset if self._timed else None,
            )
            tick, sequence = tick + n, sequence + 1
            calm, steady, until_end = max(calm - 1, 0), max(steady - 1, 0), until_end - 1
            what = random.random()
            if losing == 0 and not safe and what < chances.lost:
                losing = min(int(random.geometric(0.5)), 6)
            if losing and not safe:
                losing -= 1
                expected["lost"] += 1
                continue
            losing = 0
            first = int(samples[0, 0])
            delay = 0
            if not safe and chances.lost < what < chances.lost + chances.late:
                delay = int(random.integers(30, 60))
                expected["late"] += 1
                expected["lost"] += 1
            else:
                expected["taken"] += 1
                self._times[first] = block.time
                if not safe and random.random() < chances.delayed:
                    delay = int(random.integers(1, 7))
            yield position, delay, block
            if random.random() < chances.doubled and not delay > 6:
                expected["duplicate"] += 1
                yield position, delay + int(random.integers(0, 20)), block
            if random.random() < chances.wrong:
                expected["refused"] += 1
                yield position, 0, self._wrong(block)

    def _run_length(self) -> int:
        mean = self._chances.restart
        return 3 * _CALM + int(self._random.exponential(1 / mean)) if mean else self.blocks + 1

    def _wrong(self, block: Block) -> Block:
        samples, rate = block.samples, block.rate_hz
        match int(self._random.integers(0, 3)):
            case 0:
                rate *= 2
            case 1:
                samples = np.concatenate([samples, samples])
            case _:
                samples = samples.astype("<f4")
        return Block(
            samples=samples, rate_hz=rate, arrived=0.0, sequence=block.sequence, time=block.time
        )

    def check(self, placed: Placed) -> None:
        """Compare one with the truth, in the order they are given.

        Raises
        ------
        AssertionError
            If it was taken already or should not be, stands at the wrong place or time, or hangs
            together with what it does not follow.
        """
        ticks = placed.samples[0]
        first, n = int(ticks[0]), len(ticks)
        assert first in self._times, f"tick {first} was taken twice or should not be"
        stated = self._times.pop(first)
        if stated is not None:
            assert placed.time == stated, f"tick {first}: time {placed.time}, stated {stated}"
        if self._previous is None:
            assert placed.start == 0
            assert placed.gap_before == 0
        else:
            tick, start = self._previous
            assert placed.start == start + placed.gap_before, f"tick {first} overlaps or jumps"
            missing = first - tick
            if any(each in self._breaks for each in range(tick, first + 1)):
                assert placed.gap_before >= 1, f"tick {first}: no gap where there is a break"
            elif self._timed or missing == 0:
                assert placed.gap_before == missing, (
                    f"tick {first}: a gap of {placed.gap_before}, not {missing}"
                )
            else:  # nobody knows how long the lost blocks were
                assert 8 / 12 * missing <= placed.gap_before <= 12 / 8 * missing
        self._previous = first + n, placed.start + n

    def check_end(self, counts: Counts) -> None:
        """Compare the counts at the end, when nothing waits any more.

        Raises
        ------
        AssertionError
            If a block is not accounted for.
        """
        assert not self._times, f"{len(self._times)} blocks were not taken: {list(self._times)[:5]}"
        names = ("received", "taken", "duplicate", "late", "refused", "lost", "anew", "clock")
        for name in names:
            got, expected = getattr(counts, name), self.expected[name]
            assert got == expected, f"{name}: counted {got}, true are {expected}; {counts}"
        accounted = counts.taken + counts.duplicate + counts.late + counts.refused
        assert counts.received == accounted
