"""What no look at a file can tell is tried on two windows, within bounds of memory and time."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError
from tests.runtime.graphs.foreign import ONE, model_of, node, tail

pytest.importorskip("onnxruntime")


def doubling(times: int) -> Any:
    """A tensor that is put beside itself: twice as large each time."""
    nodes = [node("ReduceMax", ["waveform", "axes"], ["d0"], keepdims=0)]
    nodes[0] = node("Squeeze", ["waveform", "one"], ["d0"])
    nodes += [node("Concat", [f"d{i}"] * 2, [f"d{i + 1}"], axis=1) for i in range(times)]
    nodes += [node("ReduceMean", [f"d{times}", "one"], ["small"], keepdims=1), *tail("small")]
    return model_of(nodes, ONE)


def filled(size: int) -> Any:
    nodes = [
        node("Squeeze", ["waveform", "one"], ["d0"]),
        node("ReduceMean", ["d0", "one"], ["mean"], keepdims=1),
        node("Expand", ["mean", "size"], ["much"]),
        node("ReduceMean", ["much", "one"], ["small"], keepdims=1),
        *tail("small"),
    ]
    return model_of(nodes, ONE | {"size": np.array([2, size])})


def constants(times: int) -> Any:
    """As `doubling`, of a constant: the optimiser would compute it before any run."""
    nodes = [node("Concat", [f"c{i}"] * 2, [f"c{i + 1}"], axis=1) for i in range(times)]
    nodes += [
        node("ReduceMean", [f"c{times}", "one"], ["level"], keepdims=1),
        node("Squeeze", ["waveform", "one"], ["d0"]),
        node("ReduceMean", ["d0", "one"], ["mean"], keepdims=1),
        node("Add", ["mean", "level"], ["small"]),
        *tail("small"),
    ]
    return model_of(nodes, ONE | {"c0": np.ones((1, 64), np.float32)})


def products(size: int, times: int) -> Any:
    """Hours of work in little memory."""
    nodes = [
        node("ReduceMean", ["waveform", "axes"], ["mean"], keepdims=0),
        node("ReduceMax", ["mean", "zero"], ["level"], keepdims=0),
        node("Expand", ["level", "size"], ["m0"]),
        *[node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(times)],
        node("ReduceMean", [f"m{times}", "axis"], ["most"], keepdims=0),
        node("Unsqueeze", ["mean", "one"], ["column"]),
        node("Add", ["column", "most"], ["small"]),
        *tail("small"),
    ]
    numbers = {"size": [size, size], "axes": [1, 2], "axis": [0, 1], "zero": [0]}
    return model_of(nodes, ONE | {name: np.array(x) for name, x in numbers.items()})


@pytest.mark.parametrize("make", [lambda: doubling(4), lambda: filled(64), lambda: constants(4)])
def test_what_is_small_runs(make: Callable[[], Any], opened: Callable[[Any], Any]) -> None:
    windows = np.ones((2, 1, 64), np.float32)
    assert opened(make()).run(windows).probabilities == pytest.approx(np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    "make", [lambda: doubling(30), lambda: filled(10**12), lambda: constants(30)]
)
def test_what_grows_without_end_is_refused(
    make: Callable[[], Any], opened: Callable[[Any], Any]
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BundleError, match=r"two windows within 512 MiB and 10 s: ") as caught:
        opened(make())
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700 * 1024  # KiB


def test_what_takes_hours_is_stopped(
    opened: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlrsd.runtime.engines.onnx_session._MOST_SECONDS", 1.0)
    started = time.monotonic()
    with pytest.raises(BundleError, match=r"and 1 s: .*terminate"):
        opened(products(1500, 1000))
    assert time.monotonic() - started < 10


def test_the_largest_graph_that_is_taken_opens_soon(opened: Callable[[Any], Any]) -> None:
    started = time.monotonic()
    assert opened(chain(4000)).run(np.ones((1, 1, 64), np.float32)).novelty.shape == (1,)
    assert time.monotonic() - started < 10


def chain(times: int) -> Any:
    nodes = [
        node("Squeeze", ["waveform", "one"], ["d0"]),
        node("ReduceMean", ["d0", "one"], ["n0"], keepdims=1),
        *[node("Sigmoid", [f"n{i}"], [f"n{i + 1}"]) for i in range(times)],
        *tail(f"n{times}"),
    ]
    return model_of(nodes, ONE)
