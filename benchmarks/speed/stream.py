"""What ``dlrsd-runtime diagnose`` costs: speed, memory and the time to the first diagnosis.

    python -m benchmarks.speed.stream --bundle cwru-6205

Runs the command as a user does, start-up included: on an hour of one channel at the bundle's rate,
from a file and from a pipe, writing JSONL; and from a pipe that holds one window, for the first
diagnosis. The three take turns, so that a slow moment of the machine hits all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle

COMMAND = (str(Path(sys.executable).with_name("dlrsd-runtime")), "diagnose")


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    a = parser.parse_args()
    hours, runs = (0.05, 1) if a.quick else (a.hours, a.runs)
    bundle = load_bundle(a.bundle)
    files, pipes, first = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        stream, output = Path(folder) / "stream.bin", Path(folder) / "out.jsonl"
        _write_stream(stream, bundle, int(hours * 3600 * bundle.rate_hz))
        for _ in range(runs):
            files.append(_whole_stream(stream, a.bundle, output))
            pipes.append(_whole_stream(stream, a.bundle, output, piped=True))
            first.append(_first_diagnosis(stream, a.bundle, bundle.window))
    seconds = hours * 3600
    result = {
        "bundle": a.bundle,
        "hours": hours,
        "runs": runs,
        "times_real_time": machine.spread([seconds / row["wall_s"] for row in files]),
        "times_real_time_piped": machine.spread([seconds / row["wall_s"] for row in pipes]),
        "windows_per_s": machine.spread([row["windows"] / row["wall_s"] for row in files]),
        "cpu_us_per_window": machine.spread([1e6 * row["cpu_s"] / row["windows"] for row in files]),
        "peak_memory_mb": machine.spread([row["peak_mb"] for row in files]),
        "first_diagnosis_s": machine.spread(first),
    }
    print(json.dumps(result, indent=1))
    machine.save("stream", result, a.out)


def _write_stream(path: Path, bundle: Bundle, samples: int) -> None:
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, samples, 1 << 20):
            count = min(1 << 20, samples - start)
            file.write(machine.fit_noise(bundle, count, rng).astype("<f4").tobytes())


def _whole_stream(
    stream: Path, bundle: str, output: Path, *, piped: bool = False
) -> dict[str, Any]:
    """Wall time, processor time and peak memory of the command, as the system counts them."""
    output.unlink(missing_ok=True)
    began = time.perf_counter()
    feeder = subprocess.Popen(["cat", stream], stdout=subprocess.PIPE) if piped else None
    process = subprocess.Popen(
        [*COMMAND, "-" if feeder else str(stream), "--bundle", bundle, "--output", str(output)],
        stdin=feeder.stdout if feeder else None,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if feeder:
        assert feeder.stdout is not None
        feeder.stdout.close()
        feeder.wait()
    if status:
        sys.exit(f"error: diagnose ended with status {status}")
    with output.open("rb") as file:
        windows = sum(1 for _ in file) - 2  # a header and a summary
    return {
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "windows": windows,
        "peak_mb": usage.ru_maxrss / 1024,
    }


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


if __name__ == "__main__":
    main()
