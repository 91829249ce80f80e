"""What probability keeps a risk: the bound against binomial tails, the choice on known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from dlrsd.training.evaluate.selective import CONFIDENCE, SHARES, least_probability, risk_bound


@pytest.mark.parametrize(("wrong", "n"), [(0, 20), (0, 720), (3, 200), (40, 100)])
def test_the_bound_is_where_so_few_wrong_ones_become_improbable(wrong, n):
    right = np.arange(n) >= wrong
    bound = risk_bound(right, np.ones(n), np.arange(n), doubt=0.05)
    assert binom.cdf(wrong, n, bound) == pytest.approx(0.05)


def test_views_of_a_window_are_one_and_uneven_weights_are_worth_less():
    right = np.ones(60, bool)
    of_20 = risk_bound(right, np.ones(60), np.arange(60) // 3, doubt=0.1)
    assert of_20 == pytest.approx(1 - 0.1 ** (1 / 20))
    weight = np.repeat([1.0, 0.1], 30)
    worth = weight.sum() ** 2 / (weight**2).sum()
    assert 30 < worth < 60
    bound = risk_bound(right, weight, np.arange(60), doubt=0.1)
    assert bound == pytest.approx(1 - 0.1 ** (1 / worth))


@pytest.mark.parametrize("right", [np.zeros(5, bool), np.zeros(0, bool)])
def test_all_wrong_and_nothing_given_bound_nothing(right):
    assert risk_bound(right, np.ones(len(right)), np.arange(len(right)), doubt=0.1) == 1


def chosen(probability, right, risk, **weighed):
    n = len(probability)
    weighed = {"weight": np.ones(n), "window": np.arange(n), "groups": [np.arange(n)]} | weighed
    return least_probability(probability, right, risk=risk, **weighed)


def test_all_are_given_where_all_are_right_and_none_where_too_few_to_show_it():
    doubt = (1 - CONFIDENCE) / len(SHARES)
    n = 500
    kept = 1 - doubt ** (1 / n)  # the bound of none wrong among all
    probability = np.linspace(0.5, 1, n)
    assert chosen(probability, np.ones(n, bool), 1.01 * kept) == 0.5
    assert chosen(probability, np.ones(n, bool), 0.99 * kept) is None


def test_what_is_given_is_the_largest_share_that_is_shown_to_be_kept():
    """The least probable fifth is wrong: 0.8 of the windows are given, and no wrong one."""
    n = 2000
    probability = (np.arange(n) + 1) / n
    right = np.arange(n) >= n // 5
    limit = chosen(probability, right, 0.01)
    assert limit == probability[n // 5]
    # More windows of one group than of another: the weights say what a share is.
    weight = np.where(right, 1.0, 0.01)
    limit = chosen(probability, right, 0.01, weight=weight)
    assert (weight * (probability >= limit)).sum() / weight.sum() == pytest.approx(1, abs=0.01)


def test_windows_as_sure_as_the_last_one_given_are_given_too():
    probability = np.repeat([0.9, 0.6], [10, 990])
    right = np.ones(1000, bool)
    assert chosen(probability, right, 0.01) == 0.6
    right[probability == 0.6] = np.arange(990) % 2 == 0
    assert chosen(probability, right, 0.01) is None  # ten are too few to show it


def test_no_group_that_was_left_out_exceeds_the_risk():
    """Twenty of a thousand are wrong, all in one of ten groups: a fifth of that one."""
    probability = np.linspace(0.5, 1, 1000)
    right = np.ones(1000, bool)
    groups = np.split(np.arange(1000), 10)
    right[groups[3][::5]] = False
    assert chosen(probability, right, 0.1) == 0.5
    limit = chosen(probability, right, 0.1, groups=groups)
    assert limit == probability[500]  # of the shares that are tried the first without that group
    assert chosen(probability, right, 0.2, groups=groups) == 0.5


def test_a_risk_is_exceeded_no_oftener_than_stated():
    """600 left-out windows are drawn 300 times where a window is right with its probability; the
    true risk above the limit that is chosen is 1 minus their mean."""
    rng = np.random.default_rng(0)
    exceeded = stated = 0
    for _ in range(300):
        probability = rng.beta(6, 1, 600)
        right = rng.random(600) < probability
        limit = chosen(probability, right, 0.1)
        if limit is None:
            continue
        stated += 1
        truth = rng.beta(6, 1, 20_000)
        exceeded += 1 - truth[truth >= limit].mean() > 0.1
    assert stated > 250
    assert exceeded <= (1 - CONFIDENCE) * stated
