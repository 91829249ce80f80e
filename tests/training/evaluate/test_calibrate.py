"""Calibration: the temperature against a known truth, and windows left out of the probe."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.training.balance.pools import RealPool
from dlrsd.training.evaluate.calibrate import _asides, _leave_out, _n_apart, fit_temperature


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((20000, 4)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (p.cumsum(1) > rng.random((20000, 1))).argmax(1)
    n = len(labels)
    assert 0.9 < fit_temperature(logits.astype(np.float32), labels, n_windows=n) < 1.1
    assert 2.7 < fit_temperature((3 * logits).astype(np.float32), labels, n_windows=n) < 3.3


@pytest.mark.parametrize("n_windows", [8, 98])
def test_a_few_windows_all_recognised_do_not_make_certainty(n_windows):
    """Every label right, by a wide margin: the confidence is what n windows support."""
    labels = np.arange(40) % 4
    logits = (5.0 * np.eye(4, dtype=np.float32))[labels]
    scaled = np.exp(logits / fit_temperature(logits, labels, n_windows=n_windows))
    confidence = (scaled / scaled.sum(1, keepdims=True))[np.arange(40), labels]
    np.testing.assert_allclose(confidence, (n_windows + 1) / (n_windows + 2), atol=0.01)


def test_left_out_windows_leave_with_all_their_views():
    heatmaps = np.arange(50, dtype=np.float32).reshape(50, 1, 1, 1)
    pool = RealPool(heatmaps, np.arange(50) % 10, 10)
    ((chosen,),) = _asides([pool], None, np.random.default_rng(0))
    assert _n_apart([chosen], None) == len(chosen) == 2
    kept, checked, aside = _leave_out(pool, chosen, np.random.default_rng(0))
    assert (len(kept), len(checked), len(aside)) == (36, 4, 10)
    windows = {int(h) % 10 for h in aside.ravel()}
    assert len(windows) == 2
    assert windows.isdisjoint(int(h) % 10 for h in [*kept.ravel(), *checked.ravel()])


def test_of_other_bearings_each_probe_leaves_out_another_one_of_every_class():
    heatmaps = np.zeros((20, 1, 1, 1), np.float32)
    pools = [RealPool(heatmaps, np.arange(20) % 10, 10)] * 3
    of = [np.arange(10) % 4, np.arange(10) % 2, np.zeros(10, np.int64)]
    asides = _asides(pools, of, np.random.default_rng(0))
    assert len(asides) == 3
    for four, two, one in asides:
        for group, aside in ((of[0], four), (of[1], two)):
            (kind,) = set(group[aside])
            assert set(aside) == set(np.flatnonzero(group == kind))
        assert len(one) == 2  # windows, where there is no other bearing
    counts = [
        _n_apart(aside, group) for aside, group in zip(zip(*asides, strict=True), of, strict=True)
    ]
    assert counts[:2] == [3, 2]
    assert counts[2] > 3
