"""The ONNX files: any batch, facts inside, nothing of the machine that wrote them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dlrsd.export.graphs.fused import Diagnoser, Synthesizer
from dlrsd.export.graphs.onnx_file import OUTPUTS, require_weights, write_graph
from dlrsd.runtime.base.errors import ParityError
from dlrsd.training.kinds.vibration.line import prepare
from dlrsd.training.kinds.vibration.run import load_run

GRAPHS = ("diagnoser.onnx", "diagnoser.fp16.onnx", "diagnoser.int8.onnx", "synthesizer.onnx")


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def run(tiny_run):
    return load_run(tiny_run)


@pytest.fixture(scope="module")
def windows(tiny_settings):
    data = prepare(tiny_settings)
    return data.cut(data.test_index(hop=256))[:300]


@pytest.mark.parametrize("batch", [1, 7, 300])
def test_any_batch_gives_what_the_model_gives(tiny_bundle, run, windows, batch):
    x = windows[:batch]
    assert len(x) == batch
    model = Diagnoser(run.frontend, run.classifier, run.novelty, run.temperature).eval()
    with torch.inference_mode():
        want = [out.numpy() for out in model(torch.from_numpy(x))]
    got = session(tiny_bundle / "diagnoser.onnx").run(list(OUTPUTS), {"waveform": x})
    for g, w, tolerance in zip(got, want, (1e-4, 1e-3, 1e-3), strict=True):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, w, atol=tolerance, rtol=1e-3)
    (half,) = session(tiny_bundle / "diagnoser.fp16.onnx").run(["probabilities"], {"waveform": x})
    np.testing.assert_allclose(half, want[0], atol=0.02)


@pytest.mark.parametrize("batch", [1, 5])
def test_the_synthesizer_takes_any_batch(tiny_bundle, run, batch):
    rng = np.random.default_rng(0)
    latent = rng.random((batch, *run.kept.network.latent_shape), dtype=np.float32)
    texture = rng.standard_normal((batch, 1, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        want = Synthesizer(run.kept.network)(torch.from_numpy(latent), torch.from_numpy(texture))
    got = session(tiny_bundle / "synthesizer.onnx").run(
        ["heatmap", "class_probabilities"], {"latent": latent, "texture": texture}
    )
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w.numpy(), atol=1e-3)


def test_inputs_and_outputs_are_float32_with_a_free_first_axis(tiny_bundle):
    for name in GRAPHS[:3]:
        opened = session(tiny_bundle / name)
        (waveform,) = opened.get_inputs()
        assert (waveform.name, waveform.type) == ("waveform", "tensor(float)")
        assert waveform.shape == ["batch", 1, 1024]
        assert [out.name for out in opened.get_outputs()] == list(OUTPUTS)
        assert {out.type for out in opened.get_outputs()} == {"tensor(float)"}
        assert [out.shape for out in opened.get_outputs()] == [
            ["batch", 4],
            ["batch", 64],
            ["batch"],
        ]


@pytest.mark.parametrize("name", GRAPHS)
def test_the_facts_ride_in_the_file_and_nothing_else_does(tiny_bundle, tiny_run, rig_folder, name):
    model = onnx.load(tiny_bundle / name)
    manifest = json.loads((tiny_bundle / "manifest.json").read_text())
    (entry,) = model.metadata_props
    assert entry.key == "dlrsd"
    facts = json.loads(entry.value)
    assert facts.pop("sealed") is True
    assert {"name", "classes", "front_end"} <= set(facts)
    for key, value in facts.items():
        assert value == manifest[key]
    assert not model.doc_string
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        assert not part.doc_string
        assert not part.metadata_props
    content = (tiny_bundle / name).read_bytes()
    for place in (
        Path.home(),
        Path.cwd(),
        tiny_run.parent,
        rig_folder.parent,
        Path(torch.__file__),
    ):
        assert str(place.parent if place.suffix else place).encode() not in content
    assert not re.search(rb"\.py\b|site-packages|Traceback|File \"", content)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_one_file(tiny_bundle, tmp_path, name):
    model = onnx.load(tiny_bundle / name, load_external_data=False)
    assert all(
        weight.data_location == onnx.TensorProto.DEFAULT for weight in model.graph.initializer
    )
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((tiny_bundle / name).read_bytes())
    assert session(alone).get_inputs()
    assert {entry.domain for entry in model.opset_import} <= {"", "ai.onnx"}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_precision_is_demanded(tiny_bundle, run, precision):
    network = run.classifier if precision == "fp16" else run.classifier.features
    n = sum(p.numel() for p in network.parameters() if p.dim() > 1)
    path = tiny_bundle / f"diagnoser.{precision}.onnx"
    require_weights(path, precision=precision, expected=n)
    with pytest.raises(ParityError, match=f"holds {n} {precision} weights: expected {n + 1};"):
        require_weights(path, precision=precision, expected=n + 1)
    with pytest.raises(ParityError, match=f"holds 0 .* export without --{precision}"):
        require_weights(tiny_bundle / "diagnoser.onnx", precision=precision, expected=n)


def test_the_half_graph_keeps_its_front_end_in_float32(tiny_bundle, run):
    weights = onnx.load(tiny_bundle / "diagnoser.fp16.onnx").graph.initializer
    bank = sum(
        buffer.numel()
        for name, buffer in Diagnoser(
            run.frontend, run.classifier, run.novelty, run.temperature
        ).named_buffers()
        if ".kernel_" in name
    )
    full = sum(int(np.prod(w.dims)) for w in weights if w.data_type == onnx.TensorProto.FLOAT)
    assert full >= bank
    half, whole = (
        (tiny_bundle / name).stat().st_size for name in ("diagnoser.fp16.onnx", "diagnoser.onnx")
    )
    assert half < whole


def test_what_can_be_computed_ahead_is(tmp_path):
    """The box computes no constants: an LSTM's weights would be put in order at every step."""
    lstm = torch.nn.LSTM(3, 5, batch_first=True)
    example = {"x": torch.zeros(2, 4, 3)}
    write_graph(_First(lstm), example, tmp_path / "g.onnx", output_names=["y"], facts={})
    graph = onnx.load(tmp_path / "g.onnx").graph
    constants = {tensor.name for tensor in graph.initializer}
    assert "LSTM" in {node.op_type for node in graph.node}
    for node in graph.node:
        given = [name for name in node.input if name]
        assert not given or not constants.issuperset(given), node.op_type
    x = np.random.default_rng(0).standard_normal((3, 4, 3)).astype(np.float32)
    (got,) = session(tmp_path / "g.onnx").run(["y"], {"x": x})
    want = lstm(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(got, want, atol=1e-6)


class _First(torch.nn.Module):
    """An LSTM's output without its state."""

    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm

    def forward(self, x):
        return self.lstm(x)[0]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (lambda x: x * torch.tensor([1.0, float("nan")]), "NaN or infinite"),
        (lambda x: torch.nonzero(x).float(), "operator 'NonZero'"),
    ],
)
def test_what_a_box_would_refuse_is_not_written(module, said, tmp_path):
    class Wrong(torch.nn.Module):
        def forward(self, x):
            return module(x)

    with pytest.raises(ParityError, match=rf"a box would refuse g\.onnx: .*{said}"):
        write_graph(
            Wrong(), {"x": torch.ones(3, 2)}, tmp_path / "g.onnx", output_names=["y"], facts={}
        )
    assert not list(tmp_path.iterdir())
