"""The TensorRT engine on a GPU against ONNX Runtime on the CPU, with the shipped bundle.

Where the GPU tests run, `tensorrt` or `tensorrt_rtx` and CuPy must be installed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import DeviceMemoryError, InputError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.engines.tensorrt_cache import (
    engine_file,
    find,
    has_engine,
    rebuild,
    this_machine,
)
from dlrsd.runtime.engines.tensorrt_engine import TensorRTEngine, offsets_of

BUNDLE = "cwru-6205"
PROBABILITY = {"fp32": 1e-3, "fp16": 0.05}  # as the export's parity asks
on_gpu = pytest.mark.gpu


@pytest.mark.parametrize(
    ("shapes", "offsets", "total"),
    [
        ([(1, 10), (1, 48), (1,)], [0, 256, 512], 516),
        ([(64, 10), (64, 48), (64,)], [0, 2560, 14848], 15104),
        ([(64,), (1,)], [0, 256], 260),
    ],
)
def test_outputs_lie_apart_and_aligned_in_one_buffer(
    shapes: list[tuple[int, ...]], offsets: list[int], total: int
) -> None:
    assert offsets_of(shapes) == (offsets, total)


# ------------------------------------------------------------------------- on a GPU


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Engines built once for all tests here, and not among the user's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "dlrsd"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(BUNDLE)


@pytest.fixture(scope="module", params=["fp32", "fp16"])
def engine(request: pytest.FixtureRequest, bundle: Bundle) -> TensorRTEngine:
    return TensorRTEngine(bundle, precision=request.param, say=lambda line: None)


def windows(bundle: Bundle, n: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    time = np.arange(bundle.window) / bundle.rate_hz
    tone = np.sin(2 * np.pi * rng.uniform(200, 4000, (n, bundle.channels, 1)) * time)
    noise = rng.standard_normal((n, bundle.channels, bundle.window))
    return (rng.uniform(0.02, 0.5, (n, 1, 1)) * (tone + noise)).astype(np.float32)


@on_gpu
@pytest.mark.parametrize("n", [1, 2, 64, 65, 1024, 4096, 5000])
def test_it_says_what_onnx_runtime_says(engine: TensorRTEngine, bundle: Bundle, n: int) -> None:
    pytest.importorskip("onnxruntime")
    x = windows(bundle, n)
    got = engine.run(x)
    want = open_engine(bundle, engine="onnxruntime", precision="fp32", device="cpu").run(x)
    tolerance = PROBABILITY[engine.precision]
    for each, expected in zip(got, want, strict=True):
        assert each.shape == expected.shape
        assert each.dtype == np.float32
        assert isinstance(each, np.ndarray)
    np.testing.assert_allclose(got.probabilities, want.probabilities, atol=tolerance)
    np.testing.assert_allclose(got.novelty, want.novelty, rtol=10 * tolerance)
    agree = got.probabilities.argmax(axis=1) == want.probabilities.argmax(axis=1)
    assert agree.mean() >= 0.995 or n < 200


@on_gpu
def test_a_window_says_the_same_in_every_batch(engine: TensorRTEngine, bundle: Bundle) -> None:
    x = windows(bundle, 1100)
    together = engine.run(x)
    for n in (1, 3, 64, 70):
        for part, whole in zip(engine.run(x[:n]), together, strict=True):
            np.testing.assert_allclose(part, whole[:n], atol=PROBABILITY[engine.precision])


@on_gpu
@pytest.mark.parametrize("n", [1, 64])
def test_replaying_the_cuda_graph_is_the_same_as_not(
    engine: TensorRTEngine, bundle: Bundle, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = windows(bundle, n)
    replayed = [engine.run(x) for _ in range(3)]
    slot = engine.slots[n]
    assert all(graph is not None for graph in slot.graphs.values())
    monkeypatch.setattr(slot, "graphs", {True: None, False: None})
    plain = engine.run(x)
    for outputs in replayed:
        for again, once in zip(outputs, plain, strict=True):
            np.testing.assert_array_equal(again, once)


@on_gpu
def test_any_real_array_will_do_and_one_on_the_gpu_too(
    engine: TensorRTEngine, bundle: Bundle
) -> None:
    cupy = pytest.importorskip("cupy")
    x = windows(bundle, 8)
    expected = engine.run(x).probabilities
    frozen = x.copy()
    frozen.flags.writeable = False
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    for array in (x.astype(np.float64), frozen, backwards, cupy.asarray(x), cupy.asarray(x, "f8")):
        np.testing.assert_array_equal(engine.run(array).probabilities, expected)


@on_gpu
@pytest.mark.parametrize("n", [0, 3])
def test_wrong_windows_are_refused(engine: TensorRTEngine, bundle: Bundle, n: int) -> None:
    with pytest.raises(InputError, match=r"expected \(n, "):
        engine.run(np.zeros((n, bundle.channels, bundle.window - bool(n)), dtype=np.float32))


@on_gpu
def test_a_gpu_without_memory_is_named_and_smaller_batches_go_on(bundle: Bundle) -> None:
    cupy = pytest.importorskip("cupy")
    engine = TensorRTEngine(bundle, precision="fp32", say=lambda line: None)
    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    pool.set_limit(size=pool.total_bytes() + 8 * 2**20)
    try:
        with pytest.raises(DeviceMemoryError, match="no memory left"):
            engine.run(windows(bundle, 4096))
        assert len(engine.run(windows(bundle, 32)).novelty) == 32
    finally:
        pool.set_limit(size=0)


@on_gpu
@pytest.mark.parametrize("fault", ["another GPU", "another version", "truncated", "no engine"])
def test_an_engine_that_does_not_fit_is_built_anew_and_kept(
    fault: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    machine = this_machine()
    folder = Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
    plan = rebuild(bundle, "fp32", machine, why="", say=lambda line: None)
    shutil.rmtree(tmp_path / "cache")
    manifest = json.loads((folder / "manifest.json").read_text())
    content = plan[: len(plan) // 2] if fault == "truncated" else plan
    (folder / "diagnoser.fp32.engine").write_bytes(content)
    manifest["files"]["diagnoser.fp32.engine"] = {"sha256": "0" * 64, "bytes": len(plan)}
    entry = {
        "file": "diagnoser.fp32.engine",
        "precision": "fp32",
        "package": machine.package,
        "version": "0.1" if fault == "another version" else machine.version,
        "targets": ["sm10"] if fault == "another GPU" else [f"sm{machine.capability}"],
        "profile": {"min": 1, "opt": 64, "max": 4096},
        "graph_sha256": manifest["files"]["diagnoser.onnx"]["sha256"],
    }
    manifest["engines"] = [] if fault == "no engine" else [entry]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    moved = load_bundle(folder)
    said: list[str] = []
    x = windows(bundle, 5)
    first = TensorRTEngine(moved, precision="fp32", say=said.append).run(x)
    assert len(said) >= 2
    assert str(engine_file(moved, "fp32", machine)) in said[-1]
    assert has_engine(moved, "fp32")
    again = TensorRTEngine(moved, precision="fp32", say=said.append).run(x)
    assert len([line for line in said if "built in" in line]) == 1
    np.testing.assert_array_equal(again.probabilities, first.probabilities)


@on_gpu
def test_a_plan_that_tensorrt_refuses_is_replaced(bundle: Bundle) -> None:
    machine = this_machine()
    plans, _ = find(bundle, "fp32", machine)
    plan = plans[0] if plans else rebuild(bundle, "fp32", machine, why="", say=lambda line: None)
    engine = TensorRTEngine(bundle, precision="fp32", say=lambda line: None)
    for damaged in (b"", b"no engine", plan[: len(plan) // 2]):
        loaded, why = engine.deserialise(damaged)
        assert loaded is None
        assert why
