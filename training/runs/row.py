"""A row of a comparison's table: what one method reached on one split, draw and network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, TypedDict

import msgspec

class Row(TypedDict):
    """One row; figures as of `dlrsd.training.evaluate.metrics.classification_metrics`.

    ``kind`` is the kind of data, ``settings`` those of that kind by field, ``balance`` the balance
    ratio (None where data are taken as they are), ``epochs`` those of the classifier, ``counts``
    what the method has to say of every class, ``strata`` as of `dlrsd.training.evaluate.strata`,
    ``seconds`` of one core.
    """

    kind: str
    data: str
    task: str | None
    protocol: str
    balance: float | None
    seed: int
    classifier: str
    method: str
    epochs: int
    accuracy: float
    macro_recall: float
    worst_recall: float
    worst_class: str
    g_mean: float
    g_mean_paper: float | None
    macro_f1: float
    macro_auroc: float | None
    n_test: int
    train_windows: dict[str, int]
    test_windows: dict[str, int]
    counts: dict[str, dict[str, float]]
    notes: list[str]
    recall: dict[str, float | None]
    confusion: list[list[int]]
    strata: dict[str, dict[str, float]]
    classes: list[str]
    settings: dict[str, Any]
    version: str
    seconds: float


def row_of(
    settings: Any,
    metrics: Mapping[str, Any],
    *,
    method: str,
    epochs: int,
    started: float,
    data: str,
    task: str | None,
    balance: float | None,
    train_windows: dict[str, int],
    counts: dict[str, dict[str, float]],
    notes: list[str],
) -> Row:
    """A row from settings of any kind, `classification_metrics`, and what is to be told.

    Parameters
    ----------
    started : float
        `time.process_time` when the work began.
    """
    classes, per_class = metrics["classes"], metrics["per_class"]
    stated = msgspec.to_builtins(settings)
    return {
        "kind": stated.pop("kind"),
        "data": data,
        "task": task,
        "protocol": settings.protocol,
        "balance": balance,
        "seed": settings.seed,
        "classifier": settings.classifier,
        "method": method,
        "epochs": epochs,
        "accuracy": metrics["accuracy"],
        "macro_recall": metrics["macro_recall"],
        "worst_recall": metrics["worst_recall"],
        "worst_class": metrics["worst_class"],
        "g_mean": metrics["g_mean"],
        "g_mean_paper": metrics["g_mean_paper"],
        "macro_f1": metrics["macro_f1"],
        "macro_auroc": metrics["macro_auroc"],
        "n_test": metrics["n"],
        "train_windows": train_windows,
        "test_windows": {name: per_class[name]["support"] for name in classes},
        "counts": counts,
        "notes": notes,
        "recall": {name: per_class[name]["recall"] for name in classes},
        "confusion": metrics["confusion"],
        "strata": metrics.get("strata", {}),
        "classes": classes,
        "settings": stated,
        "version": version("dlrsd"),
        "seconds": time.process_time() - started,
    }


def flat_counts(facts: Mapping[str, Any]) -> dict[str, float]:
    """What a method says of a class, with counts by reason one by one: "rejected copy"."""
    return {
        f"{what} {reason}".strip(): float(count)
        for what, value in facts.items()
        for reason, count in (value if isinstance(value, dict) else {"": value}).items()
    }
