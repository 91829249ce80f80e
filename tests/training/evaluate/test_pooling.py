"""Weights of experts, against what they must be where it is plain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from dlrsd.training.evaluate.pooling import fit_weights

ALIKE = np.ones(3)


def even(label):
    return np.full(len(label), 1 / len(label))


@pytest.fixture
def said():
    """What three experts say of 400 windows of two classes: the first knows, the others guess."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    sure = np.where(np.eye(2)[label] > 0, 1.5, -1.5) + rng.normal(0, 1, (400, 2))
    guesses = rng.normal(0, 3, (2, 400, 2))
    return log_softmax(np.stack([sure, *guesses]), axis=2), label


def test_who_guesses_counts_less(said):
    told, label = said
    weights = fit_weights(told, label, even(label), ALIKE)
    assert weights.mean() == pytest.approx(1)
    assert weights[0] > 2 * weights[1:].max()
    assert (weights >= 0).all()
    together = np.tensordot(weights, told, axes=1).argmax(axis=1)
    alike = told.sum(axis=0).argmax(axis=1)
    assert (together == label).mean() > (alike == label).mean() + 0.1


def test_experts_that_are_all_right_count_alike():
    label = np.arange(60) % 3
    told = np.repeat(log_softmax(20 * np.eye(3)[label], axis=1)[None], 3, axis=0)
    assert fit_weights(told, label, even(label), ALIKE) == pytest.approx(np.ones(3), abs=1e-3)


def test_an_expert_that_starts_at_nothing_stays_there(said):
    told, label = said
    weights = fit_weights(told, label, even(label), np.array([1.0, 0.0, 1.0]))
    assert weights[1] == 0
    assert weights[[0, 2]].mean() == pytest.approx(1)


def test_windows_count_by_their_weight(said):
    """Two experts, each right on half of the windows: the half that counts decides."""
    label = np.arange(80) % 2
    right = log_softmax(4 * np.eye(2)[label], axis=1)
    wrong = log_softmax(4 * np.eye(2)[1 - label], axis=1)
    first = np.arange(80) < 40
    told = np.stack(
        [np.where(first[:, None], right, wrong), np.where(first[:, None], wrong, right)]
    )
    weight = np.where(first, 0.9, 0.1) / 40
    weights = fit_weights(told, label, weight, np.ones(2))
    assert weights[0] > 1.1 > 0.9 > weights[1]
