"""The manifest of a bundle: what windows of vibration and steps of plants have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dlrsd.runtime.bundle.manifest import SCHEMA_VERSION
from dlrsd.runtime.dsp.order_map import LINES
from dlrsd.training.models.novelty import QUANTILE

_TRAINING = (
    "dataset", "task", "protocol", "split_note", "balance_ratio", "seed", "method", "classifier",
    "window_counts", "statement",
)  # fmt: skip
_METRICS = ("accuracy", "macro_recall", "worst_recall", "worst_class", "macro_f1", "g_mean", "n")


def manifest(
    kind: str,
    folder: Path,
    config: Mapping[str, Any],
    metrics: Mapping[str, Any],
    *,
    embedding: int,
    order_map: Mapping[str, Any] | None = None,
    states: Mapping[str, int] | None = None,
    **own: Any,
) -> dict[str, Any]:
    """All but ``parity``, ``engines`` and ``files``.

    Parameters
    ----------
    kind : "window" or "sequence"
    folder, config, metrics
        Of the run.
    embedding : int > 0
        Its width.
    order_map : dict, optional
        Of a front end that is computed before the graph; it states ``n_bands``.
    states : {name: width}, optional
    own : dict
        What a kind has of its own: ``scalogram``, ``quality``, ``verdict``, ``synthesis``.
    """
    signal = config["signal"]
    graph_input, shape = "waveform", [signal["window"]]
    if order_map:
        graph_input, shape = "order_map", [order_map["n_bands"], len(LINES) + 1]

    def tensor(name: str, *shape: int) -> dict[str, Any]:
        return {"name": name, "dtype": "float32", "shape": ["batch", *shape]}

    return {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "name": folder.resolve().name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dlrsd_version": version("dlrsd"),
        "graph": {
            "inputs": [tensor(graph_input, signal["channels"], *shape)],
            "outputs": [
                tensor("probabilities", len(config["classes"])),
                tensor("embedding", embedding),
                tensor("novelty"),
            ],
            "states": [tensor(name, width) for name, width in (states or {}).items()],
        },
        "classes": config["classes"],
        "normal_class": config["normal_class"],
        "signal": signal,
        "calibration": {"temperature": config["temperature"]},
        "novelty": {"threshold": 1.0, "quantile": QUANTILE},
        **({"order_map": order_map} if order_map else {}),
        **own,
        "training": {key: config[key] for key in _TRAINING},
        "metrics": {
            "protocol": config["protocol"],
            **{key: metrics[key] for key in _METRICS},
        },
    }
