"""A bundle: the folder that export writes and the runtime reads, a manifest beside ONNX files.

``manifest.schema.json`` is the published form of the manifest; the checks here are the ones
without which the runtime would fail later and less clearly. Every file is verified against its
SHA-256 when it is opened, not before, so that loading stays cheap.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from dlrsd.runtime.errors import BundleError, InputError
from dlrsd.runtime.quality import QualityLimits
from dlrsd.runtime.stream import SignalSpec

SCHEMA_VERSION = 1
SHIPPED = Path(__file__).parent / "bundles"


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        The content of its ``manifest.json``, checked by `load_bundle`.
    """

    path: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest["classes"])

    @property
    def channels(self) -> int:
        """Channels of one window; a bundle of one channel diagnoses each channel on its own."""
        return int(self.manifest["signal"]["channels"])

    @property
    def window(self) -> int:
        """Samples per window."""
        return int(self.manifest["signal"]["window"])

    @property
    def hop(self) -> int:
        """Samples from one window to the next."""
        return int(self.manifest["signal"]["hop"])

    @property
    def rate_hz(self) -> float:
        return float(self.manifest["signal"]["rate_hz"])

    @property
    def unit(self) -> str:
        return str(self.manifest["signal"]["unit"])

    @property
    def signal(self) -> SignalSpec:
        """The signal the graph expects, as `open_stream` wants it."""
        return SignalSpec(rate_hz=self.rate_hz, unit=self.unit, channels=self.channels)

    @property
    def quality(self) -> QualityLimits:
        return QualityLimits.from_dict(self.manifest["quality"])

    @cached_property
    def manifest_sha256(self) -> str:
        """Hash of the manifest, which holds the hashes of all else: names the bundle exactly."""
        return _sha256(self.path / "manifest.json")

    def has(self, name: str) -> bool:
        """Whether the manifest lists this file."""
        return name in self.manifest["files"]

    def file(self, name: str) -> Path:
        """Path of one of the bundle's files, verified against the manifest.

        Raises
        ------
        BundleError
            If the manifest does not list it, or it is missing, damaged or outside the bundle.
        """
        if not self.has(name):
            listed = ", ".join(sorted(self.manifest["files"]))
            raise BundleError(
                f"bundle {self.path} has no {name}, only {listed}: export it again with that file"
            )
        path = self.path / name
        if not path.is_file():
            raise BundleError(
                f"bundle {self.path} lacks {name}, which its manifest lists: export or copy it "
                "again"
            )
        if path.resolve().parent != self.path.resolve():
            raise BundleError(
                f"{path} leads out of the bundle to {path.resolve()}: expected a file inside it; "
                "copy the file itself"
            )
        expected = self.manifest["files"][name]["sha256"]
        got = _sha256(path)
        if got != expected:
            raise BundleError(
                f"{path} is damaged: its SHA-256 is {got[:12]}..., the manifest says "
                f"{expected[:12]}...; export or copy the bundle again"
            )
        return path


def load_bundle(bundle: str | Path = "bundle") -> Bundle:
    """Open a bundle by its folder, or one that ships with the package by its name.

    Parameters
    ----------
    bundle : str or Path
        A folder with a ``manifest.json``; where there is no such folder, a name of
        `shipped_bundles`.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        If it is missing, damaged, or of a schema this version does not know.
    """
    path = _locate(bundle)
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(
            f"cannot read {path / 'manifest.json'} ({error}): expected the manifest that "
            "`dlrsd-export` writes; export or copy the bundle again"
        ) from error
    _check(manifest, where=path / "manifest.json")
    return Bundle(path=path, manifest=manifest)


def shipped_bundles() -> list[str]:
    """Names of the bundles that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/manifest.json"))


def _locate(bundle: str | Path) -> Path:
    path = Path(bundle)
    if path.is_dir():
        if not (path / "manifest.json").is_file():
            raise BundleError(
                f"folder {path} holds no manifest.json: expected a bundle that `dlrsd-export` wrote"
            )
        return path
    if str(bundle) in shipped_bundles():
        return SHIPPED / str(bundle)
    for aside in path.parent.glob(f".{glob.escape(path.name)}-*.old"):
        raise BundleError(
            f"there is no bundle {str(path)!r}, but {aside}, which an interrupted export was to "
            f"replace: export again, or rename it to {path.name}"
        )
    names = " or ".join(f"`--bundle {name}`" for name in shipped_bundles())
    raise BundleError(
        f"there is no bundle {str(path)!r}: make one with `dlrsd-export --fp16`, or name one with "
        "`--bundle FOLDER`" + (f" or a ready one with {names}" if names else "")
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 2
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


def _is_synthesis(value: Any) -> bool:
    keys = ("file", "anchors", "statement")
    return value is None or (
        isinstance(value, dict)
        and all(_is_text(value.get(k)) for k in keys)
        and value.get("method", "dlrsd-smote") in ("dlrsd-smote", "deep-smote")
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
_CHECKS: list[tuple[str, Callable[[Any], bool], str]] = [
    ("kind", lambda kind: kind == "window", "'window', the one kind this version runs"),
    ("name", _is_text, "a name"),
    ("created", _is_text, "a time"),
    ("classes", _is_names, "at least two different class names"),
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
    ("synthesis", _is_synthesis, "null, or a known method, file, anchors and a statement"),
    ("training.statement", _is_text, "a sentence on what it was trained on"),
    ("training.balance_ratio", lambda v: v is None or _is_number(v), "null or a number"),
    ("training.window_counts", _is_tables, "counts by part and class"),
    ("metrics", lambda v: isinstance(v, dict), "figures by name"),
    ("parity", _is_parity, "label agreement and probability difference by precision"),
    ("engines", _is_engines, "engines with file, precision, package, version, targets and graph"),
    ("files", _is_files, "plain file names, each with its sha256 (64 hex digits)"),
]


def _check(manifest: Any, *, where: Path) -> None:
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
    for place, holds, expected in _CHECKS:
        value = _lookup(manifest, place)
        if not holds(value):
            raise BundleError(
                f"{where} has {place} = {str(value)[:60]!r}, expected {expected}: export the "
                "bundle again"
            )
    _check_consistency(manifest, where=where)


def _check_consistency(manifest: dict[str, Any], *, where: Path) -> None:
    signal, verdict = manifest["signal"], manifest["verdict"]
    window_shape = [signal["channels"], signal["window"]]
    graph_shape = manifest["graph"]["inputs"][0]["shape"][1:]
    if graph_shape != window_shape:
        raise BundleError(
            f"{where} contradicts itself: the graph takes windows of {graph_shape}, the signal "
            f"gives {window_shape} (channels, samples); export the bundle again"
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


def _lookup(manifest: dict[str, Any], place: str) -> Any:
    value: Any = manifest
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
