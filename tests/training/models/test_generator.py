"""Both presets: shapes, cost, one training step, and a fit that learns."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.models.generator import Generator, GeneratorConfig, joint_loss, make_generator


def test_paper_preset_has_the_published_dimensions_and_learns_a_step():
    torch.manual_seed(0)
    generator = make_generator("paper", n_classes=10)
    assert generator.latent_shape == (512, 32, 32)
    parameters = sum(p.numel() for p in generator.encoder.parameters())
    convolutions = sum(9 * i * o + o for i, o in ((1, 64), (64, 128), (128, 256), (256, 512)))
    block = (
        512 * 2048 + 2 * 2048  # Q, K, V with their norms
        + 9 * 2048 + 2 * 2048 + 2048 * 512 + 2 * 512  # detail
        + 2 * (2 * 512 * 16 + 1024 * 1024 + 2 * 1024)  # both axes
        + 1024 * 512 + 2 * 512  # merge
    )  # fmt: skip
    assert parameters == convolutions + block
    heatmap, label = torch.randn(2, 1, 32, 32), torch.tensor([0, 3])
    optimizer = torch.optim.Adam(generator.parameters(), lr=5e-4)
    before = generator.encoder[0].weight.detach().clone()
    out = generator(heatmap)
    assert out.heatmap.shape == heatmap.shape
    assert out.logits.shape == (2, 10)
    sum(joint_loss(out, heatmap, label)).backward()
    optimizer.step()
    assert not torch.equal(before, generator.encoder[0].weight)
    assert all(p.grad is not None for p in generator.parameters())


def test_edge_preset_stays_within_its_budget():
    generator = make_generator("edge", n_classes=10).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        generator(torch.zeros(1, 1, 32, 32))
    assert 1e6 < counter.get_total_flops() / 2 <= 30e6


@pytest.mark.parametrize(("channels", "size"), [(1, (32, 32)), (8, (24, 16))])
def test_shapes_for_any_channels_and_size(channels, size):
    generator = make_generator("edge", n_classes=5, channels=channels, size=size).eval()
    x = torch.randn(3, channels, *size)
    out = generator(x)
    assert out.heatmap.shape == x.shape
    assert out.latent.shape == (3, *generator.latent_shape)
    torch.testing.assert_close(generator.decode(generator.encode(x)), out.heatmap)


def test_it_learns_to_reconstruct_and_to_classify():
    torch.manual_seed(0)
    config = GeneratorConfig((8, 16), (2, 2), 4, 2, 4)
    generator = Generator(config, n_classes=2, size=(16, 16))
    pattern = torch.randn(2, 1, 16, 16)
    label = torch.arange(32) % 2
    x = pattern[label] + 0.1 * torch.randn(32, 1, 16, 16)
    optimizer = torch.optim.Adam(generator.parameters(), lr=5e-3)
    for _ in range(60):
        mse, ce = joint_loss(generator(x), x, label)
        optimizer.zero_grad()
        (mse + ce).backward()
        optimizer.step()
    assert mse < 0.3 * x.var()
    assert ce < 0.1


def test_bad_sizes_and_presets_are_refused():
    with pytest.raises(InputError, match="one of paper, edge"):
        make_generator("huge", n_classes=2)
    with pytest.raises(InputError, match="multiples of 4"):
        make_generator("edge", n_classes=2, size=(30, 32))
