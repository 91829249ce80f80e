"""Conformal sets: limits by left-out groups, and what is given at what risk."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate.conformal import class_limits, risk_coverage, sets_of, share_at

RNG = np.random.default_rng(0)


def test_the_limit_is_the_probability_that_the_stated_share_reaches():
    """Of 19 groups alike: 0.9 of twenty is 0.9 * 20 / 19 of nineteen."""
    probability = RNG.permutation(np.arange(1, 1001) / 1000)
    (limit,) = class_limits([[probability] * 19], 0.9)
    assert limit == 0.053
    assert (probability < limit).mean() <= 1 - 0.9 * 20 / 19


def test_with_few_groups_the_limit_is_the_least_that_was_seen():
    assert class_limits([[np.array([0.4, 0.6]), np.array([0.3, 0.9])]], 0.9) == 0.3


def test_new_windows_of_exchangeable_groups_are_covered_as_stated():
    """Each class has 200 groups at levels of their own, of 20 to 60 windows."""

    def groups():
        return [
            1 / (1 + np.exp(-RNG.normal(RNG.normal(1, 1), 0.5, RNG.integers(20, 60))))
            for _ in range(200)
        ]

    for coverage in (0.8, 0.95):
        limits = class_limits([groups(), groups()], coverage)
        for limit in limits:
            held = [(own >= limit).mean() for own in groups()]
            assert abs(np.mean(held) - coverage) < 0.05


def test_every_group_weighs_the_same_however_many_windows_it_has():
    few, many = np.full(10, 0.2), np.full(10_000, 0.9)
    assert class_limits([[few, many]], 0.34) == 0.2  # 0.34 * 3 / 2 is more than the half of many
    assert class_limits([[few, many]], 0.32) == 0.9
    assert class_limits([[np.array([]), many]], 0.9) == 0.9


def test_a_set_holds_the_classes_that_reach_their_limit():
    probabilities = np.array([[0.7, 0.3, 0.0], [0.2, 0.35, 0.45]])
    held = sets_of(probabilities, np.array([0.6, 0.3, 0.5]))
    assert held.tolist() == [[True, True, False], [False, True, False]]


@pytest.mark.parametrize("coverage", [0, 1, -0.5, np.nan])
def test_a_coverage_that_cannot_be_is_refused(coverage):
    with pytest.raises(InputError, match="coverage"):
        class_limits([[np.array([0.5])]], coverage)


def test_a_class_without_left_out_windows_is_refused():
    with pytest.raises(InputError, match="class 1 has no left-out window"):
        class_limits([[np.array([0.5])], [np.array([])]], 0.9)


def test_risk_and_coverage_against_a_count_at_every_threshold():
    confidence = RNG.integers(0, 8, 200) / 8  # many are equally sure
    right = RNG.random(200) < confidence
    coverage, risk = risk_coverage(confidence, right)
    levels = np.unique(confidence)[::-1]
    np.testing.assert_allclose(coverage, [(confidence >= c).mean() for c in levels])
    np.testing.assert_allclose(risk, [(~right[confidence >= c]).mean() for c in levels])
    assert coverage[-1] == 1


def test_the_largest_share_at_an_accepted_risk():
    coverage, risk = np.array([0.25, 0.5, 0.75, 1.0]), np.array([0.04, 0.0, 0.01, 0.3])
    assert share_at(coverage, risk, 0.01) == 0.75
    assert share_at(coverage, risk + 0.1, 0.01) == 0
