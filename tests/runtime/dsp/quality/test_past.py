"""A stream against its own past: gain, offset and collapses, and what is none of these."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.signal import lfilter

from dlrsd.runtime.dsp.quality import QUALITY, QualityLimits, StreamQuality
from dlrsd.runtime.dsp.quality.features import stream_features
from dlrsd.runtime.dsp.quality.past import HELD_S, RENEWED, Past

RATE, WINDOW, HOP = 12000.0, 1024, 512
LIMITS = QualityLimits(level_low=1e-6, level_high=1e6)


def coloured(samples: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=samples)
    return lfilter([1], [1, -0.9, 0.5], noise)


def flags(x: np.ndarray, *, batch: int = 256, limits: QualityLimits = LIMITS) -> list[str]:
    """Of every window, batch by batch."""
    x = np.atleast_2d(x).astype(np.float32)
    quality = StreamQuality(limits, window=WINDOW, hop=HOP, rate_hz=RATE, channels=len(x))
    n = (x.shape[1] - WINDOW) // HOP + 1
    codes = []
    for begin in range(0, n, batch):
        start = np.arange(begin, min(begin + batch, n)) * HOP
        part = x[:, start[0] : start[-1] + WINDOW]
        codes += quality.judge(part, start, np.zeros(len(start), bool))[:, 0].tolist()
    return [QUALITY[code] for code in codes]


def windows_of(sample: int) -> int:
    """Number of the first window that lies wholly behind a sample."""
    return -(-sample // HOP)


@pytest.mark.parametrize("batch", [1, 7, 256])
@pytest.mark.parametrize("factor", [9.81, 0.5, 0.1])
def test_a_change_of_gain_is_seen_while_it_lasts(factor: float, batch: int) -> None:
    x = coloured(160_000)
    x[60_000:110_000] *= factor
    found = flags(x, batch=batch)
    before, during = windows_of(60_000), range(windows_of(60_000) + 2, windows_of(110_000) - 2)
    assert set(found[: before - 2]) == {"ok"}
    assert Counter(found[n] for n in during)["ok"] == 0
    assert {found[n] for n in during} <= {"gain", "level", "dropout"}
    assert set(found[windows_of(110_000) + 4 :]) == {"ok"}


def test_a_fault_that_begins_is_no_change_of_gain() -> None:
    x = coloured(200_000)
    at = np.arange(80_000, 200_000, 334)
    t = np.arange(240)
    ring = np.exp(-t / 25) * np.sin(2 * np.pi * 3000 * t / RATE)
    for begin in at[:-1]:
        x[begin : begin + 240] += 25 * ring
    assert set(flags(x)) == {"ok"}


def test_another_spectrum_is_no_change_of_gain() -> None:
    x = coloured(160_000)
    x[60_000:] = 3 * np.diff(x[59_999:])
    assert set(flags(x)) == {"ok"}


def test_a_slow_change_of_level_is_none() -> None:
    x = coloured(1_200_000)
    assert set(flags(x * np.geomspace(1, 0.3, len(x)))) == {"ok"}


def test_a_step_of_the_mean_is_an_offset_and_small_ones_are_not() -> None:
    x = coloured(120_000)
    rms = x.std()
    stepped = x.copy()
    stepped[60_000:] += 1.5 * rms
    found = flags(stepped)
    assert set(found[: windows_of(60_000) - 2]) == {"ok"}
    assert set(found[windows_of(60_000) :]) == {"offset"}
    stepped[60_000:] -= 1.4 * rms
    assert set(flags(stepped)) == {"ok"}


def test_a_signal_that_collapses_is_a_dropout() -> None:
    x = coloured(120_000)
    x[60_000:66_000] = 0.3 + 0.01 * np.random.default_rng(1).normal(size=6000) * x.std()
    found = flags(x)
    assert set(found[windows_of(60_000) : windows_of(64_900)]) == {"dropout"}
    assert set(found[windows_of(66_000) :]) == {"ok"}


def test_each_channel_has_its_own_past() -> None:
    x = np.stack([coloured(120_000), 10 * coloured(120_000, 1)])
    x[1, 60_000:] *= 0.5
    quality = StreamQuality(LIMITS, window=WINDOW, hop=HOP, rate_hz=RATE, channels=2)
    start = np.arange(200) * HOP
    part = x[:, : start[-1] + WINDOW].astype(np.float32)
    codes = quality.judge(part, start, np.zeros(200, bool))
    assert (codes[:, 0] == 0).all()
    assert (codes[windows_of(60_000) + 2 :, 1] == QUALITY.index("gain")).all()


def test_a_replayed_buffer_in_the_stream() -> None:
    x = coloured(60_000)
    x[30_000:31_000] = x[29_000:30_000]
    found = flags(x)
    touched = {n for n in range(len(found)) if n * HOP < 31_000 and n * HOP + WINDOW > 30_000}
    assert {n for n, flag in enumerate(found) if flag == "replayed"} == touched
    no_limit = QualityLimits(level_low=1e-6, level_high=1e6, replay_run=0)
    assert set(flags(x, limits=no_limit)) == {"ok"}


def test_flags_do_not_depend_on_how_many_windows_come_at_once() -> None:
    x = coloured(200_000)
    x[60_000:90_000] *= 0.5
    x[120_000:] += 0.7 * x.std()
    x[150_000:150_300] = 0
    together = flags(x)
    assert {"ok", "gain", "offset", "gap"} == set(together)
    for batch in (1, 5, 100):
        assert flags(x, batch=batch) == together


@pytest.mark.parametrize("change", [lambda x: 0.5 * x, lambda x: x + 5])
def test_what_lasts_for_an_hour_is_the_streams_own(change: object) -> None:
    x = coloured(1201 * HOP)
    x[100_000:] = change(x[100_000:])  # type: ignore[operator]
    f = stream_features(x[None].astype(np.float32), window=WINDOW, hop=HOP, rate_hz=RATE)
    n = f.level.shape[1]
    found = Past(WINDOW, HELD_S / 100).changed(f, 0, np.ones(n, bool))
    first = windows_of(100_000) + 2
    assert (found[first : first + 100] != 0).all()
    assert (found[first + 100 + 2 * RENEWED :] == 0).all()
