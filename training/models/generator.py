"""The DLRSD-SMOTE generator: Seaformer encoder, Seaformer decoder, auxiliary feature classifier.

Source: Dai, Lin, He, Fang, Huang, "Deep Long-Range Spatiotemporal Dependency Synthetic Minority
Oversampling Technique For Imbalance-bearing Fault Diagnosis" (2025), doi 10.5281/zenodo.15148882.
Three departures. The signal feature transform has no learned layer: a learned target of the
reconstruction could shrink to a constant. The diagrams' skip from input to output is no part of
the network: a synthetic sample has no input to skip from, and gets the texture of one of its
parents instead (``dlrsd.training.fitting.generator.synthesize_class``). The auxiliary classifier
learns from real heatmaps as well as decoded ones (``joint_loss``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.models.seaformer import ConvNorm, SeaformerBlock

# The decoder ends in a sigmoid: this many standard deviations of heatmap on either side of 1/2.
HEATMAP_RANGE = 5.0


@dataclass(frozen=True)
class GeneratorConfig:
    """Dimensions of a generator.

    Parameters
    ----------
    widths, strides : tuple of int
        Channels and stride (1 or 2) of the encoder's convolutions; the decoder mirrors them.
    key_dim, heads : int
        Of both Seaformer blocks.
    afc_width : int
        Channels of the auxiliary feature classifier's convolution.
    """

    widths: tuple[int, ...]
    strides: tuple[int, ...]
    key_dim: int
    heads: int
    afc_width: int


PRESETS = {
    # as published: 8.6 G multiply-adds a heatmap, for a GPU
    "paper": GeneratorConfig((64, 128, 256, 512), (1, 1, 1, 1), 64, 8, 32),
    # the same blocks, strided and narrow, for CPU cores
    "edge": GeneratorConfig((16, 32, 48, 32), (2, 2, 1, 1), 8, 4, 16),
}


class Reconstruction(NamedTuple):
    """Decoded ``heatmap`` (n, channels, F, T), ``latent`` (n, c, f, t), and the AFC's logits
    (n, classes) of the decoded heatmap and of the input."""

    heatmap: Tensor
    latent: Tensor
    logits: Tensor
    input_logits: Tensor


class SeaformerEncoder(nn.Sequential):
    """Convolutions, then a Seaformer block: heatmaps, shape (n, channels, F, T), from 0 to 1 ->
    latents, shape (n, c, f, t)."""


class Generator(nn.Module):
    """Autoencoder of standardised heatmaps whose decoded ones are also classified.

    Parameters
    ----------
    config : GeneratorConfig
    n_classes, channels : int > 0
    size : (int, int)
        Frequencies and time blocks of a heatmap, each divisible by the product of strides.
    seaformer : bool
        False leaves out both Seaformer blocks, to measure what they are worth.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        *,
        n_classes: int,
        channels: int = 1,
        size: tuple[int, int] = (32, 32),
        seaformer: bool = True,
    ):
        super().__init__()
        self.config, self.size = config, size
        down = 1
        for stride in config.strides:
            down *= stride
        if size[0] % down or size[1] % down:
            raise InputError(
                f"got heatmaps of {size[0]} x {size[1]}: expected multiples of {down}, the "
                "product of the generator's strides"
            )
        self.latent_shape = (config.widths[-1], size[0] // down, size[1] // down)
        widths = (channels, *config.widths)
        steps = list(zip(widths, widths[1:], config.strides, strict=False))

        def block() -> nn.Module:
            if not seaformer:
                return nn.Identity()
            return SeaformerBlock(widths[-1], key_dim=config.key_dim, heads=config.heads)

        self.encoder = SeaformerEncoder(
            *(layer for i, o, s in steps for layer in (nn.Conv2d(i, o, 3, s, 1), nn.ReLU())),
            block(),
        )
        self.decoder = nn.Sequential(block())
        for i, o, stride in reversed(steps):
            self.decoder.append(nn.ConvTranspose2d(o, i, 3, stride, 1, output_padding=stride - 1))
            self.decoder.append(nn.ReLU())
        self.decoder[-1] = nn.Sigmoid()
        self.afc = AuxiliaryClassifier(channels, config.afc_width, n_classes, size)

    def encode(self, heatmap: Tensor) -> Tensor:
        """(n, channels, F, T) standardised -> (n, *latent_shape)."""
        return self.encoder(to_unit(heatmap))

    def decode(self, latent: Tensor) -> Tensor:
        """(n, *latent_shape) -> (n, channels, F, T) standardised, within +-HEATMAP_RANGE."""
        return from_unit(self.decoder(latent))

    def forward(self, heatmap: Tensor, *, afc_shapes: bool = True) -> Reconstruction:
        """``afc_shapes`` False: no gradient from the AFC's logits to encoder and decoder."""
        latent = self.encode(heatmap)
        decoded = self.decode(latent)
        judged = decoded if afc_shapes else decoded.detach()
        # One batch of both: the AFC's normalisation shall see in training what it sees in use.
        logits, input_logits = self.afc(torch.cat([judged, heatmap])).chunk(2)
        return Reconstruction(decoded, latent, logits, input_logits)


class AuxiliaryClassifier(nn.Module):
    """AFC: class logits of a heatmap, from convolved features beside the heatmap itself.

    The heatmap bypasses the convolution as in the published diagram. Softmax belongs to the loss.
    """

    def __init__(self, channels: int, width: int, n_classes: int, size: tuple[int, int]):
        super().__init__()
        self.features = nn.Sequential(ConvNorm(channels, width, 3, stride=2), nn.ReLU())
        convolved = width * ((size[0] + 1) // 2) * ((size[1] + 1) // 2)
        self.head = nn.Linear(convolved + channels * size[0] * size[1], n_classes)

    def forward(self, heatmap: Tensor) -> Tensor:
        return self.head(torch.cat([self.features(heatmap).flatten(1), heatmap.flatten(1)], dim=1))


def joint_loss(out: Reconstruction, heatmap: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """The two terms of the joint loss, to be added: (MSE, cross-entropy).

    Parameters
    ----------
    out : Reconstruction
        Of ``heatmap`` (n, channels, F, T), with ``label`` (n,) int.
    """
    # Half of the cross-entropy is taken on the heatmaps themselves: synthetic samples carry real
    # texture, and an AFC that knows decoded heatmaps only would not recognise them.
    cross_entropy = (
        F.cross_entropy(out.logits, label) + F.cross_entropy(out.input_logits, label)
    ) / 2
    return F.mse_loss(out.heatmap, heatmap), cross_entropy


def make_generator(
    preset: str,
    *,
    n_classes: int,
    channels: int = 1,
    size: tuple[int, int] = (32, 32),
    seaformer: bool = True,
) -> Generator:
    """A generator with the dimensions of ``PRESETS[preset]``.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    if preset not in PRESETS:
        raise InputError(f"got preset {preset!r}: expected one of {', '.join(PRESETS)}")
    return Generator(
        PRESETS[preset], n_classes=n_classes, channels=channels, size=size, seaformer=seaformer
    )


def describe(generator: Generator) -> dict[str, object]:
    """The generator's dimensions for a run's config, JSON-ready."""
    parameters = sum(p.numel() for p in generator.parameters())
    return {**asdict(generator.config), "parameters": parameters}


def to_unit(heatmap: Tensor) -> Tensor:
    """Standard deviations to the decoder's range: +-HEATMAP_RANGE -> 0 to 1, clipped."""
    return (heatmap / (2 * HEATMAP_RANGE) + 0.5).clamp(0, 1)


def from_unit(unit: Tensor) -> Tensor:
    """The decoder's 0 to 1 to standard deviations."""
    return (unit - 0.5) * (2 * HEATMAP_RANGE)
