"""Blocks in any order become signal in its place, and every one is accounted for."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from benchmarks.watch.injected import Chances, Truth
from dlrsd.runtime.service.blocks import MOST_BLOCK_BYTES, Block
from dlrsd.runtime.service.said import Event
from dlrsd.runtime.service.sources.arrivals import MOST_WAITING, Arrivals, Placed

NOW = 1.8e9
RATE = 1000.0
_N = 100  # samples of a block: 0.1 s


def block(index: int, **facts: Any) -> Block:
    """Number ``index`` of a sensor, 0.1 s long, that came when it was measured."""
    stated = {
        "samples": np.arange(index * _N, index * _N + _N, dtype="<i4")[None],
        "rate_hz": RATE,
        "arrived": NOW + 0.1 * (index + 1),
        "sequence": index,
        "time": NOW + 0.1 * index,
    }
    return Block(**{**stated, **facts})


class Seen:
    """An `Arrivals`, all that it placed and told."""

    def __init__(self, **facts: Any) -> None:
        self.told: list[Event] = []
        self.arrivals = Arrivals(self.told.append, **facts)
        self.placed: list[Placed] = []

    def push(self, *blocks: Block) -> None:
        for each in blocks:
            self.placed += self.arrivals.push(each)

    def flush(self) -> None:
        self.placed += self.arrivals.flush(NOW + 1e6)
        counts = self.arrivals.counts
        accounted = counts.taken + counts.duplicate + counts.late + counts.refused
        assert counts.received == accounted
        assert counts.taken == len(self.placed)
        assert self.arrivals.waiting == 0

    def kinds(self) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for event in self.told:
            kinds[event.kind] += event.count
        return kinds

    def gaps(self) -> list[int]:
        return [each.gap_before for each in self.placed]

    def firsts(self) -> list[int]:
        return [int(each.samples[0, 0]) // _N for each in self.placed]


ALL = Chances(lost=0.02, doubled=0.02, delayed=0.05, late=0.004, jump=0.003, restart=0.002)


@pytest.mark.parametrize("seed", range(5))
def test_of_20000_blocks_every_one_is_accounted_for(seed: int) -> None:
    truth, seen = Truth(20_000, seed, ALL), Seen()
    for each in truth.arriving():
        seen.push(each)
    seen.flush()
    for each in seen.placed:
        truth.check(each)
    counts = seen.arrivals.counts
    truth.check_end(counts)
    assert min(truth.expected[name] for name in ("lost", "late", "anew", "clock", "refused")) > 5
    kinds = seen.kinds()
    told = [kinds[name] for name in ("lost", "duplicate", "late", "refused", "clock", "gap")]
    assert told == [
        counts.lost, counts.duplicate, counts.late, counts.refused, counts.clock, counts.anew,
    ]  # fmt: skip
    assert len(seen.told) < 150  # many are told as one


@pytest.mark.parametrize("seed", range(2))
def test_numbers_without_times_are_enough(seed: int) -> None:
    chances = Chances(lost=0.02, doubled=0.02, delayed=0.05, late=0.004, jump=0, restart=0)
    truth, seen = Truth(20_000, seed, chances, timed=False), Seen()
    for each in truth.arriving():
        seen.push(each)
    seen.flush()
    for each in seen.placed:
        truth.check(each)
    truth.check_end(seen.arrivals.counts)


@pytest.mark.parametrize("seed", range(2))
def test_times_without_numbers_are_enough(seed: int) -> None:
    chances = Chances(lost=0.02, doubled=0.02, delayed=0, late=0, jump=0, restart=0)
    truth, seen = Truth(20_000, seed, chances, numbered=False), Seen()
    for each in truth.arriving():
        seen.push(each)
    seen.flush()
    for each in seen.placed:
        truth.check(each)
    truth.expected["lost"] = 0  # they have no numbers to count
    truth.check_end(seen.arrivals.counts)


def test_what_a_stranger_sends_is_survived_and_accounted_for() -> None:
    """Numbers, times and sizes at random: no exception, no overlap, no time that is none."""
    random = np.random.default_rng(1)
    seen = Seen()
    strange = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300, NOW, NOW + 1e4, NOW - 1e9, None)
    times: list[Any] = [*strange, *(NOW + random.uniform(0, 100, 20))]
    for index in range(20_000):
        sequence = [None, index, index % 50, int(random.integers(0, 2**62))][random.integers(0, 4)]
        samples = np.zeros((1, int(random.integers(0, 5))), "<i2")
        seen.push(
            Block(
                samples=samples,
                rate_hz=[100.0, 100.0, 100.0, math.nan, 0.0, -5.0][random.integers(0, 6)],
                arrived=NOW + 0.01 * index,
                sequence=sequence,
                time=times[random.integers(0, len(times))],
                missing_before=[0, 0, 0, None, 7][random.integers(0, 5)],
            )
        )
        assert seen.arrivals.waiting <= MOST_WAITING + 3
    seen.flush()
    end = 0
    for each in seen.placed:
        assert each.start == end + each.gap_before
        assert math.isfinite(each.time)
        end = each.start + each.samples.shape[1]
    assert len(seen.placed) > 1000


def test_a_late_block_is_waited_for_and_put_in_its_place() -> None:
    seen = Seen()
    seen.push(block(0), block(2), block(3))
    assert seen.firsts() == [0]
    seen.push(block(1))
    assert seen.firsts() == [0, 1, 2, 3]
    assert seen.gaps() == [0, 0, 0, 0]
    assert not seen.told


def test_what_does_not_come_is_given_up_after_two_seconds() -> None:
    seen = Seen()
    seen.push(block(0), block(2))
    seen.placed += seen.arrivals.tick(NOW + 0.3 + 1.9)
    assert seen.firsts() == [0]
    seen.placed += seen.arrivals.tick(NOW + 0.3 + 2.1)
    assert seen.firsts() == [0, 2]
    assert seen.gaps() == [0, 100]
    assert seen.placed[1].start == 200
    assert [(e.kind, e.count, e.seconds) for e in seen.told] == [("lost", 1, 0.1)]
    seen.push(block(1, arrived=NOW + 3))
    assert seen.kinds() == {"lost": 1, "late": 1}


def test_a_crystal_100_ppm_off_is_followed_for_a_day_without_a_gap() -> None:
    random = np.random.default_rng(0)
    seen = Seen()
    samples = np.zeros((1, 1000), "<i2")
    for index in range(86_400):
        true = NOW + index * (1 + 1e-4)
        seen.push(
            Block(
                samples=samples, rate_hz=RATE, sequence=index, arrived=true + 1.02,
                time=true + random.uniform(-0.02, 0.02),
            )
        )  # fmt: skip
    assert not seen.told
    assert set(seen.gaps()) == {0}
    assert seen.placed[-1].time - seen.placed[0].time == pytest.approx(86399 * 1.0001, abs=0.05)


@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_without_times_a_crystal_is_followed_by_when_its_blocks_come(ppm: float) -> None:
    random = np.random.default_rng(0)
    seen = Seen()
    samples = np.zeros((1, 1000), "<i2")
    for index in range(20_000):
        came = NOW + (index + 1) * (1 + ppm * 1e-6) + random.exponential(0.05)
        seen.push(Block(samples=samples, rate_hz=RATE, arrived=came))
    assert not seen.told
    errors = [each.time - (NOW + i * (1 + ppm * 1e-6)) for i, each in enumerate(seen.placed)]
    assert max(map(abs, errors[100:])) < 0.1
    steps = np.diff([each.time for each in seen.placed[100:]])
    assert np.all(steps > 0.9)


def test_a_clock_that_jumps_is_an_event_and_a_break() -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(5)))
    seen.push(*(block(i, time=NOW + 0.1 * i - 3600) for i in range(5, 10)))
    seen.push(*(block(i, time=NOW + 0.1 * i + 7200) for i in range(10, 15)))
    seen.flush()
    assert seen.gaps() == [0] * 5 + [1] + [0] * 4 + [1] + [0] * 4
    assert seen.kinds() == {"clock": 2}
    assert "back by 3600 s" in seen.told[0].text
    assert seen.placed[5].time == NOW + 0.5 - 3600
    assert seen.placed[10].time == NOW + 1 + 7200


@pytest.mark.parametrize("facts", [{"sequence": None}, {}])
def test_a_clock_that_stands_still_is_soon_not_believed(facts: dict[str, Any]) -> None:
    seen = Seen()
    for index in range(5000):
        seen.push(block(index, time=NOW, **facts))
    assert seen.kinds()["clock"] < 20
    assert sum(gap > 0 for gap in seen.gaps()) < 20
    assert len(seen.placed) > 4980
    assert seen.placed[-1].time == pytest.approx(NOW + 499.9, abs=1)


def test_a_sensor_without_a_clock_is_said_once_and_placed_by_when_it_came() -> None:
    seen = Seen()
    seen.push(*(block(i, time=12.0 + 0.1 * i) for i in range(50)))
    assert [event.kind for event in seen.told] == ["clock"]
    assert "1970-01-01T00:00:12" in seen.told[0].text
    assert [each.time for each in seen.placed] == pytest.approx([NOW + 0.1 * i for i in range(50)])
    assert set(seen.gaps()) == {0}
    seen.push(*(block(i) for i in range(50, 60)))  # its clock was set
    seen.flush()
    assert seen.kinds() == {"clock": 2}
    assert [each.time for each in seen.placed[50:]] == [NOW + 0.1 * i for i in range(50, 60)]
    assert seen.gaps()[50:] == [1] + [0] * 9


def test_a_box_without_a_clock_takes_the_sensors_times() -> None:
    seen = Seen()
    seen.push(*(block(i, arrived=100 + 0.1 * i) for i in range(20)))
    assert [each.time for each in seen.placed] == [NOW + 0.1 * i for i in range(20)]
    assert not seen.told


def test_a_time_of_the_day_after_tomorrow_is_not_believed() -> None:
    seen = Seen()
    seen.push(*(block(i, time=NOW + 2 * 86400 + 0.1 * i) for i in range(3)))
    assert [each.time for each in seen.placed] == pytest.approx([NOW, NOW + 0.1, NOW + 0.2])
    assert seen.kinds() == {"clock": 1}


def test_the_box_own_clock_may_be_set_while_no_times_are_stated() -> None:
    seen = Seen()
    seen.push(*(block(i, time=None, arrived=1000 + 0.1 * i) for i in range(10)))
    seen.push(*(block(i, time=None) for i in range(10, 20)))
    assert seen.kinds() == {"clock": 1}
    assert seen.gaps() == [0] * 10 + [1] + [0] * 9
    assert [each.time for each in seen.placed[10:]] == pytest.approx(
        [NOW + 0.1 * i for i in range(10, 20)]
    )


def test_a_sender_that_begins_anew_is_one_event_and_a_gap_by_its_times() -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(500, 510)))
    seen.push(*(block(i, sequence=i - 530) for i in range(530, 540)))
    assert seen.firsts() == [*range(500, 510), *range(530, 540)]
    assert seen.gaps() == [0] * 10 + [2000] + [0] * 9
    assert seen.kinds() == {"gap": 1}
    assert seen.arrivals.counts.anew == 1
    assert seen.arrivals.counts.lost == 0


@pytest.mark.parametrize("time", [None, 5.0])
def test_a_sender_that_begins_anew_without_a_clock_is_known_by_three(time: float | None) -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(10)))
    seen.push(*(block(i, sequence=i - 30, time=time) for i in range(30, 32)))
    assert seen.firsts() == [*range(10)]
    assert seen.arrivals.waiting == 2
    seen.push(*(block(i, sequence=i - 30, time=time) for i in range(32, 40)))
    assert seen.firsts() == [*range(10), *range(30, 40)]
    assert seen.gaps()[10] > 0
    assert seen.gaps()[11:] == [0] * 9
    seen.flush()


def test_blocks_that_are_sent_again_after_a_reconnection_are_duplicates() -> None:
    for facts in ({}, {"time": None}):
        seen = Seen()
        seen.push(*(block(i, **facts) for i in range(100)))
        seen.push(*(block(i, **facts, arrived=NOW + 10 + i / 1000) for i in range(80, 110)))
        seen.flush()
        assert seen.firsts() == list(range(110))
        assert seen.kinds() == {"duplicate": 20}
        assert set(seen.gaps()) == {0}


def test_one_block_of_a_number_far_ahead_does_not_stop_the_others() -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(10)))
    seen.push(block(10, sequence=2**62))
    seen.push(*(block(i) for i in range(11, 60)))
    seen.flush()
    assert seen.firsts()[-1] == 59
    assert seen.arrivals.counts.lost < 20
    assert len(seen.placed) >= 57


def test_an_outage_of_a_night_is_lost_blocks_and_a_gap_by_the_times() -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(10)))
    seen.push(block(400_010))
    seen.push(*(block(i) for i in range(400_011, 400_020)))
    seen.flush()
    assert seen.arrivals.counts.lost == 400_000
    assert seen.gaps()[10] == 40_000_000
    assert seen.kinds() == {"lost": 400_000}


def test_another_rate_half_way_is_refused_until_the_right_one_comes_back() -> None:
    seen = Seen()
    seen.push(*(block(i) for i in range(5)))
    seen.push(*(block(i, rate_hz=2000.0) for i in range(5, 25)))
    assert len(seen.told) == 1
    assert "2000 Hz" in seen.told[0].text
    assert "expected 1 channels in int32 at 1000 Hz" in seen.told[0].text
    seen.push(*(block(i) for i in range(25, 40)))
    seen.flush()
    assert seen.firsts() == [*range(5), *range(25, 40)]
    assert seen.gaps()[5] == 2000
    assert seen.kinds() == {"refused": 20, "lost": 20}


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 100), "<i4"), np.zeros((1, 100), "<f4"), np.zeros((1, 0), "<i4")]
)
def test_other_channels_dtypes_or_nothing_at_all_are_refused(samples: np.ndarray) -> None:
    seen = Seen()
    seen.push(block(0), block(1, samples=samples), block(2), block(1))
    assert seen.firsts() == [0, 1, 2]
    assert seen.kinds() == {"refused": 1}


def test_what_is_stated_of_rate_and_channels_holds_from_the_first_block() -> None:
    seen = Seen(rate_hz=1000.0, channels=1)
    seen.push(block(0, rate_hz=1200.0), block(1, samples=np.zeros((2, 5), "<i4")), block(2))
    seen.flush()
    assert seen.firsts() == [2]
    assert seen.kinds() == {"refused": 2}


def test_a_measured_rate_is_another_each_time() -> None:
    seen = Seen()
    seen.push(*(block(i, rate_hz=1000.0 + 0.3 * (i % 3)) for i in range(30)))
    assert len(seen.placed) == 30
    assert not seen.told


def test_without_numbers_the_stated_times_tell_what_is_missing() -> None:
    seen = Seen()
    seen.push(*(block(i, sequence=None) for i in (0, 1, 2, 5, 6)))
    assert seen.gaps() == [0, 0, 0, 200, 0]
    assert [(e.kind, e.seconds) for e in seen.told] == [("gap", pytest.approx(0.2))]


def test_without_numbers_a_clock_that_went_back_is_known_by_three() -> None:
    seen = Seen()
    seen.push(*(block(i, sequence=None) for i in range(10)))
    seen.push(*(block(i, sequence=None, time=NOW + 0.1 * i - 50) for i in range(10, 20)))
    assert seen.firsts() == list(range(20))
    assert seen.gaps() == [0] * 10 + [1] + [0] * 9
    assert seen.kinds() == {"clock": 1, "gap": 1}


def test_what_a_source_knows_to_be_missing_is_a_gap() -> None:
    seen = Seen()
    facts: dict[str, Any] = {"sequence": None, "time": None}
    seen.push(block(0, **facts), block(1, **facts), block(2, **facts, missing_before=30))
    seen.push(block(3, **facts, missing_before=None), block(4, **facts))
    assert seen.gaps() == [0, 0, 30, 1, 0]
    assert seen.placed[-1].start == 431
    seen.push(block(80, **facts, missing_before=None))
    assert seen.gaps()[-1] == pytest.approx(7500, abs=60)
    assert seen.placed[-1].time == pytest.approx(NOW + 8)


def test_a_pipe_that_pauses_has_a_gap_and_no_shifted_time() -> None:
    seen = Seen()
    facts: dict[str, Any] = {"sequence": None, "time": None}
    seen.push(*(block(i, **facts) for i in range(10)))
    seen.push(*(block(i, **facts) for i in range(1010, 1020)))
    assert seen.gaps()[10] == pytest.approx(100_000, abs=5)
    assert seen.placed[-1].time == pytest.approx(NOW + 101.9)


def test_silence_is_told_once_and_its_end() -> None:
    seen = Seen(silent_s=10.0, now=NOW - 5)
    for second in range(30):
        seen.arrivals.tick(NOW + second)
    assert [event.kind for event in seen.told] == ["silent"]
    assert seen.told[0].time == NOW + 6
    seen.push(block(300))
    assert [event.kind for event in seen.told] == ["silent", "back"]


def test_numbers_that_come_and_go_are_breaks_and_nothing_is_lost() -> None:
    seen = Seen()
    seen.push(block(0), block(1), block(3), block(4, sequence=None), block(5, sequence=None))
    seen.push(block(6), block(7))
    seen.flush()
    assert seen.firsts() == [0, 1, 3, 4, 5, 6, 7]
    assert seen.gaps() == [0, 0, 100, 1, 0, 1, 0]


def test_large_blocks_do_not_wait_in_any_number() -> None:
    seen = Seen()
    large = np.zeros((1, MOST_BLOCK_BYTES // 4), "<i4")
    seen.push(block(0), *(block(i, samples=large) for i in range(2, 7)))
    assert seen.arrivals.waiting <= 1


def test_silence_is_not_told_because_the_box_own_clock_is_set() -> None:
    seen = Seen(silent_s=10.0, now=100.0)
    for second in range(5):
        seen.arrivals.tick(100.0 + second)
    for second in range(5):
        seen.arrivals.tick(NOW + second)
    assert not seen.told


def test_a_rate_that_would_fill_the_memory_within_a_second_is_refused() -> None:
    told: list[Event] = []
    arrivals = Arrivals(told.append)
    samples = np.zeros((256, 10), "<f8")
    assert arrivals.push(Block(samples=samples, rate_hz=1e8, arrived=1e9, sequence=0)) == []
    assert [(each.kind, each.count) for each in told] == [("refused", 1)]
    assert "a second of which takes 2.05e+11 bytes: expected at most 67108864" in told[0].text
    assert arrivals.push(Block(samples=samples, rate_hz=25_600.0, arrived=1e9, sequence=1))
