"""Training a classifier on real windows, their views, and synthetic ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import recall_score
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.training.fitting.augment import vary
from dlrsd.training.fitting.generator import draw_batches
from dlrsd.training.fitting.loop import Curves, train
from dlrsd.training.fitting.schedule import CLASSIFIER, Schedule
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.classifiers import make_classifier

LABEL_SMOOTHING = 0.05
_BATCH = 512


def new_classifier(name: str, *, channels: int, n_classes: int, seed: int) -> Classifier:
    """An untrained classifier by name, its weights drawn by a seed."""
    torch.manual_seed(seed)
    return make_classifier(name, channels=channels, n_classes=n_classes)


def train_classifier(
    classifier: Classifier,
    pools: list[NDArray[np.float32]],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    seed: int,
    schedule: Schedule = CLASSIFIER,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
    share: NDArray[np.float64] | None = None,
    class_weight: NDArray[np.float64] | None = None,
    mixup: float = 0.0,
    varied: bool = False,
) -> Curves:
    """Minimise cross-entropy; early stop on training-side windows.

    Parameters
    ----------
    pools : list of K arrays [shape=(n_c, channels, F, T)]
        What is to be learned of every class.
    validation, seed, schedule, checkpoint, on_epoch
        As in :func:`dlrsd.training.fitting.generator.train_generator`.
    share : array [shape=(K,)], sums to 1, optional
        Of every class in a batch; default: the same.
    class_weight : array [shape=(K,)], optional
        Of every class's windows in the loss; default: the same.
    mixup : float >= 0
        Alpha of :func:`mix`; 0: nothing is mixed.
    varied : bool
        Train on variations of the heatmaps (:func:`dlrsd.training.fitting.augment.vary`).
    """
    tensors = [torch.from_numpy(pool) for pool in pools]
    held, held_label = (torch.from_numpy(a) for a in validation)
    weight = None
    if class_weight is not None and np.ptp(class_weight):
        weight = torch.from_numpy(class_weight).float()

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([seed, epoch])
        drawn = draw_batches(
            tensors, steps=schedule.steps, batch=schedule.batch, rng=rng, share=share
        )
        return ((vary(x, rng=rng) if varied else x, label) for x, label in drawn)

    def losses(model: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        heatmap, label = batch
        if not mixup:
            return {"ce": cross_entropy(model(heatmap)[0], label, weight)}
        heatmap, other, position = mix(heatmap, label, mixup)
        logits, _ = model(heatmap)
        one, two = (cross_entropy(logits, target, weight) for target in (label, other))
        return {"ce": position * one + (1 - position) * two}

    def validate(model: nn.Module) -> dict[str, float]:
        logits = torch.cat([model(part)[0] for part in held.split(_BATCH)])
        recall = recall_score(held_label, logits.argmax(1), average="macro")
        loss = cross_entropy(logits, held_label)
        return {"validation_loss": float(loss), "validation_recall": float(recall)}

    return train(
        classifier,
        batches=batches,
        losses=losses,
        validate=validate,
        schedule=schedule,
        seed=seed,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy with smoothed labels, windows weighed by their class's ``weight`` (K,)."""
    if weight is None:
        return F.cross_entropy(logits, label, label_smoothing=LABEL_SMOOTHING)
    # torch's own class weights would weigh the smoothing's share by the other classes' weights: at
    # 1:400 a normal window would be pushed towards the faults.
    loss = F.cross_entropy(logits, label, label_smoothing=LABEL_SMOOTHING, reduction="none")
    return (weight[label] * loss).sum() / weight[label].sum()


def mix(heatmap: Tensor, label: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Mixup: each heatmap of a batch blended with another one.

    Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR
    2018.

    Returns
    -------
    heatmap : ``position * heatmap + (1 - position) * other heatmap``
    other : label of the other one
    position : drawn from Beta(alpha, alpha), one for the batch
    """
    position = float(torch.distributions.Beta(alpha, alpha).sample())
    order = torch.randperm(len(label))
    return position * heatmap + (1 - position) * heatmap[order], label[order], position


@torch.inference_mode()
def predict(
    classifier: Classifier, heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits (n, classes) and embeddings (n, width) of heatmaps (n, channels, F, T)."""
    parts = [classifier(part) for part in torch.from_numpy(heatmaps).split(_BATCH)]
    logits = torch.cat([logits for logits, _ in parts])
    return logits.numpy(), torch.cat([embedding for _, embedding in parts]).numpy()
