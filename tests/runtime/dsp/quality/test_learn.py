"""Limits of training windows: by class and channel, and one bad sample opens none of them."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from dlrsd.runtime.base.formats import checked
from dlrsd.runtime.dsp.quality import OK, QUALITY, QualityLimits, learned_limits, window_quality

RATE = 12000.0
LABEL = np.repeat([0, 1], [200, 20])


def windows(seed: int = 0, *, channels: int = 1) -> np.ndarray:
    """A quiet class of many windows and a loud one, of other spectrum, of few."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(220, channels, 1025))
    x[:200] = 0.1 * x[:200]
    x[200:, :, 1:] = np.diff(x[200:], axis=2)
    return x[:, :, 1:].astype(np.float32)


def scalars(limits: QualityLimits) -> dict[str, float]:
    values = structs.asdict(limits.channels[0])
    return {name: value for name, value in values.items() if not isinstance(value, list)}


def test_levels_reach_four_times_beyond_the_classes() -> None:
    limits = learned_limits(windows(), LABEL, rate_hz=RATE)
    (own,) = limits.channels
    assert own.level_low == pytest.approx(0.1 / 4, rel=0.1)
    assert own.level_high == pytest.approx(4 * np.sqrt(2), rel=0.1)
    assert (limits.level_low, limits.level_high) == (own.level_low, own.level_high)
    assert own.offset_low < 0 < own.offset_high < 0.3
    assert len(own.spectrum_low) == len(own.spectrum_high) == 2


def test_other_windows_of_the_same_kinds_are_fit() -> None:
    limits = learned_limits(windows(), LABEL, rate_hz=RATE)
    codes = np.concatenate(
        [window_quality(windows(seed), limits, rate_hz=RATE) for seed in range(1, 6)]
    )
    assert (codes != OK).mean() <= 0.002


@pytest.mark.parametrize("value", [1e6, -1e6, 9.9e37, 0.0])
def test_one_bad_sample_or_dropout_opens_no_limit(value: float) -> None:
    clean = learned_limits(windows(), LABEL, rate_hz=RATE)
    x = windows()
    for n in (7, 210):  # in either class, in the two windows that share it
        x[n : n + 2, 0, 100 : 101 if value else 700] = value
    spoiled = learned_limits(x, LABEL, rate_hz=RATE)
    for name, limit in scalars(clean).items():
        assert scalars(spoiled)[name] == pytest.approx(limit, rel=0.5, abs=0.03), name
    assert spoiled.stuck_run == clean.stuck_run == 16
    assert (window_quality(x, spoiled, rate_hz=RATE)[[7, 8, 210, 211]] != OK).all()


def test_each_channel_has_limits_of_its_own() -> None:
    x = windows(channels=2)
    x[:, 1] = 50 * x[:, 1] + 7
    limits = learned_limits(x, LABEL, rate_hz=RATE)
    assert limits.channels[1].level_low == pytest.approx(50 * limits.channels[0].level_low, rel=0.1)
    assert limits.channels[1].offset_low > limits.channels[0].offset_high
    swapped = window_quality(x[:, ::-1], limits, rate_hz=RATE)
    assert (swapped != OK).all()


@pytest.mark.parametrize(
    ("spoil", "flag"),
    [
        (lambda x, t: x + 3, "offset"),
        (lambda x, t: x + np.linspace(-1, 1, 1024), "drift"),
        (lambda x, t: x + np.sin(2 * np.pi * 50 * t), "hum"),
        (lambda x, t: x + 0.3 * np.sin(2 * np.pi * 60 * t + 1), "hum"),
        (lambda x, t: 0.05 * np.rint(x / 0.05), "coarse"),
        (lambda x, t: 100 * x, "level"),
        (lambda x, t: 0.01 * x, "level"),
        (lambda x, t: np.where(abs(np.arange(1024) - 500) < 60, 0.2 + 1e-4 * x, x), "dropout"),
        (lambda x, t: np.where(np.arange(1024) == 500, 5, x), "spike"),
        (lambda x, t: np.clip(x, -0.05, 0.05) + 5e-4 * x, "clipped"),
        (lambda x, t: np.where(abs(np.arange(1024) - 500) < 9, x[500], x), "stuck"),
        (lambda x, t: np.convolve(x, np.ones(9) / 3, "same"), "spectrum"),
    ],
)
def test_what_no_training_window_was_like_has_its_own_flag(spoil: object, flag: str) -> None:
    limits = learned_limits(windows(), LABEL, rate_hz=RATE)
    t = np.arange(1024) / RATE
    x = np.array([spoil(w[0].astype(float), t) for w in windows(9)[:50]])  # type: ignore[operator]
    codes = window_quality(x[:, None].astype(np.float32), limits, rate_hz=RATE)[:, 0]
    assert (codes == QUALITY.index(flag)).mean() > 0.9, [QUALITY[c] for c in codes]


def test_white_noise_is_no_signal_though_classes_between_them_span_its_spectrum() -> None:
    rng = np.random.default_rng(3)
    low = np.convolve(rng.normal(size=1024 * 200), [1, 0.9], "same")
    high = np.convolve(rng.normal(size=1024 * 200), [1, -0.9], "same")
    mixed = low + high * rng.uniform(0.1, 3, 200).repeat(1024)
    coloured = np.concatenate([low, high, np.convolve(mixed, [1, 0, 0.8], "same")])
    x = coloured.reshape(-1, 1, 1024).astype(np.float32)
    limits = learned_limits(x[::2], np.arange(600)[::2] // 200, rate_hz=RATE)
    white = rng.normal(size=(200, 1, 1024)).astype(np.float32) * x.std()
    assert (window_quality(white, limits, rate_hz=RATE) == QUALITY.index("spectrum")).mean() > 0.95
    assert (window_quality(x[1::2], limits, rate_hz=RATE) == OK).mean() > 0.97


def test_limits_go_through_a_manifest() -> None:
    limits = learned_limits(windows(channels=2), LABEL, rate_hz=RATE)
    assert checked(limits.asdict(), QualityLimits) == limits


def test_limits_of_an_older_manifest_hold_for_every_channel() -> None:
    limits = checked({"zero_run": 16, "level_low": 0.5, "level_high": 2.0}, QualityLimits)
    assert limits.of(0) == limits.of(5)
    assert (limits.of(3).level_low, limits.of(3).level_high) == (0.5, 2.0)
