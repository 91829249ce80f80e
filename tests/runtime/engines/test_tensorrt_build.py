"""Engines that TensorRT-RTX really builds here: it needs no GPU for that."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, ExtraMissingError, InputError, ParityError
from dlrsd.runtime.engines.tensorrt_build import PROFILE, build, write_cached
from dlrsd.runtime.engines.tensorrt_package import (
    PORTABLE,
    check_targets,
    device_capability,
    log_of,
    tensorrt_package,
)

GRAPH = Path(__file__).parents[1] / "graphs" / "diagnoser.onnx"


@pytest.fixture
def trt() -> ModuleType:
    return pytest.importorskip("tensorrt_rtx")


def conv_graph(path: Path, dtype: type, weight: np.ndarray) -> Path:
    """float32 in, a float32 product as a front end, a convolution in ``dtype``, float32 out."""
    onnx = pytest.importorskip("onnx")
    helper, to_array = onnx.helper, onnx.numpy_helper.from_array
    tensor = onnx.TensorProto.FLOAT16 if dtype is np.float16 else onnx.TensorProto.FLOAT
    rng = np.random.default_rng(1)
    front = rng.standard_normal((64, 64)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["waveform", "front"], ["bands"]),
            helper.make_node("Cast", ["bands"], ["typed"], to=tensor),
            helper.make_node("Conv", ["typed", "weight"], ["features"]),
            helper.make_node("Cast", ["features"], ["out"], to=onnx.TensorProto.FLOAT),
        ],
        "g",
        [helper.make_tensor_value_info("waveform", onnx.TensorProto.FLOAT, ["n", 16, 64])],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ["n", 32, 62])],
        [to_array(front, "front"), to_array(weight.astype(dtype), "weight")],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


SHAPE = (16, 64)
WEIGHT = np.random.default_rng(0).standard_normal((32, 16, 3)).astype(np.float32)


def stored(weight: np.ndarray, plan: bytes) -> bool:
    """Whether an engine holds these very weights, in the graph's layout or channels last."""
    layouts = (weight, np.moveaxis(weight, 1, -1))
    return any(np.ascontiguousarray(layout).tobytes() in plan for layout in layouts)


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", np.float32), ("fp16", np.float16)])
def test_an_engine_holds_its_weights_in_its_precision(
    precision: str, dtype: type, trt: ModuleType, tmp_path: Path
) -> None:
    onnx = conv_graph(tmp_path / "g.onnx", dtype, WEIGHT)
    plan = build(
        trt,
        onnx.read_bytes(),
        name=onnx.name,
        precision=precision,
        shape=SHAPE,
        profile=PROFILE,
        targets=(86, 89),
    )
    assert stored(WEIGHT.astype(np.float16), plan) == (precision == "fp16")
    assert stored(WEIGHT, plan) == (precision == "fp32")


@pytest.mark.parametrize(
    ("asked", "dtype", "half"), [("fp16", np.float32, 0), ("fp32", np.float16, 1)]
)
def test_a_graph_of_the_other_precision_is_refused(
    asked: str, dtype: type, half: int, trt: ModuleType, tmp_path: Path
) -> None:
    onnx = conv_graph(tmp_path / "g.onnx", dtype, WEIGHT)
    with pytest.raises(ParityError, match=f"{half} half-precision layers among 2 .*no {asked}"):
        build(
            trt,
            onnx.read_bytes(),
            name=onnx.name,
            precision=asked,
            shape=SHAPE,
            profile=PROFILE,
            targets=(86,),
        )


def test_progress_rises_to_the_end_and_nothing_is_printed(
    trt: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    shares: list[float] = []
    plan = build(
        trt,
        GRAPH.read_bytes(),
        name=GRAPH.name,
        precision="fp32",
        shape=SHAPE,
        profile=PROFILE,
        targets=PORTABLE,
        progress=shares.append,
    )
    assert len(plan) > 1000
    assert len(shares) > 20
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert shares[-1] == 1.0
    assert capfd.readouterr() == ("", "")


def test_what_tensorrt_refuses_is_said_in_one_line(
    trt: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(GRAPH.read_bytes()[:100])
    with pytest.raises(BundleError, match=r"builds no engine from damaged\.onnx: .*pars") as caught:
        build(
            trt,
            damaged.read_bytes(),
            name=damaged.name,
            precision="fp32",
            shape=SHAPE,
            profile=PROFILE,
            targets=(86,),
        )
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_it_has_no_float32_products_for_turing(trt: ModuleType, tmp_path: Path) -> None:
    onnx = conv_graph(tmp_path / "g.onnx", np.float16, WEIGHT)
    with pytest.raises(BundleError, match=r"SM75.*FP32 GEMM is not supported"):
        build(
            trt,
            onnx.read_bytes(),
            name=onnx.name,
            precision="fp16",
            shape=SHAPE,
            profile=PROFILE,
            targets=(75,),
        )
    assert build(
        trt,
        onnx.read_bytes(),
        name=onnx.name,
        precision="fp16",
        shape=SHAPE,
        profile=PROFILE,
        targets=(80,),
    )
    assert log_of(trt).reason == ""


def test_targets_are_checked_before_anything_is_built(trt: ModuleType) -> None:
    assert check_targets(trt, ()) == PORTABLE == (80, 86, 89, 120)
    assert check_targets(trt, [89, 86, 89]) == (86, 89)
    with pytest.raises(InputError, match=r"--sm 87.*75, 80, 86, 89, 120, 121.*Orin is 87"):
        check_targets(trt, [86, 87])
    with pytest.raises(InputError, match=r"--sm 75.*no float32 matrix product"):
        check_targets(trt, [75])


@pytest.mark.parametrize(
    ("capability", "served"), [(None, True), (86, True), (120, True), (87, False), (90, False)]
)
def test_the_package_is_one_that_serves_the_gpu(
    capability: int | None, served: bool, trt: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    if served:
        assert tensorrt_package(capability) is trt
    else:
        with pytest.raises(ExtraMissingError, match=f"does not serve sm{capability}; tensorrt: "):
            tensorrt_package(capability)


def test_without_a_package_it_says_what_to_install_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(ExtraMissingError) as caught:
        tensorrt_package()
    for words in ("dlrsd[rtx]", "with no GPU", "dlrsd[tensorrt]", "H100", "Jetson", "JetPack"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_cupy_it_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ExtraMissingError, match="cupy-cuda13x`, or cupy-cuda12x"):
        device_capability()


def test_another_major_is_refused_and_tensorrt_takes_no_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = ModuleType("tensorrt")
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    monkeypatch.setitem(sys.modules, "tensorrt", package)
    for version, served in (("8.6.2", False), ("10.3.0", True), ("11.4.0.106", True)):
        package.__version__ = version  # type: ignore[attr-defined]
        if served:
            assert tensorrt_package(87) is package
        else:
            with pytest.raises(ExtraMissingError, match=r"8\.6\.2 is not of major 10 or 11"):
                tensorrt_package(87)
    assert check_targets(package, ()) == ()
    with pytest.raises(InputError, match=r"--sm 86.*builds for the GPU it runs on"):
        check_targets(package, [86])


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "file"
    write_cached(path, b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_cached(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]
