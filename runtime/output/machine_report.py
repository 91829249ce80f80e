"""What this machine can do: engines, readers and GPUs found, and how to get what is missing."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from dlrsd.runtime.base.caches import cache_folder
from dlrsd.runtime.base.hardware import count_gpus, has_int8_products, usable_cores
from dlrsd.runtime.base.version import VERSION
from dlrsd.runtime.bundle.bundle import shipped_bundles


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: ``version`` is None where the part is missing."""

    part: str
    purpose: str
    version: str | None
    remedy: str


# Module, distributions that provide it, what it is for, what to install.
_ENGINES = [
    (
        "onnxruntime",
        ("onnxruntime", "onnxruntime-gpu"),
        "runs diagnoses and synthesis",
        "dlrsd[cpu]",
    ),
    (
        "cupy",
        ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
        "arrays on a GPU, which TensorRT needs",
        "cupy-cuda13x",
    ),
    (
        "tensorrt_rtx",
        ("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx"),
        "engines for GeForce and RTX GPUs",
        "dlrsd[rtx]",
    ),
    (
        "tensorrt",
        ("tensorrt", "tensorrt-cu13", "tensorrt-cu12"),
        "engines for Jetson and data-centre GPUs",
        "dlrsd[tensorrt]",
    ),
]
_READERS = [
    ("soxr", ("soxr",), "streams of another sampling rate", "dlrsd[io]"),
    ("soundfile", ("soundfile",), ".wav and .flac files", "dlrsd[io]"),
    ("scipy", ("scipy",), ".mat files of version 4", "dlrsd[io]"),
    ("h5py", ("h5py",), ".h5 and .hdf5 files, .mat files of version 7.3", "dlrsd[io]"),
    ("pyarrow", ("pyarrow",), ".csv and .parquet files, --output NAME.parquet", "dlrsd[io]"),
    ("nptdms", ("nptdms",), ".tdms files whose channels have scales", "dlrsd[io]"),
    ("PIL", ("pillow",), "evidence --picture NAME.png", "dlrsd[picture]"),
]


def find_engines() -> list[Finding]:
    """The engines, each imported to see that it really works."""
    with TemporaryDirectory() as scratch:
        os.environ.setdefault("CUPY_CACHE_DIR", scratch)  # CuPy makes one when it is loaded
        return [_find(*entry) for entry in _ENGINES]


def find_readers() -> list[Finding]:
    """The packages that read and write files beyond those that need none."""
    return [_find(*entry) for entry in _READERS]


def find_gpus() -> list[str]:
    """Name, driver and memory of every NVIDIA GPU, where ``nvidia-smi`` tells them."""
    unnamed = [f"device {index} of the CUDA driver" for index in range(count_gpus())]
    command = shutil.which("nvidia-smi")
    if command is None:
        return unnamed
    query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            [command, *query], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return unnamed
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def providers() -> list[str]:
    """What ONNX Runtime can run on here; empty where it is not installed."""
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError:
        return []
    names = onnxruntime.get_available_providers()
    known = {"CPUExecutionProvider": "CPU", "CUDAExecutionProvider": "CUDA"}
    return [known[name] for name in names if name in known]


def privacy() -> list[str]:
    """What is told to others and where is written, beyond what a command names."""
    telemetry = os.environ.get("ORT_DISABLE_TELEMETRY", "")
    off = telemetry not in ("", "0")
    return [
        "network: nothing is sent or fetched; telemetry of onnxruntime is "
        + ("off" if off else f"ON, for ORT_DISABLE_TELEMETRY is {telemetry!r}: set it to 1"),
        f"files: only those that a command names, and in {cache_folder()} what is built for a GPU",
    ]


def report() -> list[str]:
    """The whole report as lines of text."""
    gpus = find_gpus()
    lines = [
        f"dlrsd {VERSION}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
        f"ready bundles: {', '.join(shipped_bundles()) or 'none'}",
        f"CPU: {usable_cores()} core(s), "
        f"{'with' if has_int8_products() else 'without'} fast 8-bit products (VNNI or Arm's)",
        f"GPU: {'; '.join(gpus) if gpus else 'none found'}",
        *privacy(),
        "engines:",
        *map(_line, find_engines()),
    ]
    if providers():
        lines.append(f"  onnxruntime runs on: {', '.join(providers())}")
    if gpus and "CUDA" not in providers():
        lines.append("  to use the GPU: `pip uninstall onnxruntime` and `pip install 'dlrsd[gpu]'`")
    return [*lines, "readers (raw and .npy files need none):", *map(_line, find_readers())]


def _find(module: str, distributions: tuple[str, ...], purpose: str, package: str) -> Finding:
    remedy = f"`pip install '{package}'`"
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:
        if _version(distributions):
            remedy = f"installed but broken ({error}): {remedy}"
        return Finding(module, purpose, None, remedy)
    return Finding(module, purpose, _version(distributions) or "of unknown version", remedy)


def _version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        found = next(iter(importlib.metadata.distributions(name=name)), None)
        if found:
            return found.version
    return None


def _line(finding: Finding) -> str:
    if finding.version is None:
        return f"  - {finding.part:<12} missing     {finding.purpose}: {finding.remedy}"
    return f"  + {finding.part:<12} {finding.version:<11} {finding.purpose}"
