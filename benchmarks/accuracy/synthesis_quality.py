"""What synthetic heatmaps are worth by themselves, on cwru10 under `block`.

    python -m benchmarks.accuracy.synthesis_quality --root DATA --balance 400,50 --seeds 0-2

For every method: a classifier trained on its synthetic heatmaps alone and tested on real windows
(TSTR), beside one trained on real ones; how close synthetic heatmaps lie to training windows; how
like unseen real heatmaps they are. Writes synthesis-quality.json (means over classes) and
synthesis-quality-classes.json: what the results page shows, and every seed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import machine
from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.methods import training_set
from dlrsd.training.balance.pools import RealPool
from dlrsd.training.evaluate.fidelity import DEFINITIONS, measure
from dlrsd.training.evaluate.memorisation import memorisation
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.statistics import interval
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings

METHODS = "dlrsd-smote,smote,dablain-deepsmote,mansourifar-deep-smote"
REAL = "real windows"
SYNTHETIC = 1000  # heatmaps of every class that are trained on and judged
HELD = 100  # more of every class, which decide when to stop
DIAGNOSIS = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "worst_recall": "worst-class recall",
}
SYNTHESIS = {
    "by_decoder": "decoded",
    "distance_ratio": "distance ratio",
    "closer": "closer",
    "near_copies": "near-copies",
    **{name: DEFINITIONS[name].label for name in ("cs", "rmse", "js", "mmd", "emd")},
}
NOTE = (
    f"Trained on {SYNTHETIC} synthetic heatmaps of every class, the normal one included, and on no "
    f"real one ({HELD} more decide when to stop); “{REAL}”: on the drawn windows and their views. "
    "Tested on real windows of the test part. Decoded: share of the synthetic heatmaps that come "
    "from the generator's decoder; the others are SMOTE's top-up. Distance ratio: median distance "
    "of a synthetic heatmap to the nearest training window or view of one, over that of an unseen "
    "real window of the class. Closer: how often a synthetic heatmap lies closer than an unseen "
    "real one; 0.5 if they are alike, more if synthetic ones keep close to what was trained on. "
    "Near-copies: share closer than a twentieth of the drawn windows' typical distance from each "
    "other. The figures after it compare with unseen real windows. In these, and in the "
    f"distances, all are compared with one half of the unseen windows; “{REAL}” stands for the "
    "other half, and the figures take no more synthetic heatmaps than that has: they depend on "
    "how many are compared."
)


class Cell(NamedTuple):
    """One method at one balance ratio and seed."""

    root: str
    balance: float
    seed: int
    method: str


def main() -> None:
    parser = machine.study(__doc__, seeds="0-2")
    parser.add_argument("--balance", default="400,50", help="ratios, separated by commas")
    parser.add_argument("--methods", default=METHODS)
    a = parser.parse_args()
    groups = [
        [Cell(a.root, float(balance), seed, method) for method in (REAL, *a.methods.split(","))]
        for balance in a.balance.split(",")
        for seed in machine.seed_range(a.seeds)
    ]
    found = {}
    for cell, outcome in machine.run_cells(measured, groups, jobs=a.jobs):
        found[cell] = outcome
        print(*cell[1:], *(f"{key} {outcome[key]:.4f}" for key in DIAGNOSIS), flush=True)
    command = (
        f"python -m benchmarks.accuracy.synthesis_quality --root DATA --balance {a.balance} "
        f"--seeds {a.seeds} --methods {a.methods}"
    )
    write(a.out, [found[cell] for group in groups for cell in group], command)


def measured(cell: Cell) -> dict[str, Any]:
    """What one method is worth: over all classes, and class by class."""
    import torch

    torch.set_num_threads(1)
    materials, unseen = materials_and_unseen(settings_of(cell))
    data, learned = materials.data, materials
    decoded: list[float | None] = [None] * len(unseen)
    halves = [np.array_split(_shuffled(own, cell.seed), 2) for own in unseen]
    if cell.method == REAL:
        made = [half for half, _ in halves]
    else:
        made, decoded = synthetic(cell, materials)
        learned = of_synthetic(materials, made)
        made = [own[:SYNTHETIC] for own in made]
    # Random over-sampling of what there is: every class in equal shares, and nothing added.
    settings = settings_of(cell)
    training = line.balance(settings, "ros", learned)
    classifier, _ = line.fit_classifier(settings, learned, training)
    index = data.test_index()
    logits, _ = predict(classifier, materials.frontend.of(data, index))
    metrics = classification_metrics(index.label, logits.argmax(axis=1), data.classes)
    classes = {}
    for label, (name, pool) in enumerate(zip(data.classes, materials.pools, strict=True)):
        other, real = halves[label]
        own = {
            **memorisation(made[label], real, pool.heatmaps, n_drawn=pool.n_drawn),
            **measure(made[label][: len(other)], real),
            "by_decoder": decoded[label],
        }
        recall = metrics["per_class"][name]["recall"]
        classes[name] = {"recall": recall, **{key: own[key] for key in SYNTHESIS}}
    return {
        "balance": cell.balance,
        "seed": cell.seed,
        "method": cell.method,
        **{key: metrics[key] for key in DIAGNOSIS},
        **{key: _mean([own[key] for own in classes.values()]) for key in SYNTHESIS},
        "classes": classes,
    }


def write(folder: Path, rows: Sequence[Mapping[str, Any]], command: str) -> None:
    """The result over all classes and the one class by class, as the results page reads them."""
    by_class = [
        {key: row[key] for key in ("balance", "seed", "method")} | {"class": name, **own}
        for row in rows
        for name, own in row["classes"].items()
    ]
    over_all = [{key: value for key, value in row.items() if key != "classes"} for row in rows]
    for name, title, note, lines, figures in (
        ("", "Synthetic heatmaps by themselves", NOTE, over_all, DIAGNOSIS | SYNTHESIS),
        ("-classes", "The same, class by class", "", by_class, {"recall": "recall"} | SYNTHESIS),
    ):
        keys = [key for key in ("balance", "method", "class") if key in lines[0]]
        result = {
            "title": f"{title} (cwru10, `block`)",
            "command": command,
            "note": note,
            "columns": ["balance ratio", *keys[1:], *figures.values()],
            "rows": _summary(lines, keys, list(figures)),
            "cells": lines,
        }
        print(machine.save(f"synthesis-quality{name}", result, folder))


def settings_of(cell: Cell) -> Settings:
    """What is trained, but for the method."""
    return Settings("cwru12k", root=cell.root, task="cwru10", balance=cell.balance, seed=cell.seed)


@lru_cache(maxsize=1)
def materials_and_unseen(settings: Settings) -> tuple[Materials, list[NDArray[np.float32]]]:
    """Materials, and unseen heatmaps of every class that do not overlap."""
    data = line.prepare(settings)
    materials = line.materials_for("ros", settings, data)
    index = data.test_index(hop=settings.window)
    heatmaps = materials.frontend.of(data, index)
    return materials, [heatmaps[index.label == label] for label in range(len(data.classes))]


def synthetic(
    cell: Cell, materials: Materials
) -> tuple[list[NDArray[np.float32]], list[float | None]]:
    """Per class, heatmaps to learn from and to hold out, and the share that was decoded."""
    wanted = SYNTHETIC + HELD
    target = int(materials.drawn.max()) + wanted  # so that the normal class gets some, too
    plan = replace(line.plan_of(settings_of(cell), materials), target=target)
    training = training_set(cell.method, materials, plan)
    fewest = min(map(len, training.synthetic))
    if fewest < wanted:
        raise InputError(
            f"got {fewest} synthetic heatmaps of a class: expected {wanted} or more; leave the "
            "method out of --methods"
        )
    shares = [
        count["decoded"] / count["synthetic"] if "decoded" in count else None  # type: ignore
        for count in training.counts
    ]
    return [_shuffled(own, cell.seed)[:wanted] for own in training.synthetic], shares


def of_synthetic(materials: Materials, made: list[NDArray[np.float32]]) -> Materials:
    """Materials without anything real."""
    pools = [RealPool(own[:SYNTHETIC], np.arange(SYNTHETIC), SYNTHETIC) for own in made]
    held = np.concatenate([own[SYNTHETIC:] for own in made])
    return replace(materials, pools=pools, validation=(held, np.repeat(np.arange(len(made)), HELD)))


def _shuffled(heatmaps: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    return heatmaps[np.random.default_rng(seed).permutation(len(heatmaps))]


def _summary(
    lines: Sequence[Mapping[str, Any]], keys: list[str], figures: list[str]
) -> list[list[str]]:
    """One row for all seeds of a group: what it is, then every figure with its interval."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in lines:
        groups.setdefault(tuple(one[key] for key in keys), []).append(one)
    return [
        [f"1:{group[0]:g}", *group[1:], *(_text([line[f] for line in own]) for f in figures)]
        for group, own in groups.items()
    ]


def _text(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean, half = interval(known)
    return f"{mean:.3f}" + (f" ± {half:.3f}" if half is not None else "")


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


if __name__ == "__main__":
    machine.run(main)
