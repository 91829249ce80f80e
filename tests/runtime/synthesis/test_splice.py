"""A splice takes some times from one sample and the others from the other."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.synthesis.splice import random_runs, splice


@pytest.mark.parametrize("name", ["numpy", "array_api_strict", "torch"])
def test_every_time_is_of_one_of_the_two(name: str) -> None:
    library = pytest.importorskip(name)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 2, 4, 8)).astype(np.float32)
    runs = np.array([[0.25, 0.5], [0.75, 0.5], [0.3125, 0.25]])
    made = np.asarray(splice(library.asarray(a), library.asarray(b), runs))
    of_b = np.array(
        [[0, 0, 1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0, 1, 1], [0, 0, 0.5, 1, 0.5, 0, 0, 0]]
    )[:, None, None]
    np.testing.assert_allclose(made, (1 - of_b) * a + of_b * b, atol=1e-6)


def test_the_share_of_the_time_is_the_run_at_every_width() -> None:
    runs = random_runs(2000, rng=np.random.default_rng(0))
    for columns in (8, 32, 7):
        zeros = np.zeros((2000, 1, columns))
        weight = splice(zeros, zeros + 1, runs)
        np.testing.assert_allclose(weight.mean(axis=(1, 2)), runs[:, 1], atol=1e-12)
        assert ((weight > 0) & (weight < 1)).sum(axis=(1, 2)).max() == 2  # the seams
        np.testing.assert_allclose(weight.mean(axis=0), 0.5, atol=0.05)  # no time is preferred
