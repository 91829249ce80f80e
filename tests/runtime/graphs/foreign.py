"""Graphs that no export writes, as the onnx package makes them; without it tests are skipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def model_of(nodes: list[Any], constants: dict[str, Any] | None = None) -> Any:
    helper, numpy_helper = (
        pytest.importorskip("onnx.helper"),
        pytest.importorskip("onnx.numpy_helper"),
    )
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("waveform", 1, ["batch", 1, 64])],
        [
            helper.make_tensor_value_info("probabilities", 1, ["batch", 3]),
            helper.make_tensor_value_info("embedding", 1, ["batch", 64]),
            helper.make_tensor_value_info("novelty", 1, ["batch"]),
        ],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def node(operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return pytest.importorskip("onnx.helper").make_node(operator, inputs, outputs, **attributes)


def tail(source: str) -> list[Any]:
    """Nodes that make a diagnosis of a tensor (batch, 1)."""
    return [
        node("Concat", [source, source, source], ["wide"], axis=1),
        node("Softmax", ["wide"], ["probabilities"], axis=1),
        node("Squeeze", [source, "one"], ["novelty"]),
        node("Squeeze", ["waveform", "one"], ["embedding"]),
    ]


ONE = {"one": np.array([1], np.int64)}
