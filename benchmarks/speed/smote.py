"""SMOTE here against imbalanced-learn's: time and memory.

    python -m benchmarks.speed.smote

Both bring the same samples of 1024 features, float32, to the same sizes, in turns and on the same
threads. Peak memory is what a process of its own, with the samples in place, needs beyond them.
Nine classes of 500 are measured in both readings: brought to 20,000 in all, and to 20,000 each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from threadpoolctl import threadpool_limits

from benchmarks.machine import ROOT, alternate, options, ratios, save, show, spread
from dlrsd.runtime.synthesis.smote import over_sample

FEATURES = 1024
# Name: samples of each class, classes, size of each class afterwards.
CASES = {
    "5000 -> 20000": (5000, 1, 20_000),
    "9 x 500 -> 20000 in all": (500, 9, 20_000 // 9),
    "9 x 500 -> 20000 each": (500, 9, 20_000),
}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peak", nargs=2, metavar=("CASE", "WAY"), help=argparse.SUPPRESS)
    a = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn")
    if a.peak:
        print(_peak(*a.peak, quick=a.quick))
        return
    rows = [
        _compare(case, threads, a.rounds, quick=a.quick) for case in CASES for threads in (1, 2)
    ]
    memory = [_memory(case, quick=a.quick) for case in CASES]
    show(
        "SMOTE, seconds of a call (median)",
        ("case", "threads", "imblearn", "here", "faster", "lowest", "highest"),
        [
            (
                row["case"],
                row["threads"],
                f"{row['imblearn_s']['median']:.3f}",
                f"{row['ours_s']['median']:.3f}",
                *(f"{row['times_faster'][k]:.2f}" for k in ("median", "min", "max")),
            )
            for row in rows
        ],
    )
    show(
        "Peak memory as a multiple of the output",
        ("case", "output MB", "imblearn", "here"),
        [
            (m["case"], f"{m['output_mb']:.0f}", f"{m['imblearn']:.2f}", f"{m['ours']:.2f}")
            for m in memory
        ],
    )
    save("smote", {"features": FEATURES, "rows": rows, "memory": memory}, a.out)


def _ways(case: str, *, quick: bool) -> tuple[dict[str, Callable[[], Any]], int]:
    """What is compared, and the bytes of the result."""
    members, classes, target = CASES[case]
    if quick:
        members, target = members // 10, target // 10
    rng = np.random.default_rng(0)
    # Two more of another class, for imbalanced-learn refuses a single one.
    x = rng.standard_normal((2 + members * classes, FEATURES), dtype=np.float32)
    y = np.repeat(np.arange(classes + 1), [2] + [members] * classes)
    x += y[:, None]
    strategy = dict.fromkeys(range(1, classes + 1), target)
    theirs = SMOTE(sampling_strategy=strategy, random_state=0)
    ways = {
        "imblearn": lambda: theirs.fit_resample(x, y),
        "ours": lambda: over_sample(x, y, sampling_strategy=strategy),
    }
    return ways, (2 + target * classes) * FEATURES * 4


def _compare(case: str, threads: int, rounds: int, *, quick: bool) -> dict[str, Any]:
    ways, _ = _ways(case, quick=quick)
    with threadpool_limits(threads):
        seconds = alternate(ways, rounds=rounds)
    return {
        "case": case,
        "threads": threads,
        "rounds": rounds,
        "imblearn_s": spread(seconds["imblearn"]),
        "ours_s": spread(seconds["ours"]),
        "times_faster": ratios(seconds["imblearn"], seconds["ours"]),
    }


def _memory(case: str, *, quick: bool) -> dict[str, Any]:
    _, output = _ways(case, quick=quick)
    row: dict[str, Any] = {"case": case, "output_mb": output / 1e6}
    for way in ("imblearn", "ours"):
        command = [sys.executable, "-m", "benchmarks.speed.smote", "--peak", case, way]
        command += ["--quick"] * quick
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        row[way] = json.loads(done.stdout) / output
    return row


def _peak(case: str, way: str, *, quick: bool) -> int:
    """Bytes that the call needs at most beyond what was held before, as Linux counts them."""
    small, _ = _ways(case, quick=True)
    small[way]()  # what is loaded once is not counted
    ways, _ = _ways(case, quick=quick)
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    before = _status("VmRSS")
    ways[way]()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
