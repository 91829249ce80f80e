"""Engines in a bundle, built ahead of time from graphs that were really exported."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib import resources
from types import ModuleType

import jsonschema
import numpy as np
import onnx
import pytest
from msgspec import structs

from dlrsd.export.cli import main
from dlrsd.export.package.bundle import export_bundle
from dlrsd.export.package.tensorrt import engine_builder
from dlrsd.runtime.base.errors import ExtraMissingError, InputError
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.tensorrt_build import PROFILE
from dlrsd.runtime.engines.tensorrt_cache import Machine, find
from dlrsd.runtime.engines.tensorrt_package import log_of

trt = pytest.importorskip("tensorrt_rtx")
ENGINES = {"fp32": "diagnoser.fp32.engine", "fp16": "diagnoser.fp16.engine"}
GRAPHS = {"fp32": "diagnoser.onnx", "fp16": "diagnoser.fp16.onnx"}


@pytest.fixture(scope="module")
def built(tiny_run, tmp_path_factory):
    """A bundle with engines, and the steps of the bars that were shown."""
    shown: dict[str, list[int]] = {}

    def progress(what, total):
        shown[what] = [total]
        return shown[what].append

    folder = tmp_path_factory.mktemp("engines") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlrsd.export.verify.parity.WINDOWS", 200)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        export_bundle(tiny_run, folder, fp16=True, tensorrt=[89, 86], progress=progress)
    return folder, shown


def weights(graph):
    """The weights of a graph's convolutions and products by their precision, large ones."""
    arrays = [onnx.numpy_helper.to_array(each) for each in onnx.load(graph).graph.initializer]
    found = {"float16": [], "float32": []}
    for array in arrays:
        if array.dtype.name in found and array.size >= 64:
            found[array.dtype.name].append(array)
    return found


def share_stored(arrays, plan):
    """How much of some weights an engine holds, in the graph's layout or channels last."""

    def is_stored(array):
        layouts = [array, array.T]
        if array.ndim > 2:
            layouts.append(np.moveaxis(array, 1, -1))
        return any(np.ascontiguousarray(layout).tobytes() in plan for layout in layouts)

    return sum(a.size for a in arrays if is_stored(a)) / sum(a.size for a in arrays)


def same(one, other):
    return one.shape == other.shape and np.array_equal(one, other)


def test_the_fp16_engine_holds_the_network_in_half_precision(built):
    folder, _ = built
    half = weights(folder / GRAPHS["fp16"])
    full = weights(folder / GRAPHS["fp32"])
    network = [
        array for array in full["float32"] if not any(same(array, a) for a in half["float32"])
    ]
    assert sum(a.size for a in network) == sum(a.size for a in half["float16"])
    plan = {precision: (folder / file).read_bytes() for precision, file in ENGINES.items()}
    # Some weights TensorRT stores in a layout of its own.
    assert share_stored(half["float16"], plan["fp16"]) > 0.2
    assert share_stored(network, plan["fp32"]) > 0.2
    assert share_stored(half["float16"], plan["fp32"]) == 0
    assert share_stored(network, plan["fp16"]) == 0
    # The front end stays in float32 in both.
    assert share_stored(half["float32"], plan["fp16"]) > 0.2


def test_the_network_that_is_built_is_half_behind_a_float_front_end(built):
    folder, _ = built
    products = (trt.LayerType.CONVOLUTION, trt.LayerType.MATRIX_MULTIPLY)
    types = {}
    for precision, file in GRAPHS.items():
        log = log_of(trt)
        builder = trt.Builder(log)
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, log)
        assert parser.parse_from_file(str(folder / file))
        layers = [network.get_layer(i) for i in range(network.num_layers)]
        types[precision] = [x.get_output(0).dtype for x in layers if x.type in products]
    half = [dtype for dtype in types["fp16"] if dtype == trt.float16]
    stored = onnx.load(folder / GRAPHS["fp16"]).graph.initializer
    matrices = [x for x in stored if x.data_type == onnx.TensorProto.FLOAT16 and len(x.dims) > 1]
    assert len(half) == len(matrices) >= 3
    first, last = types["fp16"].index(trt.float16), len(types["fp16"]) - 1
    assert set(types["fp16"][:first]) == {trt.float32}
    assert first > 0
    assert types["fp16"][last] == trt.float32  # novelty
    assert set(types["fp32"]) == {trt.float32}


def test_the_manifest_says_what_the_engines_are(built):
    folder, _ = built
    manifest = json.loads((folder / "manifest.json").read_text())
    schema = json.loads(
        (resources.files("dlrsd.runtime.bundle") / "manifest.schema.json").read_text()
    )
    jsonschema.Draft202012Validator(schema).validate(manifest)
    profile = {"min": 1, "opt": 64, "max": 4096}
    assert manifest["graph"]["profile"] == structs.asdict(PROFILE) == profile
    assert manifest["engines"] == [
        {
            "file": ENGINES[precision],
            "precision": precision,
            "package": "tensorrt_rtx",
            "version": trt.__version__,
            "targets": ["sm86", "sm89"],
            "profile": profile,
            "graph_sha256": manifest["files"][GRAPHS[precision]]["sha256"],
        }
        for precision in ("fp32", "fp16")
    ]
    for file in ENGINES.values():
        content = (folder / file).read_bytes()
        assert manifest["files"][file] == {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }


def test_the_runtime_takes_them_on_such_a_gpu_and_no_other(built, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundle = load_bundle(built[0])
    for precision, file in ENGINES.items():
        for capability in (86, 89):
            here = Machine("tensorrt_rtx", trt.__version__, capability)
            assert find(bundle, precision, here) == ([(built[0] / file).read_bytes()], "")
        plans, why = find(bundle, precision, here._replace(capability=90))
        assert plans == []
        assert why.endswith("it is for sm86, sm89, this GPU is sm90")


def test_the_bars_go_to_the_end(built):
    for precision in ENGINES:
        total, *steps = built[1][f"engine {precision}"]
        assert total == steps[-1] == 100
        assert steps == sorted(steps)
        assert len(set(steps)) > 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tensorrt"], "run `pip install 'dlrsd[rtx]'`"),
        (["--tensorrt", "--sm", "87"], "got --sm 87, but TensorRT-RTX"),
        (
            ["--tensorrt", "--sm", "86", "--sm", "75"],
            "got --sm 75, but TensorRT-RTX has no float32",
        ),
        (["--sm", "86"], "got --sm 86 without --tensorrt"),
    ],
)
def test_what_cannot_be_is_said_before_any_work_is_done(
    arguments, said, tiny_run, tmp_path, monkeypatch, capsys
):
    if "--sm" not in arguments:
        monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
        monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dlrsd-export", str(tiny_run), *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert not list(tmp_path.iterdir())


def test_so_it_is_from_python(tiny_run, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="got --sm 90"):
        export_bundle(tiny_run, tmp_path / "b", fp16=False, tensorrt=[90])
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(ExtraMissingError):
        export_bundle(tiny_run, tmp_path / "b", fp16=False, tensorrt=())
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(count_gpus() > 0, reason="is about machines with no GPU")
def test_the_package_that_needs_a_gpu_says_which_does_not(monkeypatch):
    package = ModuleType("tensorrt")
    package.__version__ = "10.3.0"
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt", package)
    with pytest.raises(InputError, match=r"no CUDA GPU answers here: run `pip .*dlrsd\[rtx\]"):
        engine_builder(())


def test_with_no_target_asked_for_it_builds_for_all_that_cost_nothing():
    assert engine_builder(()) == (trt, (80, 86, 89, 120))
