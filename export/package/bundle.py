"""From a finished run to a bundle: graphs, synthesiser, anchors and manifest, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from dlrsd.export.package.folder import bring_back, is_bundle, part_folder, replace_folder
from dlrsd.export.package.kinds import EXPORTERS
from dlrsd.export.package.seal import write_manifest
from dlrsd.export.package.tensorrt import engine_builder, write_engines
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.manifest import Manifest
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.kinds.registry import load_run


def export_bundle(
    run_folder: str | Path,
    out: str | Path,
    *,
    fp16: bool,
    int8: bool = False,
    anchors: bool = True,
    tensorrt: Sequence[int] | None = None,
    progress: Progress = silent,
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
        As in :func:`dlrsd.training.kinds.fit.fit`.

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
    out = Path(out)
    if out.is_symlink():  # what it leads to is replaced, and it stays
        out = out.resolve()
    bring_back(out)
    if out.exists() and not is_bundle(out):
        raise InputError(f"{out} is there and is no bundle: choose another --out, or remove it")
    run = load_run(run_folder)
    exporter = EXPORTERS[run.config.__struct_config__.tag]
    if int8 or tensorrt is not None:
        exporter.refuse("int8" if int8 else "tensorrt", run)
    builder = None if tensorrt is None else engine_builder(tensorrt)
    precisions = ["fp32", *["fp16"] * fp16, *["int8"] * int8]
    with part_folder(out) as part:
        made = exporter.write(run, part, precisions, anchors=anchors, progress=progress)
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
        made = write_manifest(part, msgspec.to_builtins(made))
        replace_folder(part, out)
    return made
