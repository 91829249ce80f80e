"""Ablations: each changes the part it names, and no other."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from dlrsd.runtime.synthesis.filtering import Thresholds, judge, typical_distance
from dlrsd.training.balance.dlrsd_smote import ABLATIONS, Parts, dlrsd_smote
from dlrsd.training.balance.pools import balance_class
from dlrsd.training.balance.training_set import Plan
from dlrsd.training.fitting.generator import (
    decode,
    encode,
    new_generator,
    synthesize_class,
    train_generator,
)
from dlrsd.training.models.generator import joint_loss

LABEL = 1
TARGET = 90


@pytest.fixture(scope="module")
def outcome(materials, hurried):
    done = {}
    plan = Plan(target=TARGET, seed=0, schedule=hurried.generator)

    def make(name=None):
        if name not in done:
            parts = ABLATIONS[name] if name else Parts()
            done[name] = dlrsd_smote(materials, plan, parts=parts)
        return done[name]

    return make


def untrained(materials):
    return new_generator("edge", n_classes=4, channels=1, size=materials.frontend.size, seed=0)


def made_by(trained, materials, name, target=TARGET, thresholds=None):
    parts = ABLATIONS[name] if name else Parts()
    return balance_class(
        trained, materials.pools[LABEL], LABEL, target, seed=0,
        thresholds=thresholds or parts.thresholds, textured=parts.textured, top_up=parts.top_up,
    )  # fmt: skip


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_has_one_part_changed(name):
    whole, parts = asdict(Parts()), asdict(ABLATIONS[name])
    changed = {part for part in whole if parts[part] != whole[part]}
    # Without the classifier's term there is nothing to filter by.
    assert len(changed) == (2 if name == "no-afc" else 1)


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name != "autoscale"])
def test_the_generator_changes_only_where_its_training_does(outcome, name):
    whole, other = (outcome(n).generator.state_dict() for n in (None, name))
    training = name in {"no-seaformer", "no-afc", "no-ce-gradient", "no-mse", "no-views"}
    same = whole.keys() == other.keys() and all(torch.equal(whole[k], other[k]) for k in whole)
    assert same == (not training)
    if "samples" not in name and name != "no-top-up":
        assert [len(made.synthetic) for made in outcome(name).balanced] == [0, 72, 72, 72]


def test_without_seaformer_there_is_no_attention(outcome):
    names = {type(module).__name__ for module in outcome(None).generator.modules()}
    without = {type(module).__name__ for module in outcome("no-seaformer").generator.modules()}
    attention = {"SeaformerBlock", "AxialAttention"}
    assert attention <= names
    assert not attention & without
    assert {"Conv2d", "ConvTranspose2d", "AuxiliaryClassifier"} <= without


def test_the_terms_of_the_loss(outcome):
    assert {"mse", "ce"} < outcome(None).curves.keys()
    for name, kept, left_out in (("no-afc", "mse", "ce"), ("no-mse", "ce", "mse")):
        curves = outcome(name).curves
        assert kept in curves
        assert left_out not in curves
        np.testing.assert_allclose(curves["train_loss"], curves[kept])


def test_without_ce_gradient_cross_entropy_trains_the_afc_alone(materials):
    heatmap = torch.from_numpy(materials.pools[LABEL].heatmaps[:8])
    label = torch.full((8,), LABEL)
    moved = {}
    for afc_shapes in (True, False):
        generator = untrained(materials)
        _, ce = joint_loss(generator(heatmap, afc_shapes=afc_shapes), heatmap, label)
        ce.backward()
        moved[afc_shapes] = {n.split(".")[0] for n, p in generator.named_parameters()
                             if p.grad is not None and p.grad.abs().max() > 0}  # fmt: skip
    assert moved == {True: {"encoder", "decoder", "afc"}, False: {"afc"}}


def test_without_ce_gradient_the_autoencoder_learns_as_without_the_afc(materials, hurried):
    """The AFC's own weights apart: the same encoder and decoder as with squared error alone."""
    left, schedule = [], replace(hurried.generator, epochs=1)
    for how in ({"afc_shapes": False}, {"terms": ("mse",)}):
        generator = untrained(materials)
        pools = [pool.heatmaps for pool in materials.pools]
        train_generator(generator, pools, materials.validation, schedule=schedule, seed=0, **how)
        left.append({n: p for n, p in generator.named_parameters() if not n.startswith("afc")})
    for name, one in left[0].items():
        torch.testing.assert_close(one, left[1][name], rtol=1e-4, atol=1e-6)


def test_without_filter_nothing_is_rejected(trained, materials):
    made = made_by(trained, materials, "no-filter")
    assert sum(made.counts["rejected"].values()) == made.counts["smote"] == 0
    assert sum(made_by(trained, materials, None, target=2000).counts["rejected"].values()) > 0


def test_without_top_up_a_class_stays_smaller(trained, materials):
    strict = Thresholds(similarity=0.9)  # few pass
    whole, fewer = (
        made_by(trained, materials, name, thresholds=strict) for name in (None, "no-top-up")
    )
    decoded = whole.counts["decoded"]
    assert decoded > 0
    assert whole.counts["smote"] == TARGET - 18 - decoded > 0
    assert fewer.counts == whole.counts | {"smote": 0}
    np.testing.assert_array_equal(fewer.synthetic, whole.synthetic[:decoded])


def test_without_texture_samples_are_decoded_ones_as_they_are(trained, materials):
    pool = materials.pools[LABEL]
    smooth, whole = (
        synthesize_class(
            trained, pool.heatmaps, pool.parent, LABEL, 40, rng=np.random.default_rng(0),
            spliced=False, textured=textured,
        ).heatmaps
        for textured in (False, True)
    )  # fmt: skip
    texture = pool.heatmaps - decode(trained, encode(trained, pool.heatmaps))
    difference = (whole - smooth).reshape(40, 1, -1)
    nearest = np.abs(difference - texture.reshape(1, len(texture), -1)).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-4
    assert np.abs(texture).max() > 0.5


def test_without_views_both_networks_see_drawn_windows_alone(outcome, materials):
    pools = outcome("no-views").pools
    assert [len(pool.heatmaps) for pool in pools] == [108, 18, 18, 18]
    for pool, all_views in zip(pools, materials.pools, strict=True):
        np.testing.assert_array_equal(pool.heatmaps, all_views.drawn)
        np.testing.assert_array_equal(pool.parent, np.arange(pool.n_drawn))


def test_the_number_of_samples(outcome):
    numbers = {
        name: [len(made.synthetic) for made in outcome(name).balanced]
        for name in (None, "samples-quarter", "samples-double")
    }
    assert numbers == {
        None: [0, 72, 72, 72], "samples-quarter": [0, 18, 18, 18],
        "samples-double": [0, 144, 144, 144],
    }  # fmt: skip


def test_stricter_thresholds_hold(trained, materials):
    pool = materials.pools[LABEL]
    some, _ = synthesize_class(
        trained, pool.heatmaps, pool.parent, LABEL, 200, rng=np.random.default_rng(0)
    )
    said = np.linspace(0, 1, 200, dtype=np.float32)

    def failing(name):
        thresholds = ABLATIONS[name].thresholds if name else Thresholds()
        return judge(some, said, pool.heatmaps, thresholds, spacing=typical_distance(pool.drawn))

    whole, alike, sure = map(failing, (None, "similarity-0.8", "posterior-0.9"))
    flat, real = (x.reshape(len(x), -1).astype(float) for x in (some, pool.heatmaps))
    flat, real = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (flat, real))
    similarity = (flat @ real.T).max(axis=1)
    assert alike["unlike_real"].sum() > whole["unlike_real"].sum()
    np.testing.assert_array_equal(alike["unlike_real"] | alike["near_copy"],
                                  (similarity <= 0.8) | alike["near_copy"])  # fmt: skip
    for reasons, least in ((whole, 0.6), (sure, 0.9)):
        others = reasons["near_copy"] | reasons["unlike_real"]
        np.testing.assert_array_equal(reasons["unrecognised"], (said <= least) & ~others)
