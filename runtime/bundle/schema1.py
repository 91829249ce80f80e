"""Manifests of schema 1, as those of schema 2.

In schema 1 the front end was told by which of two optional entries was there, and entries that the
runtime did not know were let stand.
"""

from __future__ import annotations

from typing import Any

from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.bundle import parts
from dlrsd.runtime.bundle.front_ends import OrderMap, Scalogram
from dlrsd.runtime.bundle.sequence import SequenceManifest, SlowSignal, StatefulGraph
from dlrsd.runtime.bundle.window import WindowManifest

_KINDS: dict[str, tuple[type, type, type]] = {
    "window": (WindowManifest, parts.Graph, parts.Signal),
    "sequence": (SequenceManifest, StatefulGraph, SlowSignal),
}


# Methods of schema 1 that have another name now, by kind.
_METHODS = {
    "window": {"deepsmote": "dablain-deepsmote", "deep-smote": "mansourifar-deep-smote"},
    "sequence": {
        "rus": "light-rus",
        "rus-smote": "light-rus-smote",
        "rus-smote-weights": "light-rus-smote-weights",
    },
}


def upgrade(old: dict[str, Any]) -> dict[str, Any]:
    """A manifest of schema 1 as one of schema 2, which is still to be checked.

    Raises
    ------
    FormatError
        If it has entries that its kind has no use for.
    """
    kind = old.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        return {"kind": kind, "schema_version": 2}
    manifest, graph, signal = _KINDS[kind]
    front_end, synthesis = _front_end(old), old.get("synthesis")
    if kind == "sequence" and (front_end or synthesis is not None):
        raise FormatError("contradictions: a sequence has a front end or a synthesis")
    if isinstance(synthesis, dict):
        synthesis = {"method": "dlrsd-smote", **_known(parts.Synthesizer, synthesis)}
        synthesis = _renamed("window", synthesis)
    new = {
        **old,
        "schema_version": 2,
        "front_end": front_end,
        "synthesis": synthesis,
        "graph": _known(graph, old.get("graph")),
        "signal": _known(signal, old.get("signal")),
        "training": _renamed(kind, _known(parts.Training, old.get("training"))),
        "metrics": _known(parts.Metrics, old.get("metrics")),
        "parity": _known(parts.Parity, old.get("parity")),
        "engines": old.get("engines") or [],
        "kind": kind,
    }
    return {"kind": kind, **_known(manifest, new)}


def _front_end(old: dict[str, Any]) -> Any:
    scalogram, order_map = old.get("scalogram"), old.get("order_map")
    if order_map is None:
        return _tagged(Scalogram, "scalogram", scalogram)
    if scalogram is not None:
        raise FormatError("contradictions: expected scalogram null, for order maps")
    return _tagged(OrderMap, "order-map", order_map)


def _tagged(form: type, name: str, values: Any) -> Any:
    return {"name": name, **_known(form, values)} if isinstance(values, dict) else values


def _renamed(kind: str, values: Any) -> Any:
    """With the method's name of today, where values have one that had another."""
    if not isinstance(values, dict):
        return values
    return {
        name: _METHODS[kind].get(value, value)
        if name == "method" and isinstance(value, str)
        else value
        for name, value in values.items()
    }


def _known(form: Any, values: Any) -> Any:
    """Those entries that the form has; what is no object is left to be refused."""
    if not isinstance(values, dict):
        return values
    return {name: values[name] for name in form.__struct_fields__ if name in values}
