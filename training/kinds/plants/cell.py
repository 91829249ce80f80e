"""One cell of a comparison on plant data: a method and a network on one split, as a row of figures.

The plants and their parts, the initial weights of a network, the number and size of its batches and
the test part are the same for all methods of a seed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dlrsd.training.balance.sequences import training_sequences
from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import SequenceData, SequenceSettings, prepare_sequences
from dlrsd.training.fitting.sequence import new_sequence_classifier, train_sequence_classifier
from dlrsd.training.kinds.plants.fit import plant_metrics
from dlrsd.training.kinds.vibration.cell import one_thread, row_of
from dlrsd.training.runs.table import Row


class PlantCell(NamedTuple):
    """What decides a row: settings, a method's name, epochs of the network's training."""

    settings: SequenceSettings
    method: str
    epochs: int

    def __str__(self) -> str:
        s = self.settings
        return f"{s.protocol} seed {s.seed} {s.classifier} {self.method}"


def run_plant_cell(cell: PlantCell) -> Row:
    """Train and test, on one thread, so that the row is the same in every process.

    Returns
    -------
    dict
        A row of `dlrsd.training.runs.table.SCHEMA`; its balance ratio is null, for plants are taken
        as they are. ``notes`` hold the challenge's score of every plant.

    Raises
    ------
    InputError
        If the settings cannot be used.
    """
    settings = cell.settings
    started = time.process_time()
    with one_thread():
        data = prepared_sequences(_without_classifier(settings))
        data = SequenceData(settings, data.plants, data.parts)
        model = new_sequence_classifier(data)
        sequences = training_sequences(data, cell.method)
        train_sequence_classifier(model, data, sequences, epochs=cell.epochs)
        metrics, _ = plant_metrics(model, data)
    scores = {name: found["score"] for name, found in metrics["events"].items()}
    notes = [f"official score of {name}: {score:g}" for name, score in scores.items()]
    if metrics["simulated"]:
        notes.insert(0, "simulated")
    return row_of(
        cell,
        metrics,
        started=started,
        data=Path(settings.data).expanduser().resolve().name,
        task=None,
        balance=None,
        train_windows=dict(zip(CLASSES, data.counts("train").tolist(), strict=True)),
        counts=sequences.facts,
        notes=notes,
        settings=settings.to_json(),
    )


@lru_cache(maxsize=1)
def prepared_sequences(settings: SequenceSettings) -> SequenceData:
    """`prepare_sequences`, kept for the next cell of the same data."""
    return prepare_sequences(settings)


def _without_classifier(settings: SequenceSettings) -> SequenceSettings:
    return replace(settings, classifier="lr_convlstm")
