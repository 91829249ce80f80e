"""From a finished run to a bundle: graphs, synthesiser, anchors and manifest, all or nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from msgspec import structs

from dlrsd.export.package.folder import bring_back, is_bundle, replace_folder
from dlrsd.export.package.manifest import manifest, part_of_run
from dlrsd.export.package.sequences import write_sequence_bundle
from dlrsd.export.package.synthesizer import synthesizer_of, write_synthesizer
from dlrsd.export.package.tensorrt import engine_builder, write_engines
from dlrsd.export.package.windows import write_diagnosers
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import json_text
from dlrsd.runtime.bundle import parts
from dlrsd.runtime.bundle.front_ends import OrderMap, Scalogram
from dlrsd.runtime.bundle.manifest import Manifest, read_manifest
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.prepare import Prepared, kinematics, prepare
from dlrsd.training.runs.plants import is_plant_run, load_plant_run
from dlrsd.training.runs.run import TrainedRun, has_order_map, load_run

VERDICT_SECONDS = 2.0  # a class holds with two thirds of the windows of so long


def export_bundle(
    run_folder: str | Path,
    out: str | Path,
    *,
    fp16: bool,
    int8: bool = False,
    anchors: bool = True,
    tensorrt: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Manifest:
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
        As in :func:`dlrsd.training.kinds.vibration.fit.fit`.

    Returns
    -------
    WindowManifest or SequenceManifest

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
    bring_back(out)
    if out.exists() and not is_bundle(out):
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
        made: Manifest
        if is_sequence:
            made = write_sequence_bundle(
                load_plant_run(run_folder), part, precisions=precisions, progress=progress
            )
        else:
            made = _write_window_bundle(
                load_run(run_folder), part, precisions, anchors=anchors, progress=progress
            )
        if builder is not None:
            trt, targets = builder
            engines = write_engines(
                part,
                trt=trt,
                targets=targets,
                shape=(made.signal.channels, made.signal.window),
                profile=PROFILE,
                progress=progress,
            )
            made = structs.replace(made, engines=engines)
        made = structs.replace(made, files={p.name: _facts(p) for p in sorted(part.iterdir())})
        where = part / "manifest.json"
        where.write_text(json_text(made, indent=1), encoding="utf-8")
        read_manifest(where.read_bytes(), where=where)
        replace_folder(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def _write_window_bundle(
    run: TrainedRun, part: Path, precisions: Sequence[str], *, anchors: bool, progress: Progress
) -> WindowManifest:
    data = prepare(run.settings)
    made = _manifest(run, data, anchors=anchors)
    parity = write_diagnosers(
        run, data, part, precisions=precisions, manifest=made, progress=progress
    )
    if made.synthesis:
        written = progress("synthesiser", 1)
        write_synthesizer(run, part, made, made.synthesis)
        written(1)
    return structs.replace(made, parity=parity)


def _manifest(run: TrainedRun, data: Prepared, *, anchors: bool) -> WindowManifest:
    signal = part_of_run(run.config["signal"], parts.Signal, run.folder)
    front_end = _order_map(run, data) if run.settings.has_order_map else _scalogram(run)
    return manifest(
        WindowManifest,
        run.folder,
        run.config,
        run.metrics,
        signal=signal,
        front_end=front_end,
        embedding=run.classifier.head.in_features,
        verdict=_verdict(signal),
        graph={"profile": structs.asdict(PROFILE)},
        quality=run.config["quality"],
        synthesis=synthesizer_of(run) if anchors and front_end.can_synthesize else None,
    )


def _scalogram(run: TrainedRun) -> Scalogram:
    facts = {"name": "scalogram", **run.config["scalogram"]}
    return part_of_run(facts, Scalogram, run.folder)


def _order_map(run: TrainedRun, data: Prepared) -> OrderMap:
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
    facts |= {"name": "order-map", "machines": machines}
    return part_of_run(facts, OrderMap, run.folder)


def _verdict(signal: parts.Signal) -> dict[str, int]:
    last = max(3, round(VERDICT_SECONDS * signal.rate_hz / signal.hop))
    return {"last": last, "hold": -(-2 * last // 3)}


def _facts(path: Path) -> parts.FileFacts:
    content = path.read_bytes()
    return parts.FileFacts(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
