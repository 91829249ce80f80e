"""From a run on windows of vibration to a bundle: every graph is measured before it counts."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from msgspec import structs
from numpy.typing import NDArray
from torch import nn

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.graphs.onnx_file import OUTPUTS, require_weights, write_graph
from dlrsd.export.graphs.quantize import calibration_windows, write_int8
from dlrsd.export.package.manifest import manifest, part_of_run
from dlrsd.export.package.synthesizer import synthesizer_of, write_synthesizer
from dlrsd.export.verify.parity import (
    compare,
    graph_inputs,
    parity_index,
    reference,
    require_parity,
    run_graph,
)
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.front_ends import AnyFrontEnd, FrontEnd
from dlrsd.runtime.bundle.parts import Parity, Signal
from dlrsd.runtime.bundle.seal import record
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.fitness import ANY_LEVEL
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.run import TrainedRun

ANY_UNIT = "any unit"
VERDICT_SECONDS = 2.0  # a class holds with two thirds of the windows of so long


def refuse_for_windows(asked: str, run: TrainedRun) -> None:
    """Refuse int8 and TensorRT for a graph that does not begin with the front end.

    Raises
    ------
    InputError
    """
    if not run.frontend.in_graph:
        raise InputError(
            f"got --{asked} for a run of the front end {run.frontend.name}: expected --fp16 or "
            "nothing; its network is small, and what comes before it stays in float32 on the CPU, "
            "so leave it out"
        )


def write_window_bundle(
    run: TrainedRun, folder: Path, precisions: Sequence[str], *, anchors: bool, progress: Progress
) -> WindowManifest:
    """Write a run's graphs, and its synthesiser if it has one.

    Parameters
    ----------
    run : TrainedRun
        Its recordings must still be where they were.
    folder : Path
        Of the bundle.
    precisions : names of ``GRAPH_FILES``, "fp32" first
    anchors : bool
        Whether the synthesiser and its anchors are written.
    progress : function

    Returns
    -------
    WindowManifest
        Without ``files``.

    Raises
    ------
    ParityError
        If a graph does not say what the trained model says.
    """
    data = line.prepare(run.settings)
    made = _manifest(run, data, anchors=anchors)
    parity = write_diagnosers(
        run, data, folder, precisions=precisions, made=made, progress=progress
    )
    if made.synthesis:
        written = progress("synthesiser", 1)
        write_synthesizer(run, folder, made, made.synthesis)
        written(1)
    return structs.replace(made, parity=parity)


def write_diagnosers(
    run: TrainedRun,
    data: Prepared,
    folder: Path,
    *,
    precisions: Sequence[str],
    made: WindowManifest,
    progress: Progress,
) -> Parity:
    """Write a run's diagnoser and compare every graph with the trained model.

    Parameters
    ----------
    run : TrainedRun
    data : Prepared
        The run's own: its test part judges the graphs, its drawn windows calibrate int8.
    folder : Path
        Of the bundle.
    precisions : names of ``GRAPH_FILES``, "fp32" first
    made : WindowManifest
        What is known of the bundle rides in the files.
    progress : function
        As in :func:`dlrsd.training.kinds.fit.fit`.

    Returns
    -------
    Parity
        Agreement and probabilities are measured on ``windows`` windows
        of the test part, as close as it takes to have ten thousand; ``accuracy`` on its standard
        windows, those of the run's metrics.

    Raises
    ------
    ParityError
        If a graph does not say what the trained model says.
    """
    windows = graph_inputs(run.frontend, data, parity_index(data))
    index = data.test_index()
    tested = graph_inputs(run.frontend, data, index)
    trained = reference(_diagnoser(run), windows)
    said: dict[str, NDArray[np.float32]] = {}
    parity = Parity(windows=len(windows))
    for precision in precisions:
        path = folder / GRAPH_FILES[precision]
        written = progress(f"write {precision}", 1)
        _write(precision, run, data, path, made)
        written(1)
        bar = progress(f"check {precision}", len(windows))
        said[precision] = run_graph(path, windows, on_window=bar)
        right = run_graph(path, tested).argmax(axis=1) == index.label
        found = compare(
            said[precision],
            trained=trained,
            fp32=said["fp32"],
            accuracy=float(right.mean()),
            size=path.stat().st_size,
        )
        require_parity(precision, found, len(windows))
        parity = structs.replace(parity, **{precision: found})
    return parity


def _manifest(run: TrainedRun, data: Prepared, *, anchors: bool) -> WindowManifest:
    signal = part_of_run(msgspec.to_builtins(run.config.signal), Signal, run.folder)
    certainty = run.config.certainty
    facts = {"name": run.frontend.name, **run.frontend.bundle_facts(data)}
    front_end: FrontEnd = part_of_run(facts, AnyFrontEnd, run.folder)  # type: ignore[arg-type]
    quality = run.config.quality
    if not front_end.sees_level:
        signal, quality = structs.replace(signal, unit=ANY_UNIT), ANY_LEVEL.asdict()
    return manifest(
        WindowManifest,
        run.folder,
        run.config,
        run.metrics,
        signal=signal,
        front_end=front_end,
        embedding=run.classifier.width,
        verdict=_verdict(signal),
        graph={"profile": structs.asdict(PROFILE)},
        quality=quality,
        certainty=certainty and msgspec.to_builtins(certainty),
        synthesis=synthesizer_of(run) if anchors and front_end.can_synthesize else None,
    )


def _verdict(signal: Signal) -> dict[str, int]:
    last = max(3, round(VERDICT_SECONDS * signal.rate_hz / signal.hop))
    return {"last": last, "hold": -(-2 * last // 3)}


def _write(
    precision: str, run: TrainedRun, data: Prepared, path: Path, made: WindowManifest
) -> None:
    facts = record(msgspec.to_builtins(made))
    if precision == "int8":
        source = path.with_name(GRAPH_FILES["fp32"])
        write_int8(source, path, calibration_windows(data), facts=facts)
        require_weights(path, precision=precision, expected=_weights(run.classifier.features))
        return
    (tensor,) = made.graph.inputs
    example = {tensor.name: torch.zeros(2, *tensor.sizes)}
    model = _diagnoser(run, half=precision == "fp16")
    write_graph(model, example, path, output_names=OUTPUTS, facts=facts)
    if precision == "fp16":
        require_weights(path, precision=precision, expected=_weights(run.classifier))


def _diagnoser(run: TrainedRun, *, half: bool = False) -> Diagnoser:
    # A copy: casting to half precision would change the run's own network.
    parts = copy.deepcopy((run.frontend, run.classifier, run.novelty))
    return Diagnoser(*parts, run.temperature, half=half).eval()


def _weights(module: nn.Module) -> int:
    """Elements of a module's weight matrices and kernels."""
    return sum(p.numel() for p in module.parameters() if p.dim() > 1)
