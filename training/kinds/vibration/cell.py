"""One cell of a comparison: a method on one split, draw and classifier, as a row of figures.

Everything but the method is the same for all methods of a seed: the drawn windows and their views,
the validation, the classifier's initial weights, its number of steps, the test part. A baseline
without a network has the same drawn windows and test part, and stands in the table of each network
that it is compared with. What cells share is kept from one call to the next, so call them in an
order that uses it: methods of the same settings one after another, classifiers of the same method
one after another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.special import softmax

from dlrsd.runtime.dsp.window_features import holds_lines, window_features
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.methods import KNOWN, autoscales
from dlrsd.training.balance.training_set import TrainingSet
from dlrsd.training.base.progress import silent
from dlrsd.training.base.threads import one_thread
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.data.vibration.fitness import described
from dlrsd.training.data.vibration.load import is_simulated
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.recording import Recording, missing_kinematics
from dlrsd.training.data.vibration.windows import WindowIndex, counts_by_class, in_batches
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.strata import strata
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.kinds.kind import Cell
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import AUTO, Settings
from dlrsd.training.kinds.vibration.settled import Settled
from dlrsd.training.kinds.vibration.settled import settled as settled_by
from dlrsd.training.kinds.vibration.trained import train
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
    started = time.process_time()
    with one_thread():
        tested = CONTENDERS[cell.method](settings, cell.method)
    data = tested.data
    predicted = tested.probabilities.argmax(axis=1)
    metrics = classification_metrics(
        tested.windows.label, predicted, data.classes, probabilities=tested.probabilities
    )
    metrics["strata"] = strata(data.recordings, tested.windows, predicted)
    return row_of(
        settings.decisive(),
        metrics,
        method=cell.method,
        epochs=tested.epochs,
        started=started,
        data=dataset_name(settings.data),
        task=settings.task,
        balance=float(settings.balance),
        train_windows=counts_by_class(data.drawn, data.classes),
        counts=tested.counts,
        notes=described(data.left_out) + tested.notes,
    )


def prepared(settings: Settings) -> Prepared:
    """`line.prepare`, with recordings that are read once for all settings that share them."""
    return line.prepare(settings, _recordings(_reading(settings)))


def settled(settings: Settings) -> Settled:
    """`settled.settled`, of the same recordings."""
    if settings.front_end != AUTO:
        return Settled(settings, None)
    return settled_by(settings, _recordings(_reading(settings)))


def _reading(settings: Settings) -> Settings:
    """What of the settings decides how recordings are read."""
    return replace(
        settings,
        front_end=Scalogram.name,
        window=None,
        hop=None,
        classifier=None,
        protocol="block",
        train_loads=None,
        test_loads=None,
        balance=1.0,
        seed=settings.seed if is_simulated(settings.data) else 0,
    )


class Tested(NamedTuple):
    """What a method says of the test part, probabilities of shape (n, K), and of its training."""

    data: Prepared
    windows: WindowIndex
    probabilities: NDArray[np.floating[Any]]
    epochs: int
    counts: dict[str, dict[str, float]]
    notes: list[str]


def _trained(settings: Settings, method: str) -> Tested:
    """A classifier on the training set that a method against the imbalance makes."""
    return TRAININGS.get(settings.classifier, _network)(settings, method)


def _experts(settings: Settings, method: str) -> Tested:
    """A fusion's experts; what they are weighed by is a part of the training."""
    data = prepared(settings)
    windows = data.test_index()
    with TemporaryDirectory() as folder:
        made = train(settings, data, method, Path(folder), silent)
    said = [predict(made.classifier, made.frontend.of(data, own))[0] for own in in_batches(windows)]
    probabilities = softmax(np.concatenate(said) / made.calibration.temperature, axis=1)
    counts = _counts(data.classes, made.training)
    epochs = settings.training.classifier.epochs
    return Tested(data, windows, probabilities, epochs, counts, made.training.notes)


def _network(settings: Settings, method: str) -> Tested:
    shared = _without_classifier(settings)
    ready = _ready(shared, _materials_of(method))
    training = _training_set(shared, method)
    data = ready.materials.data
    classifier, _ = line.fit_classifier(settings, ready.materials, training)
    logits, _ = predict(classifier, ready.test)
    return Tested(
        data,
        ready.windows,
        torch.softmax(torch.from_numpy(logits), dim=1).numpy(),
        settings.training.classifier.epochs,
        _counts(data.classes, training),
        training.notes,
    )


def _baseline(settings: Settings, method: str) -> Tested:
    """A classifier on features of the drawn windows as they are."""
    data, index, train, test = _features(_without_classifier(settings))
    model = BASELINES[method](settings.seed).fit(train, data.drawn.label)
    return Tested(
        data, index, model.predict_proba(test), 0, {name: {} for name in data.classes}, []
    )


#: By method, who is trained and tested; every method that can be compared.
CONTENDERS: dict[str, Callable[[Settings, str], Tested]] = {
    **dict.fromkeys(BASELINES, _baseline),
    **dict.fromkeys(KNOWN, _trained),
}
#: By classifier, where it is trained in another way than one network on the heatmaps.
TRAININGS: dict[str, Callable[[Settings, str], Tested]] = {"experts": _experts}


class _Ready(NamedTuple):
    materials: Materials
    test: NDArray[np.float32]
    windows: WindowIndex


class _Features(NamedTuple):
    data: Prepared
    windows: WindowIndex
    train: NDArray[np.floating[Any]]
    test: NDArray[np.floating[Any]]


@lru_cache(maxsize=1)
def _recordings(settings: Settings) -> list[Recording]:
    return line.read(settings)


@lru_cache(maxsize=1)
def _ready(settings: Settings, method: str) -> _Ready:
    data = prepared(settings)
    materials = line.materials_for(method, settings, data)
    test = data.test_index()
    return _Ready(materials, materials.frontend.of(data, test), test)


@lru_cache(maxsize=1)
def _features(settings: Settings) -> _Features:
    """Of drawn and test windows; with the envelope's lines where all recordings allow for them."""
    data = prepared(settings)
    test = data.test_index()
    known = not any(missing_kinematics(r) for r in data.recordings)
    machines = [data.machines(index) if known else None for index in (data.drawn, test)]
    if not all(m is not None and holds_lines(m, data.rate_hz, data.window) for m in machines):
        machines = [None, None]
    train, tested = (
        window_features(data.cut(index), data.rate_hz, machine)
        for index, machine in zip((data.drawn, test), machines, strict=True)
    )
    return _Features(data, test, train, tested)


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
