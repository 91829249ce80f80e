"""The word "unknown": is a fault that was never trained told from what was?

    python -m benchmarks.accuracy.unknown_fault --root DATA --seeds 0-1

Each fault class is left out of a training in turn, as `dlrsd-train fit` trains, and its test
windows are the unknown ones; the test windows of all other classes are the known ones. Both are of
the same quarter of their recordings (`block`). The figure is the AUROC of unknown against known, by
what a diagnosis knows of a window. What counts as novel was chosen on two tasks with faults of
CWRU's fan end, in which no faulty bearing of cwru10 is; they stand in the table beside it. It goes
on where it was interrupted.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from benchmarks import machine
from dlrsd.training.base.threads import one_thread
from dlrsd.training.data.vibration.windows import part_of
from dlrsd.training.evaluate.statistics import interval
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.novelty import fit_novelty, traits

NAME = "unknown-fault"
METHOD = "ros"  # the cheapest that balances: what is asked is not the method's doing
DESIGN = {"cwru-fan-far": [100], "cwru-fan-near": [100]}
REPORTED = "cwru10"
PER_CLASS = 500  # training windows that a neighbour is looked for among
TODAY = "novelty"


class Said(NamedTuple):
    """What a network says of windows: logits (n, K), embedding (n, E) and traits (n, D)."""

    logits: NDArray[np.float64]
    embedding: NDArray[np.float64]
    traits: NDArray[np.float64]


class Trained(NamedTuple):
    """What a score may know: a network's word on its training windows, their labels (n,), and its
    temperature."""

    said: Said
    label: NDArray[np.int64]
    temperature: float

    def groups(self, values: NDArray[np.float64]) -> list[NDArray[Any]]:
        return [values[self.label == k] for k in np.unique(self.label)]


Score = Callable[[Said], NDArray[np.floating[Any]]]


def _shared(field: str) -> Callable[[Trained], Score]:
    """Mahalanobis distance, one covariance for all classes."""

    def fit(trained: Trained) -> Score:
        novelty = fit_novelty(trained.groups(getattr(trained.said, field)))
        return lambda said: novelty(getattr(said, field))

    return fit


def _class_wise(field: str) -> Callable[[Trained], Score]:
    """Mahalanobis distance to the nearest class, each with a covariance of its own."""

    def fit(trained: Trained) -> Score:
        fitted = [LedoitWolf().fit(own) for own in trained.groups(getattr(trained.said, field))]
        return lambda said: np.min(
            [own.mahalanobis(getattr(said, field)) for own in fitted], axis=0
        )

    return fit


def _neighbour(field: str) -> Callable[[Trained], Score]:
    """Distance to the nearest training window, whitened as the novelty is (Sun and others, ICML
    2022)."""

    def fit(trained: Trained) -> Score:
        groups = trained.groups(getattr(trained.said, field))
        whiten = fit_novelty(groups).whiten
        rng = np.random.default_rng(0)
        some = np.concatenate([rng.permutation(own)[:PER_CLASS] for own in groups])
        nearest = NearestNeighbors(n_neighbors=1).fit(some @ whiten)
        return lambda said: nearest.kneighbors(getattr(said, field) @ whiten)[0][:, 0]

    return fit


def _unsure(trained: Trained) -> Score:
    """How little the likeliest class has (Hendrycks and Gimpel, ICLR 2017)."""
    return lambda said: -softmax(said.logits / trained.temperature, axis=1).max(axis=1)


def _energy(trained: Trained) -> Score:
    """Free energy of the logits (Liu and others, NeurIPS 2020)."""
    return lambda said: -logsumexp(said.logits, axis=1)


def _both(trained: Trained) -> Score:
    """Distance of the embedding, times the root of what the likeliest class lacks."""
    far, unsure = _shared("embedding")(trained), _unsure(trained)
    return lambda said: np.log(far(said)) + np.log(1.0001 + unsure(said)) / 2


SCORES: dict[str, Callable[[Trained], Score]] = {
    TODAY: _shared("traits"),
    "embedding alone": _shared("embedding"),
    "embedding, class-wise": _class_wise("embedding"),
    "embedding, neighbour": _neighbour("embedding"),
    "traits, class-wise": _class_wise("traits"),
    "traits, neighbour": _neighbour("traits"),
    "probability": _unsure,
    "energy": _energy,
    "embedding and probability": _both,
}


class Cell(NamedTuple):
    """One class left out of one training."""

    task: str
    seed: int
    left_out: str


def main() -> None:
    parser = machine.study(__doc__, seeds="0-1")
    a = parser.parse_args()
    plan = {**DESIGN, REPORTED: machine.seed_range(a.seeds)}
    path = a.out / f"{NAME}.json"
    done = _done(path)
    for task, seeds in plan.items():
        for seed in seeds:
            for cell, outcome in measure(a.root, task, seed, done):
                done[cell] = outcome
                print(*cell, _told(outcome), flush=True)
                _save(done, a.seeds, a.out)
    machine.show("Faults that were never trained", *_table(done))
    print(path)


def measure(root: str, task: str, seed: int, done: dict[Cell, Any]) -> Any:
    """Every fault class left out of a task in turn, with its figures; those done are skipped."""
    settings = Settings("cwru12k", root=root, task=task, balance=5.0, seed=seed)
    recordings = line.read(settings)
    divided = line.split(settings, recordings)
    for left_out in divided.classes:
        cell = Cell(task, seed, left_out)
        if left_out != divided.normal and cell not in done:
            with one_thread():
                yield cell, _figures(settings, recordings, left_out)


def _figures(settings: Settings, recordings: list[Any], left_out: str) -> dict[str, Any]:
    whole = line.split(settings, recordings)
    data = line.prepare(settings, [r for r in recordings if r.label != left_out])
    materials = line.materials_for(METHOD, settings, data)
    training = line.balance(settings, METHOD, materials)
    classifier, _ = line.fit_classifier(settings, materials, training)
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.pt"
        temperature, novelty, _ = line.calibrated(settings, materials, classifier, checkpoint=probe)
    pools = [pool.heatmaps for pool in materials.pools]
    label = np.repeat(np.arange(len(pools)), [len(pool) for pool in pools])
    trained = Trained(_said(classifier, np.concatenate(pools)), label, temperature)
    index, test = whole.test_index(), data.test_index()
    its_own = np.flatnonzero(index.label == whole.classes.index(left_out))
    frontend = materials.frontend
    unknown = _said(classifier, frontend.of(whole, part_of(index, its_own)))
    known = _said(classifier, frontend.of(data, test))
    truth = np.repeat([0, 1], [len(known.logits), len(unknown.logits)])
    scores = {name: make(trained) for name, make in SCORES.items()}
    taken_for = np.bincount(unknown.logits.argmax(axis=1), minlength=len(data.classes)).argmax()
    return {
        "auroc": {
            name: float(roc_auc_score(truth, np.concatenate([score(known), score(unknown)])))
            for name, score in scores.items()
        },
        "accuracy": float((known.logits.argmax(axis=1) == test.label).mean()),
        "novel_known": float((novelty(known.traits.astype(np.float32)) > 1).mean()),
        "novel_unknown": float((novelty(unknown.traits.astype(np.float32)) > 1).mean()),
        "taken_for": data.classes[taken_for],
    }


def _said(classifier: Classifier, heatmaps: NDArray[np.float32]) -> Said:
    logits, embedding = predict(classifier, heatmaps)
    parts = (logits, embedding, traits(embedding, heatmaps))
    return Said(*(part.astype(np.float64) for part in parts))


def _told(outcome: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in outcome["auroc"].items())


def _done(path: Path) -> dict[Cell, dict[str, Any]]:
    """What an earlier call found, by the scores that there still are."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["cells"]
    fields = Cell._fields
    return {
        Cell(*(row[f] for f in fields)): {k: v for k, v in row.items() if k not in fields}
        for row in rows
        if list(row["auroc"]) == list(SCORES)
    }


def _table(done: dict[Cell, dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """By score the mean and the worst class of every task, a class being its mean over seeds."""
    tasks = [task for task in (*DESIGN, REPORTED) if any(cell.task == task for cell in done)]
    columns = ["unknown by", *(f"{task}, {what}" for task in tasks for what in ("mean", "worst"))]
    rows = []
    for name in SCORES:
        row = [name]
        for task in tasks:
            by_class = _by_class(done, task, name)
            worst = min(by_class, key=lambda left_out: by_class[left_out])
            row += [f"{np.mean(list(by_class.values())):.3f}", f"{by_class[worst]:.3f} ({worst})"]
        rows.append(row)
    return columns, rows


def _by_class(done: dict[Cell, dict[str, Any]], task: str, score: str) -> dict[str, float]:
    own = {cell: outcome["auroc"][score] for cell, outcome in done.items() if cell.task == task}
    classes = sorted({cell.left_out for cell in own})
    return {
        k: float(np.mean([v for cell, v in own.items() if cell.left_out == k])) for k in classes
    }


def _save(done: dict[Cell, dict[str, Any]], seeds: str, out: Path) -> None:
    columns, rows = _table(done)
    own = {cell: outcome for cell, outcome in done.items() if cell.task == REPORTED}
    measured = {}
    for name in (TODAY, "embedding alone"):
        means = [
            float(np.mean([o["auroc"][name] for cell, o in own.items() if cell.seed == seed]))
            for seed in sorted({cell.seed for cell in own})
        ]
        if means:
            mean, half_width = interval(means)
            found = {"mean": mean, "half_width": half_width, "n": len(means)}
            measured[f"block, cwru10 1:5, unknown fault, {name}, AUROC"] = found
    shares = ""
    if own:
        known, novel = (
            np.mean([o[share] for o in own.values()]) for share in ("novel_known", "novel_unknown")
        )
        shares = (
            f" At the threshold that goes into a bundle {known:.3f} of cwru10's known windows and "
            f"{novel:.3f} of the unknown ones are novel (means over cells)."
        )
    result = {
        "title": "Faults that were never trained",
        "command": f"python -m benchmarks.accuracy.unknown_fault --root DATA --seeds {seeds}",
        "note": (
            "AUROC of windows of a fault class that was left out of training against test windows "
            f"of the others; `block`, 1:5, {METHOD}; means over the classes left out in turn, and "
            "the worst of them. `novelty` is the bundle's: of its traits, the embedding and the "
            "mean and spread of the scalogram's rows. It was chosen on the fan end's tasks (seed "
            f"100).{shares}"
        ),
        "columns": columns,
        "rows": rows,
        "measured": measured,
        "cells": [{**cell._asdict(), **outcome} for cell, outcome in sorted(done.items())],
    }
    machine.save(NAME, result, out)


if __name__ == "__main__":
    machine.run(main)
