"""Memorisation is told from likeness: copies, interpolations, and what is as far as unseen data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate.memorisation import memorisation


def drawn_from(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 1, 4, 3)).astype(np.float32)


def test_figures_equal_a_loop_over_all_pairs():
    synthetic, unseen, training = drawn_from(0, 30), 1.3 * drawn_from(1, 20), drawn_from(2, 40)
    synthetic[:3] = training[30:33] + 1e-3
    synthetic[3] = unseen[0]  # a tie
    got = memorisation(synthetic, unseen, training, n_drawn=10)
    flat = [x.reshape(len(x), -1).astype(np.float64) for x in (synthetic, unseen, training)]
    own, real = cdist(flat[0], flat[2]).min(1), cdist(flat[1], flat[2]).min(1)
    wins = np.mean([[1.0 if a < b else 0.5 * (a == b) for b in real] for a in own])
    assert got["closer"] == pytest.approx(wins, abs=1e-9)
    assert got["distance_ratio"] == pytest.approx(np.median(own) / np.median(real), rel=1e-6)
    assert got["near_copies"] == 3 / 30


def test_alike_copied_and_interpolated():
    training, unseen = drawn_from(0, 60), drawn_from(1, 300)
    alike = memorisation(drawn_from(2, 300), unseen, training, n_drawn=60)
    assert alike["closer"] == pytest.approx(0.5, abs=0.05)
    assert alike["distance_ratio"] == pytest.approx(1, abs=0.05)
    assert alike["near_copies"] == 0
    copied = memorisation(training.copy(), unseen, training, n_drawn=60)
    assert copied == {"distance_ratio": 0.0, "closer": 1.0, "near_copies": 1.0}
    between = (training[:30] + training[30:]) / 2
    figures = memorisation(between, unseen, training, n_drawn=60)
    assert figures["closer"] > 0.8
    assert figures["near_copies"] == 0


@pytest.mark.parametrize(("n", "n_unseen", "n_drawn"), [(0, 5, 5), (5, 0, 5), (5, 5, 1)])
def test_sets_that_are_too_small_are_refused(n, n_unseen, n_drawn):
    with pytest.raises(InputError, match="expected some of each"):
        memorisation(drawn_from(0, n), drawn_from(1, n_unseen), drawn_from(2, 9), n_drawn=n_drawn)


def test_training_heatmaps_are_not_unseen():
    training = drawn_from(0, 9)
    with pytest.raises(InputError, match="expected others"):
        memorisation(drawn_from(1, 5), training, training, n_drawn=9)
