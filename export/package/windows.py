"""The graphs of a diagnoser in every precision asked for, each measured before it counts."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from msgspec import structs
from numpy.typing import NDArray
from torch import nn

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.graphs.onnx_file import OUTPUTS, require_weights, write_graph
from dlrsd.export.graphs.quantize import calibration_windows, write_int8
from dlrsd.export.package.manifest import facts_inside
from dlrsd.export.verify.parity import (
    compare,
    graph_inputs,
    parity_index,
    reference,
    require_parity,
    run_graph,
)
from dlrsd.runtime.bundle.parts import Parity
from dlrsd.runtime.bundle.window import WindowManifest
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.prepare import Prepared
from dlrsd.training.runs.run import TrainedRun


def write_diagnosers(
    run: TrainedRun,
    data: Prepared,
    folder: Path,
    *,
    precisions: Sequence[str],
    manifest: WindowManifest,
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
    manifest : WindowManifest
        What is known of the bundle rides in the files.
    progress : function
        As in :func:`dlrsd.training.kinds.vibration.fit.fit`.

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
    windows = graph_inputs(run, data, parity_index(data))
    index = data.test_index()
    tested = graph_inputs(run, data, index)
    trained = reference(_diagnoser(run), windows)
    said: dict[str, NDArray[np.float32]] = {}
    parity = Parity(windows=len(windows))
    for precision in precisions:
        path = folder / GRAPH_FILES[precision]
        written = progress(f"write {precision}", 1)
        _write(precision, run, data, path, manifest)
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


def _write(
    precision: str, run: TrainedRun, data: Prepared, path: Path, manifest: WindowManifest
) -> None:
    facts = facts_inside(manifest)
    if precision == "int8":
        source = path.with_name(GRAPH_FILES["fp32"])
        write_int8(source, path, calibration_windows(data), facts=facts)
        require_weights(path, precision=precision, expected=_weights(run.classifier.features))
        return
    (tensor,) = manifest.graph.inputs
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
