"""Deep SMOTE as an imbalanced-learn sampler: its checks, and what the network learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE
from imblearn.utils.estimator_checks import parametrize_with_checks
from scipy import sparse
from sklearn.utils._param_validation import InvalidParameterError

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.mansourifar_deep_smote import MansourifarDeepSMOTE, train_regressor


@parametrize_with_checks([MansourifarDeepSMOTE(random_state=0, steps=5, hidden=8)])
def test_it_keeps_imbalanced_learns_contract(estimator, check):
    check(estimator)


def three_classes():
    rng = np.random.default_rng(0)
    x = np.concatenate([c + rng.standard_normal((n, 6)) for c, n in ((0, 40), (8, 12), (-8, 5))])
    return x, np.repeat(["many", "some", "few"], [40, 12, 5])


def test_classes_reach_their_number_and_the_given_samples_stay():
    x, y = three_classes()
    new_x, new_y = MansourifarDeepSMOTE(random_state=0).fit_resample(x, y)
    assert dict(zip(*np.unique(new_y, return_counts=True), strict=True)) == {
        "many": 40, "some": 40, "few": 40,
    }  # fmt: skip
    np.testing.assert_array_equal(new_x[:57], x)
    np.testing.assert_array_equal(new_y[:57], y)
    strategy = {"few": 9}
    fewer = MansourifarDeepSMOTE(sampling_strategy=strategy, random_state=0).fit_resample(x, y)
    assert (fewer[1] == "few").sum() == 9
    assert len(fewer[1]) == 57 + 4


def test_it_learns_the_middle_of_what_smote_draws_between_two_samples():
    """The least squared error of a point drawn evenly between two is their middle."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal((30, 2)), [[10.0, 0.0], [14.0, 4.0]]])
    y = np.repeat([0, 1], [30, 2])
    made = MansourifarDeepSMOTE(random_state=0, steps=1500).fit_resample(x, y)[0][32:]
    assert len(made) == 28
    np.testing.assert_allclose(made, np.broadcast_to([12.0, 2.0], made.shape), atol=0.4)
    drawn = SMOTE(random_state=0, k_neighbors=1).fit_resample(x, y)[0][32:]
    assert made.std(axis=0).max() < 0.25 * drawn.std(axis=0).min()


def test_the_seed_decides():
    x, y = three_classes()
    one, two, other = (
        MansourifarDeepSMOTE(random_state=s, steps=10).fit_resample(x, y)[0] for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_unit_changes_nothing_but_the_unit():
    x, y = three_classes()
    small = MansourifarDeepSMOTE(random_state=0).fit_resample(x, y)[0]
    large = MansourifarDeepSMOTE(random_state=0).fit_resample(1e4 * x + 7e3, y)[0]
    np.testing.assert_allclose((large - 7e3) / 1e4, small, atol=0.02)


def test_a_single_sample_is_refused():
    x, y = three_classes()
    y[-1] = "one"
    with pytest.raises(InputError, match="a class of 1 sample: Deep SMOTE needs pairs") as error:
        MansourifarDeepSMOTE().fit_resample(x, y)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------ input at the limits


@pytest.mark.parametrize("k", [1, 4, 5, 500])
def test_a_class_offers_at_most_its_other_samples(k):
    x, y = three_classes()
    made = MansourifarDeepSMOTE(random_state=0, steps=5, k_neighbors=k).fit_resample(x, y)[0]
    assert made.shape == (120, 6)
    alike = MansourifarDeepSMOTE(random_state=0, steps=5, k_neighbors=min(k, 11)).fit_resample(x, y)
    np.testing.assert_array_equal(made, alike[0])


def test_two_samples_are_enough():
    x, y = three_classes()
    keep = np.r_[0:42]
    made, labels = MansourifarDeepSMOTE(random_state=0, steps=5).fit_resample(x[keep], y[keep])
    assert (labels == "some").sum() == 40
    assert np.isfinite(made).all()


def test_duplicated_samples_give_more_of_the_same():
    x, y = three_classes()
    x[y == "few"] = x[-1]
    made, labels = MansourifarDeepSMOTE(random_state=0, steps=1000).fit_resample(x, y)
    new = made[57:][labels[57:] == "few"]
    assert len(new) == 35
    assert np.abs(new - x[-1]).max() < 0.15 * x.std()


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0])
def test_constant_features_stay_what_they_are(value):
    x, y = three_classes()
    x[:, 2] = value
    made = MansourifarDeepSMOTE(random_state=0).fit_resample(x, y)[0]
    np.testing.assert_allclose(made[57:, 2], value, atol=0.1 * np.delete(x, 2, axis=1).std())


@pytest.mark.parametrize("value", [0.0, 0.1, -3e5])
def test_constant_samples_give_more_of_the_same(value):
    x, y = three_classes()
    made = MansourifarDeepSMOTE(random_state=0, steps=20).fit_resample(np.full_like(x, value), y)[0]
    np.testing.assert_allclose(made, value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_as_scikit_learn_does(bad):
    x, y = three_classes()
    x[-1, 0] = bad
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        MansourifarDeepSMOTE(steps=5).fit_resample(x, y)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_samples_stay_sparse_and_give_the_same(form):
    x, y = three_classes()
    x[np.abs(x) < 0.5] = 0
    made, labels = MansourifarDeepSMOTE(random_state=0, steps=5).fit_resample(form(x), y)
    assert made.format == form(x).format
    dense, dense_labels = MansourifarDeepSMOTE(random_state=0, steps=5).fit_resample(x, y)
    np.testing.assert_allclose(made.toarray(), dense, atol=1e-12)
    np.testing.assert_array_equal(labels, dense_labels)


def test_a_frame_comes_back_with_its_columns_and_types():
    pandas = pytest.importorskip("pandas")
    x, y = three_classes()
    frame = pandas.DataFrame(x, columns=list("abcdef")).astype({"a": np.float32})
    made, labels = MansourifarDeepSMOTE(random_state=0, steps=5).fit_resample(
        frame, pandas.Series(y, name="state")
    )
    assert list(made.columns) == list("abcdef")
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    assert labels.name == "state"
    assert made.shape == (120, 6)


@pytest.mark.parametrize(
    "wrong", [{"k_neighbors": 0}, {"steps": 0}, {"hidden": 2.5}, {"random_state": "few"}]
)
def test_parameters_out_of_range_are_refused_as_scikit_learn_does(wrong):
    with pytest.raises(InvalidParameterError, match=f"The '{next(iter(wrong))}' parameter"):
        MansourifarDeepSMOTE(**wrong).fit_resample(*three_classes())


# ------------------------------------------------------------------ a regressor for itself


def test_a_regressor_for_itself_learns_the_middle_of_pairs_of_one_round():
    """Rounds lie far apart: a pair across rounds would have its middle in between."""
    rng = np.random.default_rng(0)
    classes = [np.array([[10.0, 0.0], [14.0, 4.0]]), rng.standard_normal((20, 2))]
    rounds = [np.stack([x, x + 50]).astype(np.float32).reshape(2, -1, 1, 2) for x in classes]
    regressor = train_regressor(rounds, k_neighbors=5, steps=1500, seed=0)
    first, second = torch.from_numpy(rounds[0][:, 0]), torch.from_numpy(rounds[0][:, 1])
    with torch.inference_mode():
        for made in (regressor(first, second), regressor(second, first)):
            assert made.shape == (2, 1, 2)
            np.testing.assert_allclose(made[:, 0], [[12, 2], [62, 52]], atol=1.0)
    again = train_regressor(rounds, k_neighbors=5, steps=1500, seed=0)
    for one, two in zip(regressor.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(InputError, match="a class of 1 sample"):
        train_regressor([x[:, :1] for x in rounds], k_neighbors=5, steps=1, seed=0)
