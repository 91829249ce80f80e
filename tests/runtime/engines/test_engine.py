"""Every engine against the tiny graph's own arithmetic, done in NumPy, and the loss of a GPU.

The engines that need a GPU are tested with `-m gpu`. A GPU that runs out of memory or disappears
cannot be had on demand: an engine that computes the tiny graph in NumPy and fails like one stands
for it, in front of the real engine on the CPU.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import (
    BundleError,
    DeviceLostError,
    DeviceMemoryError,
    ExtraMissingError,
    InputError,
)
from dlrsd.runtime.base.hardware import count_gpus
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines import engine as engines
from dlrsd.runtime.engines.engine import Engine, Output
from dlrsd.runtime.engines.opening import choose_precision, open_engine
from dlrsd.runtime.engines.resilient import ResilientEngine

pytest.importorskip("onnxruntime")
GRAPHS = Path(__file__).parents[1] / "graphs"
without_gpu = pytest.mark.skipif(count_gpus() > 0, reason="this machine has a GPU")
Open = Callable[..., Engine]


def by_hand(x: np.ndarray) -> Output:
    mean = abs(x.astype(float)).mean(axis=(1, 2))
    largest = abs(x.astype(float)).max(axis=(1, 2))
    weight = np.exp(-4 * (mean[:, None] - np.array([0.1, 1.0, 5.0])) ** 2)
    return Output(
        weight / weight.sum(axis=1, keepdims=True), np.stack([mean, largest], axis=1), mean / 8
    )


def windows(n: int, *, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    level = rng.choice([0.1, 0.7, 1.2, 4.0], (n, 1, 1))
    return level * rng.standard_normal((n, channels, 64))


def assert_equal(got: Output, expected: Output, *, atol: float = 2e-5) -> None:
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == np.float32
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=atol)


@pytest.fixture(
    params=[
        pytest.param({"engine": "onnxruntime", "device": "cpu", "threads": 1}, id="cpu-1"),
        pytest.param({"engine": "onnxruntime", "device": "cpu", "threads": 3}, id="cpu-3"),
        pytest.param({"engine": "onnxruntime", "device": "cuda"}, id="cuda", marks=pytest.mark.gpu),
        pytest.param({"engine": "tensorrt"}, id="tensorrt", marks=pytest.mark.gpu),
    ]
)
def opened(request: pytest.FixtureRequest, make_bundle: Callable[..., Path]) -> Open:
    """Open the tiny bundle in one of the engines, in fp32."""

    def open_tiny(**signal: int) -> Engine:
        bundle = load_bundle(make_bundle(**signal))
        return open_engine(bundle, precision="fp32", **request.param)

    return open_tiny


@pytest.mark.parametrize("n", [1, 2, 17, 64, 65, 300])
@pytest.mark.parametrize("channels", [1, 3])
def test_output_is_the_graphs(n: int, channels: int, opened: Open) -> None:
    x = windows(n, channels=channels)
    assert_equal(opened(channels=channels).run(x), by_hand(x))


def test_more_windows_than_a_call_takes(opened: Open) -> None:
    engine = opened()
    x = windows(2 * engine.batch * max(1, engine.threads) + 5)
    assert_equal(engine.run(x), by_hand(x))


@pytest.mark.parametrize("n", [1, 8])
def test_any_real_array_will_do(n: int, opened: Open) -> None:
    engine = opened()
    x = windows(n).astype(np.float32)
    expected = engine.run(x)
    backwards = np.ascontiguousarray(x[:, :, ::-1])[:, :, ::-1]
    assert not backwards.flags.c_contiguous
    read_only = x.copy()
    read_only.flags.writeable = False
    strided = np.repeat(x, 2, axis=2)[:, :, ::2]
    for other in (backwards, read_only, strided, x.astype(float), x.tolist(), x.astype(">f4")):
        for got, same in zip(engine.run(other), expected, strict=True):
            np.testing.assert_array_equal(got, same)
    quantised = np.round(2 * x).astype(np.int16)
    assert_equal(engine.run(quantised), by_hand(quantised))


@pytest.mark.parametrize("n", [1, 3])
def test_results_are_the_callers_own(n: int, opened: Open) -> None:
    engine = opened()
    first = engine.run(windows(n))
    kept = [part.copy() for part in first]
    engine.run(5 * windows(n))
    for part, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(part, copy)
        part[...] = 0  # and may be written to
    assert_equal(engine.run(windows(n)), by_hand(windows(n)))


@pytest.mark.parametrize(
    "shape", [(8, 1, 63), (8, 2, 64), (8, 64), (1, 8, 1, 64), (0, 1, 64), (), (64,)]
)
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], opened: Open) -> None:
    with pytest.raises(InputError, match=r"expected \(n, 1, 64\) with n of 1 or more"):
        opened().run(np.zeros(shape))


def test_what_are_no_real_numbers_is_refused(opened: Open) -> None:
    with pytest.raises(InputError, match="got windows of complex128, expected real numbers"):
        opened().run(np.zeros((1, 1, 64), dtype=complex))


def test_calls_from_several_threads_do_not_mix(opened: Open) -> None:
    engine = opened()
    x = windows(40)
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda at: engine.run(x[at : at + 1 + at % 3]), range(40)))
    for at, output in enumerate(outputs):
        assert_equal(output, by_hand(x[at : at + 1 + at % 3]))


def test_what_it_is_called_goes_into_the_header(make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle()), device="cpu", threads=1)
    assert (engine.name, engine.device, engine.precision) == ("onnxruntime", "cpu", "fp32")
    assert (engine.threads, engine.batch) == (1, 64)


def test_unknown_choices_are_refused(make_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(make_bundle())
    with pytest.raises(InputError, match=r"engine 'torch'.*one of auto, onnxruntime, tensorrt"):
        open_engine(bundle, engine="torch")
    with pytest.raises(InputError, match=r"precision 'fp8'.*one of auto, fp32, fp16, int8"):
        open_engine(bundle, precision="fp8")
    with pytest.raises(InputError, match=r"device 'tpu'.*one of auto, cpu, cuda"):
        open_engine(bundle, device="tpu")
    with pytest.raises(InputError, match="graph of bundle tiny runs in tensorrt on cuda"):
        open_engine(bundle, engine="tensorrt", device="cpu")
    with pytest.raises(BundleError, match=r"has no diagnoser\.fp16\.onnx"):
        open_engine(bundle, precision="fp16")
    with pytest.raises(InputError, match="got 0 threads"):
        open_engine(bundle, threads=0)


@without_gpu
@pytest.mark.parametrize("choice", [{"device": "cuda"}, {"engine": "tensorrt"}])
def test_where_there_is_no_gpu_it_says_so(
    choice: dict[str, str], make_bundle: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=r"no GPU .* or use --device cpu"):
        open_engine(load_bundle(make_bundle()), **choice)


@without_gpu
def test_auto_takes_the_cpu_without_a_word(make_bundle: Callable[..., Path]) -> None:
    said: list[str] = []
    assert open_engine(load_bundle(make_bundle()), say=said.append).device == "cpu"
    assert said == []


@pytest.mark.parametrize(("agreement", "on_gpu"), [(0.996, "fp16"), (0.994, "fp32")])
def test_auto_takes_what_is_verified(
    agreement: float, on_gpu: str, make_bundle: Callable[..., Path]
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        for precision in ("fp16", "int8"):
            file = engines.GRAPH_FILES[precision]
            manifest["files"][file] = manifest["files"]["diagnoser.onnx"]
            manifest["parity"][precision] = {
                "label_agreement": 1.0,
                "max_probability_difference": 0.0,
                "fp32_agreement": agreement,
            }

    folder = make_bundle(change=change)
    (folder / "diagnoser.int8.onnx").write_bytes((folder / "diagnoser.onnx").read_bytes())
    bundle = load_bundle(folder)
    engine = open_engine(bundle, device="cpu")
    assert engine.precision == "fp32"
    assert open_engine(bundle, device="cpu", precision="int8").precision == "int8"
    assert_equal(engine.run(windows(3)), by_hand(windows(3)))
    assert choose_precision(bundle, "auto", device="cuda") == on_gpu


class FailingGpu:
    """An engine that computes the tiny graph by hand and fails as a GPU does."""

    name, version, device, precision, threads = "test", "0", "cuda", "fp32", 1
    kinematics = None

    def __init__(self, *, batch: int, fits: int, calls: int = 1000) -> None:
        self.batch = batch
        self.sizes: list[int] = []
        self._fits = fits
        self._calls = calls

    def run(self, windows: Any) -> Output:
        array = engines.check_windows(windows, (1, 64))
        self.sizes.append(len(array))
        if len(self.sizes) > self._calls:
            raise DeviceLostError("the GPU stopped answering: CUDA failure 46")
        if len(array) > self._fits:
            raise DeviceMemoryError("the GPU has no memory left: 1 GB asked for")
        return Output(*(part.astype(np.float32) for part in by_hand(array)))


@pytest.fixture
def bundle(make_bundle: Callable[..., Path]) -> Bundle:
    return load_bundle(make_bundle())


def resilient(gpu: FailingGpu, bundle: Bundle) -> tuple[ResilientEngine, list[str]]:
    said: list[str] = []
    return ResilientEngine(gpu, lambda: open_engine(bundle, device="cpu"), said.append), said


def test_for_want_of_memory_the_batch_is_halved(bundle: Bundle) -> None:
    gpu = FailingGpu(batch=64, fits=20)
    engine, said = resilient(gpu, bundle)
    x = windows(100)
    assert_equal(engine.run(x), by_hand(x))
    assert gpu.sizes == [64, 32, *[16] * 6, 4]
    assert (engine.batch, engine.device) == (16, "cuda")
    assert said == [
        f"the GPU has no memory left: 1 GB asked for: the batch of {size} windows is halved"
        for size in (64, 32)
    ]
    assert_equal(engine.run(x[:40]), by_hand(x[:40]))
    assert gpu.sizes[-3:] == [16, 16, 8]  # the smaller batch stays
    assert len(said) == 2


def test_without_memory_for_one_window_the_cpu_goes_on(bundle: Bundle) -> None:
    engine, said = resilient(FailingGpu(batch=4, fits=0), bundle)
    x = windows(9)
    assert_equal(engine.run(x), by_hand(x))
    assert engine.device == "cpu"
    assert len(said) == 3  # 4 windows, 2, and the one


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_when_the_gpu_is_lost_no_window_is(calls: int, bundle: Bundle) -> None:
    gpu = FailingGpu(batch=16, fits=16, calls=calls)
    engine, said = resilient(gpu, bundle)
    assert (engine.name, engine.device, engine.batch) == ("test", "cuda", 16)
    x = windows(70)
    assert_equal(engine.run(x), by_hand(x))
    assert gpu.sizes == [16] * (calls + 1)
    assert said == [
        "the GPU stopped answering: CUDA failure 46: goes on with ONNX Runtime on the CPU, no "
        "window is lost"
    ]
    assert (engine.name, engine.device, engine.batch) == ("onnxruntime", "cpu", 64)
    assert_equal(engine.run(x), by_hand(x))
    assert len(said) == 1


def test_where_the_cpu_cannot_go_on_both_reasons_are_said() -> None:
    def open_nothing() -> Engine:
        raise ExtraMissingError("needs the package 'onnxruntime': install it")

    said: list[str] = []
    engine = ResilientEngine(FailingGpu(batch=4, fits=4, calls=0), open_nothing, said.append)
    with pytest.raises(DeviceLostError, match=r"failure 46, and the CPU cannot .* 'onnxruntime'"):
        engine.run(windows(3))
    assert said == []


def test_a_wrong_shape_is_no_loss_of_the_gpu(bundle: Bundle) -> None:
    engine, said = resilient(FailingGpu(batch=16, fits=16), bundle)
    for shape in ((0, 1, 64), (3, 1, 63), ()):
        with pytest.raises(InputError, match=r"expected \(n, 1, 64\)"):
            engine.run(np.zeros(shape))
    assert (said, engine.device) == ([], "cuda")


@pytest.mark.gpu
def test_the_cpu_takes_no_windows_that_are_on_a_gpu(bundle: Bundle) -> None:
    cupy = pytest.importorskip("cupy")
    with pytest.raises(InputError, match=r"pass `windows\.get\(\)`"):
        open_engine(bundle, device="cpu").run(cupy.asarray(windows(3)))


@pytest.mark.gpu
def test_windows_on_a_lost_gpu_go_on_while_they_can_be_read(bundle: Bundle) -> None:
    cupy = pytest.importorskip("cupy")
    engine, _ = resilient(FailingGpu(batch=4, fits=4, calls=0), bundle)
    x = windows(9)
    for _ in range(2):
        assert_equal(engine.run(cupy.asarray(x)), by_hand(x))


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["onnxruntime", "tensorrt"])
@pytest.mark.parametrize(("precision", "atol"), [("fp32", 1e-4), ("fp16", 5e-3)])
@pytest.mark.parametrize("n", [1, 64, 5000])
def test_a_gpu_says_what_the_cpu_says(engine: str, precision: str, atol: float, n: int) -> None:
    shipped = load_bundle("cwru-6205")
    said: list[str] = []
    on_gpu = open_engine(
        shipped, engine=engine, precision=precision, device="cuda", say=said.append
    )
    x = 0.3 * np.random.default_rng(0).standard_normal((n, 1, 1024)).astype(np.float32)
    expected = open_engine(shipped, precision="fp32", device="cpu").run(x)
    got = on_gpu.run(x)
    difference = abs(got.probabilities - expected.probabilities).max(axis=1)
    assert np.quantile(difference, 0.99) <= atol  # noise lies between the classes
    assert difference.max() <= 2 * atol
    assert on_gpu.device == "cuda"  # and was not lost on the way
    cupy = pytest.importorskip("cupy")
    for ours, theirs in zip(on_gpu.run(cupy.asarray(x)), got, strict=True):
        assert isinstance(ours, np.ndarray)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_stored_graphs_are_those_of_their_source() -> None:
    onnx = pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location("make", GRAPHS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name in ("diagnoser", "order_map", "sequence", "synthesizer", "regressor"):
        assert onnx.load(GRAPHS / f"{name}.onnx") == getattr(make, name)()
