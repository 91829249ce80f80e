"""The int8 graph: what is quantised and what is not, from which windows, and what it still says."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from dlrsd.export.graphs.fused import Diagnoser
from dlrsd.export.graphs.onnx_file import OUTPUTS, write_graph
from dlrsd.export.graphs.quantize import calibration_windows, network_nodes, write_int8
from dlrsd.export.package import windows as diagnosers
from dlrsd.export.package.bundle import export_bundle
from dlrsd.runtime.base.errors import ParityError
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run
from dlrsd.training.models.classifiers import make_classifier


@pytest.fixture(scope="module")
def run(tiny_run):
    return load_run(tiny_run)


@pytest.fixture(scope="module")
def data(tiny_settings):
    return prepare(tiny_settings)


@pytest.fixture(scope="module")
def full(tiny_bundle):
    return onnx.load(tiny_bundle / "diagnoser.onnx").graph


@pytest.fixture(scope="module")
def quantised(tiny_bundle):
    return onnx.load(tiny_bundle / "diagnoser.int8.onnx").graph


def arrays(graph):
    return {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}


def weights_of(graph):
    """Of every quantised kernel: the node reading it, its integers and its scales."""
    values = arrays(graph)
    made_by = {name: node for node in graph.node for name in node.output}
    found = []
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            source = made_by.get(node.input[1])
            if source is not None:
                assert source.op_type == "DequantizeLinear"
                integers, scale, zero = (values[name] for name in source.input)
                (axis,) = [a.i for a in source.attribute if a.name == "axis"]
                found.append((node, integers, scale, zero, axis))
    return found


def test_every_kernel_of_the_network_is_int8_with_a_scale_per_channel(run, full, quantised):
    kernels = {
        name: p.detach().numpy()
        for name, p in run.classifier.features.named_parameters()
        if p.dim() > 1
    }
    found = weights_of(quantised)
    assert len(found) == len(kernels)
    exported = arrays(full)
    names = {node.name: node.input[1] for node in full.node if len(node.input) > 1}
    for node, integers, scale, zero, axis in found:
        want = exported[names[node.name]]
        assert integers.dtype == np.int8
        assert axis == 0
        assert integers.shape == want.shape
        assert scale.shape == zero.shape == (len(want),)
        assert len(set(scale.tolist())) > 1
        assert not zero.any()
        # Seven bits: pairs of products with eight-bit activations then fit 16 bits.
        assert 60 <= np.abs(integers.astype(int)).max() <= 64
        scale = scale.reshape(-1, *[1] * (want.ndim - 1))
        assert (np.abs(integers * scale - want) <= 0.51 * scale).all()


def test_the_activations_between_them_are_int8(quantised):
    made_by = {name: node for node in quantised.node for name in node.output}
    values = arrays(quantised)
    for node, *_ in weights_of(quantised):
        pair = made_by[node.input[0]]
        assert pair.op_type == "DequantizeLinear"
        (step,) = [made_by[name] for name in pair.input if name in made_by]
        assert step.op_type == "QuantizeLinear"
        assert values[step.input[1]].shape == ()
        assert values[step.input[2]].dtype == np.int8


def test_the_front_end_is_untouched(full, quantised, data, tiny_bundle):
    ours, theirs = arrays(quantised), arrays(full)
    kept = [name for name in theirs if name.startswith("frontend.")]
    assert len(kept) > 4
    for name in kept:
        assert ours[name].dtype == np.float32
        np.testing.assert_array_equal(ours[name], theirs[name])
    # The first node that differs is the one that quantises the heatmap.
    nodes = [(node.op_type, list(node.input), list(node.output)) for node in full.node]
    first = next(i for i, node in enumerate(quantised.node) if node.op_type == "QuantizeLinear")
    heatmap = quantised.node[first].input[0]
    behind = {heatmap}
    for node in reversed(quantised.node[:first]):
        if behind.intersection(node.output):
            behind.update(node.input)
            if node.op_type != "DequantizeLinear":
                assert (node.op_type, list(node.input), list(node.output)) in nodes
    assert "waveform" in behind
    windows = data.cut(data.test_index())[:20]
    np.testing.assert_array_equal(
        *(tensor(tiny_bundle / name, heatmap, windows) for name in GRAPHS)
    )


GRAPHS = ("diagnoser.onnx", "diagnoser.int8.onnx")


def tensor(path, name, windows):
    model = onnx.load(path)
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run([name], {"waveform": windows})[0]


def test_the_head_and_the_novelty_stay_float32(full, quantised):
    ours, theirs = arrays(quantised), arrays(full)
    for name in ("classifier.head.weight", "classifier.head.bias", "whiten", "centres"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    readers = [node.op_type for node in quantised.node if "embedding" in node.input]
    assert sorted(readers) == ["Concat", "Gemm"]


@pytest.mark.parametrize("batch", [1, 65])
def test_what_it_says_on_windows_it_was_not_calibrated_on(tiny_bundle, run, data, batch):
    windows = data.cut(data.test_index())[:batch]
    model = Diagnoser(run.frontend, run.classifier, run.novelty, run.temperature).eval()
    with torch.inference_mode():
        want = [out.numpy() for out in model(torch.from_numpy(windows))]
    session = onnxruntime.InferenceSession(str(tiny_bundle / "diagnoser.int8.onnx"))
    got = session.run(list(OUTPUTS), {"waveform": windows})
    assert 0 < np.abs(got[0] - want[0]).max() < 0.1
    spread = np.abs(want[1]).max()
    np.testing.assert_allclose(got[1], want[1], atol=0.05 * spread)
    np.testing.assert_allclose(got[2], want[2], rtol=0.3)


def test_another_kind_of_network_is_found_too(run, data, tmp_path):
    torch.manual_seed(0)
    network = make_classifier("simple_cnn", channels=1, n_classes=4).eval()
    model = Diagnoser(run.frontend, network, run.novelty, 1.0)
    # Its embedding is wider than the run's own.
    model.whiten, model.centres = torch.eye(256, 2), torch.zeros(4, 2)
    example = {"waveform": torch.zeros(2, 1, 1024)}
    path = tmp_path / "full.onnx"
    write_graph(model, example, path, output_names=OUTPUTS, facts={})
    nodes = {node.name: node.op_type for node in onnx.load(path).graph.node}
    chosen = [nodes[name] for name in network_nodes(onnx.load(path).graph)]
    assert sorted(chosen) == ["Conv"] * 3 + ["Gemm"] + ["MaxPool"] * 3 + ["Relu"] * 4
    write_int8(path, tmp_path / "int8.onnx", calibration_windows(data), facts={})
    graph = onnx.load(tmp_path / "int8.onnx").graph
    shapes = [scale.shape for _, _, scale, _, _ in weights_of(graph)]
    assert shapes == [(32,), (64,), (128,), (256,)]


# ------------------------------------------------------------------ calibration


def test_calibration_sees_drawn_windows_of_every_class_and_nothing_else(data, monkeypatch):
    windows = calibration_windows(data)
    drawn = data.cut(data.drawn)
    label = {window.tobytes(): label for window, label in zip(drawn, data.drawn.label, strict=True)}
    seen = [label[window.tobytes()] for window in windows]
    assert np.bincount(seen).tolist() == [100, 20, 20, 20]  # of 120, 20, 20 and 20
    assert len({window.tobytes() for window in windows}) == 160
    np.testing.assert_array_equal(windows, calibration_windows(data))


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_windows_that_are_not_what_it_will_see_make_no_bundle(
    tiny_run, tiny_bundle, tmp_path, monkeypatch, level
):
    out = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr("dlrsd.export.verify.parity.WINDOWS", 200)
    real = diagnosers.calibration_windows
    monkeypatch.setattr(diagnosers, "calibration_windows", lambda data: level * real(data))
    with pytest.raises(ParityError) as caught:
        export_bundle(tiny_run, out, fp16=False, int8=True, anchors=False)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("the int8 graph", "of 200 test windows", "at least 99.50%", "without --int8"):
        assert part in message
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_graph_without_the_network_is_refused(tiny_bundle):
    with pytest.raises(ParityError, match=r"no Conv or Gemm .* export without --int8"):
        network_nodes(onnx.load(tiny_bundle / "synthesizer.onnx").graph)


def test_nothing_is_said_on_the_way(tiny_bundle, data, tmp_path, capfd):
    source = tiny_bundle / "diagnoser.onnx"
    write_int8(source, tmp_path / "a.onnx", calibration_windows(data), facts={"name": "x"})
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    (entry,) = onnx.load(tmp_path / "a.onnx").metadata_props
    assert (entry.key, json.loads(entry.value)) == ("dlrsd", {"name": "x"})
