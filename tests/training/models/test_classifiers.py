"""Each classifier's shape, published layers, and the edge network's cost."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.frontends.fusion import ROWS, SIZE
from dlrsd.training.models.classifiers import CLASSIFIERS, make_classifier

SIZES = {
    "lines": (4, 16),
    "experts": (2 * SIZE + ROWS, SIZE),
}  # of heatmaps, where they must be others than 32 x 32

HEADED = [name for name in CLASSIFIERS if name != "experts"]  # a product of several has no head


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("channels", [1, 4])
def test_shapes(name, channels):
    model = make_classifier(name, channels=channels, n_classes=7).eval()
    logits, embedding = model(torch.randn(3, channels, *SIZES.get(name, (32, 32))))
    assert logits.shape == (3, 7)
    assert embedding.shape[0] == 3
    if name in HEADED:
        torch.testing.assert_close(model.head(embedding), logits)
    assert embedding.shape[1] == model.width


@pytest.mark.parametrize(("name", "convolutions"), [("vgg11", 8), ("vgg13", 10), ("vgg16", 13)])
def test_vgg_has_the_published_depth(name, convolutions):
    model = make_classifier(name, channels=1, n_classes=10)
    found = [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(found) == convolutions
    assert (found[0], found[-1]) == (64, 512)


def test_simple_cnn_has_the_published_widths():
    model = make_classifier("simple_cnn", channels=1, n_classes=10)
    assert [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)] == [32, 64, 128]
    assert model.head.in_features == 256


def test_edge_costs_less_than_a_million_multiply_adds():
    model = make_classifier("edge", channels=1, n_classes=10).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 32, 32))
    assert counter.get_total_flops() / 2 < 1e6


def test_bands_cost_what_is_stated():
    model = make_classifier("bands", channels=1, n_classes=4).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 1, 8, 32))
    assert 8000 <= counter.get_total_flops() / 2 < 8500


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="one of edge"):
        make_classifier("resnet", channels=1, n_classes=2)


def test_bands_are_alike():
    """Which band rings makes no difference; in which column makes one."""
    model = make_classifier("bands", channels=2, n_classes=4).eval()
    maps = torch.randn(5, 2, 8, 32)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(maps[:, :, order])[0], model(maps)[0])
    assert not torch.allclose(model(maps.roll(1, 3))[0], model(maps)[0], atol=1e-3)
