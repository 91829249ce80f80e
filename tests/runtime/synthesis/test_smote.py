"""SMOTE against imbalanced-learn in distribution, in sizes and under other array libraries."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis import smote as module
from dlrsd.runtime.synthesis.neighbours import nearest
from dlrsd.runtime.synthesis.smote import over_sample, smote


def samples(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32) + 3


def test_samples_lie_between_a_sample_and_one_of_its_neighbours():
    x = samples(40).reshape(40, 2, 3)
    made = smote(x, 500, k_neighbors=3, random_state=7)
    assert made.shape == (500, 2, 3)
    assert made.dtype == x.dtype
    _, neighbours = nearest(x, x, k=3, exclude_self=True)
    a = x.reshape(40, -1)
    for row in made.reshape(500, -1):
        # on a segment, the detour over the sample is no detour
        detour = min(
            np.linalg.norm(row - a[i]) + np.linalg.norm(row - a[j]) - np.linalg.norm(a[i] - a[j])
            for i in range(40)
            for j in neighbours[i]
        )
        assert detour < 1e-4


def imbalanced_learn(minority: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    x = np.concatenate([minority, np.zeros((2, minority.shape[1]), minority.dtype)])
    y = np.repeat([1, 0], [len(minority), 2])
    smote = over_sampling.SMOTE(sampling_strategy={1: len(minority) + count}, random_state=seed)
    return smote.fit_resample(x, y)[0][len(x) :]


def places(made: np.ndarray, minority: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which ordered pair of samples each one lies between (first * n + second), and how far along.

    Samples in general position: a point on one segment is on no other.
    """
    n = len(minority)
    first, second = (i.ravel() for i in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    start, step = minority[first], minority[second] - minority[first]
    length = (step**2).sum(axis=1)
    pair, position = np.empty(len(made), int), np.empty(len(made))
    for i, point in enumerate(made):
        along = ((point - start) * step).sum(axis=1) / np.maximum(length, 1e-12)
        off = np.linalg.norm(start + np.clip(along, 0, 1)[:, None] * step - point, axis=1)
        off[length == 0] = np.inf
        # Both directions fit equally: the lower index counts as the first.
        pair[i] = min(np.flatnonzero(off < off.min() + 1e-9))
        position[i] = along[pair[i]]
    return pair, position


MINORITY = np.random.default_rng(2).standard_normal((20, 6))
COUNT = 4000


def p_values(made: np.ndarray) -> dict[str, float]:
    """Whether these are distributed as imbalanced-learn's: which pairs, and where between them."""
    stats = pytest.importorskip("scipy.stats")
    pair, position = places(made, MINORITY)
    pair_theirs, position_theirs = places(imbalanced_learn(MINORITY, COUNT, seed=0), MINORITY)
    table = [np.bincount(p, minlength=len(MINORITY) ** 2) for p in (pair, pair_theirs)]
    used = (table[0] + table[1]) > 0
    by_feature = [
        stats.ks_2samp(column, theirs).pvalue
        for column, theirs in zip(made.T, imbalanced_learn(MINORITY, COUNT, seed=1).T, strict=True)
    ]
    return {
        "pair": float(stats.chi2_contingency(np.stack(table)[:, used]).pvalue),
        "position": float(stats.ks_2samp(position, position_theirs).pvalue),
        "feature": min(by_feature) * len(by_feature),
    }


# With so many samples that the wrong samplers below are seen.
LEVEL = 1e-3


def test_distribution_equals_imbalanced_learn() -> None:
    for seed in range(3):
        found = p_values(smote(MINORITY, COUNT, random_state=seed))
        assert min(found.values()) > LEVEL, (seed, found)


def test_a_wrong_weight_distribution_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Skewed(np.random.Generator):
        def random(self, *size):
            return super().random(*size) ** 1.2

    with monkeypatch.context() as patched:
        patched.setattr(np.random, "default_rng", lambda seed: Skewed(np.random.PCG64(seed)))
        made = smote(MINORITY, COUNT)
    found = p_values(made)
    assert found["position"] < LEVEL
    assert found["pair"] > LEVEL


@pytest.mark.parametrize("wrong", ["one fewer", "one more", "one other", "nearest more often"])
def test_a_wrong_choice_of_neighbours_would_be_seen(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = module.neighbours

    def neighbours(q, r, *, k, exclude_self):
        k = k + {"one fewer": -1, "one more": 1, "one other": 1}.get(wrong, 0)
        index = nearest(q, r, k=k, exclude_self=exclude_self)[1]
        if wrong == "one other":
            return np.delete(index, 4, axis=1)
        return index[:, [0, 0, 1, 2, 3, 4]] if wrong == "nearest more often" else index

    monkeypatch.setattr(module, "neighbours", neighbours)
    assert p_values(smote(MINORITY, COUNT))["pair"] < LEVEL
    monkeypatch.setattr(module, "neighbours", right)
    assert p_values(smote(MINORITY, COUNT))["pair"] > LEVEL


def test_classes_come_to_the_sizes_asked_for() -> None:
    x = np.concatenate([samples(50), samples(12, seed=1) + 9, samples(3, seed=2) - 9])
    y = np.repeat(["a", "b", "c"], [50, 12, 3])
    made, labels = over_sample(x, y, random_state=5)
    np.testing.assert_array_equal(made[:65], x)
    np.testing.assert_array_equal(labels, np.concatenate([y, ["b"] * 38, ["c"] * 47]))
    # New ones lie within the box of their own class.
    for name in "bc":
        own, new = x[y == name], made[65:][labels[65:] == name]
        assert (new >= own.min(axis=0) - 1e-5).all()
        assert (new <= own.max(axis=0) + 1e-5).all()
    again, _ = over_sample(x, y, random_state=5)
    np.testing.assert_array_equal(again, made)
    some, labels = over_sample(x.reshape(65, 2, 3), y, sampling_strategy={"c": 8})
    assert some.shape == (70, 2, 3)
    assert labels[65:].tolist() == ["c"] * 5


def test_sizes_are_those_of_imbalanced_learn() -> None:
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    x, y = samples(90), np.repeat([4, 7, 9], [50, 30, 10])
    for strategy in ("auto", {9: 40, 7: 31}, {9: 10}):
        _, theirs = over_sampling.SMOTE(sampling_strategy=strategy).fit_resample(x, y)
        _, ours = over_sample(x, y, sampling_strategy=strategy)
        np.testing.assert_array_equal(np.sort(ours), np.sort(theirs))


def test_memory_stays_within_twice_the_output() -> None:
    x = samples(1000, 1024)
    over_sample(x[:20], np.zeros(20))  # what is loaded once is not counted
    tracemalloc.start()
    made, _ = over_sample(x, np.zeros(1000), sampling_strategy={0.0: 6000})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * made.nbytes


@pytest.mark.parametrize("name", ["array_api_strict", "torch"])
def test_same_seed_same_samples_in_other_libraries(name: str) -> None:
    library = pytest.importorskip(name)
    x = samples(30)
    made = smote(x, 64, random_state=3)
    np.testing.assert_array_equal(made, smote(x, 64, random_state=3))
    got = smote(library.asarray(x), 64, random_state=3)
    np.testing.assert_allclose(np.asarray(got), made, rtol=1e-5, atol=1e-5)
    y = np.repeat([0, 1], [20, 10])
    got, labels = over_sample(library.asarray(x), y, random_state=1)
    np.testing.assert_allclose(np.asarray(got), over_sample(x, y, random_state=1)[0], rtol=1e-5)
    assert labels.tolist() == [0] * 20 + [1] * 20


@pytest.mark.gpu
def test_cupy_makes_the_same_samples() -> None:
    cupy = pytest.importorskip("cupy")
    x = samples(400, 64)
    got = smote(cupy.asarray(x), 3000, random_state=3)
    assert isinstance(got, cupy.ndarray)
    np.testing.assert_allclose(got.get(), smote(x, 3000, random_state=3), rtol=1e-4, atol=1e-5)


def test_bad_input_is_refused() -> None:
    x = samples(9)
    with pytest.raises(InputError, match="class of 1 sample"):
        smote(x[:1], 3)
    with pytest.raises(InputError, match="NaN or infinite"):
        smote(np.where(np.arange(9)[:, None] == 4, np.float32(np.nan), x), 3)
    with pytest.raises(InputError, match=r"labels of shape \(8,\) for 9 samples"):
        over_sample(x, np.zeros(8))
    y = np.repeat([0, 1], [5, 4])
    with pytest.raises(InputError, match="got a target of 3 for class 1 of 4 samples"):
        over_sample(x, y, sampling_strategy={1: 3})
    with pytest.raises(InputError, match="class 2 of 0 samples"):
        over_sample(x, y, sampling_strategy={2: 3})
    with pytest.raises(InputError, match="got sampling_strategy 'all'"):
        over_sample(x, y, sampling_strategy="all")
