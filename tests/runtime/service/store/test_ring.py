from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.service.store.ring import Ring

RATE = 1000.0


def test_a_span_comes_back_in_its_own_numbers_and_at_its_time() -> None:
    rng = np.random.default_rng(0)
    signal = rng.integers(-30_000, 30_000, (2, 20_000)).astype("<i2")
    ring = Ring(3.0, RATE, 2, "<i2")
    at = 0
    while at < signal.shape[1]:
        count = int(rng.integers(1, 700))
        ring.push(signal[:, at : at + count], 1e9 + at / RATE)
        at += count
        end = min(at, signal.shape[1])
        excerpt = ring.take(1e9 + end / RATE - 2.5, 1e9 + end / RATE - 0.5)
        first, last = max(0, end - 2500), max(0, end - 500)
        if last == first:
            assert excerpt is None
            continue
        assert excerpt.samples.dtype == np.dtype("<i2")
        np.testing.assert_array_equal(excerpt.samples, signal[:, first:last])
        assert excerpt.start == pytest.approx(1e9 + first / RATE, abs=1e-6)
        assert excerpt.gaps == []


def test_what_is_older_than_it_holds_or_not_there_yet_is_left_out() -> None:
    ring = Ring(1.0, RATE, 1, "<f4")
    assert ring.take(0, 1e10) is None
    ring.push(np.arange(2500, dtype="<f4")[None], 100.0)
    excerpt = ring.take(0.0, 1e10)
    np.testing.assert_array_equal(excerpt.samples[0], np.arange(1500, 2500))
    assert excerpt.start == 101.5
    assert ring.take(100.0, 101.0) is None
    assert ring.take(102.5, 103.0) is None


def test_gaps_are_known_and_time_goes_on_over_them() -> None:
    ring = Ring(10.0, RATE, 1, "<i4")
    ring.push(np.full((1, 1000), 1, "<i4"), 50.0)
    ring.push(np.full((1, 1000), 2, "<i4"), 51.5, missing=500)
    ring.push(np.full((1, 500), 3, "<i4"), 52.6, missing=100)
    excerpt = ring.take(50.25, 53.0)
    assert excerpt.gaps == [(750, 500), (2250, 100)]
    assert excerpt.samples.shape == (1, 2750)
    for (first, count), before, after in zip(excerpt.gaps, (1, 2), (2, 3), strict=True):
        assert not excerpt.samples[0, first : first + count].any()
        assert excerpt.samples[0, first - 1] == before
        assert excerpt.samples[0, first + count] == after
    # One that begins within a gap.
    excerpt = ring.take(51.25, 52.0)
    assert excerpt.gaps == [(0, 250)]
    assert excerpt.samples.shape == (1, 750)


def test_a_gap_longer_than_the_ring_leaves_nothing_of_before() -> None:
    ring = Ring(1.0, RATE, 1, "<i2")
    ring.push(np.full((1, 900), 7, "<i2"), 0.0)
    ring.push(np.full((1, 400), 8, "<i2"), 1e6, missing=round(1e9 - 900))
    excerpt = ring.take(0, 1e9)
    assert excerpt.gaps == [(0, 600)]
    assert excerpt.start == pytest.approx(1e6 - 0.6)
    np.testing.assert_array_equal(excerpt.samples[0], [0] * 600 + [8] * 400)


def test_time_is_that_of_the_nearest_block_where_the_rate_is_not_quite_true() -> None:
    ring = Ring(100.0, RATE, 1, "<f8")
    true_rate = RATE * 1.001
    for block in range(100):
        first = block * 1000
        samples = (first + np.arange(1000.0))[None] / true_rate  # each sample is its time
        ring.push(samples, first / true_rate)
    for start in (3.25, 50.0, 98.7):
        excerpt = ring.take(start, start + 0.5)
        assert excerpt.start == pytest.approx(start, abs=1.5e-3)
        assert excerpt.samples[0, 0] == pytest.approx(excerpt.start, abs=1e-3)


@pytest.mark.parametrize("samples", [np.zeros((1, 5), "<i2"), np.zeros((2, 5), "<f4")])
def test_other_channels_or_numbers_are_refused(samples) -> None:
    ring = Ring(1.0, RATE, 2, "<i2")
    with pytest.raises(ValueError, match="expected int16, shape"):
        ring.push(samples, 0.0)
