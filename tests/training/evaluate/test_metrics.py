"""Figures of a diagnosis against imbalanced-learn, scikit-learn and sums by hand."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from imblearn.metrics import geometric_mean_score, sensitivity_specificity_support
from sklearn.metrics import f1_score, precision_score, roc_auc_score

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate.metrics import classification_metrics

CLASSES = ["Normal", "Ball", "Inner", "Outer"]


def _predictions(seed=0, n=400):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 4, n)
    predicted = np.where(rng.random(n) < 0.7, true, rng.integers(0, 4, n))
    return true, predicted


def test_a_case_counted_by_hand():
    # Normal: 3 of 4 found; Ball: 1 of 2; Inner: 2 of 2; Outer: 0 of 2, never predicted.
    true = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
    predicted = [0, 0, 0, 1, 1, 0, 2, 2, 2, 0]
    got = classification_metrics(true, predicted, CLASSES)
    assert got["n"] == 10
    assert got["accuracy"] == pytest.approx(0.6)
    assert got["macro_recall"] == pytest.approx((3 / 4 + 1 / 2 + 1 + 0) / 4)
    assert (got["worst_class"], got["worst_recall"]) == ("Outer", 0.0)
    assert got["macro_precision"] == pytest.approx((3 / 5 + 1 / 2 + 2 / 3 + 0) / 4)
    assert got["g_mean"] == 0.0
    specificity = (4 / 6 + 7 / 8 + 7 / 8 + 8 / 8) / 4
    assert got["g_mean_paper"] == pytest.approx(np.sqrt(0.5625 * specificity))
    assert got["per_class"]["Inner"] == {
        "recall": 1.0,
        "precision": pytest.approx(2 / 3),
        "f1": pytest.approx(0.8),
        "support": 2,
    }
    assert got["confusion"] == [[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 0], [1, 0, 1, 0]]
    assert got["absent"] == []


def test_averages_equal_the_libraries():
    true, predicted = _predictions()
    got = classification_metrics(true, predicted, CLASSES)
    sensitivity, specificity, _ = sensitivity_specificity_support(true, predicted, average="macro")
    assert got["g_mean"] == pytest.approx(geometric_mean_score(true, predicted))
    assert got["g_mean_paper"] == pytest.approx(np.sqrt(sensitivity * specificity))
    assert got["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    assert got["macro_precision"] == pytest.approx(
        precision_score(true, predicted, average="macro")
    )
    recalls = [row["recall"] for row in got["per_class"].values()]
    assert got["g_mean"] == pytest.approx(np.prod(recalls) ** (1 / 4))
    assert got["worst_recall"] == min(recalls)


def test_a_class_without_test_windows_is_named_and_distorts_nothing():
    true = np.array([0, 0, 1, 1, 3, 3])
    predicted = np.array([0, 0, 1, 2, 3, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = classification_metrics(
            true, predicted, CLASSES, probabilities=np.eye(4)[predicted] * 0.7 + 0.075
        )
    assert got["absent"] == ["Inner"]
    assert got["per_class"]["Inner"] == {
        "recall": None,
        "precision": None,
        "f1": None,
        "support": 0,
    }
    assert got["macro_recall"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert got["g_mean"] == pytest.approx(0.5 ** (1 / 3))
    assert got["confusion"][1][2] == 1  # the window taken for the absent class stays visible
    assert got["macro_auroc"] == pytest.approx((1 + 0.75 + 1) / 3)


def test_auroc_equals_scikit_learn_one_against_the_rest():
    true, _ = _predictions()
    rng = np.random.default_rng(1)
    scores = rng.random((len(true), 4)) + 0.5 * np.eye(4)[true]
    scores /= scores.sum(axis=1, keepdims=True)
    got = classification_metrics(true, scores.argmax(1), CLASSES, probabilities=scores)
    assert got["macro_auroc"] == pytest.approx(roc_auc_score(true, scores, multi_class="ovr"))


def test_auroc_of_two_classes_and_of_one():
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.6, 0.4]])
    two = classification_metrics([0, 0, 1, 1], [0, 1, 1, 0], ["a", "b"], probabilities=scores)
    assert two["macro_auroc"] == pytest.approx(0.75)
    one = classification_metrics([1, 1], [1, 0], ["a", "b"], probabilities=scores[:2])
    assert one["macro_auroc"] is None
    assert one["g_mean_paper"] is None
    assert one["macro_recall"] == 0.5


def test_the_result_is_json():
    true, predicted = _predictions()
    got = classification_metrics(true, predicted, CLASSES)
    assert json.loads(json.dumps(got, allow_nan=False)) == got


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([], [], r"shape \(0,\)"),
        ([0, 1], [0], r"shape \(2,\)"),
        ([0, 4], [0, 1], "from 0 to 4: expected integers from 0 to 3"),
        ([0.0, 1.0], [0, 1], "float64"),
    ],
)
def test_what_does_not_fit_is_refused(true, predicted, message):
    with pytest.raises(InputError, match=message):
        classification_metrics(true, predicted, CLASSES)


def test_probabilities_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        classification_metrics([0, 1], [0, 1], CLASSES, probabilities=np.ones((2, 3)))
    with pytest.raises(InputError, match="non-finite"):
        classification_metrics([0, 1], [0, 1], CLASSES, probabilities=np.full((2, 4), np.nan))
