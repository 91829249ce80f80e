"""The engine against the tiny graph's own arithmetic, done in NumPy."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlrsd.runtime.bundle import load_bundle
from dlrsd.runtime.engine import open_engine
from dlrsd.runtime.errors import BundleError, InputError

pytest.importorskip("onnxruntime")
GRAPHS = Path(__file__).parent / "graphs"


def by_hand(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = abs(x.astype(float)).mean(axis=(1, 2))
    largest = abs(x.astype(float)).max(axis=(1, 2))
    weight = np.exp(-4 * (mean[:, None] - np.array([0.1, 1.0, 5.0])) ** 2)
    return (
        weight / weight.sum(axis=1, keepdims=True),
        np.stack([mean, largest], axis=1),
        mean / 8,
    )


def windows(n: int, *, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    level = rng.choice([0.1, 0.7, 1.2, 4.0], (n, 1, 1))
    return level * rng.standard_normal((n, channels, 64))


@pytest.mark.parametrize("n", [1, 2, 300])
@pytest.mark.parametrize("channels", [1, 3])
def test_output_is_the_graphs(n: int, channels: int, make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle(channels=channels)))
    x = windows(n, channels=channels)
    output = engine.run(x)
    for got, expected in zip(output, by_hand(x), strict=True):
        assert got.dtype == np.float32
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, atol=2e-5)


def test_any_real_array_will_do(make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle()))
    x = windows(8)
    expected = engine.run(x.astype(np.float32)).probabilities
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    assert not backwards.flags.c_contiguous
    np.testing.assert_array_equal(engine.run(backwards).probabilities, expected)
    np.testing.assert_array_equal(engine.run(x.tolist()).probabilities, expected)
    quantised = np.round(x * 1000).astype(np.int16)
    assert engine.run(quantised).probabilities.shape == (8, 3)


@pytest.mark.parametrize("shape", [(8, 1, 63), (8, 2, 64), (8, 64), (1, 8, 1, 64)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...], make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle()))
    with pytest.raises(InputError, match=r"expected \(n, 1, 64\)"):
        engine.run(np.zeros(shape))


def test_what_it_is_called_goes_into_the_header(make_bundle: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_bundle()), threads=1)
    assert (engine.name, engine.device, engine.precision) == ("onnxruntime", "cpu", "fp32")


def test_unknown_engine_precision_and_threads_are_refused(
    make_bundle: Callable[..., Path],
) -> None:
    bundle = load_bundle(make_bundle())
    with pytest.raises(InputError, match=r"'tensorrt'.*this version has only onnxruntime"):
        open_engine(bundle, engine="tensorrt")
    with pytest.raises(InputError, match=r"'fp8'.*expected one of auto, fp32, fp16, int8"):
        open_engine(bundle, precision="fp8")
    with pytest.raises(BundleError, match=r"has no diagnoser\.fp16\.onnx"):
        open_engine(bundle, precision="fp16")
    with pytest.raises(InputError, match="got 0 threads"):
        open_engine(bundle, threads=0)


def test_a_graph_of_other_classes_is_refused(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle(change=lambda manifest: manifest["classes"].append("Fourth"))
    with pytest.raises(BundleError, match=r"\(2, 3\).*the manifest says \(2, 4\)"):
        open_engine(load_bundle(folder))


def test_a_file_that_is_no_graph_is_refused_in_one_line(make_bundle: Callable[..., Path]) -> None:
    def swap(manifest: dict) -> None:
        manifest["files"]["diagnoser.onnx"]["sha256"] = manifest["files"]["anchors.npz"]["sha256"]

    folder = make_bundle(change=swap)
    (folder / "diagnoser.onnx").write_bytes((folder / "anchors.npz").read_bytes())
    with pytest.raises(BundleError, match="cannot load") as caught:
        open_engine(load_bundle(folder))
    assert "\n" not in str(caught.value)


def test_the_stored_graphs_are_those_of_their_source() -> None:
    onnx = pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location("make", GRAPHS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name in ("diagnoser", "synthesizer"):
        assert onnx.load(GRAPHS / f"{name}.onnx") == getattr(make, name)()
