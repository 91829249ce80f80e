"""The simulated machines are what they say, and the benchmark counts what was said of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.accuracy import evidence_signals
from benchmarks.accuracy.evidence_rule import Said, _bound, _figures, _row, measure_simulated


def test_windows_of_a_machine_are_drawn_anew_and_again_the_same():
    a, b = evidence_signals.windows(3, "healthy", 2)
    (again,) = evidence_signals.windows(3, "healthy", 1, start=1)
    np.testing.assert_array_equal(b, again)
    assert not np.array_equal(a, b)
    assert len(a) == 24000


def test_a_faulty_window_is_the_healthy_one_and_strikes_as_loud_as_stated():
    m = evidence_signals.machine(5)
    (healthy,) = evidence_signals.windows(5, "healthy", 1)
    (faulty,) = evidence_signals.windows(5, "outer", 1)
    level = 20 * np.log10((faulty - healthy).std() / healthy.std())
    assert level == pytest.approx(m.level_db, abs=0.01)


def test_counts_and_shares():
    said = [
        *[Said("outer", "outer", "outer")] * 6,
        Said("outer", "inner", "healthy", "a", "Y"),
        *[Said("ball", "undecided", "undecided")] * 3,
        *[Said("healthy", "healthy", "ball")] * 9,
        Said("healthy", "cage", "healthy"),
    ]
    figures = _figures(Counter((one.truth, one.verdict) for one in said))
    assert figures == (10, 7, 6, 10, 1)
    row, measured = _row(said)
    assert row[:3] == ["0.857 (6 of 7)", "0.700 (7 of 10)", "1 of 10"]
    assert row[4] == "1.000, 0.600, 9 of 10"
    assert measured["with baseline"]["right"] == 6
    assert measured["wrong"] == {"a: outer called inner": 1}


def test_the_bound_is_that_of_clopper_and_pearson():
    assert _bound(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100))  # the rule of three
    assert _bound(5, 5) == 1.0


def test_healthy_simulated_machines_with_a_baseline_are_left_in_peace():
    said = [one for seed in range(700, 704) for one in measure_simulated(seed)]
    figures = _figures(Counter((one.truth, one.verdict) for one in said))
    assert figures.healthy == 80
    assert figures.alarms <= 1
    assert figures.given >= 4
    assert figures.right >= 0.9 * figures.given
