"""Seconds on their grid, against an oracle that knows where each sample lies."""

import numpy as np
import pytest

from dlrsd.runtime.service.watching.pieces import SecondCutter


def cut(rate, stretches):
    """Pieces of stretches (start, count) whose samples are their own numbers."""
    cutter, pieces = SecondCutter(rate), []
    for start, count in stretches:
        samples = np.arange(start, start + count)[np.newaxis]
        pieces += cutter.push(samples, start, 1000.0 + start / rate)
    return pieces + list(cutter.end())


@pytest.mark.parametrize("rate", [10.0, 7.5, 33.3])
@pytest.mark.parametrize("seed", range(5))
def test_every_sample_is_in_one_piece_and_none_crosses_a_gap_or_a_second(rate, seed):
    rng = np.random.default_rng(seed)
    stretches, at = [], 0
    for _ in range(60):
        at += int(rng.integers(0, 40)) * int(rng.random() < 0.2)
        count = int(rng.integers(1, 30))
        stretches.append((at, count))
        at += count
    pieces = cut(rate, stretches)
    there = np.concatenate([np.arange(a, a + n) for a, n in stretches])
    np.testing.assert_array_equal(np.concatenate([p.samples[0] for p in pieces]), there)
    expected = 0
    for piece in pieces:
        numbers = piece.samples[0]
        assert numbers[0] == piece.start == expected + piece.gap_before
        assert (np.diff(numbers) == 1).all()
        assert np.ptp(np.floor(numbers / rate)) == 0
        assert piece.time == pytest.approx(1000.0 + piece.start / rate)
        expected = numbers[-1] + 1


def test_a_whole_second_tells_and_of_a_broken_one_the_first_piece_alone():
    pieces = cut(10.0, [(0, 14), (16, 2), (19, 11)])
    assert [(p.start, p.samples.shape[1], p.whole, p.tells) for p in pieces] == [
        (0, 10, True, True),
        (10, 4, False, True),
        (16, 2, False, False),
        (19, 1, False, False),
        (20, 10, True, True),
    ]


def test_a_stream_that_begins_within_a_second_is_not_whole_there():
    pieces = cut(10.0, [(3, 17)])
    assert [(p.start, p.whole) for p in pieces] == [(3, False), (10, True)]
