"""The engine of order maps against `order_map` and the tiny graph's arithmetic in float64."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError, InputError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.runtime.engines.engine import Output
from dlrsd.runtime.engines.opening import open_engine

pytest.importorskip("onnxruntime")
CONFIG = OrderMapConfig(4000.0, 2048, 4, 200.0, 1500.0)
ON_CPU = "order map of bundle tiny runs in onnxruntime on cpu .fp32, fp16.; choose among these"
MACHINE = Kinematics(1772.0, 3.585, 5.415, 2.357, 0.398)


def by_hand(x: np.ndarray, machine: Kinematics = MACHINE) -> Output:
    """The graph of `graphs/make.py`."""
    largest = order_map(x, CONFIG, machine).astype(float).max(axis=(1, 2))
    lines = (largest - np.linspace(1.5, 2.0, 32)) / np.linspace(0.5, 1.0, 32)
    level = lines[:, 31] / 16
    outer = lines[:, 0:4].sum(axis=1) / 2 + level
    inner = lines[:, 8:12].sum(axis=1) / 2 - level
    scores = [1 - outer / 2 - inner / 2, outer - inner / 4, inner - outer / 4]
    weights = np.exp(np.stack(scores, axis=1) - np.max(scores, axis=0)[:, None])
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return Output(probabilities, np.stack([outer, inner], axis=1), lines.max(axis=1) / 16)


def assert_equal(got: Output, expected: Output) -> None:
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def windows(n: int, *, channels: int = 1) -> np.ndarray:
    """Strikes of random orders in noise."""
    rng = np.random.default_rng(0)
    period = 60 / 1772 / rng.choice([3.585, 5.415, 4.0], (n, 1, 1))
    since = np.arange(2048) / 4000 % period
    ring = np.exp(-400 * since) * np.sin(2 * np.pi * 900 * since)
    return ring * rng.uniform(0, 1, (n, 1, 1)) + 0.1 * rng.standard_normal((n, channels, 2048))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_output_is_the_graphs_of_the_order_maps(
    channels: int, threads: int, make_order_map: Callable[..., Path]
) -> None:
    bundle = load_bundle(make_order_map(channels=channels))
    assert bundle.front_end.config(bundle.manifest.signal) == CONFIG
    engine = open_engine(bundle, threads=threads, kinematics=MACHINE)
    assert (engine.name, engine.device, engine.threads) == ("onnxruntime", "cpu", threads)
    x = windows(70, channels=channels)
    expected = by_hand(x)
    assert set(expected.probabilities.argmax(axis=1)) == {0, 1, 2}
    for n in (1, 2, 17, 70):
        assert_equal(engine.run(x[:n]), Output(*(part[:n] for part in expected)))
    # Parts of a stream, not contiguous, and whole numbers.
    assert_equal(engine.run(np.repeat(x[:3], 2, axis=0)[::2]), by_hand(x[:3]))
    counts = np.round(1000 * x[:3]).astype(np.int16)
    assert_equal(engine.run(counts), by_hand(counts))


def test_another_machine_has_other_maps(make_order_map: Callable[..., Path]) -> None:
    """The same strikes, which are of the outer race, taken for the inner race of another type."""
    x, bundle = windows(60), load_bundle(make_order_map())
    outer = by_hand(x).probabilities.argmax(axis=1) == 1
    assert outer.sum() > 5
    other = Kinematics(1772.0, 2.6, 3.585, 2.357, 0.398)
    got = open_engine(bundle, kinematics=other).run(x[outer])
    assert_equal(got, by_hand(x[outer], other))
    assert np.mean(got.probabilities.argmax(axis=1) == 2) > 0.9


def test_windows_of_another_shape_are_refused(make_order_map: Callable[..., Path]) -> None:
    engine = open_engine(load_bundle(make_order_map()), kinematics=MACHINE)
    for shape in [(2, 1, 2047), (2, 2, 2048), (0, 1, 2048), (1, 1, 4, 32)]:
        with pytest.raises(InputError, match=r"expected \(n, 1, 2048\)"):
            engine.run(np.zeros(shape))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs the shaft's speed: give --speed RPM"),
        (
            {"kinematics": MACHINE, "device": "cuda"},
            ON_CPU,
        ),
        (
            {"kinematics": MACHINE, "engine": "tensorrt"},
            ON_CPU,
        ),
        (
            {"kinematics": MACHINE, "precision": "int8"},
            ON_CPU,
        ),
        (
            {"kinematics": Kinematics(600.0, 3.585, 5.415, 2.357, 0.398)},
            "bundle tiny does not fit this machine, train one that does: .* holds 5.1 revolutions",
        ),
        (
            {"kinematics": Kinematics(9000.0, 3.585, 5.415, 2.357, 0.398)},
            "bundle tiny does not fit this machine, train one that does: .* use a higher rate",
        ),
    ],
)
def test_what_cannot_be_opened_is_refused(
    options: dict[str, Any], said: str, make_order_map: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_engine(load_bundle(make_order_map()), **options)
    assert "\n" not in str(caught.value)


def test_other_bundles_take_no_speed(
    make_bundle: Callable[..., Path], make_sequence: Callable[..., Path]
) -> None:
    for folder in (make_bundle("windows"), make_sequence("sequence")):
        bundle = load_bundle(folder)
        assert not bundle.front_end.is_on_host
        with pytest.raises(InputError, match="has no use for a shaft's speed: leave it out"):
            open_engine(bundle, device="cpu", kinematics=MACHINE)


def test_a_graph_that_takes_no_order_maps_is_refused(
    make_order_map: Callable[..., Path], make_bundle: Callable[..., Path]
) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        manifest["files"]["diagnoser.onnx"] = {"sha256": stated.sha256, "bytes": stated.bytes}

    other = load_bundle(make_bundle("windows"))
    stated = other.manifest.files["diagnoser.onnx"]
    folder = make_order_map(change=swap)
    (folder / "diagnoser.onnx").write_bytes(other.read("diagnoser.onnx"))
    with pytest.raises(BundleError, match="does not take windows of"):
        open_engine(load_bundle(folder), kinematics=MACHINE)
