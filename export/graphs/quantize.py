"""The int8 graph: weights of the network per channel, its activations by what they are in real use.

Static quantisation by ONNX Runtime, written with QuantizeLinear and DequantizeLinear nodes, so that
any runtime may fuse it as it can. The front end stays float32, as do the head and the novelty: they
read the embedding, which is an output of its own, and are a thousandth of the work.

Weights use seven bits. Where a CPU lacks VNNI, products of 8-bit activations with 8-bit weights are
added in pairs to 16 bits and saturate without a word: the same file would then name other classes
on another CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from dlrsd.export.graphs.onnx_file import save_graph
from dlrsd.runtime.base.errors import ParityError
from dlrsd.training.data.vibration.prepared import Prepared

PER_CLASS = 100  # calibration windows, where a class has so many drawn ones
OPERATORS = ("Conv", "Gemm", "Relu", "MaxPool")
_BATCH = 64


def calibration_windows(data: Prepared) -> NDArray[np.float32]:
    """Drawn training windows of every class, up to ``PER_CLASS``: (n, channels, window).

    Never the test part: what the graph is judged by must not decide its ranges.
    """
    rng = np.random.default_rng([data.seed, 3])
    order = rng.permutation(len(data.drawn))
    label = data.drawn.label[order]
    keep = [order[label == c][:PER_CLASS] for c in range(len(data.classes))]
    windows: NDArray[np.float32] = data.cut(data.drawn)[np.concatenate(keep)]
    return windows


def write_int8(
    source: Path, path: Path, windows: NDArray[np.float32], *, facts: dict[str, Any]
) -> None:
    """Quantise the network of a fused float32 graph.

    Parameters
    ----------
    source : Path
        The graph that ``write_graph`` wrote of a ``Diagnoser``.
    path : Path
        Where the quantised one goes.
    windows : array, shape (n, channels, window), float32
        Real windows: the ranges of the activations are the smallest and largest values they give.
    facts : dict
        As for ``write_graph``.
    """
    model = onnx.load(source)
    nodes = network_nodes(model.graph)
    # The exporter has folded and inferred what the pre-processing asked for by a warning would.
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    quantize_static(
        model,
        path,
        _Batches(windows),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(OPERATORS),
        nodes_to_quantize=nodes,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )
    save_graph(onnx.load(path), path, facts=facts)


def network_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes to quantise: all behind the classifier's weights, up to the outputs.

    Raises
    ------
    ParityError
        If there are none.
    """
    outputs = {tensor.name for tensor in graph.output}
    reached: set[str] = set()
    names = []
    for node in graph.node:
        weighted = any(name.startswith("classifier.") for name in node.input)
        if outputs.intersection(node.input) or not (weighted or reached.intersection(node.input)):
            continue
        reached.update(node.output)
        if node.op_type in OPERATORS:
            names.append(node.name)
    if not names:  # an empty list would quantise all, the front end too
        raise ParityError(
            f"the fp32 graph holds no {' or '.join(OPERATORS)} behind a weight of the classifier: "
            "expected the network there; export without --int8"
        )
    return names


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, windows: NDArray[np.float32]) -> None:
        self._starts = iter(range(0, len(windows), _BATCH))
        self._windows = windows

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        start = next(self._starts, None)
        return None if start is None else {"waveform": self._windows[start : start + _BATCH]}
