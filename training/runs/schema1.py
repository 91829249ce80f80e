"""Runs and tables of schema 1, in which nothing said of which kind it is: as this version has them.

Schema 1 called two methods by names that the field does not tell apart, and the light
under-sampling of sequences by the name of another algorithm.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dlrsd.runtime.base.formats import parse_json
from dlrsd.training.balance import methods, sequences
from dlrsd.training.fitting.schedule import CLASSIFIER, SEQUENCE
from dlrsd.training.runs.row import flat_counts

_METHODS = {"window": methods.FORMER_NAMES, "sequence": sequences.FORMER_NAMES}
_FRONT_ENDS = {"scalogram": "scalogram", "order_map": "order-map"}  # keys that stated one
_JSON = (
    "train_windows", "test_windows", "notes", "recall", "confusion", "classes",
)  # fmt: skip


def config_2(config: Any) -> Any:
    """A run's config, read from JSON, by the schema of this version; a damaged one as it is."""
    if not isinstance(config, dict) or "schema_version" in config:
        return config
    try:
        return _config_2(config)
    except (KeyError, TypeError):
        return config


def row_2(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a table, whose nested columns were JSON text, by the schema of this version."""
    settings = parse_json(row["settings"].encode())
    kind = "sequence" if "sequence" in settings else "window"
    nested = {name: parse_json(row[name].encode()) for name in _JSON}
    if kind == "sequence":
        schedule = msgspec.structs.replace(SEQUENCE, epochs=row["epochs"], patience=row["epochs"])
        settings["training"] = msgspec.to_builtins(schedule)
    elif row["epochs"] != CLASSIFIER.epochs:
        schedule = msgspec.structs.replace(CLASSIFIER, epochs=row["epochs"])
        settings["training"] = {"classifier": msgspec.to_builtins(schedule)}
    counts = _counts_2(parse_json(row["counts"].encode()), nested["classes"])
    method = _METHODS[kind].get(row["method"], row["method"])
    return row | nested | {
        "kind": kind, "method": method, "counts": counts, "settings": settings
    }  # fmt: skip


def _config_2(config: dict[str, Any]) -> dict[str, Any]:
    kind = config.get("kind", "window")
    facts = {key: value for key, value in config.items() if key not in _FRONT_ENDS}
    for key, name in _FRONT_ENDS.items():
        if config.get(key) is not None:
            facts["front_end"] = {"name": name, **config[key]}
    return facts | {
        "schema_version": 2,
        "kind": kind,
        "settings": {"kind": kind, **config["settings"]},
        "method": _METHODS[kind].get(config["method"], config["method"]),
    }


def _counts_2(counts: Any, classes: list[str]) -> dict[str, dict[str, float]]:
    if isinstance(counts, dict):  # of plants: what was counted, by class
        return {name: {what: own[name] for what, own in counts.items()} for name in classes}
    return {name: flat_counts(facts) for name, facts in zip(classes, counts, strict=True)}
