"""What a run is judged by: its diagnosis of the test part, and the likeness of its synthesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from msgspec import to_builtins
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from dlrsd.runtime.bundle.certainty import Certainty
from dlrsd.training.balance.pools import Balanced, RealPool
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.windows import WindowIndex
from dlrsd.training.evaluate.certainty import measured
from dlrsd.training.evaluate.fidelity import fidelity
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.near_copies import near_copies
from dlrsd.training.evaluate.strata import by_bearing, strata
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.novelty import Novelty

SAMPLES = 64  # heatmaps of a class kept for the report


def diagnosis_metrics(
    data: Prepared,
    frontend: FrontEnd,
    classifier: Classifier,
    novelty: Novelty,
    temperature: float,
    certainty: Certainty | None = None,
) -> dict[str, Any]:
    """Metrics on the test part, with the share of its windows that count as novel, and with what
    sets of classes and operating points come to there."""
    index = data.test_index()
    heatmaps = frontend.of(data, index)
    logits, embedding = predict(classifier, heatmaps)
    probabilities = torch.softmax(torch.from_numpy(logits) / temperature, dim=1).numpy()
    predicted = logits.argmax(axis=1)
    metrics = classification_metrics(
        index.label, predicted, data.classes, probabilities=probabilities
    )
    parts = strata(data.recordings, index, predicted)
    of_bearings = by_bearing(data.recordings, index)
    return {
        **metrics,
        "log_loss": float(log_loss(index.label, probabilities, labels=range(len(data.classes)))),
        "novel_share": float((novelty.of(embedding, heatmaps) > 1).mean()),
        **({"strata": parts} if parts else {}),
        **(
            {"certainty": to_builtins(measured(certainty, probabilities, index.label, of_bearings))}
            if certainty
            else {}
        ),
    }


def unseen_heatmaps(data: Prepared, frontend: FrontEnd) -> list[NDArray[np.float32]]:
    """Heatmaps of each class's test windows: what synthetic ones should look like."""
    index = data.test_index()
    heatmaps = frontend.of(data, index)
    return [heatmaps[index.label == label] for label in range(len(data.classes))]


def synthesis_metrics(
    classes: list[str],
    unseen: list[NDArray[np.float32]],
    pools: list[RealPool],
    balanced: list[Balanced],
) -> dict[str, Any]:
    """How like unseen real windows the synthetic ones are, and whether any is nearly a copy."""
    made = [c for c, b in enumerate(balanced) if len(b.synthetic) and len(unseen[c])]
    if not made:
        return {}
    synthetic = {classes[label]: balanced[label].synthetic for label in made}
    return {
        "fidelity": fidelity(synthetic, {classes[label]: unseen[label] for label in made}),
        "near_copies": near_copies(synthetic, {classes[c]: pools[c].drawn for c in made}),
    }


def report_samples(
    data: Prepared, unseen: list[NDArray[np.float32]], balanced: list[Balanced]
) -> dict[str, NDArray[np.float16] | NDArray[np.float32]]:
    """Some real heatmaps of the test part and some synthetic ones, and a whole window of each
    class, for the report."""
    rng = np.random.default_rng(0)
    arrays: dict[str, NDArray[np.float16] | NDArray[np.float32]] = {}
    index = data.test_index()
    labels, first = np.unique(index.label, return_index=True)
    windows = data.cut(WindowIndex(index.recording[first], index.start[first], labels))
    for label, window in zip(labels, windows, strict=True):
        arrays[f"window/{label}"] = window
    for label, (real, made) in enumerate(zip(unseen, balanced, strict=True)):
        for name, heatmaps in (("real", real), ("synthetic", made.synthetic)):
            if len(heatmaps):
                chosen = rng.permutation(len(heatmaps))[:SAMPLES]
                arrays[f"{name}/{label}"] = heatmaps[chosen].astype(np.float16)
    return arrays
