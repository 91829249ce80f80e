"""The fused graph as a PyTorch module: raw waveform in; probabilities, embedding, novelty out.

Of a run with order maps it begins with the map, which is of a machine: the runtime, which is told
the shaft's speed and the bearing's orders, makes it.

The front end holds the very filter bank of ``dlrsd.runtime.dsp.filter_bank`` as convolutions and
always computes in float32; the network behind it may be cast to half precision.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.runtime.dsp.filter_bank import filter_bank
from dlrsd.training.frontends.order_map import AnyFrontend, OrderMapFrontend
from dlrsd.training.frontends.scalogram import Frontend
from dlrsd.training.models.classifiers import Classifier
from dlrsd.training.models.generator import Generator
from dlrsd.training.models.novelty import Novelty


class FusedFrontend(nn.Module):
    """Windows (n, channels, window) -> standardised heatmaps (n, channels, F, T), float32.

    A window is held as (samples of a block, blocks): every product of the bank is a convolution
    along the blocks, with the samples as channels.
    """

    def __init__(self, frontend: Frontend):
        super().__init__()
        self.config = frontend.config
        bank = filter_bank(frontend.config)
        self.levels = [band.level for band in bank.bands]
        self.decimators = nn.ParameterList(_kernel(weight) for weight in bank.decimators)
        self.bands = nn.ParameterList(_kernel(band.weight) for band in bank.bands)
        mean = torch.tensor(frontend.mean, dtype=torch.float32)
        std = torch.tensor(frontend.std, dtype=torch.float32)
        self.average: Tensor
        self.eps: Tensor
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("average", torch.from_numpy(bank.average)[:, :, None, None])
        self.register_buffer("eps", torch.full_like(mean, frontend.eps))
        self.register_buffer("mean", mean)
        self.register_buffer("variance", std * std)

    def forward(self, waveform: Tensor) -> Tensor:
        channels, blocks = waveform.shape[1], self.config.n_blocks
        x = waveform.reshape(-1, blocks, self.config.window // blocks).transpose(1, 2).unsqueeze(2)
        signals = [x]
        for kernel in self.decimators:  # each adds the blocks that it spreads into on both sides
            signals.append(F.conv2d(signals[-1], kernel, padding=(0, kernel.shape[3] - 1)))
        powers = []
        for level, kernel in zip(self.levels, self.bands, strict=True):
            halo = (signals[level].shape[3] - blocks) // 2
            margin = kernel.shape[3] // 2 - halo
            signal = signals[level][..., max(0, -margin) : signals[level].shape[3] + min(0, margin)]
            parts = F.conv2d(signal, kernel, padding=(0, max(0, margin)))
            real, imaginary = (parts * parts).chunk(2, dim=1)
            powers.append(real + imaginary)
        magnitude = torch.sqrt(torch.cat(powers, dim=1))
        log = torch.log(F.conv2d(magnitude, self.average, self.eps).squeeze(2))
        # A batch normalisation with given constants: one pass in ONNX Runtime, not two.
        heatmap = F.batch_norm(log, self.mean, self.variance, eps=0.0)
        return heatmap.reshape(-1, channels, *log.shape[1:])


class Standardise(nn.Module):
    """Raw order maps (n, channels, bands, columns) -> standardised ones, float32."""

    def __init__(self, frontend: OrderMapFrontend):
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(frontend.mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(frontend.std, dtype=torch.float32))

    def forward(self, maps: Tensor) -> Tensor:
        return (maps - self.mean) / self.std


def _kernel(weight: NDArray[np.float32]) -> nn.Parameter:
    """(blocks of a frame, samples, outputs) as a convolution's (outputs, samples, blocks)."""
    return nn.Parameter(
        torch.from_numpy(weight.transpose(2, 1, 0).copy()).unsqueeze(2), requires_grad=False
    )


class Diagnoser(nn.Module):
    """The whole diagnosis of a window; ``half`` casts the network, not the front end.

    Shapes
    ------
    window (n, channels, samples) float32 in the training unit, or raw order map (n, channels,
    bands, columns) -> probabilities (n, classes), embedding (n, width), novelty (n,), all float32
    """

    def __init__(
        self,
        frontend: AnyFrontend,
        classifier: Classifier,
        novelty: Novelty,
        temperature: float,
        *,
        half: bool = False,
    ):
        super().__init__()
        self.frontend = (
            FusedFrontend(frontend) if isinstance(frontend, Frontend) else Standardise(frontend)
        )
        self.classifier = classifier.half() if half else classifier
        self.dtype = torch.float16 if half else torch.float32
        self.temperature = temperature
        self.whiten: Tensor
        self.centres: Tensor
        self.register_buffer("whiten", torch.from_numpy(novelty.whiten))
        self.register_buffer("centres", torch.from_numpy(novelty.centres))

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heatmap = self.frontend(window).to(self.dtype)
        logits, embedding = self.classifier(heatmap)
        logits, embedding = logits.float(), embedding.float()
        novelty = distance(embedding, self.whiten, self.centres)
        return torch.softmax(logits / self.temperature, dim=1), embedding, novelty


def distance(embedding: Tensor, whiten: Tensor, centres: Tensor) -> Tensor:
    """Novelty (n,) of embeddings (n, width), as :class:`dlrsd.training.models.novelty.Novelty`."""
    gap = (embedding @ whiten).unsqueeze(1) - centres
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
