"""Intervals and paired differences: against textbook values, scipy, and hand-made tables."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import bootstrap, t, ttest_1samp, ttest_rel

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate.statistics import (
    FIGURES,
    holm,
    interval,
    paired,
    paired_p,
    summary,
    verdict,
)

# Cushny and Peebles' hours of sleep, the example of Student's paper (Biometrika 6, 1908, table I);
# R's manual prints for it: t = -4.0621, p-value = 0.002833, interval -2.4598858 to -0.7001142.
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def _row(method, seed, value, **changes):
    figures = dict.fromkeys(FIGURES, value)
    return {
        "kind": "window",
        "data": "rig",
        "task": None,
        "protocol": "block",
        "balance": 400.0,
        "classifier": "edge",
        "method": method,
        "seed": seed,
        "seconds": 10.0 + seed,
        "settings": {"seed": seed, "root": "/somewhere", "window": 1024, "epochs": 20},
        **figures,
        **changes,
    }


def _by_method(rows):
    return {line["method"]: line for line in summary(rows)}


def test_students_own_example():
    mean, half = paired(SLEEP_1, SLEEP_2)
    assert (mean - half, mean + half) == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)
    assert paired_p(SLEEP_1, SLEEP_2) == pytest.approx(0.002833, abs=5e-7)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_intervals_are_those_of_scipy(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.9, 0.02, (2, n))
    mean, half = interval(a)
    expected = ttest_1samp(a, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx(tuple(expected), rel=1e-12)
    assert half == pytest.approx(t.ppf(0.975, n - 1) * np.std(a, ddof=1) / np.sqrt(n), rel=1e-12)
    mean, half = paired(a, b)
    reference = ttest_rel(a, b)
    expected = reference.confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx(tuple(expected), rel=1e-12)
    assert paired_p(a, b) == pytest.approx(reference.pvalue, rel=1e-12)


def test_an_interval_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(0.95, 0.02, (4000, 5))
    covered = [abs(mean - 0.95) <= half for mean, half in map(interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors
    # Many values: the bootstrap, which assumes no normal distribution, agrees.
    many = np.random.default_rng(1).beta(20, 2, 400)
    low, high = bootstrap((many,), np.mean, rng=2, method="percentile").confidence_interval
    assert interval(many)[1] == pytest.approx((high - low) / 2, rel=0.05)


def test_one_seed_has_no_interval_and_shows_no_difference():
    assert interval([0.9]) == (0.9, None)
    assert paired([0.9], [0.5]) == (pytest.approx(0.4), None)
    assert paired_p([0.9], [0.5]) is None
    assert verdict(0.4, None, "smote") == "no difference shown"


def test_differences_that_are_all_equal():
    assert paired_p([0.9, 0.8], [0.9, 0.8]) == 1
    assert paired_p([1.0, 1.0], [0.5, 0.5]) == 0
    assert verdict(0.0, 0.0, "smote") == "no difference shown"


def test_differences_that_are_equal_but_for_rounding_warn_nobody():
    pair = [0.99, 0.98, 0.97], [0.98, 0.97, 0.96]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paired_p(*pair) == pytest.approx(0, abs=1e-12)
        assert paired(*pair) == pytest.approx((0.01, 0), abs=1e-12)


@pytest.mark.parametrize("values", [[], [[0.1, 0.2]], [0.1, float("nan")]])
def test_what_is_no_list_of_figures_is_refused(values):
    with pytest.raises(InputError, match="one finite number of each seed"):
        interval(values)


def test_pairs_of_unequal_number_are_refused():
    with pytest.raises(InputError, match="expected pairs"):
        paired([0.1, 0.2], [0.1])


def test_verdict_needs_an_interval_that_excludes_zero():
    assert verdict(0.02, 0.019, "smote") == "dlrsd-smote better"
    assert verdict(-0.02, 0.019, "smote") == "smote better"
    assert verdict(0.02, 0.02, "smote") == "no difference shown"


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; none may fall.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.02, None, 0.03]) == [pytest.approx(0.04), None, pytest.approx(0.04)]
    assert holm([]) == []


def test_only_common_seeds_are_paired():
    reference = {0: 0.95, 1: 0.97, 2: 0.96, 3: 0.10}
    other = {1: 0.90, 2: 0.92, 7: 0.99}
    rows = [_row("dlrsd-smote", seed, value) for seed, value in reference.items()]
    rows += [_row("smote", seed, value) for seed, value in other.items()]
    lines = _by_method(rows)
    assert lines["dlrsd-smote"]["seeds"] == [0, 1, 2, 3]
    assert lines["smote"]["seeds"] == [1, 2, 7]
    assert lines["smote"]["seconds"] == pytest.approx(10 + 10 / 3)
    assert lines["smote"]["accuracy"]["mean"] == pytest.approx((0.90 + 0.92 + 0.99) / 3)
    assert lines["smote"]["accuracy"]["n"] == 3
    difference = lines["smote"]["difference"]["accuracy"]
    expected = ttest_rel([0.97, 0.96], [0.90, 0.92])
    assert difference["n"] == 2
    assert difference["mean"] == pytest.approx(0.055)
    low = expected.confidence_interval(0.95).low
    assert difference["half_width"] == pytest.approx(0.055 - low)
    assert difference["p"] == pytest.approx(expected.pvalue)
    assert difference["verdict"] == "no difference shown"


def test_rows_may_come_in_any_order_and_as_arrow():
    rng = np.random.default_rng(0)
    rows = [_row(m, s, rng.random()) for m in ("dlrsd-smote", "ros", "none") for s in range(4)]
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    expected = _by_method(rows)
    assert _by_method(shuffled) == expected
    assert _by_method(pa.Table.from_pylist(rows)) == expected


def test_holm_counts_the_methods_of_a_ratio_and_the_ablations_apart():
    rng = np.random.default_rng(3)
    methods = ["dlrsd-smote", "none", "ros", "dlrsd-smote/no-filter", "dlrsd-smote/no-afc"]
    rows = [
        _row(method, seed, rng.random(), balance=balance)
        for balance in (5.0, 400.0)
        for method in methods
        for seed in range(4)
    ]
    lines = summary(rows)
    assert len(lines) == 10
    for balance in (5.0, 400.0):
        told = {x["method"]: x["difference"]["accuracy"] for x in lines if x["balance"] == balance}
        assert told["dlrsd-smote"] is None
        for family in (methods[1:3], methods[3:]):
            p = [told[method]["p"] for method in family]
            assert [told[method]["p_holm"] for method in family] == holm(p)


def test_other_settings_are_another_group_and_are_not_paired():
    rows = [_row("dlrsd-smote", seed, 0.9) for seed in range(3)]
    other = (
        {"settings": {"window": 2048, "epochs": 20}},
        {"settings": {"window": 1024, "epochs": 2}},
    )
    rows += [_row("ros", seed, 0.5, **changes) for seed in range(3) for changes in other]
    full, long, short = summary(rows)
    assert json.loads(full["variant"]) == {"epochs": 20, "window": 1024}
    assert json.loads(long["variant"]) == {"epochs": 20, "window": 2048}
    assert json.loads(short["variant"]) == {"epochs": 2, "window": 1024}
    assert long["difference"]["accuracy"] is short["difference"]["accuracy"] is None


def test_a_missing_figure_leaves_its_seed_out_of_that_figure():
    rows = [_row("dlrsd-smote", seed, 0.9) for seed in range(3)]
    rows += [_row("ros", seed, 0.8 - 0.01 * seed) for seed in range(3)]
    rows[4]["macro_auroc"] = None
    rows += [_row("none", seed, 0.7, macro_auroc=None) for seed in range(3)]
    lines = _by_method(rows)
    assert lines["ros"]["macro_auroc"]["n"] == 2
    assert lines["ros"]["difference"]["macro_auroc"]["n"] == 2
    assert lines["ros"]["accuracy"]["n"] == 3
    assert lines["none"]["macro_auroc"] is None
    assert lines["none"]["difference"]["macro_auroc"] is None


def test_a_cell_that_two_tables_share_counts_once_and_must_agree():
    rows = [_row("ros", seed, 0.8) for seed in (0, 0, 1)]
    assert _by_method(rows)["ros"]["seeds"] == [0, 1]
    rows[1]["accuracy"] = 0.7
    with pytest.raises(InputError, match="two results of ros at seed 0"):
        summary(rows)


def test_without_the_reference_there_are_means_but_no_differences():
    line = summary([_row("ros", seed, 0.8) for seed in range(2)])[0]
    assert line["accuracy"] == {"mean": 0.8, "half_width": 0.0, "n": 2}
    assert set(line["difference"].values()) == {None}


def test_an_empty_table_is_refused():
    with pytest.raises(InputError, match="no rows"):
        summary([])
