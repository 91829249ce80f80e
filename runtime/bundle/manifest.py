"""What must hold in a bundle's manifest, or the runtime would fail later and less clearly.

``manifest.schema.json`` is the published form of the manifest, and says what each entry means.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.dsp.order_map import LINES, ORDERS, Kinematics, OrderMapConfig, require_fit
from dlrsd.runtime.dsp.quality import QualityLimits

SCHEMA_VERSION = 1
KINDS = ("window", "sequence")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_names(value: Any, *, least: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= least
        and all(_is_text(name) for name in value)
        and len(set(value)) == len(value)
    )


def _is_plain_file_name(name: str) -> bool:
    return name not in ("", ".", "..") and not set(name) & set("/\\:\0")


def _is_files(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_plain_file_name(name)
        and isinstance(facts, dict)
        and isinstance(facts.get("sha256"), str)
        and len(facts["sha256"]) == 64
        for name, facts in value.items()
    )


def _is_one_input(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 1
        and isinstance(value[0], dict)
        and isinstance(value[0].get("shape"), list)
    )


def _is_states(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(
            isinstance(state, dict)
            and state.get("dtype") == "float32"
            and isinstance(state.get("shape"), list)
            and state["shape"][:1] == ["batch"]
            and all(map(_is_count, state["shape"][1:]))
            for state in value
        )
        and _is_names([state.get("name") for state in value], least=0)
    )


def _is_synthesis(value: Any) -> bool:
    keys = ("file", "anchors", "statement")
    return value is None or (
        isinstance(value, dict)
        and all(_is_text(value.get(k)) for k in keys)
        and value.get("method", "dlrsd-smote") in ("dlrsd-smote", "deep-smote")
    )


def _is_order_map(value: Any) -> bool:
    """The key is optional; whether bands and speeds fit the signal is seen later."""
    return value is None or (
        isinstance(value, dict)
        and _is_count(value.get("n_bands"))
        and all(_is_number(value.get(name)) for name in ("f_min_hz", "f_max_hz"))
        and isinstance(value.get("machines"), list)
        and bool(value["machines"])
        and all(map(_is_machine, value["machines"]))
    )


def _is_machine(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("speed_rpm"), list):
        return False
    speeds = value["speed_rpm"]
    return (
        len(speeds) == 2
        and all(map(_is_number, [*speeds, *(value.get(name) for name in ORDERS)]))
        and 0 < speeds[0] <= speeds[1]
        and all(value[name] > 0 for name in ORDERS)
    )


def _is_tables(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _is_parity(value: Any) -> bool:
    figures = ("label_agreement", "max_probability_difference")
    later = ("fp32_agreement", "accuracy", "bytes")  # older bundles lack them
    return isinstance(value, dict) and all(
        isinstance(facts, dict)
        and all(_is_number(facts.get(name)) for name in figures)
        and all(_is_number(facts.get(name, 0)) for name in later)
        for precision, facts in value.items()
        if precision != "windows"
    )


def _is_profile(value: Any) -> bool:
    """Windows per call of TensorRT engines; the key is optional."""
    if not isinstance(value, dict):
        return value is None
    sizes = [value.get(key, 0) for key in ("min", "opt", "max")]
    return all(map(_is_count, sizes)) and sizes == sorted(sizes)


def _is_engines(value: Any) -> bool:
    """TensorRT engines; the key is optional."""
    texts = ("file", "precision", "package", "version", "graph_sha256")
    return value is None or (
        isinstance(value, list)
        and all(
            isinstance(entry, dict)
            and all(_is_text(entry.get(key)) for key in texts)
            and isinstance(entry.get("targets"), list)
            and all(map(_is_text, entry["targets"]))
            for entry in value
        )
    )


# Where in the manifest, what must hold there, and how to say it.
_Check = tuple[str, Callable[[Any], bool], str]
_CHECKS: list[_Check] = [
    ("kind", lambda kind: kind in KINDS, f"one of {', '.join(KINDS)}"),
    ("name", _is_text, "a name"),
    ("created", _is_text, "a time"),
    ("classes", partial(_is_names, least=2), "at least two different class names"),
    ("graph.inputs", _is_one_input, "one input with its shape"),
    ("graph.outputs", lambda v: isinstance(v, list) and len(v) >= 3, "three outputs"),
    ("graph.profile", _is_profile, "windows per call with min <= opt <= max, or nothing"),
    ("signal.rate_hz", lambda v: _is_number(v) and v > 0, "a rate in Hz above 0"),
    ("signal.unit", _is_text, "a unit"),
    ("signal.channels", _is_count, "a count above 0"),
    ("signal.window", _is_count, "a count above 0"),
    ("signal.hop", _is_count, "a count above 0"),
    ("novelty.threshold", lambda v: _is_number(v) and v > 0, "a number above 0"),
    ("quality", lambda v: isinstance(v, dict), "the limits of the quality flags"),
    ("verdict.last", _is_count, "a count above 0"),
    ("verdict.hold", _is_count, "a count above 0"),
    (
        "order_map",
        _is_order_map,
        "null, or n_bands, f_min_hz, f_max_hz and machines, each with speed_rpm [lowest, highest] "
        "and bpfo, bpfi, bsf, ftf above 0",
    ),
    ("synthesis", _is_synthesis, "null, or a known method, file, anchors and a statement"),
    ("training.statement", _is_text, "a sentence on what it was trained on"),
    ("training.balance_ratio", lambda v: v is None or _is_number(v), "null or a number"),
    ("training.window_counts", _is_tables, "counts by part and class"),
    ("metrics", lambda v: isinstance(v, dict), "figures by name"),
    ("parity", _is_parity, "label agreement and probability difference by precision"),
    ("engines", _is_engines, "engines with file, precision, package, version, targets and graph"),
    ("files", _is_files, "plain file names, each with its sha256 (64 hex digits)"),
]

# What a sequence bundle must hold besides.
_SEQUENCE_CHECKS: list[_Check] = [
    ("graph.states", _is_states, "float32 states, each with its name and shape ['batch', ...]"),
    ("signal.channel_names", partial(_is_names, least=1), "different names of the channels"),
    ("signal.hold", lambda v: v == 0 or _is_count(v), "a count of samples"),
    ("synthesis", lambda v: v is None, "null, for a sequence"),
]

# What a bundle whose graph takes order maps must hold besides.
_ORDER_MAP_CHECKS: list[_Check] = [
    ("kind", lambda kind: kind == "window", "window, for order maps"),
    ("scalogram", lambda v: v is None, "null, for order maps"),
    ("synthesis", lambda v: v is None, "null, for order maps"),
]


def check_manifest(manifest: Any, *, where: Path) -> None:
    """Check what was read of a manifest; ``where`` is what messages call it.

    Raises
    ------
    BundleError
        If an entry is missing, impossible or contradicts another, or the schema is a newer one.
    """
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int) or not _is_count(version):
        raise BundleError(
            f"{where} states no schema_version (got {version!r}): expected the manifest that "
            "`dlrsd-export` writes; export the bundle again"
        )
    if version > SCHEMA_VERSION:
        raise BundleError(
            f"{where} is of schema {version}, newer than the schema {SCHEMA_VERSION} this version "
            "reads: run `pip install --upgrade dlrsd`"
        )
    checks = list(_CHECKS)
    if manifest.get("kind") == "sequence":
        checks += _SEQUENCE_CHECKS
    if manifest.get("order_map") is not None:
        checks += _ORDER_MAP_CHECKS
    for place, holds, expected in checks:
        value = _lookup(manifest, place)
        if not holds(value):
            raise BundleError(
                f"{where} has {place} = {str(value)[:60]!r}, expected {expected}: export the "
                "bundle again"
            )
    _check_consistency(manifest, where=where)


def _check_consistency(manifest: dict[str, Any], *, where: Path) -> None:
    signal, verdict = manifest["signal"], manifest["verdict"]
    order_map = manifest.get("order_map")
    window_shape = [signal["channels"], signal["window"]]
    graph_shape = manifest["graph"]["inputs"][0]["shape"][1:]
    if order_map is not None:
        _check_order_map(signal, order_map, graph_shape, where=where)
    elif graph_shape != window_shape:
        raise BundleError(
            f"{where} contradicts itself: the graph takes windows of {graph_shape}, the signal "
            f"gives {window_shape} (channels, samples); export the bundle again"
        )
    names = signal.get("channel_names", [])
    if manifest["kind"] == "sequence" and len(names) != signal["channels"]:
        raise BundleError(
            f"{where} contradicts itself: it has {signal['channels']} channels and names "
            f"{len(names)}; export the bundle again"
        )
    if verdict["hold"] > verdict["last"]:
        raise BundleError(
            f"{where} wants {verdict['hold']} of the last {verdict['last']} windows for a verdict, "
            "expected hold <= last: export the bundle again"
        )
    try:
        QualityLimits.from_dict(manifest["quality"])
    except InputError as error:
        raise BundleError(
            f"{where} has unusable limits: {error}; export the bundle again"
        ) from error


def _check_order_map(
    signal: dict[str, Any], order_map: dict[str, Any], graph_shape: list[Any], *, where: Path
) -> None:
    map_shape = [signal["channels"], order_map["n_bands"], len(LINES) + 1]
    if graph_shape != map_shape:
        raise BundleError(
            f"{where} contradicts itself: the graph takes order maps of {graph_shape}, signal and "
            f"order_map give {map_shape} (channels, bands, lines); export the bundle again"
        )
    try:
        config = OrderMapConfig(
            rate_hz=signal["rate_hz"],
            window=signal["window"],
            n_bands=order_map["n_bands"],
            f_min_hz=order_map["f_min_hz"],
            f_max_hz=order_map["f_max_hz"],
        )
        for machine in order_map["machines"]:
            for speed_rpm in machine["speed_rpm"]:
                require_fit(config, Kinematics(speed_rpm, *(machine[name] for name in ORDERS)))
    except InputError as error:
        raise BundleError(
            f"{where} has an unusable order map: {error}; export the bundle again"
        ) from error


def _lookup(manifest: dict[str, Any], place: str) -> Any:
    value: Any = manifest
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
