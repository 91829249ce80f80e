"""The two halves of a bundle's fused graph as ONNX Runtime sessions of one thread each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from benchmarks import machine
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.engines.engine import GRAPH_FILES

Half = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def front_end(bundle: Bundle) -> Half:
    """Windows (n, channels, window) -> standardised heatmaps (n, channels, F, T)."""
    model = _graph(bundle)
    return _session(model, "waveform", _heatmap(model, bundle))


def network(bundle: Bundle) -> Half:
    """Standardised heatmaps (n, channels, F, T) -> probabilities (n, classes)."""
    model = _graph(bundle)
    return _session(model, _heatmap(model, bundle), "probabilities")


def _graph(bundle: Bundle) -> onnx.ModelProto:
    return onnx.shape_inference.infer_shapes(
        onnx.load_from_string(bundle.graph(GRAPH_FILES["fp32"]))
    )


def _heatmap(model: onnx.ModelProto, bundle: Bundle) -> str:
    """The last tensor of a heatmap's shape: what the network takes."""
    scalogram = machine.scalogram_of(bundle)
    shape = [bundle.channels, scalogram.n_frequencies, scalogram.n_blocks]
    dims = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim][1:]
        for value in model.graph.value_info
    }
    return [o for node in model.graph.node for o in node.output if dims.get(o) == shape][-1]


def _session(model: onnx.ModelProto, source: str, target: str) -> Half:
    part = onnx.utils.Extractor(model).extract_model([source], [target])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(
        part.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda x: session.run([target], {source: x})[0]
