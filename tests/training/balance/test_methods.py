"""The methods: shares, weights, counts and notes are what the definitions say, for every method."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.stats import gmean

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.methods import COMBINATIONS, FORMER_NAMES, KNOWN, METHODS, training_set
from dlrsd.training.balance.training_set import Plan
from dlrsd.training.kinds.vibration import line

DRAWN = [108, 18, 18, 18]  # a tenth of 120 and 20 is held out
TARGET = 108


@pytest.fixture(scope="module")
def lone(hurried_settings):
    """A single window of every fault class."""
    settings = replace(hurried_settings, balance=120.0)
    return line.materials_for("none", settings, line.prepare(settings))


@pytest.fixture(scope="module")
def plan(hurried):
    def plan(seed):
        return Plan(
            target=TARGET, seed=seed, schedule=hurried.generator, pair_steps=hurried.pair_steps
        )

    return plan


@pytest.fixture(scope="module")
def made(materials, plan):
    """Every method's training set, made once."""
    sets = {}

    def make(name):
        if name not in sets:
            sets[name] = training_set(name, materials, plan(seed=1))
        return sets[name]

    return make


OVER_SAMPLING = (
    "smote", "smote-waveform", "borderline-smote", "adasyn", "dablain-deepsmote",
    "mansourifar-deep-smote", "dlrsd-smote",
)  # fmt: skip


def makes(name):
    """Whether a method makes heatmaps."""
    return name == "adasyn" or "smote" in name


# Windows of the normal and of every other class that a method leaves and makes.
REBALANCED = {
    "rus": (18, 18),
    "rus-weights": (44, 18),  # sqrt(108 * 18)
    "smote-weights": (108, 44),
    "rus-smote": (44, 44),
    "rus-smote-weights": (59, 33),  # 108 and 18 a third of the way to each other, in decades
}


@pytest.mark.parametrize("name", METHODS | COMBINATIONS)
def test_pools_are_views_then_synthetic_ones_and_counts_say_how_many(made, materials, name):
    training = made(name)
    assert [count["drawn"] for count in training.counts] == DRAWN
    for label, pool in enumerate(training.pools):
        synthetic = training.synthetic[label]
        assert training.counts[label]["synthetic"] == len(synthetic)
        assert pool.dtype == np.float32
        assert pool.shape[1:] == synthetic.shape[1:] == (1, 32, 32)
        assert np.isfinite(pool).all()
        if name.startswith("rus") and label == 0:
            continue
        real = materials.pools[label].heatmaps
        np.testing.assert_array_equal(pool[: len(real)], real)
        np.testing.assert_array_equal(pool[len(real) :], synthetic)


@pytest.mark.parametrize("name", METHODS | COMBINATIONS)
def test_shares_weights_and_mixup(made, name):
    training = made(name)
    there = REBALANCED.get(name, (DRAWN[0], DRAWN[1]))
    left = np.array([there[0], *[there[1]] * 3])
    is_natural = name in REBALANCED or name in ("none", "class-weights")
    shared = left / left.sum() if is_natural else 0.25
    np.testing.assert_allclose(training.share, np.broadcast_to(shared, 4))
    weighted = left.sum() / (4 * left) if name.endswith("weights") else 1.0
    np.testing.assert_allclose(training.class_weight, np.broadcast_to(weighted, 4))
    assert training.mixup == (0.2 if name == "mixup" else 0)


@pytest.mark.parametrize("name", OVER_SAMPLING)
def test_over_samplers_bring_every_class_to_the_target(made, name):
    training = made(name)
    numbers = [len(synthetic) for synthetic in training.synthetic]
    assert numbers[0] == 0
    if name in ("borderline-smote", "adasyn"):
        rounds = dict.fromkeys(("ball", "inner", "outer"), 10)
        for note in training.notes:
            _, fault, said = note.split("'", 2)
            rounds[fault] -= int(said.split(" of 10 rounds")[0].split()[-1])
        # Nine of a round, by ADASYN rounded window by window.
        slack = 9 if name == "adasyn" else 0
        for number, done in zip(numbers[1:], rounds.values(), strict=True):
            assert abs(number - 9 * done) <= slack * done
    else:
        assert numbers[1:] == [90, 90, 90]
        assert training.notes == []


@pytest.mark.parametrize("name", [name for name in METHODS | COMBINATIONS if not makes(name)])
def test_other_methods_make_nothing(made, name):
    assert [len(synthetic) for synthetic in made(name).synthetic] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", REBALANCED)
def test_combinations_leave_out_and_add_as_they_say(made, name):
    counts = made(name).counts
    normal, rare = REBALANCED[name]
    assert counts[0].get("kept", 108) == normal
    assert ("kept" in counts[0]) == name.startswith("rus")
    assert [count["synthetic"] for count in counts] == [0, *[rare - 18] * 3]


def test_a_combination_meets_all_of_the_imbalance_once(made):
    """What is left of 108 : 18 by leaving out and SMOTE, weights meet."""
    for name in set(REBALANCED) - {"rus"}:
        training = made(name)
        met = training.share * training.class_weight
        np.testing.assert_allclose(met, 0.25, rtol=1e-12)


@pytest.mark.parametrize(("name", "kept"), [("rus-weights", round(gmean([108, 18]))), ("rus", 18)])
def test_under_sampling_keeps_windows_with_their_views(made, materials, name, kept):
    training = made(name)
    assert training.counts[0] == {"drawn": 108, "synthetic": 0, "kept": kept}
    real = materials.pools[0]
    views = np.bincount(real.parent)
    first = real.heatmaps[:, 0, 0, 0]
    where = np.flatnonzero(np.isin(first, training.pools[0][:, 0, 0, 0]))
    parents = np.unique(real.parent[where])
    assert len(parents) == kept
    assert len(training.pools[0]) == views[parents].sum() == len(where)


@pytest.mark.parametrize("name", METHODS | COMBINATIONS)
def test_the_seed_decides(made, materials, plan, name):
    again = training_set(name, materials, plan(seed=1))
    for one, two in zip(made(name).pools, again.pools, strict=True):
        np.testing.assert_array_equal(one, two)
    other = training_set(name, materials, plan(seed=2))
    same = [np.array_equal(a, b) for a, b in zip(made(name).pools, other.pools, strict=True)]
    assert same == [not name.startswith("rus"), *[not makes(name)] * 3]


@pytest.mark.parametrize("name", METHODS | COMBINATIONS)
def test_a_class_of_one_window_is_left_to_its_views(lone, plan, name):
    training = training_set(name, lone, plan(seed=1))
    assert [len(synthetic) for synthetic in training.synthetic] == [0, 0, 0, 0]
    assert [len(pool) for pool in training.pools[1:]] == [60, 60, 60]
    if makes(name):
        assert training.notes == [
            f"class '{fault}' has one window: views of it only, as interpolation needs a partner"
            for fault in ("ball", "inner", "outer")
        ]
    else:
        assert training.notes == []


def test_an_unknown_method_is_refused_with_all_names(materials, plan, hurried_settings):
    for call in (
        lambda: training_set("smoke", materials, plan(seed=0)),
        lambda: line.materials_for("smoke", hurried_settings, materials.data),
    ):
        with pytest.raises(InputError, match="got method 'smoke': expected one of none, ") as error:
            call()
        for name in KNOWN:
            assert name in str(error.value)
        assert "\n" not in str(error.value)


def test_autoscaled_materials_forget_the_amplitude_of_test_windows_too(materials, hurried_settings):
    scaled = line.materials_for("dlrsd-smote/autoscale", hurried_settings, materials.data)
    windows = materials.data.cut(materials.data.test_index())[::8]
    louder = 7 * windows
    np.testing.assert_allclose(
        scaled.frontend.heatmaps(windows), scaled.frontend.heatmaps(louder), atol=2e-3
    )
    plain = line.materials_for("dlrsd-smote", hurried_settings, materials.data)
    np.testing.assert_array_equal(plain.pools[1].heatmaps, materials.pools[1].heatmaps)
    assert np.abs(plain.frontend.heatmaps(louder) - plain.frontend.heatmaps(windows)).mean() > 0.5
    # Constants of the scaled windows: of zero mean where all classes weigh the same.
    rows = np.mean([pool.drawn.mean(axis=(0, 1, 3)) for pool in scaled.pools], axis=0)
    assert np.abs(rows).max() < 0.2


def test_a_former_name_is_no_name_of_a_method():
    assert set(FORMER_NAMES.values()) <= set(METHODS)
    assert not set(FORMER_NAMES) & set(KNOWN)
