"""Limits and operating points by hand, and what comes of them on a test part."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.bundle.certainty import Certainty, OperatingPoint
from dlrsd.training.evaluate.certainty import certainty_of, measured
from dlrsd.training.evaluate.left_out import told


def logits_of(probability_of_first: np.ndarray) -> np.ndarray:
    share = np.stack([probability_of_first, 1 - probability_of_first], axis=1)
    return np.log(share).astype(np.float32)


def left_out_of(first: np.ndarray, second: np.ndarray, groups: int | None):
    """Two classes of as many windows; each says its class's own probability."""
    windows = np.arange(len(first))
    names = None if groups is None else [windows % groups, windows % groups]
    return told([logits_of(first), logits_of(1 - second)], [windows, windows], names)


def test_limits_and_points_of_windows_that_are_groups_of_their_own():
    rng = np.random.default_rng(0)
    own = [rng.permutation(np.linspace(0.6, 0.99, 400)) for _ in range(2)]
    own[1][:4] = 0.2, 0.3, 0.25, 0.35  # four of 800 are wrong: sure of the first class by 0.8
    found = certainty_of(left_out_of(*own, None), 1.0, "window")
    assert (found.left_out, found.groups, found.windows) == ("window", [400, 400], [400, 400])
    for limit, values in zip(found.limits, own, strict=True):
        assert (values >= limit - 1e-6).mean() == pytest.approx(0.9025)  # 361 of 400: one more
    risks = [point.risk for point in found.points]
    assert risks == [0.02]  # and at 0.05 and 0.1 the same are given: all of them
    (point,) = found.points
    assert point.limit == pytest.approx(0.6, abs=1e-3)
    assert point.given == 1
    assert point.wrong == pytest.approx(4 / 800)
    assert point.worst == pytest.approx(4 / 400)  # of the second class


def test_of_few_groups_the_limit_is_the_least_seen_and_the_worst_group_is_told():
    own = [np.full(300, 0.97), np.full(300, 0.97)]
    own[1][::3] = np.where(np.arange(100) < 10, 0.02, 0.97)  # ten wrong ones, all of one group
    found = certainty_of(left_out_of(*own, 3), 1.0, "bearing")
    assert (found.groups, found.windows) == ([3, 3], [300, 300])
    np.testing.assert_allclose(found.limits, [0.97, 0.02], rtol=1e-5)
    (point,) = found.points
    assert (point.risk, point.worst) == (0.1, 0.1)  # by all of them alike 0.05 would be kept
    assert point.wrong == pytest.approx(10 / 600)


def test_no_point_is_stated_where_nothing_can_be_shown():
    assert (
        certainty_of(left_out_of(np.full(9, 0.9), np.full(9, 0.9), None), 1.0, "window").points
        == []
    )


def test_what_is_measured_on_the_test_part():
    stated = Certainty(
        left_out="bearing", groups=[3, 3], windows=[30, 30], coverage=0.9, limits=[0.5, 0.3],
        confidence=0.9,
        points=[
            OperatingPoint(risk=risk, limit=limit, given=0.5, wrong=0.0, worst=0.0)
            for risk, limit in ((0.01, 0.999), (0.1, 0.75))
        ],
    )  # fmt: skip
    first = np.array([0.9, 0.8, 0.6, 0.6, 0.2])
    said = np.stack([first, 1 - first], axis=1)
    label = np.array([0, 1, 0, 1, 1])
    parts = {"a": label == 0, "b": label == 1, "nobody": np.zeros(5, bool)}
    found = measured(stated, said, label, parts)
    # Sets: {0}, {0}, {0, 1}, {0, 1}, {1}.
    assert {name: (own.covered, own.size, own.n) for name, own in found.sets.items()} == {
        "a": (1.0, 1.5, 2),
        "b": (pytest.approx(2 / 3), pytest.approx(4 / 3), 3),
    }
    assert [(p.risk, p.given, p.wrong) for p in found.points] == [
        (0.01, 0.0, None),
        (0.1, 0.6, pytest.approx(1 / 3)),
    ]
    assert found.coverage == [0.2, 0.6, 1.0]
    np.testing.assert_allclose(found.risk, [0, 1 / 3, 2 / 5])
