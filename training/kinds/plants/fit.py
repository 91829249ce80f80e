"""One training on plant data, from settings to a finished run folder: sequences, network, report.

As `dlrsd.training.kinds.vibration.fit`: an interrupted run goes on when it is started again with
the same settings; a finished one is left as it is.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from dlrsd.training.balance.sequences import find_method, training_sequences
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.plants.plants import CLASSES, SIMULATION
from dlrsd.training.data.plants.sequences import PARTS, SequenceData, SequenceSettings
from dlrsd.training.data.plants.sequences import prepare_sequences as prepare
from dlrsd.training.data.plants.windows import events_from_labels, window_ends
from dlrsd.training.evaluate.calibrate import fit_temperature
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.plant_score import score_plant
from dlrsd.training.fitting.sequence import (
    EPOCHS,
    new_sequence_classifier,
    run_segments,
    train_sequence_classifier,
)
from dlrsd.training.models.lr_convlstm import SequenceClassifier
from dlrsd.training.models.novelty import Novelty, fit_novelty, scaled, threshold
from dlrsd.training.report.page import write_report
from dlrsd.training.runs.run import open_folder, read_json, save_arrays, save_models, write_json

METHOD = "rus-weights"
SPLIT_NOTES = {
    "time": "the first 60 % of every plant's time for training, 10 % for validation, the last 30 % "
    "for testing, three hours apart",
    "plant": "whole plants for training, validation and testing",
}
SIMULATED_NOTE = "simulated plants: no figure says anything about a real one"
_EMBEDDINGS = 2000  # of a class, for the novelty


def fit_plants(
    settings: SequenceSettings,
    out: Path,
    *,
    method: str = METHOD,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train, evaluate and write a run.

    Parameters
    ----------
    settings : SequenceSettings
    out : Path
        The run's folder. One with the same settings is resumed, or returned if finished.
    method : str
        A name of ``dlrsd.training.balance.sequences.SEQUENCE_METHODS``.
    progress : function, optional
        As in :func:`dlrsd.training.kinds.vibration.fit.fit`.

    Returns
    -------
    dict
        The run's metrics, as in ``metrics.json``.

    Raises
    ------
    InputError
        If the data does not fit the settings, or ``out`` holds another run.
    """
    progress = progress or silent
    find_method(method)
    show = progress("plants", 1)
    data = prepare(settings)
    model = new_sequence_classifier(data)
    sequences = training_sequences(data, method)
    show(1)
    config = open_folder(out, _config(data, method))
    if (out / "metrics.json").exists() and not (out / "checkpoints").exists():
        return read_json(out / "metrics.json")
    (out / "checkpoints").mkdir(exist_ok=True)
    curves = train_sequence_classifier(
        model,
        data,
        sequences,
        epochs=EPOCHS,
        checkpoint=out / "checkpoints" / "classifier.pt",
        on_epoch=progress("classifier", EPOCHS),
    )
    show = progress("evaluation", 1)
    temperature, novelty = calibrated(model, data)
    config["temperature"] = temperature
    metrics, states = plant_metrics(model, data, temperature=temperature, novelty=novelty)
    metrics |= {"window_counts": config["window_counts"], "sequences": sequences.facts}
    save_arrays(out / "states.npz", states)
    save_models(out, classifier=model, novelty=novelty)
    write_json(out / "curves.json", {"classifier": curves})
    write_json(out / "config.json", config)
    write_json(out / "metrics.json", metrics)
    write_report(out)
    show(1)
    shutil.rmtree(out / "checkpoints")
    return metrics


def calibrated(model: SequenceClassifier, data: SequenceData) -> tuple[float, Novelty]:
    """Temperature and novelty, by the validation part, which no weight was trained on."""
    held = data.parts["validation"]
    said = run_segments(model, data, held)
    label = np.concatenate([segment.label for segment in held])
    # Windows of one event are not independent of each other: count stretches of one state.
    pieces = sum(1 + np.count_nonzero(np.diff(segment.label)) for segment in held)
    log_p = np.concatenate([log_p for log_p, _ in said])
    temperature = fit_temperature(log_p, label, n_windows=float(pieces))
    known = data.parts["train"]
    rng = np.random.default_rng([data.settings.seed, 7])
    inside = _by_class(
        np.concatenate([e for _, e in run_segments(model, data, known)]),
        np.concatenate([segment.label for segment in known]),
        rng,
    )
    unit_by = _by_class(np.concatenate([embedding for _, embedding in said]), label, rng)
    novelty = fit_novelty(inside)
    return temperature, scaled(novelty, max(threshold(novelty, unit_by), 1e-6))


def plant_metrics(
    model: SequenceClassifier,
    data: SequenceData,
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
    s, tested = data.settings, data.parts["test"]
    said = run_segments(model, data, tested)
    label = np.concatenate([segment.label for segment in tested])
    log_p = np.concatenate([log_p for log_p, _ in said])
    probabilities = torch.softmax(torch.from_numpy(log_p) / temperature, dim=1).numpy()
    metrics = classification_metrics(
        label, log_p.argmax(axis=1), CLASSES, probabilities=probabilities
    )
    metrics |= {
        "protocol": s.protocol,
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
        plant = data.plants[segment.plant]
        found = of_log_p.argmax(axis=1)
        ends = window_ends(plant, window=s.window, hop=s.hop)[segment.first :][: len(found)]
        # What starts within the test part: of what starts later, only a part could be seen.
        true_events = [e for e in plant.events if ends[0] < e.start <= ends[-1]]
        said_events = events_from_labels(
            found, plant, window=s.window, hop=s.hop, first=segment.first
        )
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


def _config(data: SequenceData, method: str) -> dict[str, Any]:
    s, plant = data.settings, data.plants[0]
    simulated = any(plant.simulated for plant in data.plants)
    name = "simulated plants" if s.data == SIMULATION else Path(s.data).expanduser().resolve().name
    return {
        "kind": "sequence",
        "settings": s.to_json(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dlrsd_version": version("dlrsd"),
        "method": method,
        "dataset": name,
        "task": None,
        "protocol": s.protocol,
        "split_note": SPLIT_NOTES[s.protocol],
        "balance_ratio": None,
        "seed": s.seed,
        "classifier": s.classifier,
        "statement": SIMULATED_NOTE if simulated else f"the plants of {name}",
        "classes": list(CLASSES),
        "normal_class": CLASSES[0],
        "channels": list(plant.channels),
        "signal": {
            "rate_hz": 1 / plant.step_s,
            "unit": "as recorded",
            "channels": len(plant.channels),
            "window": s.window,
            "hop": s.hop,
            "channel_names": list(plant.channels),
            "hold": s.hold,
        },
        "window_counts": {
            part: dict(zip(CLASSES, data.counts(part).tolist(), strict=True)) for part in PARTS
        },
    }
