"""The measurements on a GPU: each takes a bundle, and returns a sentence and its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.gpu.common import BATCHES, SECONDS, Figures, Skip, need, seconds
from benchmarks.gpu.torch_entries import paper_training, torch_graphs
from dlrsd.runtime.base.errors import DlrsdError
from dlrsd.runtime.bench.measure import benchmark
from dlrsd.runtime.bench.windows import synthetic_windows
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.filter_bank import multiply_adds
from dlrsd.runtime.dsp.scalogram import scalogram
from dlrsd.runtime.engines.engine import GRAPH_FILES
from dlrsd.runtime.engines.opening import open_engine
from dlrsd.runtime.synthesis.filtering import mcf_smote
from dlrsd.runtime.synthesis.smote import smote

LARGE = 65536  # windows that are on the GPU already
PRECISIONS = ("fp32", "fp16")


def tests(bundle: Bundle) -> tuple[str, Figures]:
    """The GPU tests of this checkout."""
    need("pytest")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/runtime"]
    done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    if done.returncode:
        raise RuntimeError("\n".join(lines[-15:]))
    return lines[-1], {}


def cupy_scalogram(bundle: Bundle) -> tuple[str, Figures]:
    """CuPy's scalogram against NumPy's, and against what its multiply-adds take at the least."""
    cupy = need("cupy")
    config = machine.scalogram_config(bundle)
    x = synthetic_windows(bundle, 4096)
    expected = scalogram(x[:512], config)
    on_gpu = cupy.asarray(x)
    found = cupy.asnumpy(scalogram(on_gpu[:512], config))
    difference = float(np.abs(found - expected).max() / expected.max())
    if not difference < 1e-4:
        raise RuntimeError(f"differs from NumPy's by {difference:.1e} of the largest value")
    many = cupy.concatenate([on_gpu] * (LARGE // len(x)))
    took = seconds(cupy, lambda: scalogram(many, config))
    a, b = cupy.random.standard_normal((2, 8192, 8192), dtype=cupy.float32)
    rate = 8192**3 / seconds(cupy, lambda: a @ b)
    floor = multiply_adds(config) * LARGE * bundle.channels / rate
    says = f"{LARGE / took:,.0f} windows/s, {took / floor:.1f} times the FP32 floor (at most 3)"
    return says, {
        "largest_difference": difference,
        "windows_per_s": LARGE / took,
        "sgemm_gmac_per_s": rate / 1e9,
        "times_the_floor": took / floor,
    }


def onnxruntime_cuda(bundle: Bundle) -> tuple[str, Figures]:
    """ONNX Runtime with I/O binding and CUDA graphs."""
    runtime = need("onnxruntime")
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        raise Skip(f"onnxruntime {runtime.__version__} has no CUDA, onnxruntime-gpu has")
    return _engine(bundle, "onnxruntime")


def tensorrt(bundle: Bundle) -> tuple[str, Figures]:
    """TensorRT or TensorRT-RTX, built from the bundle's ONNX graphs into an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        said: list[str] = []
        opening: dict[str, list[float]] = {}
        for precision in _precisions(bundle):
            opening[precision] = []
            for _ in range(2):  # builds where the bundle's engine does not fit, then loads
                began = time.perf_counter()
                open_engine(bundle, engine="tensorrt", precision=precision, say=said.append)
                opening[precision].append(time.perf_counter() - began)
        says, figures = _engine(bundle, "tensorrt")
    return says, {**figures, "first_and_second_opening_s": opening, "said": said}


def smote_and_filter(bundle: Bundle) -> tuple[str, Figures]:
    """SMOTE 5000 x 1024 -> 20000 and MCF-SMOTE of 10,000 heatmaps, CuPy's against NumPy's."""
    cupy = need("cupy")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5000, 1024), dtype=np.float32)
    real = rng.standard_normal((500, 1, 32, 32), dtype=np.float32)
    made = real[rng.integers(0, 500, 10_000)]
    made += 0.5 * rng.standard_normal(made.shape, dtype=np.float32)
    posterior = rng.uniform(0.5, 1, 10_000).astype(np.float32)
    ways: dict[str, Callable[[Any], Any]] = {
        "smote": lambda xp: smote(xp.asarray(x), 20_000),
        "mcf_smote": lambda xp: mcf_smote(
            xp.asarray(made), xp.asarray(posterior), xp.asarray(real), 10_000
        ),
    }
    # Rounding may swap two neighbours that lie equally far, and with them single samples.
    same = np.abs(cupy.asnumpy(ways["smote"](cupy)) - ways["smote"](np)).max(axis=1) < 1e-3
    kept = ways["mcf_smote"](cupy).decoded, ways["mcf_smote"](np).decoded
    if same.mean() < 0.99 or abs(kept[0] - kept[1]) > 10:
        raise RuntimeError(f"{same.mean():.1%} of SMOTE's samples as NumPy's; kept {kept}")
    figures: Figures = {}
    for name, call in ways.items():
        on_host = seconds(cupy, lambda c=call: c(np), 3)
        on_gpu = seconds(cupy, lambda c=call: c(cupy))
        figures[name] = {"numpy_s": on_host, "cupy_s": on_gpu, "times_faster": on_host / on_gpu}
    says = ", ".join(f"{name} {f['times_faster']:.1f} times NumPy's" for name, f in figures.items())
    return says, figures


def stream(bundle: Bundle) -> tuple[str, Figures]:
    """``dlrsd-runtime diagnose --device cuda`` of ten channels over ten minutes."""
    if bundle.channels != 1:
        raise Skip("the bundle takes several channels at once")
    try:
        open_engine(bundle, device="cuda")
    except DlrsdError as error:
        raise Skip(str(error)) from error
    samples = int(600 * bundle.rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        raw, out = Path(folder) / "s.bin", Path(folder) / "o.jsonl"
        rng = np.random.default_rng(0)
        noise = np.stack([machine.fit_noise(bundle, samples, rng) for _ in range(10)], axis=1)
        noise.astype("<f4").tofile(raw)
        program = [
            sys.executable,
            "-c",
            "from dlrsd.runtime.cli.app import main; main()",
            "diagnose",
        ]
        where = ["--bundle", str(bundle.path), "--device", "cuda", "--channels", "10"]
        done = subprocess.run(
            [*program, str(raw), *where, "--output", str(out)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        lines = out.read_text(encoding="utf-8").splitlines()
    header, summary = json.loads(lines[0]), json.loads(lines[-1])
    if header["device"] != "cuda" or "goes on with" in done.stderr:
        raise RuntimeError(f"ran on {header['device']}: {done.stderr.strip()}")
    times = summary["times_real_time"]
    return f"{times:,.0f} times real time, 10 channels", {
        "engine": header["engine"], "precision": header["precision"], "times_real_time": times,
        "channels": 10,
    }  # fmt: skip


ENTRIES: dict[str, Callable[[Bundle], tuple[str, Figures]]] = {
    "tests": tests,
    "cupy_scalogram": cupy_scalogram,
    "onnxruntime": onnxruntime_cuda,
    "tensorrt": tensorrt,
    "torch_graphs": torch_graphs,
    "smote_and_filter": smote_and_filter,
    "stream": stream,
    "paper_training": paper_training,
}


def _precisions(bundle: Bundle) -> list[str]:
    return [precision for precision in PRECISIONS if bundle.has(GRAPH_FILES[precision])]


def _engine(bundle: Bundle, engine: str) -> tuple[str, Figures]:
    """Rows host to host, and windows a second of windows that are on the GPU already."""
    rows = benchmark(
        bundle,
        engine=engine,
        device="cuda",
        precisions=_precisions(bundle),
        batches=BATCHES,
        seconds=SECONDS,
    )
    try:
        on_device = _on_device(bundle, engine)
    except Skip as error:
        on_device = {"none": {"note": str(error)}}
    wrong = [
        f"{row['precision']} at batch {row['batch']}: {row['note'] or 'ran on the CPU'}"
        for row in rows
        if row["note"] or row["device"] != "cuda"
    ]
    if wrong:
        raise RuntimeError("; ".join(wrong))
    single = min((row for row in rows if row["batch"] == 1), key=lambda row: row["p99_us"])
    says = (
        f"{single['engine']} {single['version']}: p50 {single['p50_us']:.0f}, p99 "
        f"{single['p99_us']:.0f} us at batch 1 {single['precision']} (at most 100)"
    )
    rates = [row["windows_per_s"] for row in on_device.values() if "windows_per_s" in row]
    if rates:
        says += f"; {max(rates):,.0f} windows/s on the device (at least 5,000,000)"
    return says, {"rows": rows, "windows_on_device": on_device}


def _on_device(bundle: Bundle, engine: str) -> dict[str, Any]:
    cupy = need("cupy")
    x = cupy.asarray(synthetic_windows(bundle, 4096))
    many = cupy.concatenate([x] * (LARGE // len(x)))
    found: dict[str, Any] = {}
    for precision in _precisions(bundle):
        opened = open_engine(bundle, engine=engine, device="cuda", precision=precision)
        took = seconds(cupy, lambda e=opened: e.run(many))
        found[precision] = {"windows": LARGE, "batch": opened.batch, "windows_per_s": LARGE / took}
    return found
