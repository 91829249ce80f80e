"""Classifiers of 32 x 32 heatmaps: the published ones, and the small edge network; of other maps.

SimpleCNN and VGG11, 13, 16 are those of Dai et al. (2025); VGG as Simonyan and Zisserman, "Very
Deep Convolutional Networks for Large-Scale Image Recognition" (ICLR 2015), for 32 x 32 inputs:
five poolings leave one position, so one linear layer follows. Batch normalisation, which is
younger than VGG, lets it train without pre-training. All return (logits, embedding).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.fault_lines import SHAPE as FAULT_LINES
from dlrsd.runtime.dsp.order_map import LINES
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.experts import Experts
from dlrsd.training.models.seaformer import ConvNorm

_VGG = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
}


def edge(channels: int, n_classes: int) -> Classifier:
    """The default: three convolutions and a mean over positions, 0.7 million multiply-adds.

    Channels are multiples of 16, whole vectors of a CPU. The mean forgets where in the window an
    event happened, which says nothing of the fault.
    """
    widths = (16, 32, 64)
    layers: list[nn.Module] = []
    for c_in, c_out, kernel in zip((channels, *widths), widths, (5, 3, 3), strict=False):
        layers += [ConvNorm(c_in, c_out, kernel, stride=2), nn.ReLU()]
    features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(features, widths[-1], n_classes, dropout=0.2)


def simple_cnn(channels: int, n_classes: int) -> Classifier:
    """Convolutions 32-64-128 with poolings, then 256 fully connected."""
    layers: list[nn.Module] = []
    for c_in, c_out in ((channels, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4 * 4, 256), nn.ReLU())
    return Classifier(features, 256, n_classes, dropout=0.5)


class BandPool(nn.Module):
    """Features of every band by the same weights, then their mean and their maximum, added.

    Which band rings is a matter of the machine: what was learned in one holds for all, and where
    it was found is forgotten.

    Shapes
    ------
    maps (n, channels, bands, columns) -> (n, width)
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.dropout = nn.Dropout(0.2)
        self.line = nn.Conv2d(channels, width, (1, len(LINES) + 1))

    def forward(self, maps: Tensor) -> Tensor:
        found = self.line(self.dropout(maps)).squeeze(3).relu()
        return found.mean(dim=2) + found.amax(dim=2)


def bands(channels: int, n_classes: int) -> Classifier:
    """That of order maps: 32 features a band, pooled over bands; 8,000 multiply-adds a channel."""
    return Classifier(BandPool(channels, 32), 32, n_classes, dropout=0.2)


def experts(channels: int, n_classes: int) -> Experts:
    """That of a fusion: the default network on scalograms, and linear experts beside it."""
    return Experts(edge(channels, n_classes), channels, n_classes)


def lines(channels: int, n_classes: int) -> Classifier:
    """That of fault lines: one hidden layer of 32. What is to be told apart is in the numbers, and
    more layers learn the rigs trained on. Some numbers are left out in training, for no machine
    draws all lines."""
    size = channels * FAULT_LINES[0] * FAULT_LINES[1]
    layers = (nn.Flatten(), nn.Dropout(0.3), nn.Linear(size, 32), nn.ReLU())
    return Classifier(nn.Sequential(*layers), 32, n_classes, dropout=0.2)


def vgg(depths: tuple[int, ...]) -> Callable[[int, int], Classifier]:
    """VGG with ``depths[i]`` convolutions of 64, 128, 256, 512, 512 channels before pooling i."""

    def make(channels: int, n_classes: int) -> Classifier:
        layers: list[nn.Module] = []
        c_in = channels
        for depth, width in zip(depths, (64, 128, 256, 512, 512), strict=True):
            for _ in range(depth):
                layers += [ConvNorm(c_in, width, 3), nn.ReLU()]
                c_in = width
            layers.append(nn.MaxPool2d(2))
        return Classifier(nn.Sequential(*layers, nn.Flatten()), 512, n_classes)

    return make


CLASSIFIERS: dict[str, Callable[[int, int], Classifier]] = {
    "edge": edge,
    "bands": bands,
    "experts": experts,
    "lines": lines,
    "simple_cnn": simple_cnn,
    **{name: vgg(depths) for name, depths in _VGG.items()},
}


def make_classifier(name: str, *, channels: int, n_classes: int) -> Classifier:
    """An untrained classifier by name.

    Raises
    ------
    InputError
        If there is no such classifier.
    """
    if name not in CLASSIFIERS:
        raise InputError(f"got classifier {name!r}: expected one of {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[name](channels, n_classes)
