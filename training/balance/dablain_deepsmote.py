"""DeepSMOTE of Dablain et al.: a convolutional autoencoder, and SMOTE between its latents.

Source: Dablain, Krawczyk, Chawla, "DeepSMOTE: Fusing Deep Learning and SMOTE for Imbalanced Data"
(2021), arXiv 2105.02340. Not Deep SMOTE of Mansourifar and Shi (``mansourifar_deep_smote.py``).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.fitting.generator import draw_batches
from dlrsd.training.fitting.loop import train
from dlrsd.training.fitting.schedule import GENERATOR, Schedule

# A narrower network than the published one for photographs, trained on as many batches as
# DLRSD-SMOTE's generator, with the same schedule.
WIDTHS = (16, 32, 64)
LATENT = 64


class Autoencoder(nn.Module):
    """Strided convolutions to a latent vector, transposed ones back.

    Parameters
    ----------
    shape : (channels, F, T)
        Of a heatmap; F and T divisible by 8.
    """

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        channels, *size = shape
        widths = (channels, *WIDTHS)
        inner = (WIDTHS[-1], *(n >> len(WIDTHS) for n in size))
        flat = int(np.prod(inner))
        down = [
            layer
            for a, b in pairwise(widths)
            for layer in (nn.Conv2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
        ]
        up = [
            layer
            for a, b in pairwise(widths[::-1])
            for layer in (nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU())
        ][:-2]  # the heatmap itself is standardised: no normalisation, and no bounds
        self.encode = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, LATENT))
        self.decode = nn.Sequential(nn.Linear(LATENT, flat), nn.ReLU(), nn.Unflatten(1, inner), *up)

    def forward(self, heatmap: Tensor) -> Tensor:
        return self.decode(self.encode(heatmap))


def loss(network: Any, heatmap: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """The two terms of the loss, to be added: squared error of reconstruction, and the penalty.

    The penalty is the error of heatmaps decoded from the latent of another of their class: so the
    decoder learns what SMOTE will ask of it, without a discriminator.

    Parameters
    ----------
    network : Autoencoder
    heatmap : tensor [shape=(n, channels, F, T)]
    own : bool tensor [shape=(n,)]
        Which are of the class that the penalty is taken on.
    """
    code = network.encode(heatmap)
    decoded, exchanged = network.decode(torch.cat([code, code[own].roll(1, 0)])).split(
        [len(heatmap), int(own.sum())]
    )
    return F.mse_loss(decoded, heatmap), F.mse_loss(exchanged, heatmap[own])


def train_autoencoder(
    pools: list[NDArray[np.float32]],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    seed: int,
    schedule: Schedule = GENERATOR,
    progress: Progress = silent,
) -> Autoencoder:
    """Minimise reconstruction and penalty, on class-balanced batches.

    Parameters
    ----------
    pools, validation, seed, schedule
        As in :func:`dlrsd.training.fitting.generator.train_generator`.
    """
    tensors = [torch.from_numpy(pool) for pool in pools]
    held = torch.from_numpy(validation[0])
    torch.manual_seed(seed)
    network = Autoencoder(pools[0].shape[1:])

    def losses(model: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        heatmap, label = batch
        reconstruction, penalty = loss(model, heatmap, label == torch.randint(len(tensors), ()))
        return {"reconstruction": reconstruction, "penalty": penalty}

    def validate(model: nn.Module) -> dict[str, float]:
        return {"validation_loss": float(F.mse_loss(model(held), held))}

    train(
        network,
        batches=lambda epoch: draw_batches(
            tensors,
            steps=schedule.steps,
            batch=schedule.batch,
            rng=np.random.default_rng([seed, epoch]),
        ),
        losses=losses,
        validate=validate,
        schedule=schedule,
        seed=seed,
        checkpoint=None,
        on_epoch=progress("autoencoder", schedule.epochs),
    )
    return network
