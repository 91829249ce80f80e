"""What ``dlrsd-runtime diagnose`` costs: speed, memory and the time to the first diagnosis.

    python benchmarks/stream.py --bundle cwru-6205

Runs the command as a user does, on an hour of one channel at the bundle's rate written to disk
first, with JSONL output, and from a pipe for the first diagnosis.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.bundle import load_bundle

RESULTS = Path(__file__).parent / "results"
COMMAND = (str(Path(sys.executable).with_name("dlrsd-runtime")), "diagnose")
RMS = 0.2  # of the noise that stands for a signal: within the levels any bundle here accepts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="cwru-6205")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    with tempfile.TemporaryDirectory() as folder:
        stream = Path(folder) / "stream.bin"
        _write_stream(stream, int(a.hours * 3600 * bundle.rate_hz))
        rows = [_whole_stream(stream, a.bundle, Path(folder) / "out.jsonl") for _ in range(a.runs)]
        first = [_first_diagnosis(stream, a.bundle, bundle.window) for _ in range(a.runs)]
    seconds = a.hours * 3600
    result = {
        "bundle": a.bundle,
        "hours": a.hours,
        "runs": a.runs,
        "times_real_time": _spread([seconds / row["wall_s"] for row in rows]),
        "windows_per_s": _spread([row["windows"] / row["wall_s"] for row in rows]),
        "peak_memory_mb": _spread([row["peak_mb"] for row in rows]),
        "first_diagnosis_s": _spread(first),
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
    }
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "stream.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _write_stream(path: Path, samples: int) -> None:
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, samples, 1 << 20):
            count = min(1 << 20, samples - start)
            file.write((RMS * rng.standard_normal(count)).astype("<f4").tobytes())


def _whole_stream(stream: Path, bundle: str, output: Path) -> dict[str, Any]:
    """Wall time and peak memory of the command, as the system counts them."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, str(stream), "--bundle", bundle, "--output", str(output)],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        sys.exit(f"error: diagnose ended with status {status}")
    with output.open("rb") as file:
        windows = sum(1 for _ in file) - 2  # a header and a summary
    return {"wall_s": wall, "windows": windows, "peak_mb": usage.ru_maxrss / 1024}


def _first_diagnosis(stream: Path, bundle: str, window: int) -> float:
    """From starting the command to its first window record, one window waiting in the pipe."""
    with stream.open("rb") as file:
        samples = file.read(4 * window)
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, "-", "--bundle", bundle, "--output", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(samples)
    process.stdin.flush()
    for line in process.stdout:
        if json.loads(line)["type"] == "window":
            break
    elapsed = time.perf_counter() - began
    process.stdin.close()
    process.stdout.read()
    process.wait()
    return elapsed


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
