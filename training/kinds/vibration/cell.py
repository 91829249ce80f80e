"""One cell of a comparison: a method on one split, draw and classifier, as a row of figures.

Everything but the method is the same for all methods of a seed: the drawn windows and their views,
the validation, the classifier's initial weights, its number of steps, the test part. What cells
share is kept from one call to the next, so call them in an order that uses it: methods of the same
settings one after another, classifiers of the same method one after another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.methods import TrainingSet, materials_for, rescales, training_set
from dlrsd.training.data.vibration.prepare import Prepared, Settings, load, prepare
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration.fit import fit_classifier
from dlrsd.training.runs.table import Row

_FIGURES = (
    "accuracy", "macro_recall", "worst_recall", "worst_class", "g_mean", "g_mean_paper", "macro_f1",
    "macro_auroc",
)  # fmt: skip


class Cell(NamedTuple):
    """What decides a row: settings, a method's name, epochs of the classifier's training."""

    settings: Settings
    method: str
    epochs: int

    def __str__(self) -> str:
        s = self.settings
        return f"{s.protocol} 1:{s.balance:g} seed {s.seed} {s.classifier} {self.method}"


def run_cell(cell: Cell) -> Row:
    """Train and test; on one thread, so that the row is the same in every process.

    Returns
    -------
    dict
        A row of `dlrsd.training.runs.table.SCHEMA`. ``seconds`` are of one core, without what was
        found ready.

    Raises
    ------
    InputError
        If the settings cannot be used.
    """
    settings = cell.settings
    started = time.process_time()
    with one_thread():
        ready = _ready(_without_classifier(settings), _own_materials(cell.method))
        training = _training_set(_without_classifier(settings), cell.method)
        data = replace(ready.materials.data, settings=settings)
        classifier, _ = fit_classifier(
            replace(ready.materials, data=data), training, epochs=cell.epochs
        )
        logits, _ = predict(classifier, ready.test)
    metrics = classification_metrics(
        ready.label,
        logits.argmax(axis=1),
        data.classes,
        probabilities=torch.softmax(torch.from_numpy(logits), dim=1).numpy(),
    )
    return row_of(
        cell,
        metrics,
        started=started,
        data=Path(settings.data).expanduser().resolve().name,
        task=settings.task,
        balance=float(settings.balance),
        train_windows=counts_by_class(data.drawn, data.classes),
        counts=training.counts,
        notes=training.notes,
        settings=replace(settings, root=None).to_json(),  # where the data lie decides nothing
    )


def row_of(
    cell: Any,
    metrics: Mapping[str, Any],
    *,
    started: float,
    settings: Mapping[str, Any],
    train_windows: Mapping[str, int],
    counts: Any,
    notes: list[str],
    **named: Any,
) -> Row:
    """A row of the table from a cell, its `classification_metrics`, and what is to be told."""
    classes, per_class = metrics["classes"], metrics["per_class"]
    facts = {
        "train_windows": train_windows,
        "test_windows": {name: per_class[name]["support"] for name in classes},
        "counts": counts,
        "notes": notes,
        "recall": {name: per_class[name]["recall"] for name in classes},
        "confusion": metrics["confusion"],
        "classes": classes,
        "settings": settings,
    }
    return {
        **named,
        "protocol": cell.settings.protocol,
        "seed": cell.settings.seed,
        "classifier": cell.settings.classifier,
        "method": cell.method,
        "epochs": cell.epochs,
        **{name: metrics[name] for name in _FIGURES},
        "n_test": metrics["n"],
        **{name: json.dumps(fact) for name, fact in facts.items()},
        "version": version("dlrsd"),
        "seconds": time.process_time() - started,
    }


def prepared(settings: Settings) -> Prepared:
    """`prepare`, with recordings that are read once for all settings that share them."""
    is_simulated = settings.data == "rig"  # of every seed another one
    shared = replace(
        _without_classifier(settings),
        protocol="block",
        train_loads=None,
        test_loads=None,
        balance=1.0,
        seed=settings.seed if is_simulated else 0,
    )
    return prepare(settings, _recordings(shared))


class _Ready(NamedTuple):
    materials: Materials
    test: NDArray[np.float32]
    label: NDArray[np.int64]


@lru_cache(maxsize=1)
def _recordings(settings: Settings) -> list[Recording]:
    return load(settings)


@lru_cache(maxsize=1)
def _ready(settings: Settings, method: str) -> _Ready:
    data = prepared(settings)
    materials = materials_for(method, data)
    test = data.test_index()
    heatmaps = materials.frontend.heatmaps(data.cut(test), data.machines(test))
    return _Ready(materials, heatmaps, test.label)


@lru_cache(maxsize=1)
def _training_set(settings: Settings, method: str) -> TrainingSet:
    materials = _ready(settings, _own_materials(method)).materials
    return training_set(method, materials, target=materials.target, seed=settings.seed)


def _own_materials(method: str) -> str:
    """The method whose materials these are: nearly all share those of the first."""
    return method if rescales(method) else "none"


def _without_classifier(settings: Settings) -> Settings:
    return replace(settings, classifier="edge")


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch and BLAS on one thread: rows do not depend on how many cells run at a time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
