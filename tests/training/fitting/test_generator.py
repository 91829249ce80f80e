"""Training the generator on balanced batches; parents and texture of what is decoded from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from torch import nn

from dlrsd.training.fitting.generator import (
    decode,
    draw_batches,
    encode,
    posterior,
    synthesize_class,
    train_generator,
)
from dlrsd.training.fitting.schedule import GENERATOR
from dlrsd.training.models.generator import Generator, GeneratorConfig


class Linear(nn.Module):
    """An autoencoder that keeps a share of its input: what it makes can be computed by hand."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def encode(self, heatmap):
        return self.share * heatmap

    def decode(self, latent):
        return latent

    def afc(self, heatmap):
        level = heatmap.mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(level), level], dim=1)


def small_generator() -> Generator:
    torch.manual_seed(0)
    return Generator(GeneratorConfig((8, 16), (2, 2), 4, 2, 4), n_classes=2, size=(16, 16))


def two_classes(count, seed):
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(9).standard_normal((2, 1, 16, 16))
    noise = 0.2 * rng.standard_normal((2, count, 1, 16, 16))
    return [
        (pattern + own).astype(np.float32) for pattern, own in zip(patterns, noise, strict=True)
    ]


def two_windows_with_views(count=25):
    """Level 0 and its views, level 1 and its views; views differ in the last element only."""
    parent = np.repeat([0, 1], count)
    heatmaps = np.zeros((2 * count, 1, 4, 4), np.float32) + parent[:, None, None, None]
    heatmaps[:, 0, 3, 3] = np.random.default_rng(0).standard_normal(2 * count)
    return heatmaps.astype(np.float32), parent


def test_a_splice_is_of_two_parents():
    heatmaps, parent = two_windows_with_views()
    rng = np.random.default_rng(3)
    made, said = synthesize_class(Linear(1.0), heatmaps, parent, 1, 3000, rng=rng)
    level = made[:, 0, 0]
    # Some times of one level and some of the other; a pair of one parent would be 0 or 1 always.
    share = level.mean(axis=1)
    assert ((share > 0) & (share < 1)).all()
    assert np.histogram(share, bins=10, range=(0, 1))[0].min() > 200
    assert (((level > 0) & (level < 1)).sum(axis=1) <= 2).all()  # but for the seams
    np.testing.assert_allclose(said, 1 / (1 + np.exp(-made.mean(axis=(1, 2, 3)))), rtol=1e-5)


def test_a_blend_is_of_two_parents():
    heatmaps, parent = two_windows_with_views()
    rng = np.random.default_rng(3)
    made, _ = synthesize_class(Linear(1.0), heatmaps, parent, 1, 3000, rng=rng, spliced=False)
    level = made[:, 0, 0]
    assert ((level > 0) & (level < 1)).all()
    np.testing.assert_allclose(level, level[:, :1].repeat(4, axis=1), rtol=1e-5)
    assert np.histogram(level[:, 0], bins=10, range=(0, 1))[0].min() > 200


def test_the_texture_of_both_windows_is_carried_over():
    """What is decoded and what it leaves are spliced alike, so of a linear autoencoder it does not
    matter how much it keeps."""
    heatmaps, parent = two_windows_with_views()
    nothing, half, all_ = (
        synthesize_class(
            Linear(share), heatmaps, parent, 1, 500, rng=np.random.default_rng(3)
        ).heatmaps
        for share in (0.0, 0.5, 1.0)
    )
    np.testing.assert_allclose(nothing, all_, atol=1e-6)
    np.testing.assert_allclose(half, all_, atol=1e-6)


def test_a_blend_carries_the_texture_of_the_first_window():
    heatmaps, parent = two_windows_with_views()
    rng = np.random.default_rng(3)
    nothing, half = (
        synthesize_class(Linear(share), heatmaps, parent, 1, 500, rng=rng, spliced=False).heatmaps
        for share in (0.0, 0.5)
    )
    rows = {heatmap.tobytes() for heatmap in heatmaps}
    assert {heatmap.tobytes() for heatmap in nothing} <= rows
    level = half[:, 0, 0, 0]
    # Half of the level is decoded, between 0 and 1/2; the other half is texture, 0 or 1/2.
    assert ((level > 0) & (level < 1)).all()
    assert abs((level < 0.5).mean() - 0.5) < 0.1


def test_batches_are_balanced_and_hold_what_the_pools_hold():
    pools = [torch.full((n, 1, 2, 2), float(c)) for c, n in enumerate((500, 3, 20))]
    batches = draw_batches(pools, steps=4, batch=64, rng=np.random.default_rng(0))
    assert len(batches) == 4
    for heatmap, label in batches:
        assert torch.bincount(label).tolist() == [22, 22, 22]
        assert torch.equal(heatmap[:, 0, 0, 0], label.float())


@pytest.mark.parametrize("share", [(0.7, 0.2, 0.1), (0.98, 0.015, 0.005)])
def test_a_class_has_its_share_of_the_batches(share):
    pools = [torch.full((5, 1, 2, 2), float(label)) for label in range(3)]
    rng = np.random.default_rng(0)
    batches = draw_batches(pools, steps=2000, batch=64, rng=rng, share=np.array(share))
    counts = np.array([np.bincount(label, minlength=3) for _, label in batches])
    assert (counts.sum(axis=1) == 66).all()
    # Up or down of its share, never further, and right in the mean.
    assert (np.abs(counts - 66 * np.array(share)) < 1 + 1e-9).all()
    np.testing.assert_allclose(counts.mean(axis=0), 66 * np.array(share), atol=0.05)
    assert all(torch.equal(heatmap[:, 0, 0, 0], label.float()) for heatmap, label in batches[:20])


def test_equal_shares_draw_the_same_heatmaps_as_no_shares():
    pools = [torch.randn(40, 1, 2, 2) for _ in range(3)]
    for (one, _), (two, _) in zip(
        draw_batches(pools, steps=5, batch=64, rng=np.random.default_rng(7)),
        draw_batches(
            pools, steps=5, batch=64, rng=np.random.default_rng(7), share=np.full(3, 1 / 3)
        ),
        strict=True,
    ):
        assert torch.equal(one, two)


def test_encoding_decoding_and_judging_of_many_go_in_parts():
    generator = small_generator().eval()
    x = np.random.default_rng(0).standard_normal((1100, 1, 16, 16)).astype(np.float32)
    with torch.inference_mode():
        out = generator(torch.from_numpy(x))
    latents = encode(generator, x)
    np.testing.assert_allclose(latents, out.latent, atol=1e-5)
    np.testing.assert_allclose(decode(generator, latents), out.heatmap, atol=1e-5)
    said = posterior(generator, x)
    np.testing.assert_allclose(said, torch.softmax(out.input_logits, dim=1), atol=1e-5)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-6)


@pytest.fixture
def learned(tmp_path):
    held = two_classes(10, 2)
    validation = (np.concatenate(held), np.repeat([0, 1], 10))

    def learn(seed, name, epochs=8):
        generator, seen = small_generator(), []
        curves = train_generator(
            generator, two_classes(30, 1), validation, seed=seed,
            schedule=replace(GENERATOR, epochs=epochs, steps=15, batch=16),
            checkpoint=tmp_path / name, on_epoch=seen.append,
        )  # fmt: skip
        return generator, curves, seen, validation

    return learn


def test_it_learns_to_reconstruct_and_to_recognise_both_classes(learned):
    generator, curves, seen, (heatmaps, labels) = learned(0, "a")
    assert seen == list(range(1, 9))
    loss = curves["validation_loss"]
    assert min(loss) < 0.5 * loss[0]
    assert set(curves) == {"epoch", "train_loss", "mse", "ce", "validation_loss"}
    np.testing.assert_allclose(curves["train_loss"], np.add(curves["mse"], curves["ce"]), rtol=1e-5)
    error = np.mean((decode(generator, encode(generator, heatmaps)) - heatmaps) ** 2)
    assert error < 0.5 * heatmaps.var()
    assert (posterior(generator, heatmaps).argmax(axis=1) == labels).all()
    assert not generator.training


def test_the_seed_decides(learned):
    one, two, other = (learned(s, name, 2)[1] for s, name in ((0, "a"), (0, "b"), (1, "c")))
    assert one == two
    assert one != other
