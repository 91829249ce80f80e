"""Repeated stretches are found bit by bit, whatever their place, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.quality.replay import PAST, ReplayFinder


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=samples).astype(np.float32)


def found(x: np.ndarray, *, batch: int = 10**9, run: int = 64) -> np.ndarray:
    """Which samples are said to be replayed."""
    finder = ReplayFinder(run)
    mask = np.zeros(len(x), bool)
    for begin in range(0, len(x), batch):
        for a, b in finder.find(x[begin : begin + batch], begin):
            mask[a:b] = True
    return mask


@pytest.mark.parametrize("batch", [333, 4096, 10**9])
@pytest.mark.parametrize(("length", "lag"), [(256, 256), (1000, 1000), (700, 20011)])
def test_a_replayed_buffer_is_found_to_the_sample(batch: int, length: int, lag: int) -> None:
    x = noise(60000)
    x[40123 : 40123 + length] = x[40123 - lag : 40123 - lag + length]
    expected = np.zeros(len(x), bool)
    expected[40123 : 40123 + length] = True
    mask = found(x, batch=batch)
    assert not (mask & ~expected).any()
    assert mask.sum() > 0.6 * length
    if batch > length + 40123:
        np.testing.assert_array_equal(mask, expected)


def test_a_buffer_handed_out_again_and_again() -> None:
    x = noise(20000)
    for k in range(1, 6):
        x[10000 + 500 * k : 10500 + 500 * k] = x[10000:10500]
    mask = found(x)
    assert mask[10500:13000].all()
    assert not mask[:10500].any()
    assert not mask[13000:].any()


def test_what_was_there_long_ago_is_forgotten() -> None:
    x = noise(2 * PAST)
    x[-1000:] = x[:1000]
    assert not found(x, batch=4096).any()


@pytest.mark.parametrize("levels", [0.5, 2, 30, 1000])
def test_coarse_noise_is_not_taken_for_a_replay(levels: float) -> None:
    assert not found(np.rint(levels * noise(200_000)).astype(np.float32)).any()


def test_constants_and_zeros_are_not_taken_for_a_replay() -> None:
    x = noise(20000)
    x[5000:7000], x[12000:15000] = 0.25, 0
    assert not found(x).any()


def test_a_coarse_tone_with_noise_is_not_taken_for_a_replay() -> None:
    tone = 300 * np.sin(2 * np.pi * np.arange(100_000) / 240)
    assert not found(np.rint(tone + 2 * noise(100_000)).astype(np.float32)).any()


def test_after_a_gap_it_begins_anew() -> None:
    finder = ReplayFinder(64)
    x = noise(4000)
    assert finder.find(x, 0) == []
    assert finder.find(x, 10_000) == []
    assert finder.find(x[-2000:], 14_000) == [(14_000, 16_000)]


@pytest.mark.parametrize(
    "signal",
    [
        lambda n: 0.1 * np.sin(2 * np.pi * 100 * n / 12000),
        lambda n: np.rint(20_000 * np.sin(2 * np.pi * 159.2 * n / 12000)) / 20_000,
        lambda n: np.sin(2 * np.pi * 50 * n / 12000) + 1e-5 * n,
        lambda n: np.floor(n / 100),
        lambda n: -n / 1e4,
        lambda n: (n % 64) / 64 + np.floor(n / 6400),
    ],
)
def test_signals_that_repeat_their_differences_are_judged(signal) -> None:
    finder = ReplayFinder(64)
    x = signal(np.arange(24_000.0)).astype(np.float32)
    for begin in range(0, len(x), 1500):
        for a, b in finder.find(x[begin : begin + 1500], begin):
            assert 0 <= a < b <= len(x)
