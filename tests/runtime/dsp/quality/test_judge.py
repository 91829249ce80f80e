import itertools

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, checked
from dlrsd.runtime.dsp.quality import QUALITY, QualityLimits, window_quality, window_rms

LIMITS = QualityLimits()
RNG = np.random.default_rng(3)


def names(windows, limits=LIMITS, **kwargs):
    return [[QUALITY[code] for code in row] for row in window_quality(windows, limits, **kwargs)]


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def one(window, limits=LIMITS, **kwargs):
    return names(np.asarray(window, np.float32)[None, None], limits, **kwargs)[0][0]


def test_each_channel_of_each_window_is_judged_on_its_own():
    windows = noise(3, 2, 256)
    windows[0, 1, 7] = np.nan
    windows[1, 0] = 0.25
    windows[2, 1, 10:40] = 0
    assert names(windows) == [["ok", "non_finite"], ["flat", "ok"], ["ok", "gap"]]


def test_the_more_serious_flag_wins():
    window = noise(1024)
    window *= 1e3  # level
    assert one(window) == "level"
    window = np.clip(window, -1000, 1000)
    assert one(window) == "clipped"
    window[100:116] = 0
    assert one(window) == "gap"
    window[5] = -np.inf
    assert one(window) == "non_finite"
    assert one(np.full(1024, 1e6)) == "flat"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_non_finite_sample(value):
    window = noise(1024)
    window[-1] = value
    assert one(window) == "non_finite"


@pytest.mark.parametrize("length", [1, 2, 3, 5, 16, 17, 31, 64])
def test_a_gap_is_a_run_of_exact_zeros_wherever_it_lies(length):
    limits = QualityLimits(zero_run=length)
    for run, begin in itertools.product((length - 1, length, min(64, length + 1)), (0, 13, None)):
        window = noise(64) + 3
        begin = 64 - run if begin is None else min(begin, 64 - run)
        window[begin : begin + run] = 0
        assert (one(window, limits) == "gap") == (run >= length), (run, begin)


def test_zeros_that_are_not_in_a_row_are_no_gap():
    window = noise(1024)
    window[np.arange(1024) % 16 != 0] = 0  # 15 zeros, a sample, 15 zeros ...
    assert one(window) == "ok"


def test_windows_known_to_miss_samples_are_gaps():
    windows = noise(3, 2, 64)
    assert names(windows, gap=np.array([False, True, False])) == [
        ["ok", "ok"], ["gap", "gap"], ["ok", "ok"],
    ]  # fmt: skip


def test_only_zeros_are_a_gap_and_another_constant_is_flat():
    assert one(np.zeros(1024)) == "gap"
    assert one(np.full(1024, -0.3)) == "flat"
    assert one(np.full(1024, 0.3) + 1e-8 * noise(1024)) == "flat"
    assert one(np.full(1024, 0.3) + 1e-4 * noise(1024)) == "level"  # it is about the mean


def test_clipping_on_either_side_is_found():
    window = noise(1024)
    limit = np.sort(window)[-9]  # nine samples end up on it
    assert one(np.minimum(window, limit)) == "clipped"
    assert one(np.maximum(-window, -limit)) == "clipped"
    assert one(np.minimum(window, np.sort(window)[-7])) == "ok"
    assert one(np.sign(window)) == "clipped"


@pytest.mark.parametrize("levels", [0.8, 1, 2, 5, 20, 100])
def test_quiet_noise_of_few_integer_levels_is_not_clipped(levels):
    windows = np.rint(levels * RNG.normal(size=(500, 1, 1024))).astype(np.float32)
    codes = window_quality(windows, QualityLimits(level_low=0, level_high=1e9))
    assert (codes != QUALITY.index("clipped")).all()


def test_the_rounded_crests_of_a_tone_are_not_clipped():
    time = np.arange(1024) / 12000
    for amplitude in (10, 30, 100, 1000):
        tone = amplitude * np.sin(2 * np.pi * 50.3 * time) + RNG.normal(size=1024)
        assert one(np.rint(tone), QualityLimits(level_high=1e9)) == "ok"
        cut = np.clip(np.rint(tone), -0.7 * amplitude, 0.7 * amplitude)
        assert one(cut, QualityLimits(level_high=1e9)) == "clipped"


def test_level_is_the_root_mean_square_about_the_mean():
    window = noise(4, 1, 512) + 3
    expected = window.astype(np.float64).std(-1)
    np.testing.assert_allclose(window_rms(window), expected, rtol=1e-5)
    rms = float(expected[0, 0])
    assert one(window[0, 0], QualityLimits(level_low=rms * 0.999)) == "ok"
    assert one(window[0, 0], QualityLimits(level_low=rms * 1.001)) == "level"
    assert one(window[0, 0], QualityLimits(level_high=rms * 0.999)) == "level"
    assert one(np.full(64, 3e38) * np.resize([1, -0.5, 0.2], 64)) == "level"


def test_overlapping_views_give_what_copies_give():
    signal = noise(5000)
    signal[1000:1020] = 0
    signal[2500:] = np.clip(signal[2500:], -1, 1)
    signal[4000] = np.inf
    views = np.lib.stride_tricks.sliding_window_view(signal, 512)[::100][:, None]
    np.testing.assert_array_equal(
        window_quality(views, LIMITS), window_quality(views.copy(), LIMITS)
    )
    alone = [window_quality(view[None], LIMITS)[0] for view in views]
    np.testing.assert_array_equal(window_quality(views, LIMITS), alone)


def test_no_windows():
    assert window_quality(np.empty((0, 2, 64), np.float32), LIMITS).shape == (0, 2)


def test_limits_go_through_a_manifest():
    limits = QualityLimits(zero_run=4, clip_run=3, level_low=0.5, level_high=2.0)
    assert checked(limits.asdict(), QualityLimits) == limits
    assert QualityLimits().asdict() == {
        "zero_run": 16, "clip_run": 8, "level_low": 0.01, "level_high": 20.0,
        "stuck_run": 16, "replay_run": 64, "channels": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"zero_runs": 3}, "zero_runs"),
        ({"zero_run": 0}, "zero_run"),
        ({"zero_run": 2.5}, "zero_run"),
        ({"clip_run": 1}, "clip_run"),
        ({"level_low": 3.0, "level_high": 2.0}, "level_low"),
        ({"level_high": float("nan")}, "level_high"),
        ({"level_low": "a"}, "level_low"),
    ],
)
def test_impossible_limits_are_refused(values, named):
    with pytest.raises(FormatError, match=named):
        checked(values, QualityLimits)


@pytest.mark.parametrize(
    "values", [{"zero_run": 0}, {"clip_run": 1}, {"level_low": 3.0, "level_high": 2.0}]
)
def test_impossible_limits_cannot_be_made(values):
    with pytest.raises(InputError, match="expected zero_run >= 1, clip_run >= 2 and 0 <= level"):
        QualityLimits(**values)
