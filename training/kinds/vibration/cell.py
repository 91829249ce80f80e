"""One cell of a comparison: a method on one split, draw and classifier, as a row of figures.

Everything but the method is the same for all methods of a seed: the drawn windows and their views,
the validation, the classifier's initial weights, its number of steps, the test part. What cells
share is kept from one call to the next, so call them in an order that uses it: methods of the same
settings one after another, classifiers of the same method one after another.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.methods import autoscales
from dlrsd.training.balance.training_set import TrainingSet
from dlrsd.training.base.threads import one_thread
from dlrsd.training.data.vibration.fitness import described
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.kind import Cell
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.runs.config import dataset_name
from dlrsd.training.runs.row import Row, flat_counts, row_of


def run_cell(cell: Cell) -> Row:
    """Train and test; on one thread, so that the row is the same in every process.

    Returns
    -------
    Row
        ``seconds`` are of one core, without what was found ready.

    Raises
    ------
    InputError
        If the settings cannot be used.
    """
    settings: Settings = cell.settings
    shared = _without_classifier(settings)
    started = time.process_time()
    with one_thread():
        ready = _ready(shared, _materials_of(cell.method))
        training = _training_set(shared, cell.method)
        data = ready.materials.data
        classifier, _ = line.fit_classifier(settings, ready.materials, training)
        logits, _ = predict(classifier, ready.test)
    metrics = classification_metrics(
        ready.label,
        logits.argmax(axis=1),
        data.classes,
        probabilities=torch.softmax(torch.from_numpy(logits), dim=1).numpy(),
    )
    return row_of(
        settings.decisive(),
        metrics,
        method=cell.method,
        epochs=settings.training.classifier.epochs,
        started=started,
        data=dataset_name(settings.data),
        task=settings.task,
        balance=float(settings.balance),
        train_windows=counts_by_class(data.drawn, data.classes),
        counts=_counts(data.classes, training),
        notes=described(data.left_out) + training.notes,
    )


def prepared(settings: Settings) -> Prepared:
    """`line.prepare`, with recordings that are read once for all settings that share them."""
    is_simulated = settings.data == "rig"  # of every seed another one
    shared = replace(
        _without_classifier(settings),
        protocol="block",
        train_loads=None,
        test_loads=None,
        balance=1.0,
        seed=settings.seed if is_simulated else 0,
    )
    return line.prepare(settings, _recordings(shared))


class _Ready(NamedTuple):
    materials: Materials
    test: NDArray[np.float32]
    label: NDArray[np.int64]


@lru_cache(maxsize=1)
def _recordings(settings: Settings) -> list[Recording]:
    return line.read(settings)


@lru_cache(maxsize=1)
def _ready(settings: Settings, method: str) -> _Ready:
    data = prepared(settings)
    materials = line.materials_for(method, settings, data)
    test = data.test_index()
    return _Ready(materials, materials.frontend.of(data, test), test.label)


@lru_cache(maxsize=1)
def _training_set(settings: Settings, method: str) -> TrainingSet:
    return line.balance(settings, method, _ready(settings, _materials_of(method)).materials)


def _materials_of(method: str) -> str:
    """The method whose materials these are: nearly all share those of the first."""
    return method if autoscales(method) else "none"


def _without_classifier(settings: Settings) -> Settings:
    return replace(settings, classifier=settings.frontend.usual.classifier)


def _counts(classes: list[str], training: TrainingSet) -> dict[str, dict[str, float]]:
    """Of every class what the method has to say, counts of reasons one by one."""
    return {name: flat_counts(facts) for name, facts in zip(classes, training.counts, strict=True)}
