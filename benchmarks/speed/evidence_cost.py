"""What the lines of a bearing cost: a second of signal, alone and beside a network's diagnosis.

    python -m benchmarks.speed.evidence_cost

On one thread, of a simulated inner race fault at 25.6 kHz: windows of 2 s for the evidence alone,
and a recording of ten minutes through ``dlrsd-runtime diagnose`` with and without it, in turns.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import machine
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.evidence.verdict import evidence
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig

RATE, SPEED, SECONDS, WINDOW_S = 25600.0, 1797.0, 600.0, 2.0
TARGETS = {"evidence": 2.0, "diagnose with it": 3.0}  # ms a second of signal


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    a = parser.parse_args()
    seconds, rounds = (20.0, 2) if a.quick else (SECONDS, 5)
    (recording,) = simulate_rig(
        seed=1, seconds=seconds, rate=RATE, loads=(0,), classes=("inner",), n_bearings=1
    )
    signal = recording.signal[0].astype("<f4")
    with machine.one_thread():
        found = {"evidence": _evidence(signal, rounds)}
    found |= _diagnose(signal, a.bundle, rounds)
    rows = [
        (name, f"{min(ms):.2f}", f"{np.median(ms):.2f}", f"{TARGETS.get(name, '-')}")
        for name, ms in found.items()
    ]
    columns = ("what", "least, ms", "median, ms", "at most, ms")
    machine.show("a second of signal at 25.6 kHz, one thread", columns, rows)
    result = {
        "targets": TARGETS,
        "ms_a_second": {name: machine.spread(ms) for name, ms in found.items()},
    }
    print(machine.save("evidence_cost", result, a.out))


def _evidence(signal: np.ndarray, rounds: int) -> list[float]:
    """CPU time of a second of signal, of each round."""
    n = int(WINDOW_S * RATE)
    windows = signal[: min(len(signal), 10 * n)].reshape(-1, n).astype(np.float64)
    kinematics = Kinematics(SPEED, **ORDERS)
    found = []
    for _ in range(rounds + 1):
        began = time.process_time()
        for window in windows:
            evidence(window, RATE, kinematics)
        found.append(1e3 * (time.process_time() - began) / (len(windows) * WINDOW_S))
    return found[1:]  # the first fills caches


def _diagnose(signal: np.ndarray, bundle: str, rounds: int) -> dict[str, list[float]]:
    """Time from start to end of a command, of a second of signal."""
    stated = ["--speed", f"{SPEED:g}", "--bearing", "6205"]
    ways = {"diagnose with it": stated, "diagnose without": []}
    found: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.bin"
        signal.tofile(path)
        start = "from dlrsd.runtime.cli.app import main; main()"
        command = [sys.executable, "-c", start, "diagnose", str(path)]
        common = ["--rate", f"{RATE:g}", "--bundle", bundle, "--threads", "1", "--overwrite"]
        for _ in range(rounds):
            for name, options in ways.items():
                began = time.perf_counter()
                subprocess.run(
                    [*command, *common, *options, "--output", str(Path(folder) / "out.jsonl")],
                    check=True,
                    capture_output=True,
                )
                elapsed = time.perf_counter() - began
                found[name].append(1e3 * elapsed * RATE / len(signal))
    return found


if __name__ == "__main__":
    machine.run(main)
