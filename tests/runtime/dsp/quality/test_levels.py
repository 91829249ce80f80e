"""Levels left out by a stuck bit, against the characteristic function as its definition has it."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.quality import OK, QUALITY, StreamQuality, learned_limits
from dlrsd.runtime.dsp.quality.levels import EVERY, HELD, LevelCheck, by_chance, missing_levels

WINDOW, RATE = 1024, 12000.0


def noise(n: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, WINDOW))


def stuck(x: np.ndarray, *, bit: int, step: float = 1e-3) -> np.ndarray:
    """A bit of a converter with steps of ``step`` that is always set."""
    return (np.rint(x / step).astype(np.int64) | (1 << bit)) * step


@pytest.mark.parametrize("bit", [5, 6, 7, 8])
def test_a_stuck_bit_makes_a_line_where_its_period_is(bit: int) -> None:
    x = stuck(noise(), bit=bit)
    period = 2 ** (bit + 1) * 1e-3
    by_definition = np.abs(np.exp(2j * np.pi * x / period).mean(axis=1))
    found = missing_levels(x)
    assert by_definition == pytest.approx(2 / np.pi, abs=0.06)
    # Those beyond the bins are not counted, and the period lies between two lines.
    assert (found > 0.55 * by_definition).all()
    assert (found < 1.1 * by_definition).all()


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "sine", "impacts"])
def test_smooth_distributions_have_no_line(kind: str) -> None:
    rng = np.random.default_rng(1)
    t = np.arange(WINDOW) / RATE
    x = {
        "gaussian": noise(2000),
        "laplace": rng.laplace(size=(2000, WINDOW)),
        "sine": np.sin(
            2 * np.pi * rng.uniform(20, 3000, (500, 1)) * t + rng.uniform(0, 6, (500, 1))
        ),
        "impacts": noise(2000) * (1 + 30 * np.exp(-(t % 0.01) * 2000)),
    }[kind]
    share = (missing_levels(x) > by_chance(WINDOW)).mean()
    # Of pure tones, those of which each turn has the same few phases do have few levels.
    assert share <= (0.1 if kind == "sine" else 0.001)
    if kind == "sine":
        assert (missing_levels(x + 0.1 * noise(500)) > by_chance(WINDOW)).mean() < 0.02


def test_what_chance_reaches_is_rayleighs() -> None:
    lines = np.abs(np.exp(2j * np.pi * np.random.default_rng(0).random((20_000, WINDOW))).mean(1))
    level = 0.07
    assert (lines > level).mean() == pytest.approx(np.exp(-WINDOW * level**2), rel=0.1)
    assert 120 * np.exp(-WINDOW * by_chance(WINDOW) ** 2) == pytest.approx(1e-6)
    assert by_chance(4) == 1.0


@pytest.mark.parametrize("of", [np.zeros((2, WINDOW)), np.full((1, WINDOW), np.nan)])
def test_nothing_to_see_is_no_line(of: np.ndarray) -> None:
    assert (missing_levels(of) == 0).all()


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_what_is_found_holds_for_some_looks_however_windows_come(batch: int) -> None:
    x = noise(300)
    x[40:120] = stuck(x[40:120], bit=6)
    check, found = LevelCheck(0.2), []
    for at in range(0, 300, batch):
        part = np.arange(at, min(300, at + batch))
        found += check.find(x[part], part).tolist()
    seen = np.flatnonzero(found)
    last = 112  # the last look that sees it
    assert seen.tolist() == list(range(48, last + HELD * EVERY))


def test_a_streams_windows_are_coarse_from_where_a_bit_sticks() -> None:
    x = np.convolve(noise(800).ravel(), [1, 0.9, 0.5], "same")
    train, live = x[: 400 * WINDOW].astype(np.float32), x[400 * WINDOW :].copy()
    windows = train.reshape(-1, 1, WINDOW)
    limits = learned_limits(windows, np.zeros(len(windows), int), rate_hz=RATE)
    onset = 200 * WINDOW
    live[onset:] = stuck(live[onset:], bit=7)
    quality = StreamQuality(limits, window=WINDOW, hop=WINDOW, rate_hz=RATE, channels=1)
    start = np.arange(400) * WINDOW
    codes = quality.judge(live[None].astype(np.float32), start, np.zeros(400, bool))[:, 0]
    assert (codes[:200] == OK).mean() > 0.99
    assert (codes[200 + EVERY :] == QUALITY.index("coarse")).mean() > 0.98


def test_a_recorder_with_such_gaps_in_training_is_as_it_was() -> None:
    x = stuck(noise(400), bit=7).astype(np.float32)[:, None]
    limits = learned_limits(x, np.zeros(len(x), int), rate_hz=RATE)
    assert limits.channels[0].lines > 0.6
