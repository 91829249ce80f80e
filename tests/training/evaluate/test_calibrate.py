"""Calibration: the temperature against a known truth, and windows left out of the probe."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.training.balance.pools import RealPool
from dlrsd.training.evaluate.calibrate import (
    calibrate,
    choose_aside,
    count_apart,
    fit_temperature,
    leave_out,
)
from dlrsd.training.fitting.classifier import new_classifier
from dlrsd.training.fitting.schedule import CLASSIFIER


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
    ((chosen,),) = choose_aside([pool], None, np.random.default_rng(0))
    assert count_apart([chosen], None) == len(chosen) == 2
    kept, checked, aside = leave_out(pool, chosen, np.random.default_rng(0))
    assert (len(kept), len(checked), len(aside)) == (36, 4, 10)
    windows = {int(h) % 10 for h in aside.ravel()}
    assert len(windows) == 2
    assert windows.isdisjoint(int(h) % 10 for h in [*kept.ravel(), *checked.ravel()])


def test_of_other_bearings_each_probe_leaves_out_another_one_of_every_class():
    heatmaps = np.zeros((20, 1, 1, 1), np.float32)
    pools = [RealPool(heatmaps, np.arange(20) % 10, 10)] * 3
    of = [np.arange(10) % 4, np.arange(10) % 2, np.zeros(10, np.int64)]
    asides = choose_aside(pools, of, np.random.default_rng(0))
    assert len(asides) == 3
    for four, two, one in asides:
        for group, aside in ((of[0], four), (of[1], two)):
            (kind,) = set(group[aside])
            assert set(aside) == set(np.flatnonzero(group == kind))
        assert len(one) == 2  # windows, where there is no other bearing
    counts = [
        count_apart(aside, group)
        for aside, group in zip(zip(*asides, strict=True), of, strict=True)
    ]
    assert counts[:2] == [3, 2]
    assert counts[2] > 3


@pytest.mark.parametrize(("n_groups", "n_probes"), [(2, 3), (5, 5), (8, 6)])
def test_every_bearing_is_left_out_of_a_probe_as_long_as_there_are_six(
    n_groups, n_probes, tmp_path
):
    rng = np.random.default_rng(0)
    pools = [
        RealPool(rng.standard_normal((48, 1, 16, 16)).astype(np.float32), np.arange(48) % 24, 24)
        for _ in range(2)
    ]
    groups = [np.arange(24) % n_groups, np.arange(24) % 2]
    totals = []
    found = calibrate(
        new_classifier("edge", channels=1, n_classes=2, seed=0).eval(), pools, groups=groups,
        make=lambda: new_classifier("edge", channels=1, n_classes=2, seed=0), seed=0,
        schedule=replace(CLASSIFIER, epochs=1, steps=2, batch=8), varied=False, rows=False,
        checkpoint=tmp_path / "probe.pt",
        progress=lambda what, total: totals.append(total) or (lambda done: None),
    )  # fmt: skip
    assert totals == [n_probes]
    assert [len(found.left_out.by_group(label)) for label in (0, 1)] == [min(n_groups, 6), 2]


def test_what_a_probe_is_judged_by_it_was_not_trained_on(tmp_path):
    """Of heatmaps that are noise, a probe that was shown them would be sure; one that was not is
    asked for, and the temperature says that nothing is known."""
    rng = np.random.default_rng(0)
    pools = [
        RealPool(rng.standard_normal((60, 1, 16, 16)).astype(np.float32), np.arange(60) % 20, 20)
        for _ in range(2)
    ]
    schedule = replace(CLASSIFIER, epochs=2, steps=10, batch=40)
    seen = []

    def make():
        classifier = new_classifier("edge", channels=1, n_classes=2, seed=0)
        classifier.register_forward_pre_hook(
            lambda module, inputs: seen.append(inputs[0].numpy()) if module.training else None
        )
        return classifier

    done = []
    temperature, novelty, left_out = calibrate(
        make().eval(), pools, make=make, seed=0, schedule=schedule, varied=False, rows=True,
        checkpoint=tmp_path / "probe.pt", progress=lambda what, total: done.append,
    )  # fmt: skip
    trained = {heatmap.tobytes() for batch in seen for heatmap in batch}
    for pool in pools:
        parents = {
            p for h, p in zip(pool.heatmaps, pool.parent, strict=True) if h.tobytes() in trained
        }
        assert len(parents) == 16  # one window in five is left out, with its views
    assert temperature == 10  # the highest there is
    # Four windows of each class, a group each, and 100 heatmaps of them at most: all there are.
    assert np.bincount(left_out.label).tolist() == [12, 12]
    for label, pool in enumerate(pools):
        assert [len(rows) for rows in left_out.by_group(label)] == [3] * 4
        kept = {
            p for h, p in zip(pool.heatmaps, pool.parent, strict=True) if h.tobytes() in trained
        }
        assert not kept & set(left_out.window[left_out.label == label])
    embedding = rng.standard_normal((9, 64)).astype(np.float32)
    assert np.isfinite(novelty.of(embedding, pools[0].heatmaps[:9])).all()
    assert done == [1, 2]
