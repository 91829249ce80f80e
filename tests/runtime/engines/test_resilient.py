"""The loss of a GPU, and of its memory.

A GPU that runs out of memory or disappears cannot be had on demand: an engine that computes the
tiny graph in NumPy and fails like one stands for it, in front of the real engine on the CPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import DeviceLostError, ExtraMissingError, InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.engines.engine import Engine
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.engines.resilient import ResilientEngine

pytest.importorskip("onnxruntime")


def resilient(gpu: Any, bundle: Bundle) -> tuple[ResilientEngine, list[str]]:
    said: list[str] = []
    return ResilientEngine(gpu, lambda: open_engine(bundle, device="cpu"), said.append), said


def test_for_want_of_memory_the_batch_is_halved(
    bundle: Bundle, tiny: Any, failing_gpu: Any
) -> None:
    gpu = failing_gpu(batch=64, fits=20)
    engine, said = resilient(gpu, bundle)
    x = tiny.windows(100)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))
    assert gpu.sizes == [64, 32, *[16] * 6, 4]
    assert (engine.batch, engine.device) == (16, "cuda")
    assert said == [
        f"the GPU has no memory left: 1 GB asked for: the batch of {size} windows is halved"
        for size in (64, 32)
    ]
    tiny.assert_equal(engine.run(x[:40]), tiny.by_hand(x[:40]))
    assert gpu.sizes[-3:] == [16, 16, 8]  # the smaller batch stays
    assert len(said) == 2


def test_without_memory_for_one_window_the_cpu_goes_on(
    bundle: Bundle, tiny: Any, failing_gpu: Any
) -> None:
    engine, said = resilient(failing_gpu(batch=4, fits=0), bundle)
    x = tiny.windows(9)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))
    assert engine.device == "cpu"
    assert len(said) == 3  # 4 windows, 2, and the one


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_when_the_gpu_is_lost_no_window_is(
    calls: int, bundle: Bundle, tiny: Any, failing_gpu: Any
) -> None:
    gpu = failing_gpu(batch=16, fits=16, calls=calls)
    engine, said = resilient(gpu, bundle)
    assert (engine.name, engine.device, engine.batch) == ("test", "cuda", 16)
    x = tiny.windows(70)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))
    assert gpu.sizes == [16] * (calls + 1)
    assert said == [
        "the GPU stopped answering: CUDA failure 46: goes on with ONNX Runtime on the CPU, no "
        "window is lost"
    ]
    assert (engine.name, engine.device, engine.batch) == ("onnxruntime", "cpu", 64)
    tiny.assert_equal(engine.run(x), tiny.by_hand(x))
    assert len(said) == 1


def test_where_the_cpu_cannot_go_on_both_reasons_are_said(tiny: Any, failing_gpu: Any) -> None:
    def open_nothing() -> Engine:
        raise ExtraMissingError("needs the package 'onnxruntime': install it")

    said: list[str] = []
    engine = ResilientEngine(failing_gpu(batch=4, fits=4, calls=0), open_nothing, said.append)
    with pytest.raises(DeviceLostError, match=r"failure 46, and the CPU cannot .* 'onnxruntime'"):
        engine.run(tiny.windows(3))
    assert said == []


def test_a_wrong_shape_is_no_loss_of_the_gpu(bundle: Bundle, failing_gpu: Any) -> None:
    engine, said = resilient(failing_gpu(batch=16, fits=16), bundle)
    for shape in ((0, 1, 64), (3, 1, 63), ()):
        with pytest.raises(InputError, match=r"expected \(n, 1, 64\)"):
            engine.run(np.zeros(shape))
    assert (said, engine.device) == ([], "cuda")


@pytest.mark.gpu
def test_windows_on_a_lost_gpu_go_on_while_they_can_be_read(
    bundle: Bundle, tiny: Any, failing_gpu: Any
) -> None:
    cupy = pytest.importorskip("cupy")
    engine, _ = resilient(failing_gpu(batch=4, fits=4, calls=0), bundle)
    x = tiny.windows(9)
    for _ in range(2):
        tiny.assert_equal(engine.run(cupy.asarray(x)), tiny.by_hand(x))
