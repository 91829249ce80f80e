"""Training a network on sequences of windows, and what it then says of whole plants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import Segment, SequenceData
from dlrsd.training.fitting.loop import Curves, train
from dlrsd.training.fitting.schedule import SEQUENCE, Schedule
from dlrsd.training.fitting.sequence_batches import TrainingSequences, draw_sequences
from dlrsd.training.models.lr_convlstm import SequenceClassifier, make_sequence_classifier

LARGEST_GRADIENT = 1.0
_BLOCK = 64  # windows of every segment at once


def new_sequence_classifier(data: SequenceData, name: str, *, seed: int) -> SequenceClassifier:
    """An untrained network by name, with the channels' means and spreads."""
    torch.manual_seed(seed)
    model = make_sequence_classifier(
        name, channels=len(data.channels), window=data.window, n_classes=len(CLASSES)
    )
    signal = np.concatenate([segment.signal for segment in data.parts["train"]], axis=1)
    known = np.isfinite(signal)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, signal, 0).sum(axis=1, dtype=np.float64) / count
    gap = np.where(known, signal - mean[:, None], 0)
    std = np.sqrt((gap**2).sum(axis=1) / count)
    # A channel that never moved in training, a reference say, is not blown up when it does.
    std[std < 1e-6 * np.maximum(np.abs(mean), 1)] = 1.0
    std[~known.any(axis=1)] = np.inf  # one that was never measured says nothing later either
    model.mean.copy_(torch.from_numpy(mean))
    model.std.copy_(torch.from_numpy(std))
    return model


def train_sequence_classifier(
    model: SequenceClassifier,
    data: SequenceData,
    sequences: TrainingSequences,
    *,
    seed: int,
    schedule: Schedule = SEQUENCE,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> Curves:
    """Minimise the weighted negative log likelihood; keep the epoch that is best on validation.

    Best is the lowest negative log likelihood with all classes weighing the same, whatever the
    method that is trained by.

    Parameters
    ----------
    model : SequenceClassifier
        Trained in place.
    sequences : TrainingSequences
        Of the data's training part.
    seed, schedule, checkpoint, on_epoch
        As in :func:`dlrsd.training.fitting.loop.train`.
    """
    weight = torch.from_numpy(sequences.class_weight).float()

    def batches(epoch: int) -> Iterator[tuple[Tensor, ...]]:
        rng = np.random.default_rng([seed, 6, epoch])
        return draw_sequences(
            sequences,
            window=data.window,
            hop=data.hop,
            steps=schedule.steps,
            batch=schedule.batch,
            rng=rng,
        )

    def losses(model: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        windows, target = batch
        log_p, _, _ = model(windows)
        counts = target * weight
        return {"nll": -(counts * log_p).sum() / counts.sum().clamp(min=1e-12)}

    held = data.parts["validation"]
    labels = np.concatenate([segment.label for segment in held])

    def validate(model: nn.Module) -> dict[str, float]:
        said = np.concatenate([log_p for log_p, _ in run_segments(model, data, held)])
        of_class = said[np.arange(len(labels)), labels]
        present = np.unique(labels)
        loss = np.mean([-of_class[labels == one].mean() for one in present])
        right = said.argmax(axis=1) == labels
        recall = np.mean([right[labels == one].mean() for one in present])
        return {"validation_loss": float(loss), "validation_recall": float(recall)}

    return train(
        model,
        batches=batches,
        losses=losses,
        validate=validate,
        schedule=schedule,
        seed=seed,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
        largest_gradient=LARGEST_GRADIENT,
    )


@torch.inference_mode()
def run_segments(
    model: nn.Module, data: SequenceData, segments: Sequence[Segment]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Log probabilities (windows, K) and embeddings (windows, width) of every segment.

    The state is carried from the first window of a segment to its last, as on the box.
    """
    views = [data.windows(segment) for segment in segments]
    longest = max(len(view) for view in views)
    state = None
    parts: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    for start in range(0, longest, _BLOCK):
        size = min(_BLOCK, longest - start)
        block = np.zeros((len(views), size, *views[0].shape[1:]), np.float32)
        for row, view in zip(block, views, strict=True):
            some = view[start : start + size]
            row[: len(some)] = some
        log_p, embedding, state = model(torch.from_numpy(block), state)
        parts.append((log_p.numpy(), embedding.numpy()))
    log_p, embedding = (np.concatenate(blocks, axis=1) for blocks in zip(*parts, strict=True))
    return [
        (of_log_p[: len(view)], of_embedding[: len(view)])
        for of_log_p, of_embedding, view in zip(log_p, embedding, views, strict=True)
    ]
