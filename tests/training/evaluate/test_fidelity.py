"""Quality figures against scipy, explicit loops in float64 and cases worked by hand."""

from __future__ import annotations

import json

import array_api_strict
import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, cosine, jensenshannon, pdist
from scipy.special import rel_entr, softmax
from scipy.stats import entropy, pearsonr, wasserstein_distance

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.evaluate import fidelity as module
from dlrsd.training.evaluate.fidelity import DEFINITIONS, fidelity, measure
from dlrsd.training.evaluate.near_copies import near_copies

SHAPE = (2, 6, 8)  # channels, frequencies, blocks


def _heatmaps(n, seed, offset=0.0):
    """A fixed pattern plus noise, as windows of one class are."""
    pattern = np.random.default_rng(99).normal(size=SHAPE)
    noise = np.random.default_rng(seed).normal(size=(n, *SHAPE))
    return (pattern + 0.5 * noise + offset).astype(np.float32)


@pytest.fixture(scope="module")
def sets():
    return _heatmaps(30, 1, offset=0.2), _heatmaps(20, 2)


@pytest.fixture(scope="module")
def figures(sets):
    return measure(*sets)


def _pairs(synthetic, real):
    a = synthetic.reshape(len(synthetic), -1).astype(np.float64)
    b = real.reshape(len(real), -1).astype(np.float64)
    return a, b[cdist(a, b).argmin(axis=1)]


def _rows(x):
    return x.astype(np.float64).transpose(1, 2, 0, 3).reshape(SHAPE[0] * SHAPE[1], -1)


def _histogram_pairs(synthetic, real):
    for a, b in zip(_rows(synthetic), _rows(real), strict=True):
        edges = np.histogram_bin_edges(np.concatenate([a, b]), bins=32)
        yield np.histogram(a, edges)[0], np.histogram(b, edges)[0]


def test_paired_figures_equal_scipy(sets, figures):
    pairs = list(zip(*_pairs(*sets), strict=True))
    assert figures["cs"] == pytest.approx(np.mean([1 - cosine(a, b) for a, b in pairs]))
    assert figures["pcc"] == pytest.approx(np.mean([pearsonr(a, b)[0] for a, b in pairs]))
    rmse = [np.linalg.norm(a - b) / np.sqrt(a.size) for a, b in pairs]
    assert figures["rmse"] == pytest.approx(np.mean(rmse))


def test_js_equals_scipy_squared_distance_in_bits(sets, figures):
    expected = [jensenshannon(a, b, base=2) ** 2 for a, b in _histogram_pairs(*sets)]
    assert figures["js"] == pytest.approx(np.mean(expected))
    assert 0 < figures["js"] < 1


def test_kl_equals_scipy_entropy_of_smoothed_histograms(sets, figures):
    expected = [entropy(b + 0.5, a + 0.5) for a, b in _histogram_pairs(*sets)]
    assert figures["kl"] == pytest.approx(np.mean(expected))


def test_emd_equals_scipy_per_row(sets, figures):
    expected = [wasserstein_distance(a, b) for a, b in zip(*(_rows(x) for x in sets), strict=True)]
    assert figures["emd"] == pytest.approx(np.mean(expected))


def test_mmd_equals_an_explicit_double_loop(sets, figures):
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in sets)
    bandwidth = np.median(pdist(b))

    def kernel(x, y):
        return np.exp(-np.sum((x - y) ** 2) / (2 * bandwidth**2))

    n, m = len(a), len(b)
    within = sum(kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    real = sum(kernel(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    between = sum(kernel(x, y) for x in a for y in b) / (n * m)
    assert figures["mmd"] == pytest.approx(within + real - 2 * between, rel=1e-9)


def test_mmd_is_unbiased():
    values = [measure(_heatmaps(12, seed), _heatmaps(12, seed + 500))["mmd"] for seed in range(60)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


def test_paper_figures_equal_their_formulas(sets, figures):
    pictures = []
    for x in _pairs(*sets):
        low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
        pictures.append((x - low) / (high - low))
    pairs = list(zip(*pictures, strict=True))
    p, q = (softmax(x, axis=1) for x in pictures)
    expected = {
        "cs_paper": np.mean([1 - cosine(a, b) for a, b in pairs]),
        "rmse_paper": np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in pairs]),
        "js_paper": np.mean([jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)]),
        "kl_paper": np.mean(rel_entr(p, q).sum(axis=1)),
        "mmd_paper": np.mean([(a.mean() - b.mean()) ** 2 for a, b in pairs]),
        "emd_paper": np.mean([np.abs(a - b).mean() for a, b in pairs]),
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_a_set_compared_with_itself_is_perfect(sets):
    got = measure(sets[1], sets[1])
    for name, definition in DEFINITIONS.items():
        if name != "mmd":  # unbiased: of equal sets it is negative, not zero
            assert got[name] == pytest.approx(float(definition.ideal), abs=1e-9), name
    assert got["mmd"] < 0


def test_every_figure_ranks_noise_below_a_shift_below_a_fresh_draw():
    real = _heatmaps(40, 2)
    fresh = measure(_heatmaps(40, 1), real)
    shifted = measure(_heatmaps(40, 1, offset=0.7), real)
    noise = measure(3 * np.random.default_rng(5).normal(size=real.shape), real)
    for name in ("cs", "rmse", "js", "kl", "mmd", "emd"):
        sign = -1 if DEFINITIONS[name].ideal == "1" else 1
        assert sign * fresh[name] < sign * shifted[name] < sign * noise[name], name
    assert fresh["pcc"] > noise["pcc"]


@pytest.mark.parametrize("library", [array_api_strict, torch], ids=["array_api_strict", "torch"])
def test_other_array_libraries_give_the_same(library, sets, figures):
    synthetic, real = (library.asarray(x) for x in sets)
    assert measure(synthetic, real) == pytest.approx(figures, rel=1e-6)
    expected = near_copies({"a": sets[0]}, {"a": sets[1]}, fraction=1.0)
    got = near_copies({"a": synthetic}, {"a": real}, fraction=1.0)
    assert got["per_class"]["a"] == pytest.approx(expected["per_class"]["a"])


def test_half_precision_and_constant_heatmaps_give_finite_figures():
    flat = np.zeros((4, *SHAPE), dtype=np.float16)
    got = measure(flat, _heatmaps(5, 1).astype(np.float16))
    assert all(np.isfinite(value) for value in got.values())
    assert got["pcc"] == 0.0


def test_of_large_sets_a_seeded_draw_is_compared(monkeypatch):
    synthetic, real = _heatmaps(30, 1), _heatmaps(20, 2)
    chosen = [np.random.default_rng(0).permutation(n)[:10] for n in (30, 20)]
    expected = measure(synthetic[chosen[0]], real[chosen[1]])
    monkeypatch.setattr(module, "MAX_HEATMAPS", 10)
    assert measure(synthetic, real) == pytest.approx(expected)


def test_empty_and_single():
    one, none = _heatmaps(1, 1), _heatmaps(0, 1)
    assert set(measure(none, one).values()) == {None}
    assert measure(one, _heatmaps(5, 2))["mmd"] is None


def test_fidelity_averages_over_classes_and_gives_a_reference():
    real = {"a": _heatmaps(8, 1), "b": _heatmaps(3, 2), "c": _heatmaps(6, 3)}
    synthetic = {"a": _heatmaps(9, 4), "b": _heatmaps(9, 5), "c": _heatmaps(0, 6)}
    got = fidelity(synthetic, real)
    assert list(got["per_class"]) == ["a", "b"]
    assert got["per_class"]["b"]["n_real"] == 3
    expected = measure(synthetic["a"], real["a"]), measure(synthetic["b"], real["b"])
    for name in DEFINITIONS:
        assert got["overall"][name] == pytest.approx(np.mean([x[name] for x in expected]))
    # b has too few real heatmaps for two halves.
    order = np.random.default_rng(0).permutation(8)
    expected = measure(real["a"][order[4:]], real["a"][order[:4]])
    assert got["reference"] == pytest.approx(expected)
    assert json.loads(json.dumps(got, allow_nan=False)) == got


def test_near_copies_are_found_and_counted():
    train = _heatmaps(10, 1)
    copies = train[:4] + np.float32(1e-3)
    got = near_copies({"a": np.concatenate([copies, _heatmaps(12, 2)])}, {"a": train})
    assert (got["count"], got["n"], got["share"]) == (4, 16, 0.25)
    assert got["fraction"] == 0.05
    distances = cdist(*(x.reshape(len(x), -1) for x in (train, train)))
    np.fill_diagonal(distances, np.inf)
    nearest_real = np.sort(distances.min(axis=1))[5]
    to_train = cdist(_heatmaps(12, 2).reshape(12, -1), train.reshape(10, -1)).min(axis=1)
    to_train = np.concatenate([np.full(4, 1e-3 * np.sqrt(train[0].size)), to_train])
    expected = np.median(to_train) / nearest_real
    assert got["per_class"]["a"]["median_ratio"] == pytest.approx(expected, rel=1e-4)


def test_interpolated_samples_are_near_copies_exactly_where_they_hug_an_end():
    ends = np.zeros((2, 1, 1, 2))
    ends[1, 0, 0, 0] = 1.0
    position = np.linspace(0, 1, 101)
    line = position[:, None, None, None] * ends[1]
    got = near_copies({"a": line}, {"a": ends}, fraction=0.0501)
    assert got["count"] == 2 * 6  # 0 to 0.05 and 0.95 to 1 in steps of 0.01


def test_a_class_with_one_training_window_has_no_yardstick():
    got = near_copies(
        {"a": _heatmaps(3, 1), "b": _heatmaps(2, 2)}, {"a": _heatmaps(1, 3), "b": _heatmaps(5, 4)}
    )
    assert got["per_class"]["a"] == {"n": 3, "count": None, "share": None, "median_ratio": None}
    assert (got["n"], got["count"], got["share"]) == (2, 0, 0.0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="same channels"):
        measure(_heatmaps(3, 1), _heatmaps(3, 1)[:, :1])
    broken = _heatmaps(3, 1)
    broken[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        measure(broken, _heatmaps(3, 1))
    with pytest.raises(InputError, match="'a' has 3 synthetic heatmaps but no real one"):
        fidelity({"a": _heatmaps(3, 1)}, {})
    with pytest.raises(InputError, match="more than 0"):
        near_copies({}, {}, fraction=0.0)
