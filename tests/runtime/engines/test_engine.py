"""Every engine against the tiny graph's own arithmetic, done in NumPy.

Those that need a GPU are tested with `-m gpu`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import (
    InputError,
)
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.engine import Engine
from dlrsd.runtime.engines.opening import open_engine

pytest.importorskip("onnxruntime")
Open = Callable[..., Engine]


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
def test_output_is_the_graphs(n: int, channels: int, opened: Open, tiny: Any) -> None:
    x = tiny.windows(n, channels=channels)
    tiny.assert_equal(opened(channels=channels).run(x), tiny.by_hand(x))


def test_more_windows_than_a_call_takes(opened: Open, tiny: Any) -> None:
    engine = opened()
    x = tiny.windows(2 * engine.batch * max(1, engine.threads) + 5)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))


@pytest.mark.parametrize("n", [1, 8])
def test_any_real_array_will_do(n: int, opened: Open, tiny: Any) -> None:
    engine = opened()
    x = tiny.windows(n).astype(np.float32)
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
    tiny.assert_equal(engine.run(quantised), tiny.by_hand(quantised))


@pytest.mark.parametrize("n", [1, 3])
def test_results_are_the_callers_own(n: int, opened: Open, tiny: Any) -> None:
    engine = opened()
    first = engine.run(tiny.windows(n))
    kept = [part.copy() for part in first]
    engine.run(5 * tiny.windows(n))
    for part, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(part, copy)
        part[...] = 0  # and may be written to
    tiny.assert_equal(engine.run(tiny.windows(n)), tiny.by_hand(tiny.windows(n)))


@pytest.mark.parametrize(
    "shape", [(8, 1, 63), (8, 2, 64), (8, 64), (1, 8, 1, 64), (0, 1, 64), (), (64,)]
)
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], opened: Open) -> None:
    with pytest.raises(InputError, match=r"expected \(n, 1, 64\) with n of 1 or more"):
        opened().run(np.zeros(shape))


def test_what_are_no_real_numbers_is_refused(opened: Open) -> None:
    with pytest.raises(InputError, match="got windows of complex128, expected real numbers"):
        opened().run(np.zeros((1, 1, 64), dtype=complex))


def test_calls_from_several_threads_do_not_mix(opened: Open, tiny: Any) -> None:
    engine = opened()
    x = tiny.windows(40)
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda at: engine.run(x[at : at + 1 + at % 3]), range(40)))
    for at, output in enumerate(outputs):
        tiny.assert_equal(output, tiny.by_hand(x[at : at + 1 + at % 3]))


def test_what_it_is_called_goes_into_the_header(make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle()), device="cpu", threads=1)
    assert (engine.name, engine.device, engine.precision) == ("onnxruntime", "cpu", "fp32")
    assert (engine.threads, engine.batch) == (1, 64)


@pytest.mark.gpu
def test_the_cpu_takes_no_windows_that_are_on_a_gpu(bundle: Bundle, tiny: Any) -> None:
    cupy = pytest.importorskip("cupy")
    with pytest.raises(InputError, match=r"pass `windows\.get\(\)`"):
        open_engine(bundle, device="cpu").run(cupy.asarray(tiny.windows(3)))


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
