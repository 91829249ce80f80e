"""The engine of a sequence: its state goes on from call to call, its graph is what is promised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.bench.measure import benchmark
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.onnx_sequence import OnnxSequenceEngine
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.synthesis.synthesize import synthesize

pytest.importorskip("onnxruntime")


def opened(folder: Path, **options: Any) -> OnnxSequenceEngine:
    return cast(OnnxSequenceEngine, open_engine(load_bundle(folder), **options))


def windows(n: int) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((n, 2, 8)).astype(np.float32)
    x[x > 1.5] = np.nan
    return x


def levels(x: np.ndarray) -> np.ndarray:
    """The level after each window, which is the first of the embedding."""
    means = np.where(np.isnan(x), [[0.5], [-1.0]], x.astype(float)).mean(axis=2)
    level, every = 0.0, []
    for s1, r1 in means:
        level = level / 2 + s1 - r1 / 2
        every.append(level)
    return np.array(every)


@pytest.mark.parametrize("parts", [[12], [1] * 12, [5, 1, 6]])
def test_a_stream_in_parts_is_as_the_whole(
    parts: list[int], make_sequence: Callable[..., Path]
) -> None:
    engine, x, at = opened(make_sequence()), windows(12), 0
    state, said = engine.zero_state(), []
    for n in parts:
        output, state = engine.advance(x[at : at + n], state)
        assert output.probabilities.shape == (n, 3)
        said.append(output.embedding[:, 0])
        at += n
    np.testing.assert_allclose(np.concatenate(said), levels(x), atol=1e-6)
    np.testing.assert_allclose(state[0], levels(x)[-1:, None], atol=1e-6)
    np.testing.assert_allclose(engine.run(x).embedding[:, 0], levels(x), atol=1e-6)


def test_a_state_belongs_to_its_stream(make_sequence: Callable[..., Path]) -> None:
    """Two streams in turn through one engine, and a state that is used twice."""
    engine = opened(make_sequence())
    a, b = windows(4), windows(4)[::-1]
    first = {"a": engine.advance(a[:2], engine.zero_state())[1]}
    first["b"] = engine.advance(b[:2], engine.zero_state())[1]
    for _ in range(2):
        for x, name in ((a, "a"), (b, "b")):
            output, _ = engine.advance(x[2:], first[name])
            np.testing.assert_allclose(output.embedding[:, 0], levels(x)[2:], atol=1e-6)


def test_windows_of_another_shape_are_refused(make_sequence: Callable[..., Path]) -> None:
    engine = opened(make_sequence())
    with pytest.raises(InputError, match=r"\(1, 2, 9\), expected \(n, 2, 8\)"):
        engine.advance(np.zeros((1, 2, 9)), engine.zero_state())


@pytest.mark.parametrize(
    "options", [{"precision": "int8"}, {"device": "cuda"}, {"engine": "tensorrt"}]
)
def test_what_a_sequence_does_not_run_on_is_said(
    options: dict[str, str], make_sequence: Callable[..., Path]
) -> None:
    (value,) = options.values()
    with pytest.raises(
        InputError, match=f"{value}.* sequence of bundle tiny runs in onnxruntime on cpu"
    ):
        opened(make_sequence(), **options)


def test_a_precision_that_was_not_exported_is_said(make_sequence: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match=r"has no diagnoser\.fp16\.onnx, only diagnoser\.onnx"):
        opened(make_sequence(), precision="fp16")
    assert opened(make_sequence("other")).precision == "fp32"


def test_a_graph_without_the_promised_state_is_refused(make_sequence: Callable[..., Path]) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["graph"]["states"][0]["name"] = "height"

    def widen(manifest: dict[str, Any]) -> None:
        manifest["graph"]["states"][1]["shape"] = ["batch", 4]

    with pytest.raises(BundleError, match="takes waveform, level, means but no height"):
        opened(make_sequence("renamed", change=rename))
    with pytest.raises(BundleError, match=r"means of shape \['batch', 2\], .* \['batch', 4\]"):
        opened(make_sequence("widened", change=widen))


def test_a_graph_of_windows_is_no_sequence(
    make_bundle: Callable[..., Path], make_sequence: Callable[..., Path]
) -> None:
    graph = (make_bundle("windows") / "diagnoser.onnx").read_bytes()
    listed = load_bundle(make_bundle("again")).manifest.files["diagnoser.onnx"]

    def swap(manifest: dict[str, Any]) -> None:
        manifest["files"]["diagnoser.onnx"] = {"sha256": listed.sha256, "bytes": listed.bytes}

    folder = make_sequence(change=swap)
    (folder / "diagnoser.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match="takes waveform but no level, means"):
        opened(folder)


def test_a_benchmark_measures_single_steps(make_sequence: Callable[..., Path]) -> None:
    bundle = load_bundle(make_sequence())
    (row,) = benchmark(bundle, seconds=0.01)
    assert (row["engine"], row["device"], row["batch"], row["agreement"]) == (
        "onnxruntime", "cpu", 1, 1.0
    )  # fmt: skip
    assert row["windows_per_s"] > 0
    assert row["times_real_time"] == pytest.approx(row["windows_per_s"] * 8 * 900)
    with pytest.raises(InputError, match=r"got batches of 64 windows.*takes one"):
        benchmark(bundle, batches=[64])


def test_a_sequence_has_no_synthesiser(make_sequence: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match="has no synthesiser"):
        synthesize(load_bundle(make_sequence()), "Quiet", 3)
