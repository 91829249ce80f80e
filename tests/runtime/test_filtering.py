"""MCF-SMOTE: the three cases, each reason to reject, and the strict array API."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.errors import InputError
from dlrsd.runtime.filtering import Thresholds, judge, mcf_smote

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


def test_runs_under_the_strict_array_api():
    strict = pytest.importorskip("array_api_strict")
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
