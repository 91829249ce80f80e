"""Scalogram and order map together: each network's log-probabilities added, second by second.

    python -m benchmarks.accuracy.both_front_ends --root DATA --seeds 0-4

Two networks learn from the same recordings, as `dlrsd-train fit` trains them: one on scalograms of
85 ms, one on order maps of 1.02 s. A test window is one of the latter; what the first says of it is
the mean over the twelve windows in it, so all three columns are of the same seconds. No weight or
temperature is fitted. The rule, to add the two, was tried on the fan end first, in a trial that is
not kept (`load`, tasks cwru-fan-near and cwru-fan-far, seeds 100 and 101): on one of the two tasks
the sum is better than either network alone. Three seeds of cwru10 under `load` had been seen as
well before the rule was settled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from benchmarks import machine
from dlrsd.training.base.threads import one_thread
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.statistics import REFERENCE, interval
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings

PARTS = 12  # windows of a scalogram in one of an order map
WINDOW = 1024
FIGURES = {"accuracy": "accuracy", "worst_recall": "worst recall", "macro_auroc": "macro AUROC"}
NAMES = ("scalogram", "order map", "both")
NOTE = (
    "Windows of 1.02 s; of scalograms the mean log-probability over the twelve windows of 85 ms in "
    "it. Means over seeds with half of the 95 % interval. Log-probabilities are added as they are: "
    "no weight is fitted. The front end fusion came of this study."
)


class Study(NamedTuple):
    """What is compared; ``seeds`` is at most the number of parts that the protocol has."""

    protocol: str
    task: str
    balance: float
    seeds: int


STUDIES = (
    Study("load", "cwru10", 5.0, 5),
    Study("bearing", "cwru-both-ends", 5.0, 3),
    Study("block", "cwru10", 400.0, 5),
)


class Cell(NamedTuple):
    """Both networks on one split and draw."""

    root: str
    study: Study
    seed: int
    method: str


def main() -> None:
    parser = machine.study(__doc__, seeds="0-4")
    parser.add_argument("--method", default=REFERENCE)
    a = parser.parse_args()
    seeds = machine.seed_range(a.seeds)
    groups = [
        [Cell(a.root, study, seed, a.method)] for study in STUDIES for seed in seeds[: study.seeds]
    ]
    found: dict[Cell, dict[str, Any]] = {}
    for cell, outcome in machine.run_cells(measure, groups, jobs=a.jobs):
        found[cell] = outcome
        print(cell.study.protocol, cell.seed, _told(outcome), flush=True)
    rows, measured = [], {}
    for study in STUDIES:
        own = [outcome for cell, outcome in sorted(found.items()) if cell.study == study]
        for name in NAMES:
            values = {f: interval([outcome[name][f] for outcome in own]) for f in FIGURES}
            facts = [study.protocol, study.task, f"1:{study.balance:g}", name, str(len(own))]
            rows.append([*facts, *(_text(*value) for value in values.values())])
            for figure, (mean, half_width) in values.items() if name == "both" else ():
                key = f"{study.protocol}, {name}, {FIGURES[figure]}"
                measured[key] = {"mean": mean, "half_width": half_width, "n": len(own)}
    columns = ["protocol", "task", "balance ratio", "network", "seeds", *FIGURES.values()]
    machine.show("Scalogram and order map", columns, rows)
    result = {
        "title": "Scalogram and order map together",
        "command": f"python -m benchmarks.accuracy.both_front_ends --root DATA --seeds {a.seeds}",
        "note": NOTE,
        "columns": columns,
        "rows": rows,
        "measured": measured,
        "cells": [
            {**cell.study._asdict(), "seed": cell.seed, "method": cell.method, **outcome}
            for cell, outcome in sorted(found.items())
        ],
    }
    print(machine.save("both-front-ends", result, a.out))


def measure(cell: Cell) -> dict[str, Any]:
    """Figures of either network and of both on the same windows of the test part."""
    study = cell.study
    settings = Settings(
        "cwru12k",
        root=cell.root,
        task=study.task,
        protocol=study.protocol,
        balance=study.balance,
        seed=cell.seed,
        window=WINDOW,
    )
    long = replace(
        settings, front_end="order-map", classifier="bands", window=PARTS * WINDOW,
        hop=PARTS * WINDOW // 2,
    )  # fmt: skip
    with one_thread():
        data = line.prepare(long)
        index = data.test_index()
        windows = data.cut(index)
        parts = windows.reshape(*windows.shape[:2], PARTS, WINDOW).swapaxes(1, 2)
        parts = parts.reshape(-1, windows.shape[1], WINDOW)
        said = _said(settings, line.prepare(settings), cell.method, parts, None)
        short = said.reshape(len(windows), PARTS, -1).mean(axis=1)
        orders = _said(long, data, cell.method, windows, data.machines(index))
    each = (short, orders, short + orders)
    return {
        name: _figures(index.label, said, data.classes)
        for name, said in zip(NAMES, each, strict=True)
    }


def _said(
    settings: Settings,
    data: Prepared,
    method: str,
    windows: NDArray[np.float32],
    machines: NDArray[np.float64] | None,
) -> NDArray[np.float32]:
    """Log-probabilities (n, classes) of a network trained on the data."""
    materials = line.materials_for(method, settings, data)
    training = line.balance(settings, method, materials)
    classifier, _ = line.fit_classifier(settings, materials, training)
    logits, _ = predict(classifier, materials.frontend.heatmaps(windows, machines))
    return log_softmax(logits, axis=1)


def _figures(label: NDArray, said: NDArray, classes: list[str]) -> dict[str, Any]:
    metrics = classification_metrics(
        label, said.argmax(axis=1), classes, probabilities=softmax(said, axis=1)
    )
    recall = {name: row["recall"] for name, row in metrics["per_class"].items()}
    return {**{figure: metrics[figure] for figure in FIGURES}, "recall": recall}


def _told(outcome: dict[str, Any]) -> str:
    return ", ".join(f"{name} {outcome[name]['accuracy']:.4f}" for name in NAMES)


def _text(mean: float, half: float | None) -> str:
    return f"{mean:.3f}" + (f" ± {half:.3f}" if half is not None else "")


if __name__ == "__main__":
    machine.run(main)
