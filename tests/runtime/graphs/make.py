"""Make the ONNX graphs beside this file, small enough to check by hand.

`diagnoser.onnx` takes windows (batch, channels, length) of any size. Its embedding is the mean and
the largest absolute value of a window; class k of three is the likelier the closer the mean lies to
its level of 0.1, 1 or 5; its novelty is the mean over 8. `synthesizer.onnx` maps latents (batch, 2)
linearly to heatmaps (batch, 1, 4, 4), adds a texture, and finds the class probabilities (batch, 3)
from the latent that fits the heatmap best. `regressor.onnx` puts pairs of heatmaps together: three
quarters of the first and one of the second.

`sequence.onnx` takes windows (batch, 2, length), in which `FILLS` stand for NaN, and two states:
`level` halves with every window and gains the weighted sum of the channels' means, `means` fall to
a quarter and gain each the mean of its channel. Both together, as they are then, are the embedding,
from which the classes follow linearly; the novelty is the size of the level over 8.

`order_map.onnx` takes order maps (batch, channels, bands, 32), keeps of each line the band in which
it stands out most, standardises with `CENTRE` and `SPREAD`, and sums up the lines of the outer and
of the inner race (`LINES`, with a little of the level): the embedding, from which the classes
follow linearly (`RACES`, `HEALTHY`). Its novelty is the largest standardised line over 16.

Run this file to make them again; `test_engine.py` compares them where `onnx` is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DIRECTIONS = np.array([[4.0, -2.0, -2.0], [0.0, 4.0, -4.0]])
FILLS = np.array([0.5, -1.0], dtype=np.float32)
WEIGHTS = np.array([1.0, -0.5], dtype=np.float32)
LOGITS = np.array([[0.0, 1.0, -1.0], [-0.3, 0.2, 0.1], [0.4, 0.0, -0.4]], dtype=np.float32)
BIAS = np.array([0.5, 0.0, 0.0], dtype=np.float32)
CENTRE = np.linspace(1.5, 2.0, 32, dtype=np.float32)
SPREAD = np.linspace(0.5, 1.0, 32, dtype=np.float32)
LINES = np.zeros((32, 2), dtype=np.float32)
LINES[0:4, 0] = LINES[8:12, 1] = 0.5  # harmonics of the two races
LINES[31] = 0.0625, -0.0625
RACES = np.array([[-0.5, 1.0, -0.25], [-0.5, -0.25, 1.0]], dtype=np.float32)
HEALTHY = np.array([1.0, 0.0, 0.0], dtype=np.float32)
LEVELS = np.array([0.1, 1.0, 5.0], dtype=np.float32)


def diagnoser() -> onnx.ModelProto:
    # -4 (mean - level)^2 without the mean^2 that all classes share.
    weight = np.stack([8 * LEVELS, 0 * LEVELS])
    bias = -4 * LEVELS**2
    nodes = [
        helper.make_node("Abs", ["waveform"], ["absolute"]),
        helper.make_node("ReduceMean", ["absolute"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["absolute"], ["largest"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["mean_column"]),
        helper.make_node("Unsqueeze", ["largest", "last"], ["largest_column"]),
        helper.make_node("Concat", ["mean_column", "largest_column"], ["embedding"], axis=1),
        helper.make_node("Gemm", ["embedding", "weight", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("Div", ["mean", "eight"], ["novelty"]),
    ]
    return _model(
        nodes,
        inputs={"waveform": ["batch", "channels", "length"]},
        outputs={"probabilities": ["batch", 3], "embedding": ["batch", 2], "novelty": ["batch"]},
        constants={
            "weight": weight,
            "bias": bias,
            "eight": np.array(8, dtype=np.float32),
            "last": np.array([1], dtype=np.int64),
        },
    )


def synthesizer() -> onnx.ModelProto:
    rows = np.arange(16, dtype=np.float32)
    waves = np.stack([np.cos(rows), np.sin(rows)])
    nodes = [
        helper.make_node("MatMul", ["latent", "waves"], ["smooth"]),
        helper.make_node("Reshape", ["smooth", "shape"], ["smooth_map"]),
        helper.make_node("Add", ["smooth_map", "texture"], ["heatmap"]),
        helper.make_node("Flatten", ["heatmap"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "directions"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["class_probabilities"], axis=1),
    ]
    return _model(
        nodes,
        inputs={"latent": ["batch", 2], "texture": ["batch", 1, 4, 4]},
        outputs={"heatmap": ["batch", 1, 4, 4], "class_probabilities": ["batch", 3]},
        constants={
            "waves": waves,
            "shape": np.array([-1, 1, 4, 4], dtype=np.int64),
            "directions": np.round(np.linalg.pinv(waves) @ DIRECTIONS, 5).astype(np.float32),
        },
    )


def sequence() -> onnx.ModelProto:
    nodes = [
        helper.make_node("IsNaN", ["waveform"], ["absent"]),
        helper.make_node("Where", ["absent", "fills", "waveform"], ["filled"]),
        helper.make_node("ReduceMean", ["filled"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["gain"]),
        helper.make_node("Mul", ["level", "half"], ["old_level"]),
        helper.make_node("Add", ["old_level", "gain"], ["next_level"]),
        helper.make_node("Mul", ["means", "quarter"], ["old_means"]),
        helper.make_node("Add", ["old_means", "mean"], ["next_means"]),
        helper.make_node("Concat", ["next_level", "next_means"], ["embedding"], axis=1),
        helper.make_node("Gemm", ["embedding", "logits", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("Abs", ["next_level"], ["size"]),
        helper.make_node("Div", ["size", "eight"], ["novelty_column"]),
        helper.make_node("Squeeze", ["novelty_column", "last"], ["novelty"]),
    ]
    return _model(
        nodes,
        inputs={
            "waveform": ["batch", 2, "length"],
            "level": ["batch", 1],
            "means": ["batch", 2],
        },
        outputs={
            "probabilities": ["batch", 3],
            "embedding": ["batch", 3],
            "novelty": ["batch"],
            "next_level": ["batch", 1],
            "next_means": ["batch", 2],
        },
        constants={
            "fills": FILLS[None, :, None],
            "weights": WEIGHTS[:, None],
            "half": np.array(0.5, dtype=np.float32),
            "quarter": np.array(0.25, dtype=np.float32),
            "eight": np.array(8, dtype=np.float32),
            "logits": LOGITS,
            "bias": BIAS,
            "last": np.array([1], dtype=np.int64),
        },
    )


def order_map() -> onnx.ModelProto:
    nodes = [
        helper.make_node("ReduceMax", ["order_map"], ["largest"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["largest", "centre"], ["deviation"]),
        helper.make_node("Div", ["deviation", "spread"], ["standardised"]),
        helper.make_node("MatMul", ["standardised", "lines"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "races", "healthy"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ReduceMax", ["standardised"], ["farthest"], axes=[1], keepdims=0),
        helper.make_node("Div", ["farthest", "sixteen"], ["novelty"]),
    ]
    return _model(
        nodes,
        inputs={"order_map": ["batch", "channels", "bands", 32]},
        outputs={"probabilities": ["batch", 3], "embedding": ["batch", 2], "novelty": ["batch"]},
        constants={
            "centre": CENTRE,
            "spread": SPREAD,
            "lines": LINES,
            "races": RACES,
            "healthy": HEALTHY,
            "sixteen": np.array(16, dtype=np.float32),
        },
    )


def regressor() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Sub", ["second", "first"], ["way"]),
        helper.make_node("Mul", ["way", "quarter"], ["step"]),
        helper.make_node("Add", ["first", "step"], ["heatmap"]),
    ]
    shape = ["batch", 1, 4, 4]
    return _model(
        nodes,
        inputs={"first": shape, "second": shape},
        outputs={"heatmap": shape},
        constants={"quarter": np.array(0.25, dtype=np.float32)},
    )


def _model(
    nodes: list[onnx.NodeProto],
    *,
    inputs: dict[str, list],
    outputs: dict[str, list],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    def tensors(shapes: dict[str, list]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    graph = helper.make_graph(
        nodes,
        "tiny",
        tensors(inputs),
        tensors(outputs),
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(diagnoser(), Path(__file__).with_name("diagnoser.onnx"))
    onnx.save(order_map(), Path(__file__).with_name("order_map.onnx"))
    onnx.save(sequence(), Path(__file__).with_name("sequence.onnx"))
    onnx.save(synthesizer(), Path(__file__).with_name("synthesizer.onnx"))
    onnx.save(regressor(), Path(__file__).with_name("regressor.onnx"))
