"""From a finished run to a bundle: graphs, synthesiser, anchors and manifest, all or nothing."""

from __future__ import annotations

import glob
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dlrsd.export.graphs.fused import Synthesizer
from dlrsd.export.graphs.onnx_file import write_graph
from dlrsd.export.package.manifest import manifest
from dlrsd.export.package.sequences import write_sequence_bundle
from dlrsd.export.package.tensorrt import engine_builder, write_engines
from dlrsd.export.package.windows import write_diagnosers
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import ORDERS
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.prepare import Prepared, kinematics, prepare
from dlrsd.training.runs.plants import is_plant_run, load_plant_run
from dlrsd.training.runs.run import TrainedRun, has_order_map, load_run

VERDICT_SECONDS = 2.0  # a class holds with two thirds of the windows of so long
ANCHOR_STATEMENT = "The anchors derive from the training data: {} of drawn training windows."


def export_bundle(
    run_folder: str | Path,
    out: str | Path,
    *,
    fp16: bool,
    int8: bool = False,
    anchors: bool = True,
    tensorrt: Sequence[int] | None = None,
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
    int8 : bool
        Also write the graph with a network of 8-bit integers.
    anchors : bool
        Also write the synthesiser with its anchors, if the run has one. They derive from training
        windows so closely that a bundle for strangers goes without.
    tensorrt : ints, optional
        Also write TensorRT engines, for GPUs of these compute capabilities (86, 89, ...); of none,
        for those of :func:`dlrsd.export.package.tensorrt.engine_builder`.
    progress : function, optional
        As in :func:`dlrsd.training.kinds.fit.fit`.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    InputError
        If the run or its data cannot be read, ``out`` is something else than a bundle, or a run
        on plant data is asked for more than fp32 and fp16.
    ParityError
        If a graph does not say what the trained model says; nothing is written then.
    ExtraMissingError
        If engines are asked for and no package is there that builds them.
    """
    progress = progress or (lambda what, total: lambda done: None)
    out = Path(out)
    _bring_back(out)
    if out.exists() and not _is_bundle(out):
        raise InputError(f"{out} is there and is no bundle: choose another --out, or remove it")
    is_sequence = is_plant_run(run_folder)
    if int8 or tensorrt is not None:
        asked = "int8" if int8 else "tensorrt"
        if is_sequence:
            raise InputError(
                f"got --{asked} for a run on plant data: expected --fp16 or nothing; its steps are "
                "small and minutes apart, so leave it out"
            )
        if has_order_map(run_folder):
            raise InputError(
                f"got --{asked} for a run on order maps: expected --fp16 or nothing; its network "
                "is small, and the map before it stays in float32 on the CPU, so leave it out"
            )
    builder = None if tensorrt is None else engine_builder(tensorrt)
    precisions = ["fp32", *["fp16"] * fp16, *["int8"] * int8]
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        part.chmod(0o755)
        if is_sequence:
            facts = write_sequence_bundle(
                load_plant_run(run_folder), part, precisions=precisions, progress=progress
            )
        else:
            facts = _write_window_bundle(
                load_run(run_folder), part, precisions, anchors=anchors, progress=progress
            )
        if builder is not None:
            trt, targets = builder
            signal = facts["signal"]
            facts["engines"] = write_engines(
                part,
                trt=trt,
                targets=targets,
                shape=(signal["channels"], signal["window"]),
                profile=PROFILE,
                progress=progress,
            )
        facts["files"] = {path.name: _facts(path) for path in sorted(part.iterdir())}
        (part / "manifest.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        _replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return facts


def _write_window_bundle(
    run: TrainedRun, part: Path, precisions: Sequence[str], *, anchors: bool, progress: Progress
) -> dict[str, Any]:
    data = prepare(run.settings)
    facts = _manifest(run, data)
    if not anchors:
        facts["synthesis"] = None
    facts["parity"] = write_diagnosers(
        run, data, part, precisions=precisions, facts=facts, progress=progress
    )
    if facts["synthesis"]:
        written = progress("synthesiser", 1)
        _write_synthesizer(run, part, facts)
        written(1)
    return facts


def _write_synthesizer(run: TrainedRun, folder: Path, facts: dict[str, Any]) -> None:
    heatmaps = torch.zeros(2, len(run.config["channels"]), *run.frontend.size)
    if run.generator:
        module: nn.Module = Synthesizer(run.generator)
        example = {"latent": torch.zeros(2, *run.generator.latent_shape), "texture": heatmaps}
        output_names: tuple[str, ...] = ("heatmap", "class_probabilities")
    else:
        assert run.regressor is not None
        # Two tensors: the exporter would take one for both inputs.
        module, example = run.regressor, {"first": heatmaps, "second": heatmaps.clone()}
        output_names = ("heatmap",)
    write_graph(
        module,
        example,
        folder / facts["synthesis"]["file"],
        output_names=output_names,
        facts={key: facts[key] for key in ("name", "classes", "scalogram", "synthesis")},
    )
    shutil.copyfile(run.folder / "anchors.npz", folder / facts["synthesis"]["anchors"])


def _manifest(run: TrainedRun, data: Prepared) -> dict[str, Any]:
    facts = manifest(
        "window",
        run.folder,
        run.config,
        run.metrics,
        embedding=run.classifier.head.in_features,
        order_map=_order_map(run, data) if run.settings.has_order_map else None,
        scalogram=run.config.get("scalogram"),
        quality=run.config["quality"],
        verdict=_verdict(run.config["signal"]),
        synthesis=_synthesis(run),
    )
    facts["graph"]["profile"] = dict(PROFILE)
    return facts


def _order_map(run: TrainedRun, data: Prepared) -> dict[str, Any]:
    """What the runtime makes maps with, and the bearings and speeds that were trained on."""
    speeds: dict[tuple[float, ...], list[float]] = {}
    for recording in sorted({span.recording for span in data.split.train}):
        speed, *orders = astuple(kinematics(data.recordings[recording]))
        speeds.setdefault(tuple(orders), []).append(speed)
    facts = {key: run.config["order_map"][key] for key in ("n_bands", "f_min_hz", "f_max_hz")}
    machines = [
        {"speed_rpm": [min(own), max(own)], **dict(zip(ORDERS, orders, strict=True))}
        for orders, own in speeds.items()
    ]
    return {**facts, "machines": machines}


def _synthesis(run: TrainedRun) -> dict[str, str] | None:
    if not run.anchors or run.settings.has_order_map:  # the box makes heatmaps only
        return None
    return {
        "method": run.config["method"],
        "file": "synthesizer.onnx",
        "anchors": "anchors.npz",
        "statement": ANCHOR_STATEMENT.format(
            "latents and textures" if run.generator else "heatmaps"
        ),
    }


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


def _bring_back(out: Path) -> None:
    """Where an export was killed between the two renames of `_replace`, undo the first."""
    if not out.exists():
        for old in out.parent.glob(f".{glob.escape(out.name)}-*.old"):
            old.replace(out)
            return


def _replace(part: Path, out: Path) -> None:
    """Put the complete new bundle in the old one's place; the old one goes last."""
    old = part.with_name(part.name + ".old")
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)
