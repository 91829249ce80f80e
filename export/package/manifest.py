"""The manifest of a bundle, from what a run's config and metrics say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import FormatError, checked
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.bundle.facts import SCHEMA_VERSION
from dlrsd.runtime.bundle.front_ends import FrontEnd
from dlrsd.runtime.bundle.parts import Signal
from dlrsd.runtime.bundle.sequence import SequenceManifest
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.training.models.novelty import QUANTILE
from dlrsd.training.runs.config import RunConfig

_TRAINING = (
    "dataset", "task", "protocol", "split_note", "balance_ratio", "seed", "method", "classifier",
    "window_counts", "statement",
)  # fmt: skip
_METRICS = ("accuracy", "macro_recall", "worst_recall", "worst_class", "macro_f1", "g_mean", "n")

M = TypeVar("M", WindowManifest, SequenceManifest)


def manifest(
    form: type[M],
    folder: Path,
    config: RunConfig,
    metrics: Mapping[str, Any],
    *,
    signal: Signal,
    front_end: FrontEnd,
    embedding: int,
    verdict: Mapping[str, int],
    graph: Mapping[str, Any],
    **own: Any,
) -> M:
    """A manifest to which only ``parity``, ``engines`` and ``files`` are still to be added.

    Parameters
    ----------
    form : WindowManifest or SequenceManifest
    folder, config, metrics
        Of the run.
    signal : Signal
    front_end : FrontEnd
        Tells what the graph takes.
    embedding : int > 0
        Its width.
    verdict : dict
        The rule: ``last`` and ``hold``.
    graph : dict
        What the graph of this kind has beside inputs and outputs.
    own : dict
        What only manifests of this kind have.

    Raises
    ------
    InputError
        If what the run says makes no manifest.
    """
    stated = msgspec.to_builtins(config)
    facts = {
        "kind": form.__struct_config__.tag,
        "schema_version": SCHEMA_VERSION,
        "name": folder.resolve().name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dlrsd_version": VERSION,
        "graph": {
            "inputs": [tensor(front_end.graph_input, *front_end.graph_shape(signal))],
            "outputs": [
                tensor("probabilities", len(stated["classes"])),
                tensor("embedding", embedding),
                tensor("novelty"),
            ],
            **graph,
        },
        "classes": stated["classes"],
        "normal_class": stated["normal_class"],
        "signal": {**stated["signal"], "unit": signal.unit},
        "calibration": {"temperature": stated["temperature"]},
        "novelty": {"threshold": 1.0, "quantile": QUANTILE},
        "verdict": verdict,
        "training": {key: stated[key] for key in _TRAINING},
        "metrics": {
            "protocol": stated["protocol"],
            **{key: metrics[key] for key in _METRICS},
            "simulated": metrics.get("simulated", False),
            "rigs": metrics.get("rigs", {}),
        },
        "parity": {},
        "files": {},
        **own,
    }
    if "front_end" in form.__struct_fields__:
        facts["front_end"] = msgspec.to_builtins(front_end)
    return part_of_run(facts, form, folder)


T = TypeVar("T")


def part_of_run(facts: Any, form: type[T], folder: Path) -> T:
    """What a run says as a part of the manifest; an `InputError` if it cannot be one."""
    try:
        return checked(facts, form)
    except FormatError as error:
        raise InputError(
            f"the run {folder} has {error}: no bundle can be made of it; train it again"
        ) from error


def tensor(name: str, *shape: int) -> dict[str, Any]:
    """A tensor whose first axis is free."""
    return {"name": name, "dtype": "float32", "shape": ["batch", *shape]}
