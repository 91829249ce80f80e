"""Where one bundle takes another's place, what is loaded is of one of them, whole."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.base.errors import BundleError
from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.engines.opening import open_engine

BIAS = -4 * np.array([0.1, 1.0, 5.0], np.float32) ** 2  # of the tiny graph's classes


@pytest.fixture
def two(make_bundle: Callable[..., Path]) -> tuple[Path, Path]:
    """Bundles whose graphs, of one size, tell other classes."""
    pytest.importorskip("onnxruntime")
    one = make_bundle("one", change=lambda manifest: manifest.update(name="one"))
    graph = (one / "diagnoser.onnx").read_bytes()
    assert BIAS.tobytes() in graph
    content = graph.replace(BIAS.tobytes(), BIAS[::-1].tobytes())

    def change(manifest: dict[str, Any]) -> None:
        manifest["name"] = "other"
        manifest["files"]["diagnoser.onnx"]["sha256"] = hashlib.sha256(content).hexdigest()

    other = make_bundle("other", change=change)
    (other / "diagnoser.onnx").write_bytes(content)
    return one, other


def replace(out: Path, source: Path) -> None:
    """As export does it."""
    part, old = out.with_name(".part"), out.with_name(".old")
    shutil.copytree(source, part)
    if out.exists():
        out.replace(old)
    part.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def test_a_bundle_replaced_after_it_was_loaded_is_not_mixed_with_the_new_one(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    replace(out, two[0])
    bundle = load_bundle(out)
    sha256 = bundle.manifest_sha256
    replace(out, two[1])
    with pytest.raises(BundleError, match="of another bundle that has taken the place of this one"):
        open_engine(bundle, device="cpu")
    assert bundle.manifest_sha256 == sha256


def test_none_ever_runs_the_others_graph(two: tuple[Path, Path], tmp_path: Path) -> None:
    windows = np.full((1, 1, 64), 1.5, np.float32)
    right = {}
    for folder in two:
        bundle = load_bundle(folder)
        right[bundle.name] = open_engine(bundle, device="cpu", threads=1).run(windows)
    assert (right["one"].probabilities != right["other"].probabilities).any()
    out, stop = tmp_path / "out", threading.Event()
    replace(out, two[0])

    def swap() -> None:
        while not stop.is_set():
            for folder in two:
                replace(out, folder)

    thread = threading.Thread(target=swap)
    thread.start()
    opened, refused, end = {"one": 0, "other": 0}, 0, time.monotonic() + 30
    try:
        while min(*opened.values(), refused) < 20 and time.monotonic() < end:
            try:
                bundle = load_bundle(out)
                output = open_engine(bundle, device="cpu", threads=1).run(windows)
            except BundleError:
                refused += 1
                continue
            opened[bundle.name] += 1
            np.testing.assert_array_equal(output.probabilities, right[bundle.name].probabilities)
    finally:
        stop.set()
        thread.join()
    assert min(opened.values()) >= 1
