"""The line from plants to a calibrated network, stage by stage.

Plants, parts, balance, network, calibration, evaluation: each stage takes what the one before made,
and nothing below it knows the settings. `fit` walks the line to a run, `cell` to a row of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from dlrsd.training.balance.sequences import training_sequences
from dlrsd.training.data.plants.plants import CLASSES, SIMULATION, Plant, load_plants
from dlrsd.training.data.plants.rig import simulate_plants
from dlrsd.training.data.plants.sequences import SequenceData, prepare_sequences
from dlrsd.training.data.plants.windows import events_from_labels, window_ends
from dlrsd.training.evaluate.calibrate import fit_temperature
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.plant_score import score_plant
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.fitting.sequence import (
    new_sequence_classifier,
    run_segments,
    train_sequence_classifier,
)
from dlrsd.training.fitting.sequence_batches import TrainingSequences
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.models.lr_convlstm import SequenceClassifier
from dlrsd.training.models.novelty import Novelty, fit_novelty, scaled, threshold

_EMBEDDINGS = 2000  # of a class, for the novelty


def read(settings: SequenceSettings) -> list[Plant]:
    """The settings' plants: of a folder, or simulated."""
    if settings.data == SIMULATION:
        return simulate_plants(
            seed=settings.seed,
            n_plants=settings.n_plants,
            years=settings.years,
            components=settings.components,
            zones=settings.zones,
        )
    return load_plants(Path(settings.data))


def prepare(settings: SequenceSettings) -> SequenceData:
    """The first two stages in one: plants, and the parts they are cut into."""
    return prepare_sequences(
        read(settings),
        protocol=settings.protocol,
        seed=settings.seed,
        window=settings.window,
        hop=settings.hop,
        hold=settings.hold,
    )


def balance(settings: SequenceSettings, method: str, data: SequenceData) -> TrainingSequences:
    """Sequences of the training part, balanced by a method."""
    return training_sequences(data, method, length=settings.sequence, seed=settings.seed)


def untrained(settings: SequenceSettings, data: SequenceData) -> SequenceClassifier:
    """The settings' network, its weights drawn by their seed."""
    return new_sequence_classifier(data, settings.classifier, seed=settings.seed)


def fit_network(
    settings: SequenceSettings,
    data: SequenceData,
    sequences: TrainingSequences,
    *,
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> tuple[SequenceClassifier, Curves]:
    """The settings' network, trained on a method's sequences, and how that went."""
    model = untrained(settings, data)
    curves = train_sequence_classifier(
        model,
        data,
        sequences,
        seed=settings.seed,
        schedule=settings.training,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )
    return model, curves


def calibrated(
    settings: SequenceSettings, data: SequenceData, model: SequenceClassifier
) -> tuple[float, Novelty]:
    """Temperature and novelty, by the validation part, which no weight was trained on."""
    held = data.parts["validation"]
    said = run_segments(model, data, held)
    label = np.concatenate([segment.label for segment in held])
    # Windows of one event are not independent of each other: count stretches of one state.
    pieces = sum(1 + np.count_nonzero(np.diff(segment.label)) for segment in held)
    log_p = np.concatenate([log_p for log_p, _ in said])
    temperature = fit_temperature(log_p, label, n_windows=float(pieces))
    known = data.parts["train"]
    rng = np.random.default_rng([settings.seed, 7])
    inside = _by_class(
        np.concatenate([e for _, e in run_segments(model, data, known)]),
        np.concatenate([segment.label for segment in known]),
        rng,
    )
    unit_by = _by_class(np.concatenate([embedding for _, embedding in said]), label, rng)
    novelty = fit_novelty(inside)
    return temperature, scaled(novelty, max(threshold(novelty, unit_by), 1e-6))


def evaluate(
    settings: SequenceSettings,
    data: SequenceData,
    model: SequenceClassifier,
    *,
    temperature: float = 1.0,
    novelty: Novelty | None = None,
) -> tuple[dict[str, Any], dict[str, NDArray[np.int8]]]:
    """Figures of the test part: window by window, and event by event as the challenge scores.

    Returns
    -------
    metrics : dict
        What :func:`dlrsd.training.evaluate.metrics.classification_metrics` gives, ``protocol``,
        ``simulated``, ``log_loss``, ``novel_share`` and ``events``: for every plant what
        :func:`dlrsd.training.evaluate.plant_score.score_plant` gives.
    states : dict
        ``PLANT/true`` and ``PLANT/said``: the class index of every window in order.
    """
    tested = data.parts["test"]
    said = run_segments(model, data, tested)
    label = np.concatenate([segment.label for segment in tested])
    log_p = np.concatenate([log_p for log_p, _ in said])
    probabilities = torch.softmax(torch.from_numpy(log_p) / temperature, dim=1).numpy()
    metrics = classification_metrics(
        label, log_p.argmax(axis=1), CLASSES, probabilities=probabilities
    )
    metrics |= {
        "protocol": settings.protocol,
        "balance_ratio": None,
        "simulated": any(plant.simulated for plant in data.plants),
        "log_loss": float(log_loss(label, probabilities, labels=range(len(CLASSES)))),
        "events": {},
    }
    if novelty is not None:
        embedding = np.concatenate([embedding for _, embedding in said])
        metrics["novel_share"] = float((novelty(embedding) > 1).mean())
    states = {}
    for segment, (of_log_p, _) in zip(tested, said, strict=True):
        plant, how = data.plants[segment.plant], {"window": data.window, "hop": data.hop}
        found = of_log_p.argmax(axis=1)
        ends = window_ends(plant, **how)[segment.first :][: len(found)]
        # What starts within the test part: of what starts later, only a part could be seen.
        true_events = [e for e in plant.events if ends[0] < e.start <= ends[-1]]
        said_events = events_from_labels(found, plant, **how, first=segment.first)
        metrics["events"][plant.name] = asdict(score_plant(true_events, said_events))
        states[f"{plant.name}/true"] = segment.label.astype(np.int8)
        states[f"{plant.name}/said"] = found.astype(np.int8)
    return metrics, states


def _by_class(
    embedding: NDArray[np.float32], label: NDArray[np.int64], rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Embeddings of every class that is there, a random choice where there are many."""
    return [
        embedding[rng.permutation(np.flatnonzero(label == one))[:_EMBEDDINGS]]
        for one in np.unique(label)
    ]
