"""The benchmark of a hundred splits: what it trains on, what its figure is, and that it goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.accuracy import hundred_splits
from benchmarks.accuracy.hundred_splits import CONTENDERS, Windows, macro_auroc
from dlrsd.training.data.vibration.leak_free import LeakFreeSplit


@pytest.fixture
def split():
    return LeakFreeSplit("DE", frozenset("x"), np.array([0, 2, 3, 5]), np.array([1, 4, 6]))


@pytest.fixture
def windows():
    """Seven signals of ten windows, and their labels."""
    signal = np.repeat(np.arange(7), 10)
    label = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0], [1, 0, 0]])
    label = label.astype(bool)[signal]
    samples = np.random.default_rng(0).standard_normal((70, 1, 12000)).astype(np.float32)
    machine = np.tile([1797.0, 3.5848, 5.4152, 2.357, 0.3983], (70, 1))
    machine[35:] = [1730.0, 3.053, 4.947, 1.994, 0.382]
    return Windows(samples, signal, machine, label, 12000.0)


def test_it_learns_from_the_training_part_and_is_judged_by_the_other(split, windows):
    seen = set()

    class Spy(LogisticRegression):
        def fit(self, x, y):
            seen.update(np.rint(1e6 * x[:, 0]).tolist())
            return super().fit(x, y)

    known = np.column_stack([1e-6 * windows.signal, windows.label])
    assert macro_auroc(Spy(C=1e3), known, windows, split) == 1.0
    assert seen == {0.0, 2.0, 3.0, 5.0}
    noise = np.random.default_rng(1).standard_normal((70, 2))
    assert macro_auroc(LogisticRegression(), noise, windows, split) == pytest.approx(0.5, abs=0.25)


@pytest.mark.parametrize("name", CONTENDERS)
def test_features_are_finite_and_of_each_window_alone(windows, name):
    features = CONTENDERS[name].features
    found = features(windows)
    assert np.isfinite(found).all()
    backwards = Windows(*(part[::-1] for part in windows[:4]), windows.rate_hz)
    assert features(backwards)[::-1] == pytest.approx(found, rel=1e-4, abs=1e-4)


def test_what_is_done_is_not_done_again(tmp_path):
    path = tmp_path / "hundred-splits.json"
    assert hundred_splits._done(path) == {}
    hundred_splits._save({"forest": [0.9, 0.8]}, tmp_path)
    former = json.loads(path.read_text()) | {"splits": {"forest": [0.9, 0.8], "gone": [0.1]}}
    path.write_text(json.dumps(former))
    assert hundred_splits._done(path) == {"forest": [0.9, 0.8]}
    assert former["rows"][0] == ["forest", "0.850 ± 0.050", "0.800", "2"]
