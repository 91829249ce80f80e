"""The study of faults that were never trained: its scores, its table, and going on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.accuracy.unknown_fault import (
    NAME,
    SCORES,
    Cell,
    Said,
    Trained,
    _by_class,
    _done,
    _save,
    _table,
)

RNG = np.random.default_rng(0)


def said(label: np.ndarray, shift: float = 0.0) -> Said:
    """Two classes 8 apart; ``shift`` moves windows away from both, and makes the network unsure."""
    embedding = RNG.standard_normal((len(label), 4))
    embedding[:, 0] += 8 * label
    embedding[:, 1] += shift
    logits = np.stack([label == 0, label == 1], axis=1) * (0.1 if shift else 6.0)
    logits += 0.01 * RNG.standard_normal(logits.shape)
    return Said(logits, embedding, np.concatenate([embedding, embedding**2], axis=1))


@pytest.mark.parametrize("name", SCORES)
def test_what_is_unlike_all_classes_scores_higher(name):
    label = np.repeat([0, 1], 300)
    score = SCORES[name](Trained(said(label), label, 1.0))
    known, unknown = score(said(label)), score(said(label[::10], 9.0))
    truth = np.repeat([0, 1], [len(known), len(unknown)])
    assert roc_auc_score(truth, np.concatenate([known, unknown])) > 0.99


def outcome(value: float) -> dict[str, object]:
    return {
        "auroc": dict.fromkeys(SCORES, value), "accuracy": 1.0, "novel_known": 0.01,
        "novel_unknown": 0.9, "taken_for": "B014",
    }  # fmt: skip


def test_a_class_is_its_mean_over_seeds_and_the_worst_is_named(tmp_path):
    done = {
        Cell("cwru10", 0, "B007"): outcome(0.9),
        Cell("cwru10", 1, "B007"): outcome(0.8),
        Cell("cwru10", 0, "IR007"): outcome(0.95),
    }
    assert _by_class(done, "cwru10", "novelty") == pytest.approx({"B007": 0.85, "IR007": 0.95})
    columns, rows = _table(done)
    assert columns == ["unknown by", "cwru10, mean", "cwru10, worst"]
    assert rows[0] == ["novelty", "0.900", "0.850 (B007)"]
    _save(done, "0-1", tmp_path)
    path = tmp_path / f"{NAME}.json"
    assert _done(path) == done
    result = json.loads(path.read_text())
    del result["cells"][0]["auroc"]["energy"]  # of an earlier version, with other scores
    path.write_text(json.dumps(result))
    assert list(_done(path)) == [Cell("cwru10", 0, "IR007"), Cell("cwru10", 1, "B007")]
