"""Training the generator on drawn windows, and decoding synthetic heatmaps from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dlrsd.runtime.synthesis.smote import interpolate
from dlrsd.runtime.synthesis.splice import random_runs, splice
from dlrsd.training.fitting.loop import Curves, train
from dlrsd.training.fitting.schedule import GENERATOR, Schedule
from dlrsd.training.models.generator import Generator, joint_loss, make_generator

_BATCH = 512


class Synthetic(NamedTuple):
    """Decoded ``heatmaps`` (n, channels, F, T) and the AFC's ``posterior`` (n,) of their class."""

    heatmaps: NDArray[np.float32]
    posterior: NDArray[np.float32]


def new_generator(
    preset: str,
    *,
    n_classes: int,
    channels: int,
    size: tuple[int, int],
    seed: int,
    seaformer: bool = True,
) -> Generator:
    """An untrained generator as `make_generator` makes it, its weights drawn by a seed."""
    torch.manual_seed(seed)
    return make_generator(
        preset, n_classes=n_classes, channels=channels, size=size, seaformer=seaformer
    )


def train_generator(
    generator: Generator,
    pools: list[NDArray[np.float32]],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    seed: int,
    schedule: Schedule = GENERATOR,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
    terms: tuple[str, ...] = ("mse", "ce"),
    afc_shapes: bool = True,
) -> Curves:
    """Minimise the joint loss on class-balanced batches; early stop on training-side windows.

    Parameters
    ----------
    generator : Generator
        Trained in place.
    pools : list of arrays [shape=(n_c, channels, F, T)]
        Standardised heatmaps of every class's drawn windows and their views.
    validation : (heatmaps, labels)
        Training-side windows that are in no pool; of a class too small to spare any, fresh views
        of its windows.
    terms : of "mse" and "ce"
        Terms of the loss, all but for ablations.
    afc_shapes : bool
        As in :meth:`dlrsd.training.models.generator.Generator.forward`.
    """
    tensors = [torch.from_numpy(pool) for pool in pools]
    held, held_label = (torch.from_numpy(a) for a in validation)

    def losses(model: torch.nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        heatmap, label = batch
        mse, ce = joint_loss(model(heatmap, afc_shapes=afc_shapes), heatmap, label)
        return {name: term for name, term in (("mse", mse), ("ce", ce)) if name in terms}

    def validate(model: torch.nn.Module) -> dict[str, float]:
        return {"validation_loss": float(sum(losses(model, (held, held_label)).values()))}

    return train(
        generator,
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
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )


@torch.inference_mode()
def encode(generator: Generator, heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Latents (n, *latent_shape) of standardised heatmaps (n, channels, F, T)."""
    parts = torch.from_numpy(heatmaps).split(_BATCH)
    return torch.cat([generator.encode(part) for part in parts]).numpy()


@torch.inference_mode()
def decode(generator: Generator, latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heatmaps (n, channels, F, T) of latents (n, *latent_shape)."""
    parts = torch.from_numpy(latents).split(_BATCH)
    return torch.cat([generator.decode(part) for part in parts]).numpy()


@torch.inference_mode()
def posterior(generator: Generator, heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The AFC's class probabilities (n, classes) of heatmaps (n, channels, F, T)."""
    parts = torch.from_numpy(heatmaps).split(_BATCH)
    return torch.cat([torch.softmax(generator.afc(part), dim=1) for part in parts]).numpy()


def synthesize_class(
    generator: Generator,
    heatmaps: NDArray[np.float32],
    parent: NDArray[np.int64],
    label: int,
    count: int,
    *,
    rng: np.random.Generator,
    spliced: bool = True,
    textured: bool = True,
) -> Synthetic:
    """Decode latents between those of different real windows of one class.

    Between two windows lies a splice: some times of one, the others of the other. Blends, as SMOTE
    makes them, are there for the ablation.

    A decoded heatmap is smooth: an autoencoder keeps what windows have in common. What it leaves
    of the windows, their texture, is carried over to the decoded one, as the skip from input to
    output in the published diagrams; without it a classifier learns that smooth means synthetic.

    Parameters
    ----------
    heatmaps : array [shape=(n, channels, F, T)]
        Of the class's windows and their views.
    parent : array [shape=(n,)], int
        The drawn window each comes from: a pair never has the same one, or the decoded sample
        would be a reconstruction.
    label : int
        The class, for the posterior.
    count : int
        How many to decode.
    spliced : bool
        False blends the latents, and takes the first window's texture.
    textured : bool
        False leaves the texture away.
    """
    latents = encode(generator, heatmaps)
    texture = heatmaps - decode(generator, latents)
    a = rng.integers(0, len(heatmaps), count)
    b = rng.integers(0, len(heatmaps), count)
    while (same := parent[a] == parent[b]).any() and len(np.unique(parent)) > 1:
        b[same] = rng.integers(0, len(heatmaps), int(same.sum()))
    if spliced:
        runs = random_runs(count, rng=rng)
        between, own = (splice(of[a], of[b], runs) for of in (latents, texture))
    else:
        between, own = interpolate(latents[a], latents[b], rng.random(count)), texture[a]
    made = decode(generator, between)
    if textured:
        made += own
    return Synthetic(made, posterior(generator, made)[:, label])


def draw_batches(
    pools: list[Tensor],
    *,
    steps: int,
    batch: int,
    rng: np.random.Generator,
    share: NDArray[np.float64] | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Batches of (heatmaps, labels) in which every class has its share.

    Parameters
    ----------
    pools : list of K tensors [shape=(n_c, channels, F, T)]
    batch : int > 0
        Rounded up to a multiple of K.
    share : array [shape=(K,)], sums to 1, optional
        Default: the same for every class. A batch holds of a class its share, rounded up or down
        at random so that the mean over batches is exact (systematic sampling).
    """
    size = -(-batch // len(pools)) * len(pools)
    edges = np.cumsum(np.full(len(pools), 1 / len(pools)) if share is None else share)
    offset = rng.spawn(1)[0].random(steps)  # apart, so that equal shares leave rng as it is
    batches = []
    for step in range(steps):
        place = np.searchsorted(edges, (np.arange(size) + offset[step]) / size, side="right")
        count = np.bincount(place.clip(max=len(pools) - 1), minlength=len(pools))
        drawn = [pool[rng.integers(0, len(pool), n)] for pool, n in zip(pools, count, strict=True)]
        label = torch.from_numpy(np.repeat(np.arange(len(pools)), count))
        batches.append((torch.cat(drawn), label))
    return batches
