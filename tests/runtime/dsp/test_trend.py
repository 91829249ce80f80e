"""The slope of a figure, its interval, and when it crosses a limit."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import t as student
from scipy.stats import theilslopes

from dlrsd.runtime.dsp import trend as module
from dlrsd.runtime.dsp.trend import crossing, trend

DAY, STEP = 86_400.0, 600.0
TIMES = 1.7e9 + np.arange(0, 14 * DAY, STEP)
DAYS = (TIMES - TIMES[0]) / DAY


def wandering(rng, hours, n=len(TIMES)):
    """Noise of deviation 1 whose correlation falls to 1/e within so many hours."""
    share = math.exp(-STEP / 3600 / hours)
    noise = rng.standard_normal(n)
    noise[0] /= math.sqrt(1 - share**2)
    return lfilter([math.sqrt(1 - share**2)], [1, -share], noise)


def test_slope_and_interval_of_independent_points_are_sens():
    """Against SciPy's, where the points are as many as medians and none is thought dependent."""
    rng = np.random.default_rng(4)
    checked = 0
    for _ in range(20):
        t = np.arange(96) * 100.0
        y = 2 + 1e-4 * t + rng.standard_normal(96)
        found = trend(t, y, confidence=0.95)
        expected = theilslopes(y, t, 0.95)
        assert found.slope == pytest.approx(expected.slope)
        level = found.value + found.slope * (0 - found.time)
        assert level == pytest.approx(expected.intercept)
        # Fewer independent points make it wider, more never.
        assert found.least <= expected.low_slope
        assert found.most >= expected.high_slope
        if found.independent == 96:
            checked += 1
            width = expected.high_slope - expected.low_slope
            assert found.most - found.least == pytest.approx(width, rel=0.06)
    assert checked >= 3


@pytest.mark.parametrize("hours", [0.01, 1, 8, 48])
def test_what_wanders_is_called_rising_as_rarely_as_is_claimed(hours):
    """And an interval for independent points would call it so far more often."""
    rng, n = np.random.default_rng(int(hours * 100)), 250
    rising = naive = 0
    for _ in range(n):
        y = wandering(rng, hours)
        rising += trend(TIMES, y, confidence=0.9).least > 0
        if hours == 48:
            points = y.reshape(84, -1)
            naive += theilslopes(np.median(points, axis=1), np.arange(84), 0.9).low_slope > 0
    # Claimed is 5 %: 12.5 of 250, of which the deviation is 3.4.
    assert rising <= 12.5 + 3 * 3.4
    if hours == 48:
        assert naive > 0.25 * n


@pytest.mark.parametrize("hours", [1, 24, 100])
def test_healthy_noise_close_below_a_limit_crosses_it_for_sure_hardly_ever(hours):
    rng = np.random.default_rng(int(hours))
    found = [crossing(TIMES, 3 + 0.3 * wandering(rng, hours), 3.5) for _ in range(150)]
    assert sum(each is not None for each in found) <= 1


def test_the_number_of_independent_points_is_that_of_the_noise():
    rng = np.random.default_rng(9)
    for hours in (1, 12, 24):
        medians = np.median(wandering(rng, hours, 21 * 20_000).reshape(-1, 21), axis=1)
        share = np.corrcoef(medians[1:], medians[:-1])[0, 1]  # of a course without end
        expected = 96 * (1 - share) / (1 + share)
        found = [trend(TIMES, wandering(rng, hours)).independent for _ in range(60)]
        assert np.median(found) == pytest.approx(expected, rel=0.3)


def test_a_steady_rise_crosses_when_it_will():
    rng = np.random.default_rng(1)
    held = likely = 0
    for _ in range(60):
        y = 3 + 0.1 * DAYS + 0.3 * wandering(rng, 1)
        found = crossing(TIMES, y, 5.1)  # on day 21: 7 from now
        assert found is not None
        assert TIMES[-1] <= found.earliest <= found.likely <= found.latest
        true = TIMES[0] + 21 * DAY
        held += found.earliest <= true <= found.latest
        likely += abs(found.likely - true) < 4 * DAY
    assert held >= 58
    assert likely >= 50


def test_a_fault_that_grows_ever_faster_is_told_by_its_last_days():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(40):
        y = 3 + 0.3 * wandering(rng, 1) + 1.5 * 2 ** ((DAYS - 14) / 2)
        found.append(crossing(TIMES, y, 6.1))
    told = [each for each in found if each is not None]
    assert len(told) >= 38
    shorter = [each for each in told if each.since > TIMES[0] + 6 * DAY]
    assert len(shorter) >= 30
    assert np.median([(each.likely - TIMES[-1]) / DAY for each in told]) < 12


@pytest.mark.parametrize(
    ("course", "most"),
    [
        (lambda days: 0.6 * np.sin(2 * np.pi * (days + 0.3)), 0),  # of a day
        (lambda days: 0.6 * ((days + 2) % 7 < 5), 3),  # of a week, on whose third day we are
        (lambda days: 1.8 * (days > 7), 1),  # a new load
        (lambda days: 1.8 * (days > 12.5), 1),
        (lambda days: -0.1 * days, 0),
        (lambda days: 0 * days, 0),
    ],
)
def test_cycles_large_steps_and_falls_are_hardly_ever_a_rise(course, most):
    rng = np.random.default_rng(3)
    found = [crossing(TIMES, 3 + course(DAYS) + 0.2 * wandering(rng, 1), 4.9) for _ in range(30)]
    assert sum(each is not None for each in found) <= most


def test_outliers_do_not_move_it():
    rng = np.random.default_rng(5)
    y = 3 + 0.1 * DAYS + 0.1 * wandering(rng, 1)
    clean = trend(TIMES, y)
    y[rng.random(len(y)) < 0.1] += 50
    assert trend(TIMES, y).slope == pytest.approx(clean.slope, rel=0.1)


def test_gaps_order_and_what_is_not_finite_do_no_harm():
    rng = np.random.default_rng(6)
    y = 3 + 0.1 * DAYS + 0.1 * wandering(rng, 1)
    whole = crossing(TIMES, y, 6.0)
    nights = (DAYS % 1) < 0.6
    some = crossing(TIMES[nights], y[nights], 6.0)
    assert some.likely == pytest.approx(whole.likely, abs=1.5 * DAY)
    mixed = rng.permutation(len(y))
    assert crossing(TIMES[mixed], y[mixed], 6.0) == whole
    holed = np.where(rng.random(len(y)) < 0.3, np.nan, y)
    assert crossing(TIMES, holed, 6.0).likely == pytest.approx(whole.likely, abs=1.5 * DAY)


def test_a_rise_that_is_above_the_limit_crosses_now():
    y = 3 + 0.1 * DAYS + 0.05 * wandering(np.random.default_rng(7), 1)
    found = crossing(TIMES, y, 3.5)
    assert found.earliest == found.likely == found.latest == TIMES[-1]


@pytest.mark.parametrize("n", [0, 1, 2, 11])
def test_too_few_points_have_no_trend(n):
    t = np.arange(n) * DAY
    assert trend(t, t) is None
    assert crossing(t, t, 1e9) is None


def test_less_than_two_days_and_one_moment_have_none():
    t = np.linspace(0, 1.9 * DAY, 500)
    assert crossing(t, t, 1e9) is None
    assert crossing(np.linspace(0, 2.1 * DAY, 500), np.arange(500.0), 1e3) is not None
    assert trend(np.zeros(100), np.arange(100.0)) is None


def test_a_figure_that_never_changes_has_a_slope_of_nothing():
    found = trend(TIMES, np.full(len(TIMES), 2.0))
    assert (found.slope, found.value) == (0.0, 2.0)
    assert crossing(TIMES, np.full(len(TIMES), 2.0), 2.5) is None


def test_students_quantile_is_near_enough():
    for freedom in (6.0, 10.0, 30.0, 90.0):
        for p in (0.95, 0.995, 0.999):
            expected = float(student.ppf(p, freedom))
            assert module._quantile(p, freedom) == pytest.approx(expected, rel=0.06)
