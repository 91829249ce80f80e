"""ONNX files of the fused graph and the synthesiser: one file each, dynamic batch, facts inside."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxscript import optimizer
from torch import nn

from dlrsd.runtime.base.errors import ParityError
from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.bundle.onnx_file import read_onnx
from dlrsd.runtime.bundle.seal import RECORD

OPSET = 20
OUTPUTS = ("probabilities", "embedding", "novelty")
_STORED = {"fp16": onnx.TensorProto.FLOAT16, "int8": onnx.TensorProto.INT8}


def write_graph(
    module: nn.Module,
    example: dict[str, torch.Tensor],
    path: Path,
    *,
    output_names: Sequence[str],
    facts: dict[str, Any],
    states: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Export a module to one ONNX file whose first axis is dynamic.

    Parameters
    ----------
    module : nn.Module, in eval mode
    example : {input name: tensor, shape (n >= 2, ...)}, in the order of ``forward``
        A batch of one would be frozen into the graph.
    path : Path
    facts : dict
        JSON-ready; ride in the file's metadata under ``dlrsd``.
    states : {input name: tensor}, optional
        What ``forward`` takes as ``*state`` behind the example.
    """
    states = states or {}
    # The exporter tells its own progress; a user has asked for a bundle.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    batch = torch.export.Dim("batch")
    each = tuple({0: batch} for _ in example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            (*example.values(), *states.values()),
            input_names=[*example, *states],
            output_names=list(output_names),
            dynamic_shapes=(*each, tuple({0: batch} for _ in states)) if states else each,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - for type checkers
    # Here, for the box computes nothing ahead: no limit on memory would hold for it.
    everything = 2**31
    optimizer.fold_constants(
        program.model,
        onnx_shape_inference=False,
        input_size_limit=everything,
        output_size_limit=everything,
    )
    optimizer.remove_unused_nodes(program.model)
    save_graph(program.model_proto, path, facts=facts)


def save_graph(model: onnx.ModelProto, path: Path, *, facts: dict[str, Any]) -> None:
    """Write one checked ONNX file with the facts in it, and nothing of the machine that made it.

    Raises
    ------
    ParityError
        If it is a graph that a box refuses.
    """
    del model.metadata_props[:]
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        # Stack traces of the machine that exported: of no use on the box.
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.helper.set_model_props(model, {RECORD: json.dumps(facts)})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    try:
        read_onnx(content)
    except FormatError as error:
        raise ParityError(f"a box would refuse {path.name}: {error}; export another run") from error
    with write_atomic(path) as file:
        file.write(content)


def require_weights(path: Path, *, precision: str, expected: int) -> None:
    """Make sure that a network's weights in a graph really are of a precision.

    Parameters
    ----------
    path : Path
    precision : "fp16" or "int8"
    expected : int
        Weights of its convolutions and linear layers; vectors, which the exporter may fold and a
        quantised graph keeps besides, do not count.

    Raises
    ------
    ParityError
        If fewer are.
    """
    stored = sum(
        int(np.prod(weight.dims))
        for weight in onnx.load(path).graph.initializer
        if weight.data_type == _STORED[precision] and len(weight.dims) > 1
    )
    if stored < expected:
        raise ParityError(
            f"{path.name} holds {stored} {precision} weights: expected {expected}; the exporter "
            f"has kept the others in float32, so export without --{precision}"
        )
