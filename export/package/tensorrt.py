"""TensorRT engines beside a bundle's ONNX graphs, and what the manifest says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Literal, cast

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.bundle.parts import BuiltEngine, Profile
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.tensorrt_build import build
from dlrsd.runtime.engines.tensorrt_cache import Machine, timing_cache_file
from dlrsd.runtime.engines.tensorrt_package import (
    check_targets,
    device_capability,
    tensorrt_package,
)

PRECISIONS: tuple[Literal["fp32", "fp16"], ...] = ("fp32", "fp16")  # int8 graphs are made for CPUs

Progress = Callable[[str, int], Callable[[int], None]]


def engine_builder(targets: Sequence[int]) -> tuple[ModuleType, tuple[int, ...]]:
    """The package to build with and the compute capabilities to build for.

    Called before anything is written, so that what is missing is said first.

    Parameters
    ----------
    targets : ints
        As a user asked for; none for the default: with ``tensorrt_rtx``, which needs no GPU,
        `dlrsd.runtime.engines.tensorrt_package.PORTABLE`, with ``tensorrt`` this machine's GPU.

    Raises
    ------
    ExtraMissingError
        If there is no package that builds engines; with what to install.
    InputError
        If it cannot build for a target, or needs a GPU and finds none.
    """
    trt = tensorrt_package()
    checked = check_targets(trt, targets)
    if checked:
        return trt, checked
    try:
        return trt, (device_capability(),)
    except InputError as error:
        raise InputError(
            "got --tensorrt, but the package 'tensorrt' builds for the GPU it runs on and no CUDA "
            "GPU answers here: run `pip install 'dlrsd[rtx]'`, which needs none, or leave "
            "--tensorrt out; a box builds its own engine"
        ) from error


def write_engines(
    folder: Path,
    *,
    trt: ModuleType,
    targets: tuple[int, ...],
    shape: Sequence[int],
    profile: Profile,
    progress: Progress,
) -> list[BuiltEngine]:
    """Build an engine of every fp32 and fp16 graph in a folder.

    Parameters
    ----------
    folder : Path
        Of the bundle; engines are written into it as ``diagnoser.PRECISION.engine``.
    trt, targets
        Of `engine_builder`.
    shape : (int, int)
        Channels and samples of a window.
    profile : Profile
        Windows per call.
    progress : function
        As in :func:`dlrsd.training.kinds.fit.fit`; gets per cent.

    Returns
    -------
    list of BuiltEngine
        The manifest's ``engines``.
    """
    machine = Machine(trt.__name__, trt.__version__, targets[0])
    entries = []
    for precision in PRECISIONS:
        graph = folder / GRAPH_FILES[precision]
        if not graph.is_file():
            continue
        content = graph.read_bytes()
        bar = progress(f"engine {precision}", 100)
        plan = build(
            trt,
            content,
            name=graph.name,
            precision=precision,
            shape=shape,
            profile=profile,
            targets=targets if machine.package == "tensorrt_rtx" else (),
            timing_cache=timing_cache_file(machine),
            progress=partial(_per_cent, bar),
        )
        file = f"diagnoser.{precision}.engine"
        with write_atomic(folder / file) as written:
            written.write(plan)
        entries.append(
            BuiltEngine(
                file=file,
                precision=precision,
                package=cast(Literal["tensorrt", "tensorrt_rtx"], machine.package),
                version=machine.version,
                targets=[f"sm{target}" for target in targets],
                profile=profile,
                graph_sha256=hashlib.sha256(content).hexdigest(),
            )
        )
    return entries


def _per_cent(bar: Callable[[int], None], share: float) -> None:
    bar(round(100 * share))
