"""The tiny graph's arithmetic in NumPy, which every engine must equal, and a GPU that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import DeviceLostError, DeviceMemoryError
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.engine import Output, check_windows


class TinyGraph:
    """What the tiny graph says, and windows to give it."""

    @staticmethod
    def by_hand(x: np.ndarray) -> Output:
        mean = abs(x.astype(float)).mean(axis=(1, 2))
        largest = abs(x.astype(float)).max(axis=(1, 2))
        weight = np.exp(-4 * (mean[:, None] - np.array([0.1, 1.0, 5.0])) ** 2)
        return Output(
            weight / weight.sum(axis=1, keepdims=True), np.stack([mean, largest], axis=1), mean / 8
        )

    @staticmethod
    def windows(n: int, *, channels: int = 1) -> np.ndarray:
        rng = np.random.default_rng(0)
        level = rng.choice([0.1, 0.7, 1.2, 4.0], (n, 1, 1))
        return level * rng.standard_normal((n, channels, 64))

    @staticmethod
    def assert_equal(got: Output, expected: Output, *, atol: float = 2e-5) -> None:
        for ours, theirs in zip(got, expected, strict=True):
            assert ours.dtype == np.float32
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, atol=atol)


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
        array = check_windows(windows, (1, 64))
        self.sizes.append(len(array))
        if len(self.sizes) > self._calls:
            raise DeviceLostError("the GPU stopped answering: CUDA failure 46")
        if len(array) > self._fits:
            raise DeviceMemoryError("the GPU has no memory left: 1 GB asked for")
        return Output(*(part.astype(np.float32) for part in TinyGraph.by_hand(array)))


@pytest.fixture
def failing_gpu() -> type[FailingGpu]:
    return FailingGpu


@pytest.fixture
def tiny() -> TinyGraph:
    return TinyGraph()


@pytest.fixture
def bundle(make_bundle: Callable[..., Path]) -> Bundle:
    return load_bundle(make_bundle())
