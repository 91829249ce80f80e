"""Training a classifier on the balanced set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import recall_score
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.training.classifiers import Classifier
from dlrsd.training.fit_generator import balanced_batches
from dlrsd.training.loop import Curves, train

# Adam at 1e-4 in the paper; as for the generator, one cycle at a higher rate needs few epochs.
# Weight decay and label smoothing keep five windows from being learned by heart.
STEPS = 40  # an epoch
BATCH = 128
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.05
PATIENCE = 15
_BATCH = 512


def train_classifier(
    classifier: Classifier,
    pools: list[NDArray[np.float32]],
    validation: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    epochs: int,
    seed: int,
    checkpoint: Path,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> Curves:
    """Minimise cross-entropy on class-balanced batches; early stop on training-side windows.

    Parameters as in :func:`dlrsd.training.fit_generator.train_generator`; ``pools`` hold the
    balanced set.
    """
    tensors = [torch.from_numpy(pool) for pool in pools]
    held, held_label = (torch.from_numpy(a) for a in validation)

    def losses(model: nn.Module, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        heatmap, label = batch
        logits, _ = model(heatmap)
        return {"ce": F.cross_entropy(logits, label, label_smoothing=LABEL_SMOOTHING)}

    def validate(model: nn.Module) -> dict[str, float]:
        logits = torch.cat([model(part)[0] for part in held.split(_BATCH)])
        recall = recall_score(held_label, logits.argmax(1), average="macro")
        loss = F.cross_entropy(logits, held_label, label_smoothing=LABEL_SMOOTHING)
        return {"validation_loss": float(loss), "validation_recall": float(recall)}

    return train(
        classifier,
        batches=lambda epoch: balanced_batches(
            tensors, steps=STEPS, batch=BATCH, rng=np.random.default_rng([seed, epoch])
        ),
        losses=losses,
        validate=validate,
        epochs=epochs,
        steps=STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        patience=PATIENCE,
        seed=seed,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )


@torch.inference_mode()
def predict(
    classifier: Classifier, heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits (n, classes) and embeddings (n, width) of heatmaps (n, channels, F, T)."""
    parts = [classifier(part) for part in torch.from_numpy(heatmaps).split(_BATCH)]
    logits = torch.cat([logits for logits, _ in parts])
    return logits.numpy(), torch.cat([embedding for _, embedding in parts]).numpy()
