"""The fused graph as a PyTorch module: raw waveform in; probabilities, embedding, novelty out.

Of a run with order maps it begins with the map, which is of a machine: the runtime, which is told
the shaft's speed and the bearing's orders, makes it.

The front end always computes in float32; the network behind it may be cast to half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.generator import Generator
from dlrsd.training.models.novelty import Novelty


class Diagnoser(nn.Module):
    """The whole diagnosis of a window; ``half`` casts the network, not the front end.

    Shapes
    ------
    window (n, channels, samples) float32 in the training unit, or raw order map (n, channels,
    bands, columns) -> probabilities (n, classes), embedding (n, width), novelty (n,), all float32
    """

    def __init__(
        self,
        frontend: FrontEnd,
        classifier: Classifier,
        novelty: Novelty,
        temperature: float,
        *,
        half: bool = False,
    ):
        super().__init__()
        self.frontend = frontend.graph()
        self.classifier = classifier.half() if half else classifier
        self.dtype = torch.float16 if half else torch.float32
        self.temperature = temperature
        self.whiten: Tensor
        self.centres: Tensor
        self.register_buffer("whiten", torch.from_numpy(novelty.whiten))
        self.register_buffer("centres", torch.from_numpy(novelty.centres))

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heatmap = self.frontend(window)
        logits, embedding = self.classifier(heatmap.to(self.dtype))
        logits, embedding = logits.float(), embedding.float()
        counts_rows = self.whiten.shape[0] > embedding.shape[1]
        own = traits(embedding, heatmap) if counts_rows else embedding
        novelty = distance(own, self.whiten, self.centres)
        return torch.softmax(logits / self.temperature, dim=1), embedding, novelty


def traits(embedding: Tensor, heatmap: Tensor) -> Tensor:
    """What the novelty is of, (n, D), as :func:`dlrsd.training.models.novelty.traits`."""
    mean = heatmap.mean(3, keepdim=True)
    gap = heatmap - mean
    spread = torch.sqrt((gap * gap).mean(3))
    return torch.cat([embedding, mean.flatten(1), spread.flatten(1)], dim=1)


def distance(own: Tensor, whiten: Tensor, centres: Tensor) -> Tensor:
    """Novelty (n,) of traits (n, D), as :class:`dlrsd.training.models.novelty.Novelty`."""
    gap = (own @ whiten).unsqueeze(1) - centres
    return torch.sqrt((gap * gap).sum(2)).amin(1)


class Synthesizer(nn.Module):
    """Decoded latents with a texture on them, and what the AFC makes of that.

    Shapes
    ------
    latent (n, *latent_shape), texture (n, channels, F, T) -> heatmap (n, channels, F, T),
    class_probabilities (n, classes)
    """

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator

    def forward(self, latent: Tensor, texture: Tensor) -> tuple[Tensor, Tensor]:
        heatmap = self.generator.decode(latent) + texture
        return heatmap, torch.softmax(self.generator.afc(heatmap), dim=1)
