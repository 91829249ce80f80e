"""Left-out windows: what a group is, and that classes and groups weigh alike."""

from __future__ import annotations

import numpy as np

from dlrsd.training.evaluate.left_out import joined, told


def logits(*counts: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, len(counts))).astype(np.float32) for n in counts]


def test_a_group_is_what_was_left_out_as_a_whole_or_a_window():
    groups = [np.array([7, 7, 9, 9]), np.array([3, 3, 3])]  # the second class is of a single one
    first = told(logits(3, 3), [np.array([0, 1, 0]), np.array([0, 2, 2])], groups)
    second = told(logits(2, 1), [np.array([2, 3]), np.array([1])], groups)
    both = joined([first, second])
    assert both.logits.shape == (9, 2)
    assert [rows.tolist() for rows in both.by_group(0)] == [[0, 1, 2], [6, 7]]
    assert [rows.tolist() for rows in both.by_group(1)] == [[3], [8], [4, 5]]
    assert [both.n_windows(label) for label in (0, 1)] == [4, 3]


def test_classes_and_groups_weigh_alike_however_many_rows_they_have():
    groups = [np.array([0, 0, 1]), np.array([0, 1, 2])]
    found = told(logits(5, 3), [np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2])], groups)
    expected = [0.5 / 2 / 4] * 4 + [0.5 / 2] + [0.5 / 3] * 3
    np.testing.assert_allclose(found.weight(), expected)


def test_without_groups_every_window_weighs_the_same_with_all_its_views():
    found = told(logits(4, 1), [np.array([5, 5, 5, 8]), np.array([0])], None)
    np.testing.assert_allclose(found.weight(), [1 / 12, 1 / 12, 1 / 12, 1 / 4, 1 / 2])


def test_probabilities_are_the_softmax_at_the_temperature():
    found = told(logits(2, 2), [np.arange(2), np.arange(2)], None)
    raised = np.exp(found.logits.astype(float) / 0.5)
    expected = raised / raised.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities(0.5), expected, rtol=1e-6)
