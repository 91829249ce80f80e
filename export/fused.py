"""The fused graph as a PyTorch module: raw waveform in; probabilities, embedding, novelty out.

The front end holds the very filter bank of ``dlrsd.runtime.scalogram`` as strided convolutions and
always computes in float32; the network behind it may be cast to half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.runtime.scalogram import filter_bank
from dlrsd.training.classifiers import Classifier
from dlrsd.training.frontend import Frontend
from dlrsd.training.generator import Generator
from dlrsd.training.novelty import Novelty


class FusedFrontend(nn.Module):
    """Windows (n, channels, window) -> standardised heatmaps (n, channels, F, T), float32."""

    def __init__(self, frontend: Frontend):
        super().__init__()
        self.config = frontend.config
        self.bands = filter_bank(frontend.config)
        self.eps = frontend.eps
        self.mean: Tensor
        self.std: Tensor
        for i, band in enumerate(self.bands):
            kernel = torch.from_numpy(band.weight.T.copy()).unsqueeze(1)
            self.register_buffer(f"kernel_{i}", kernel)  # (2 x rows, 1, taps)
        mean = torch.tensor(frontend.mean, dtype=torch.float32)
        std = torch.tensor(frontend.std, dtype=torch.float32)
        self.register_buffer("mean", mean[:, None])
        self.register_buffer("std", std[:, None])

    def forward(self, waveform: Tensor) -> Tensor:
        window, blocks = self.config.window, self.config.n_blocks
        channels = waveform.shape[1]
        x = waveform.reshape(-1, 1, window)
        rows = []
        for i, band in enumerate(self.bands):
            # The last frame may end inside the window: the convolution stops there by itself,
            # but must not make frames of its own from what is left.
            padded = F.pad(x, (band.pad, max(0, band.pad_right(window))))
            parts = F.conv1d(padded, self.get_buffer(f"kernel_{i}"), stride=band.step)
            real, imaginary = parts[..., : band.frames(window)].chunk(2, dim=1)
            magnitude = torch.sqrt(real * real + imaginary * imaginary)
            if band.step < window // blocks:
                magnitude = F.avg_pool1d(magnitude, window // blocks // band.step)
            rows.append(magnitude)
        log = torch.log(torch.cat(rows, dim=1) + self.eps)
        return ((log - self.mean) / self.std).reshape(-1, channels, *log.shape[1:])


class Diagnoser(nn.Module):
    """The whole diagnosis of a window; ``half`` casts the network, not the front end.

    Shapes
    ------
    waveform (n, channels, window) float32 in the training unit -> probabilities (n, classes),
    embedding (n, width), novelty (n,), all float32
    """

    def __init__(
        self,
        frontend: Frontend,
        classifier: Classifier,
        novelty: Novelty,
        temperature: float,
        *,
        half: bool = False,
    ):
        super().__init__()
        self.frontend = FusedFrontend(frontend)
        self.classifier = classifier.half() if half else classifier
        self.dtype = torch.float16 if half else torch.float32
        self.temperature = temperature
        self.register_buffer("whiten", torch.from_numpy(novelty.whiten))
        self.register_buffer("centres", torch.from_numpy(novelty.centres))

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heatmap = self.frontend(waveform).to(self.dtype)
        logits, embedding = self.classifier(heatmap)
        logits, embedding = logits.float(), embedding.float()
        gap = (embedding @ self.whiten).unsqueeze(1) - self.centres
        novelty = torch.sqrt((gap * gap).sum(2)).amin(1)
        return torch.softmax(logits / self.temperature, dim=1), embedding, novelty


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
