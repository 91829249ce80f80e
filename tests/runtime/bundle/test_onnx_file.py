"""What an ONNX file may hold: every way to hang, to grow or to look elsewhere is refused."""

from __future__ import annotations

import hashlib
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.base.formats import FormatError
from dlrsd.runtime.bundle.bundle import SHIPPED, load_bundle
from dlrsd.runtime.bundle.onnx_file import read_onnx
from tests.runtime.graphs.foreign import ONE, model_of, node, tail

pytest.importorskip("onnxruntime")
GRAPHS = Path(__file__).parents[1] / "graphs"
FILES = [*SHIPPED.glob("*/*.onnx"), *GRAPHS.glob("*.onnx")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_graphs_of_ours_are_taken(path: Path) -> None:
    assert set(read_onnx(path.read_bytes())) <= {"dlrsd"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_metadata_are_those_that_the_onnx_package_reads(path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(path)
    assert read_onnx(path.read_bytes()) == {p.key: p.value for p in model.metadata_props}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_mutation_opens_or_is_refused_in_one_line(
    path: Path, opened: Callable[[bytes], Any]
) -> None:
    """Bytes changed, cut, doubled and overwritten, by a seed."""
    rng = np.random.default_rng(0)
    whole = path.read_bytes()
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, size = int(rng.integers(len(content))), int(rng.integers(1, 40))
            part = content[at : at + size]
            kind = rng.integers(4)
            content[at : at + size] = [b"", part + part, rng.bytes(size), part[::-1]][kind]
        try:
            opened(bytes(content))
        except BundleError as error:
            refused += 1
            assert "\n" not in str(error)
            assert len(str(error)) < 1000
    assert refused > 0


def loop() -> Any:
    helper = pytest.importorskip("onnx.helper")
    body = helper.make_graph(
        [node("Identity", ["on"], ["still"]), node("Add", ["v", "v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", 7, []),
            helper.make_tensor_value_info("on", 9, []),
            helper.make_tensor_value_info("v", 1, None),
        ],
        [
            helper.make_tensor_value_info("still", 9, []),
            helper.make_tensor_value_info("w", 1, None),
        ],
    )
    nodes = [
        node("ReduceSum", ["waveform", "axes"], ["sum"], keepdims=0),
        node("Unsqueeze", ["sum", "one"], ["column"]),
        node("Loop", ["often", "yes", "column"], ["looped"], body=body),
        *tail("looped"),
    ]
    constants = {"often": np.array(2**60), "yes": np.array(True), "axes": np.array([1, 2])}
    return model_of(nodes, ONE | constants)


def a_branch() -> Any:
    helper = pytest.importorskip("onnx.helper")
    inner = helper.make_graph([node("Identity", ["waveform"], ["y"])], "inner", [], [])
    return model_of([node("Relu", ["waveform"], ["r"], then_branch=inner)])


def with_function() -> Any:
    model = model_of([node("Relu", ["waveform"], ["r"])])
    helper = pytest.importorskip("onnx.helper")
    opset = [helper.make_opsetid("", 20)]
    inner = [node("Relu", ["x"], ["y"])]
    model.functions.append(helper.make_function("mine", "F", ["x"], ["y"], inner, opset))
    return model


def outside_data() -> Any:
    model = model_of([node("Relu", ["waveform"], ["r"])], {"w": np.zeros(4, np.float32)})
    (weight,) = model.graph.initializer
    weight.ClearField("raw_data")
    weight.data_location = 1
    weight.external_data.add(key="location", value="/etc/passwd")
    return model


def weight(change: Callable[[Any], object], value: Any = None) -> Callable[[], Any]:
    def make() -> Any:
        tensor = np.ones((4, 4), np.float32) if value is None else value
        model = model_of([node("Relu", ["waveform"], ["r"])], {"w": tensor})
        change(model.graph.initializer[0])
        return model

    return make


def other_opset() -> Any:
    model = model_of([node("Relu", ["waveform"], ["r"])])
    model.opset_import.add(domain="mine", version=1)
    return model


def foreign(operator: str, domain: str) -> Any:
    model = model_of([node(operator, ["waveform"], ["r"], domain=domain)])
    model.opset_import.add(domain=domain, version=1)
    return model


NAN = np.array([1.0, np.nan], np.float32)
REFUSED = {
    "loop": (loop, "a graph in a node's attribute"),
    "branch": (a_branch, "a graph in a node's attribute"),
    "function": (with_function, "functions in a file"),
    "external data": (outside_data, "external data in a tensor"),
    "domain": (lambda: foreign("FusedGemm", "com.microsoft"), r"operator 'com\.microsoft\.FusedGemm'"),
    "opset": (other_opset, "operators of the domain 'mine'"),
    "operator": (lambda: model_of([node("NonZero", ["waveform"], ["r"])]), "operator 'NonZero'"),
    "string": (weight(lambda w: None, np.array(["x"], object)), "texts in a tensor"),
    "huge claim": (weight(lambda w: w.dims.append(10**9)), "of 64 bytes for"),
    "negative": (weight(lambda w: w.dims.__setitem__(0, -4)), "of 64 bytes for"),
    "overflow": (weight(lambda w: w.dims.extend([2**62, 2**62])), "of 64 bytes for"),
    "many axes": (weight(lambda w: w.dims.extend([1] * 100)), "of 102 axes"),
    "two stores": (weight(lambda w: w.float_data.append(1.0)), "of 64 bytes for"),
    "wrong store": (
        weight(lambda w: (w.ClearField("raw_data"), w.int64_data.extend([1] * 16))),
        "whose numbers stand where others belong",
    ),
    "half as integers": (
        weight(
            lambda w: (w.ClearField("raw_data"), w.int32_data.extend([0x7E00] * 16)),
            np.ones((4, 4), np.float16),
        ),
        "whose numbers stand where others belong",
    ),
    "cut row": (
        weight(lambda w: (w.ClearField("raw_data"), w.float_data.extend([1.0] * 15))),
        "of 15 numbers for",
    ),
    "NaN": (weight(lambda w: None, NAN), "'w' holds weights that are NaN or infinite"),
    "NaN in a row": (
        weight(lambda w: (w.ClearField("raw_data"), w.float_data.extend([1.0] * 15 + [np.inf]))),
        "NaN or infinite",
    ),
    "half NaN": (weight(lambda w: None, NAN.astype(np.float16)), "NaN or infinite"),
    "double NaN": (weight(lambda w: None, NAN.astype(np.float64)), "NaN or infinite"),
    "constant NaN": (
        lambda: model_of(
            [
                node(
                    "Constant",
                    [],
                    ["c"],
                    value=pytest.importorskip("onnx.numpy_helper").from_array(NAN),
                )
            ]
        ),
        "NaN or infinite",
    ),
    "many nodes": (
        lambda: model_of([node("Relu", ["waveform"], [f"r{i}"]) for i in range(4097)]),
        "of 4097 nodes",
    ),
    "many inputs": (
        lambda: model_of([node("Concat", ["waveform"] * 300, ["r"], axis=1)]),
        "a node of 300 parts",
    ),
    "sizes of the signal": (
        lambda: model_of(
            [
                node("Cast", ["waveform"], ["whole"], to=7),
                node("Reshape", ["whole", "flat"], ["sizes"]),
                node("Expand", ["waveform", "sizes"], ["much"]),
            ],
            {"flat": np.array([-1])},
        ),
        "'Expand' that makes sizes of the signal",
    ),
    "nothing": (lambda: model_of([]), "a graph of 0 nodes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_graph_needs_is_refused_as_such(name: str) -> None:
    make, said = REFUSED[name]
    with pytest.raises(FormatError, match=said):
        read_onnx(make().SerializeToString())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "of 0 graphs"),
        (b"PK\x03\x04", "an unknown field 10 in a file"),
        (b"\x08\x80", "an end within a number"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (b"\x3a\xff\xff\xff\xff\x0f", "field 7 of 4294967295 bytes where 0 are left"),
        (b"\x0b", "the unknown wire type 3"),
        (b"\xa2\x01\x00", "training in a file"),
        (b"\x3a\x00\x3a\x00", "a graph of 0 nodes"),
        (b"\x08\x02", "IR version 2"),
        (b"\x72\x03\x0a\x01\xff", "no UTF-8"),
    ],
)
def test_what_is_no_onnx_file_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_onnx(content)


def test_a_file_is_refused_before_it_is_read_where_its_size_is_another(
    make_bundle: Callable[..., Path],
) -> None:
    folder = make_bundle()
    with (folder / "diagnoser.onnx").open("r+b") as file:
        file.truncate(2**40)  # of nothing on disk
    with pytest.raises(BundleError, match="is damaged or cannot be read.* expected at most 690"):
        load_bundle(folder).read("diagnoser.onnx")
    values = json.loads((folder / "manifest.json").read_text())
    values["files"]["diagnoser.onnx"]["bytes"] = 2**40
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(BundleError, match=r"files.*bytes.*expected an integer <= 1073741824"):
        load_bundle(folder)
