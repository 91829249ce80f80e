"""The benchmark of Deep SMOTE: its sets, its figures against a count by hand, and what it says."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")

from imblearn.over_sampling import SMOTE
from sklearn.metrics import confusion_matrix
from sklearn.tree import DecisionTreeClassifier

from benchmarks import table
from benchmarks.accuracy import deep_smote_lines as said_of
from benchmarks.accuracy import deep_smote_runs as benchmark

SETS = benchmark.public_sets()


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_imbalanced_in_both_halves_and_the_seed_draws_it(name):
    split = SETS[name](0)
    for y in (split.y, split.test_y):
        counts = np.bincount(y)
        assert counts.max() / counts.min() >= 4
        assert counts.min() >= 5
    assert not {row.tobytes() for row in split.x} & {row.tobytes() for row in split.test_x}
    np.testing.assert_array_equal(split.x, SETS[name](0).x)
    assert not np.array_equal(split.x, SETS[name](1).x)


def test_scores_are_those_of_a_count_by_hand():
    data = benchmark.standardised(SETS["wine"](3))
    found = benchmark.scores(data, *benchmark.over_sampled(data, "SMOTE", 7))
    x, y = SMOTE(random_state=7, k_neighbors=5).fit_resample(data.x, data.y)
    model = DecisionTreeClassifier(random_state=0).fit(x, y)
    confusion = confusion_matrix(data.test_y, model.predict(data.test_x))
    precision = np.diag(confusion) / confusion.sum(axis=0)
    recall = np.diag(confusion) / confusion.sum(axis=1)
    assert found["tree", "precision"] == pytest.approx(precision.mean())
    f1 = 2 * precision * recall / (precision + recall)
    assert found["tree", "F1"] == pytest.approx(f1.mean())
    # The share of pairs of a sample of the class and one of the rest in their right order.
    said = model.predict_proba(data.test_x)
    areas = []
    for label in range(3):
        own, rest = (said[mask, label] for mask in (data.test_y == label, data.test_y != label))
        gap = own[:, None] - rest[None, :]
        areas.append(((gap > 0) + 0.5 * (gap == 0)).mean())
    assert found["tree", "AUROC"] == pytest.approx(np.mean(areas))


def test_runs_of_one_split_differ_by_the_samplers_seed_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(benchmark, "kept_network", lambda data: partial(over_sampled, data, "kept"))
    monkeypatch.setattr(benchmark, "scores", lambda data, x, y: {("t", "F1"): y})

    def over_sampled(data, name, seed):
        asked.append((name, seed))
        return data.x, seed

    monkeypatch.setattr(benchmark, "over_sampled", over_sampled)
    found = benchmark.measure(SETS["iris"], splits=3, repeated=2, runs=4)
    assert [told["t", "F1"] for told in found["splits"]["Deep SMOTE"]] == [0, 1, 2]
    want = np.std([1000, 1001, 1002, 1003], ddof=1)
    assert [told["t", "F1"] for told in found["spread"]["SMOTE"]] == [want] * 2
    assert len(asked) == 3 * 3 + 2 * 3 * 4
    assert {seed for name, seed in asked if name == "kept"} == {1000, 1001, 1002, 1003}
    assert found["counts"] == {"0": 25, "1": 5, "2": 5}


def test_a_kept_network_puts_the_same_pairs_together_the_same_way():
    data = benchmark.standardised(SETS["iris"](0))
    resample = benchmark.kept_network(data)
    (x, y), (other, _) = resample(1), resample(2)
    assert np.bincount(y).tolist() == [25, 25, 25]
    np.testing.assert_array_equal(x[: len(data.x)], data.x)
    np.testing.assert_array_equal(x, resample(1)[0])
    assert not np.array_equal(x, other)
    # Of 5 samples with 4 neighbours there are 20 pairs, so 20 new ones of a class at most.
    both = np.concatenate([made[len(data.x) :][:20] for made in (x, other)])
    assert len(np.unique(both.round(5), axis=0)) <= 20


def test_what_is_shown_follows_from_the_scores():
    rng = np.random.default_rng(0)
    keys = [(c, f) for c in benchmark.CLASSIFIERS for f in benchmark.FIGURES]
    noise = [{key: 0.01 * rng.standard_normal() for key in keys} for _ in range(25)]

    def shifted(by):
        return [{key: 0.8 + told[key] + by * (1 + told[key]) for key in keys} for told in noise]

    found = {
        "splits": {"none": shifted(0), "SMOTE": shifted(0.0), "Deep SMOTE": shifted(0.1)},
        "spread": {
            "SMOTE": [dict.fromkeys(keys, 0.02) for _ in range(8)],
            "Deep SMOTE": [{key: 0.01 + told[key] / 10 for key in keys} for told in noise[:8]],
            benchmark.KEPT: [{key: 0.03 + told[key] / 10 for key in keys} for told in noise[:8]],
        },
    }
    lines = said_of.compared("made up", found)
    said_of.with_holm(lines)
    assert len(lines) == 6
    assert lines[0]["difference"]["mean"] == pytest.approx(0.1, abs=0.01)
    assert lines[0]["spread"]["SMOTE"] == pytest.approx(0.02)
    said = said_of.note(lines, splits=25, repeated=8, runs=20)
    assert "better than SMOTE in 6 of them and worse in 0" in said
    assert "Deep SMOTE: SD smaller in 6 and larger in 0; sets with" in said
    assert "Deep SMOTE, kept: SD smaller in 0 and larger in 6; sets with" in said
    assert "tree F1 1 of 1 (p 1)" in said
    assert "tree F1 0 of 1 (p 1)" in said
    result = {"columns": said_of.COLUMNS, "rows": list(map(said_of.row, lines)), "note": said}
    page = table.section("deep-smote", result)
    assert page.count("| made up |") == 6
    assert "+0.10" in page
