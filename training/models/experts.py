"""Experts of different kinds of input, and their product: the classifier of a fusion.

A network looks at the scalograms of a window, one by one; a linear classifier each at its order
map, its features of time, spectrum and envelope, and the lines of the places. Each says
log-probabilities; they are added with a weight for each expert. None can veto what all others say:
a log-probability counts `FLOOR` at least. The weights are fitted by what experts said of windows,
bearings or loads that they were not trained on, and pulled towards being alike: with a handful of
left-out bearings that alone is robust.

Source: Hinton, "Training products of experts by minimizing contrastive divergence", Neural
Computation 14 (2002), for the product; the weights as of Genest and Zidek, "Combining probability
distributions", Statistical Science 1 (1986), a logarithmic opinion pool.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlrsd.training.frontends.fusion import KINDS, NUMBERS, ROWS, SIZE
from dlrsd.training.models.classifier import Classifier

FLOOR = -5.0  # of an expert's log-probability


class Experts(Classifier):
    """The product of experts.

    Shapes
    ------
    heatmaps (n, channels, parts * 32 + `ROWS`, 32): the scalograms one below the other, then the
    numbers row by row and zeros -> log-probabilities up to a constant (n, classes), embedding
    (n, width): the scalograms' mean and the lines of the places

    Attributes
    ----------
    weight : (experts,)
        Of the scalogram, then of the kinds of numbers in their order.
    """

    def __init__(self, scalogram: Classifier, channels: int, n_classes: int):
        nn.Module.__init__(self)
        self.scalogram = scalogram
        self.width = scalogram.width + channels * KINDS["lines"]
        self.numbers = nn.ModuleList(
            nn.Linear(channels * count, n_classes) for count in KINDS.values()
        )
        self.weight: Tensor
        self.register_buffer("weight", torch.ones(1 + len(KINDS)))

    def forward(self, heatmap: Tensor) -> tuple[Tensor, Tensor]:
        said, embedding = self.say(heatmap)
        return (self.weight[:, None, None].to(said.dtype) * said).sum(0), embedding

    def say(self, heatmap: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of every expert (experts, n, classes), and the embedding."""
        channels, rows = heatmap.shape[1], heatmap.shape[2]
        parts = (rows - ROWS) // SIZE
        shown = heatmap[:, :, : parts * SIZE].reshape(-1, channels, parts, SIZE, SIZE)
        logits, seen = self.scalogram(shown.transpose(1, 2).reshape(-1, channels, SIZE, SIZE))
        n_classes = logits.shape[1]
        said = [logits.log_softmax(1).reshape(-1, parts, n_classes).mean(1)]
        numbers = heatmap[:, :, parts * SIZE :].reshape(-1, channels, ROWS * SIZE)[..., :NUMBERS]
        kinds = [own.flatten(1) for own in numbers.split(list(KINDS.values()), dim=2)]
        for expert, own in zip(self.numbers, kinds, strict=True):
            said.append(expert(own).log_softmax(1))
        embedding = torch.cat([seen.reshape(-1, parts, seen.shape[1]).mean(1), kinds[-1]], dim=1)
        return torch.stack(said).clamp(min=FLOOR), embedding
