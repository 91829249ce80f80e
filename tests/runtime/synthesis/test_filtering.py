"""MCF-SMOTE: the three cases, each reason to reject, and the strict array API."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.filtering import Thresholds, judge, mcf_smote, typical_distance

RNG = np.random.default_rng(0)
REAL = (RNG.standard_normal((6, 1, 4, 4)) * 0.5 + 2).astype(np.float32)


def good(n: int) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal((n, 1, 4, 4)) * 0.5 + 2).astype(np.float32)


def test_more_than_the_target_draws_exactly_the_target():
    synthetic = good(30)
    result = mcf_smote(synthetic, np.ones(30, np.float32), REAL, 12)
    assert (result.decoded, result.smote, len(result.samples)) == (12, 0, 12)
    rows = {s.tobytes() for s in synthetic}
    drawn = {s.tobytes() for s in result.samples}
    assert len(drawn) == 12
    assert drawn <= rows


def test_equal_to_the_target_keeps_them_all():
    synthetic = good(12)
    result = mcf_smote(synthetic, np.ones(12, np.float32), REAL, 12)
    assert (result.decoded, result.smote) == (12, 0)
    np.testing.assert_array_equal(result.samples, synthetic)


def test_fewer_than_the_target_is_topped_up_by_smote():
    synthetic = good(5)
    result = mcf_smote(synthetic, np.ones(5, np.float32), REAL, 12)
    assert (result.decoded, result.smote, len(result.samples)) == (5, 7, 12)
    np.testing.assert_array_equal(result.samples[:5], synthetic)
    none = mcf_smote(synthetic[:0], np.ones(0, np.float32), REAL, 4)
    assert (none.decoded, none.smote, none.rejected) == (0, 4, {})


def test_each_reason_rejects_its_own_samples():
    synthetic = good(5)
    posterior = np.array([1, 1, 1, 0.3, 1], np.float32)
    synthetic[0] = REAL[2] + 1e-4  # a near-copy
    synthetic[1] = -REAL[0]  # unlike every real one
    synthetic[2, 0, 0, 0] = np.nan
    reasons = judge(synthetic, posterior, REAL, Thresholds())
    assert reasons["near_copy"].tolist() == [True, False, False, False, False]
    assert reasons["unlike_real"].tolist() == [False, True, False, False, False]
    assert reasons["non_finite"].tolist() == [False, False, True, False, False]
    assert reasons["unrecognised"].tolist() == [False, False, False, True, False]
    result = mcf_smote(synthetic, posterior, REAL, 3)
    assert result.decoded == 1
    assert result.rejected == {
        "non_finite": 1, "near_copy": 1, "unlike_real": 1, "unrecognised": 1,
    }  # fmt: skip


def test_measures_are_those_of_a_float64_loop():
    rng = np.random.default_rng(3)
    real = rng.standard_normal((40, 1, 8, 8)).astype(np.float32)
    mixed = real[rng.integers(0, 40, 200)] + rng.uniform(0, 1.5, (200, 1, 1, 1)) * (
        rng.standard_normal((200, 1, 8, 8))
    )
    synthetic, posterior = mixed.astype(np.float32), np.ones(200, np.float32)
    a, b = synthetic.reshape(200, -1).astype(float), real.reshape(40, -1).astype(float)
    gaps = np.array([[np.linalg.norm(x - y) for y in b] for x in a])
    cosines = np.array([[x @ y / np.linalg.norm(x) / np.linalg.norm(y) for y in b] for x in a])
    own = np.array([[np.linalg.norm(x - y) for y in b] for x in b]) + np.diag(np.full(40, np.inf))
    assert typical_distance(real) == pytest.approx(np.sort(own.min(axis=1))[20], rel=1e-6)
    limits = Thresholds(similarity=0.7, copy_distance=0.3)
    reasons = judge(synthetic, posterior, real, limits)
    copy = gaps.min(axis=1) < 0.3 * typical_distance(real)
    unlike = cosines.max(axis=1) <= 0.7
    assert 20 < copy.sum() < 180
    assert 20 < unlike.sum() < 180
    np.testing.assert_array_equal(reasons["near_copy"], copy)
    np.testing.assert_array_equal(reasons["unlike_real"], unlike & ~copy)


def test_memory_does_not_grow_with_the_number_of_pairs():
    real, synthetic = np.zeros((2, 6000, 16), np.float32)
    rng = np.random.default_rng(0)
    real[:], synthetic[:] = rng.standard_normal(real.shape), rng.standard_normal(real.shape)
    judge(synthetic[:9], np.ones(9, np.float32), real[:9], Thresholds())  # loads what is lazy
    tracemalloc.start()
    judge(synthetic, np.ones(6000, np.float32), real, Thresholds(), spacing=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.75 * 4 * 6000 * 6000  # a matrix of all pairs


@pytest.mark.gpu
def test_cupy_filters_the_same():
    cupy = pytest.importorskip("cupy")
    synthetic, posterior = good(200), np.linspace(0, 1, 200, dtype=np.float32)
    want = mcf_smote(synthetic, posterior, REAL, 150, random_state=4)
    arrays = map(cupy.asarray, (synthetic, posterior, REAL))
    got = mcf_smote(*arrays, 150, random_state=4)
    assert isinstance(got.samples, cupy.ndarray)
    assert (got.decoded, got.rejected) == (want.decoded, want.rejected)
    np.testing.assert_allclose(got.samples.get(), want.samples, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_runs_on_other_array_libraries(library):
    strict = pytest.importorskip(library)
    synthetic, posterior = good(20), np.linspace(0, 1, 20, dtype=np.float32)
    want = mcf_smote(synthetic, posterior, REAL, 15, random_state=4)
    got = mcf_smote(
        strict.asarray(synthetic),
        strict.asarray(posterior),
        strict.asarray(REAL),
        15,
        random_state=4,
    )
    assert (got.decoded, got.rejected) == (want.decoded, want.rejected)
    np.testing.assert_allclose(np.asarray(got.samples), want.samples, rtol=1e-5, atol=1e-5)


def test_a_single_real_window_and_nothing_good_is_refused():
    with pytest.raises(InputError, match="at least 2"):
        mcf_smote(good(1), np.zeros(1, np.float32), REAL[:1], 4)
