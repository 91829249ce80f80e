"""From a finished run to a bundle: graphs, synthesiser, anchors and manifest, all or nothing."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.export.fused import Diagnoser, Synthesizer
from dlrsd.export.graphs import OUTPUTS, require_half_precision, write_graph
from dlrsd.export.parity import measure, parity_windows, reference, require_parity
from dlrsd.runtime.errors import InputError
from dlrsd.training.novelty import QUANTILE
from dlrsd.training.prepare import prepare
from dlrsd.training.run import TrainedRun, load_run

SCHEMA_VERSION = 1
VERDICT_SECONDS = 2.0  # a class holds with two thirds of the windows of so long
METRICS = ("accuracy", "macro_recall", "worst_recall", "worst_class", "macro_f1", "g_mean", "n")
ANCHOR_STATEMENT = (
    "The anchors derive from the training data: latents and textures of drawn training windows."
)

Progress = Callable[[str, int], Callable[[int], None]]


def export_bundle(
    run_folder: str | Path,
    out: str | Path,
    *,
    fp16: bool,
    anchors: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a bundle from a run and verify it on the run's test part.

    Parameters
    ----------
    run_folder : path
        A finished run; its recordings must still be where they were.
    out : path
        Bundle folder; one that is there is replaced when the new one is complete.
    fp16 : bool
        Also write the graph with a half-precision network.
    anchors : bool
        Also write the synthesiser with its anchors. They derive from training windows so closely
        that a bundle for strangers goes without.
    progress : function, optional
        As in :func:`dlrsd.training.fit.fit`.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or ``out`` is something else than a bundle.
    ParityError
        If a graph does not say what the trained model says; nothing is written then.
    """
    progress = progress or (lambda what, total: lambda done: None)
    out = Path(out)
    if out.exists() and not _is_bundle(out):
        raise InputError(f"{out} is there and is no bundle: choose another --out, or remove it")
    run = load_run(run_folder)
    windows = parity_windows(prepare(run.settings))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        part.chmod(0o755)
        manifest = _manifest(run)
        if not anchors:
            manifest["synthesis"] = None
        parity = _write_diagnosers(run, part, manifest, windows, fp16=fp16, progress=progress)
        if anchors:
            written = progress("synthesiser", 1)
            _write_synthesizer(run, part, manifest)
            written(1)
        manifest["parity"] = {"windows": len(windows), **parity}
        manifest["files"] = {path.name: _facts(path) for path in sorted(part.iterdir())}
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        _replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _write_diagnosers(
    run: TrainedRun,
    folder: Path,
    manifest: dict[str, Any],
    windows: NDArray[np.float32],
    *,
    fp16: bool,
    progress: Progress,
) -> dict[str, dict[str, float]]:
    parts = (run.frontend, run.classifier, run.novelty, run.temperature)
    trained = Diagnoser(*parts).eval()
    expected = reference(trained, windows)
    example = {"waveform": torch.from_numpy(windows[:2].copy())}
    graphs = {"fp32": (trained, folder / "diagnoser.onnx")}
    if fp16:
        half = Diagnoser(*copy.deepcopy(parts), half=True)
        graphs["fp16"] = (half, folder / "diagnoser.fp16.onnx")
    parity = {}
    for precision, (model, path) in graphs.items():
        written = progress(f"write {precision}", 1)
        write_graph(model, example, path, output_names=OUTPUTS, facts=manifest)
        written(1)
        if precision == "fp16":
            elements = sum(p.numel() for p in run.classifier.parameters())
            require_half_precision(path, network_elements=elements)
        bar = progress(f"check {precision}", len(windows))
        parity[precision] = measure(path, windows, expected, on_window=bar)
        require_parity(precision, parity[precision], len(windows))
    return parity


def _write_synthesizer(run: TrainedRun, folder: Path, manifest: dict[str, Any]) -> None:
    example = {
        "latent": torch.zeros(2, *run.generator.latent_shape),
        "texture": torch.zeros(2, len(run.config["channels"]), *run.generator.size),
    }
    write_graph(
        Synthesizer(run.generator),
        example,
        folder / manifest["synthesis"]["file"],
        output_names=("heatmap", "class_probabilities"),
        facts={key: manifest[key] for key in ("name", "classes", "scalogram", "synthesis")},
    )
    shutil.copyfile(run.folder / "anchors.npz", folder / manifest["synthesis"]["anchors"])


def _manifest(run: TrainedRun) -> dict[str, Any]:
    config, signal = run.config, run.config["signal"]
    n_classes, width = len(run.classes), run.classifier.head.in_features

    def tensor(name: str, *shape: int) -> dict[str, Any]:
        return {"name": name, "dtype": "float32", "shape": ["batch", *shape]}

    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "window",
        "name": run.folder.resolve().name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dlrsd_version": version("dlrsd"),
        "graph": {
            "inputs": [tensor("waveform", signal["channels"], signal["window"])],
            "outputs": [
                tensor("probabilities", n_classes),
                tensor("embedding", width),
                tensor("novelty"),
            ],
            "states": [],
        },
        "classes": run.classes,
        "normal_class": config["normal_class"],
        "signal": signal,
        "scalogram": config["scalogram"],
        "calibration": {"temperature": run.temperature},
        "novelty": {"threshold": 1.0, "quantile": QUANTILE},
        "quality": config["quality"],
        "verdict": _verdict(signal),
        "synthesis": {
            "file": "synthesizer.onnx",
            "anchors": "anchors.npz",
            "statement": ANCHOR_STATEMENT,
        },
        "training": {
            key: config[key]
            for key in (
                "dataset", "task", "protocol", "split_note", "balance_ratio", "seed", "method",
                "classifier", "window_counts", "statement",
            )
        },
        "metrics": {
            "protocol": config["protocol"],
            **{key: run.metrics[key] for key in METRICS},
        },
    }  # fmt: skip


def _is_bundle(folder: Path) -> bool:
    """Whether a folder holds what a manifest of ours lists and nothing else, so may be replaced."""
    try:
        files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
        return {path.name for path in folder.iterdir()} <= {"manifest.json", *files}
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _verdict(signal: dict[str, Any]) -> dict[str, int]:
    last = max(3, round(VERDICT_SECONDS * signal["rate_hz"] / signal["hop"]))
    return {"last": last, "hold": -(-2 * last // 3)}


def _facts(path: Path) -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
    }


def _replace(part: Path, out: Path) -> None:
    """Put the complete new bundle in the old one's place; the old one goes last."""
    old = part.with_name(part.name + ".old")
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)
