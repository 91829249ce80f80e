"""A bundle around the tiny graphs of `graphs/make.py`, and the command line as a user runs it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrsd.runtime.bundle.bundle import load_bundle
from dlrsd.runtime.bundle.seal import record, sealed
from dlrsd.runtime.engines.opening import open_engine

GRAPHS = Path(__file__).parent / "graphs"
CLASSES = ["Quiet", "Rough", "Loud"]


def tiny_manifest(*, channels: int = 1, window: int = 64, hop: int = 32) -> dict[str, Any]:
    return {
        "schema_version": 2,
        "kind": "window",
        "name": "tiny",
        "created": "2026-01-01T00:00:00Z",
        "dlrsd_version": "0.1.0",
        "graph": {
            "inputs": [
                {"name": "waveform", "dtype": "float32", "shape": ["batch", channels, window]}
            ],
            "outputs": [
                {"name": "probabilities", "dtype": "float32", "shape": ["batch", 3]},
                {"name": "embedding", "dtype": "float32", "shape": ["batch", 2]},
                {"name": "novelty", "dtype": "float32", "shape": ["batch"]},
            ],
        },
        "classes": list(CLASSES),
        "normal_class": "Quiet",
        "signal": {
            "rate_hz": 1000.0,
            "unit": "g",
            "channels": channels,
            "window": window,
            "hop": hop,
        },
        "front_end": {
            "name": "scalogram",
            "n_frequencies": 4,
            "n_blocks": 4,
            "f_min_hz": 10.0,
            "f_max_hz": 375.0,
            "bandwidth": 1.5,
            "center": 1.0,
            "eps": 1e-3,
            "mean": [0.0] * 4,
            "std": [1.0] * 4,
        },
        "calibration": {"temperature": 1.0},
        "novelty": {"threshold": 1.0, "quantile": 0.99},
        "quality": {"zero_run": 16, "clip_run": 8, "level_low": 0.01, "level_high": 20.0},
        "verdict": {"last": 45, "hold": 30},
        "synthesis": {
            "method": "dlrsd-smote",
            "file": "synthesizer.onnx",
            "anchors": "anchors.npz",
            "statement": "The anchors are latents of training windows.",
        },
        "training": {
            "dataset": "made up",
            "task": None,
            "protocol": "block",
            "balance_ratio": None,
            "seed": 0,
            "window_counts": {"train": dict.fromkeys(CLASSES, 5)},
            "statement": "Trained on nothing; tells three levels apart.",
        },
        "metrics": {"protocol": "block", "accuracy": 1.0},
        "parity": {
            "windows": 0,
            "fp32": {"label_agreement": 1.0, "max_probability_difference": 0.0},
        },
        "files": {},
    }


def sequence_manifest(*, window: int = 8, hop: int = 8, hold: int = 3) -> dict[str, Any]:
    manifest = tiny_manifest(channels=2, window=window, hop=hop)
    manifest["graph"]["outputs"][1]["shape"] = ["batch", 3]
    manifest["graph"]["states"] = [
        {"name": "level", "dtype": "float32", "shape": ["batch", 1]},
        {"name": "means", "dtype": "float32", "shape": ["batch", 2]},
    ]
    manifest["signal"] |= {
        "rate_hz": 1 / 900,
        "unit": "as recorded",
        "channel_names": ["S1", "R1"],
        "hold": hold,
    }
    manifest["kind"] = "sequence"
    for name in ("front_end", "quality", "synthesis"):
        del manifest[name]
    manifest["verdict"] = {"last": 3, "hold": 2}
    manifest["training"]["protocol"] = "time"
    return manifest


ORDERS_6205 = {"bpfo": 3.585, "bpfi": 5.415, "bsf": 2.357, "ftf": 0.398}


def order_map_manifest(*, channels: int = 1, window: int = 2048, hop: int = 1024) -> dict[str, Any]:
    manifest = tiny_manifest(channels=channels, window=window, hop=hop)
    manifest["graph"]["inputs"] = [
        {"name": "order_map", "dtype": "float32", "shape": ["batch", channels, 4, 32]}
    ]
    manifest["classes"] = ["Normal", "Outer", "Inner"]
    manifest["normal_class"] = "Normal"
    manifest["signal"]["rate_hz"] = 4000.0
    manifest["synthesis"] = None
    manifest["front_end"] = {
        "name": "order-map",
        "n_bands": 4,
        "f_min_hz": 200.0,
        "f_max_hz": 1500.0,
        "machines": [{"speed_rpm": [1700.0, 1800.0], **ORDERS_6205}],
    }
    manifest["verdict"] = {"last": 9, "hold": 6}
    return manifest


def write_manifest(
    folder: Path, manifest: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    manifest["files"] = {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.iterdir())
    }
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _maker(
    tmp_path: Path, graph: str, manifest_of: Callable[..., dict[str, Any]]
) -> Callable[..., Path]:
    """Writes bundles of one graph; ``change`` edits a manifest before it is written."""

    def make(
        name: str = "bundle",
        *,
        change: Callable[[dict[str, Any]], None] = lambda manifest: None,
        **signal: int,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(GRAPHS / graph, folder / "diagnoser.onnx")
        write_manifest(folder, manifest_of(**signal), change)
        return folder

    return make


@pytest.fixture
def make_sequence(tmp_path: Path) -> Callable[..., Path]:
    """Write a sequence bundle."""
    return _maker(tmp_path, "sequence.onnx", sequence_manifest)


@pytest.fixture
def make_order_map(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle that takes order maps."""
    return _maker(tmp_path, "order_map.onnx", order_map_manifest)


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write a bundle; ``change`` edits its manifest before it is written."""

    def make(
        name: str = "bundle",
        *,
        change: Callable[[dict[str, Any]], None] = lambda manifest: None,
        **signal: int,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for graph in ("diagnoser.onnx", "synthesizer.onnx"):
            shutil.copy(GRAPHS / graph, folder)
        rng = np.random.default_rng(0)
        directions = np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]])
        anchors = {}
        for index, direction in enumerate(directions):
            latents = direction + 0.2 * rng.standard_normal((6, 2))
            textures = 0.05 * rng.standard_normal((6, 1, 4, 4))
            anchors[f"latent/{index}"] = latents.astype(np.float16)
            anchors[f"texture/{index}"] = textures.astype(np.float16)
        np.savez(folder / "anchors.npz", **anchors)
        write_manifest(folder, tiny_manifest(**signal), change)
        return folder

    return make


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``dlrsd-runtime`` in ``tmp_path``."""

    def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from dlrsd.runtime.cli.app import main; main()"]
        return subprocess.run(
            [*program, *map(str, arguments)],
            cwd=tmp_path,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def message() -> Callable[[int, bytes], bytes]:
    """A field of bytes, as Protocol Buffers writes it."""

    def write(number: int, content: bytes) -> bytes:
        size, prefix = len(content), bytearray()
        while size > 0x7F:
            prefix.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes([number << 3 | 2, *prefix, size]) + content

    return write


@pytest.fixture
def seal(message: Callable[[int, bytes], bytes]) -> Callable[[Path], Path]:
    """Give a bundle's graphs their records and its manifest its seal."""

    def write(folder: Path) -> Path:
        manifest = json.loads((folder / "manifest.json").read_text())
        facts = json.dumps(record(manifest)).encode()
        for path in folder.glob("*.onnx"):
            with path.open("ab") as file:
                file.write(message(14, message(1, b"dlrsd") + message(2, facts)))
        (folder / "manifest.json").unlink()
        write_manifest(folder, manifest, lambda whole: whole.update(sealed(whole)))
        return folder

    return write


@pytest.fixture
def opened(make_bundle: Callable[..., Path]) -> Callable[[Any], Any]:
    """Open a bundle with such a graph, as a message or as bytes."""
    count = 0

    def open_with(model: Any) -> Any:
        content = model if isinstance(model, bytes) else model.SerializeToString()

        def change(manifest: dict[str, Any]) -> None:
            manifest["graph"]["outputs"][1]["shape"] = ["batch", 64]
            manifest["files"]["diagnoser.onnx"] = {
                "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
            }  # fmt: skip

        nonlocal count
        folder, count = make_bundle(f"bundle-{count}", change=change), count + 1
        (folder / "diagnoser.onnx").write_bytes(content)
        return open_engine(load_bundle(folder), device="cpu", threads=1)

    return open_with
