"""Throughput over batch size, CPU threads and channels.

    python -m benchmarks.speed.scaling --bundle cwru-6205

Batches and threads with the bundle's own fp32 graph in ONNX Runtime on the CPU; channels with
networks of the same shape and random weights that take windows of 1 to 8 channels.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.speed import untrained
from dlrsd.runtime.base.hardware import usable_cores
from dlrsd.runtime.bench.windows import synthetic_windows
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.engines.opening import open_engine

BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
CHANNELS = (1, 2, 4, 8)
BATCH = 256  # where threads and channels vary
KEPT = {"engine": "onnxruntime", "device": "cpu", "precision": "fp32"}


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    rounds = 1 if a.quick else 7
    batches, channels = (BATCHES[:2], CHANNELS[1:2]) if a.quick else (BATCHES, CHANNELS)
    threads = [t for t in (1, 2, 4, 8, 16, 32, 64) if t < usable_cores()] + [usable_cores()]
    with tempfile.TemporaryDirectory() as folder:
        several = {
            str(c): (untrained.write_bundle(bundle, Path(folder) / str(c), channels=c), 1, BATCH)
            for c in channels
        }
        result: dict[str, Any] = {
            "bundle": bundle.name,
            **KEPT,
            "batch": _measure({str(n): (bundle, 1, n) for n in batches}, rounds),
            "threads": _measure({str(t): (bundle, t, BATCH * t) for t in threads}, rounds),
            "channels": _measure(several, rounds),
        }
    for name in ("batch", "threads", "channels"):
        figures = result[name]
        first = next(iter(figures.values()))["median"]
        machine.show(
            f"windows a second over {name}",
            (name, "windows/s", "lowest", "highest", "times the first"),
            [
                (
                    key,
                    *(f"{f[k]:,.0f}" for k in ("median", "min", "max")),
                    f"{f['median'] / first:.2f}",
                )
                for key, f in figures.items()
            ],
        )
    print(machine.save("scaling", result, a.out))


def _measure(
    settings: dict[str, tuple[Bundle, int, int]], rounds: int
) -> dict[str, dict[str, float]]:
    """Windows a second by name, from (bundle, threads, windows per call) by name."""
    calls = {}
    for name, (bundle, threads, n) in settings.items():
        engine = open_engine(bundle, threads=threads, **KEPT)  # type: ignore[arg-type]
        calls[name] = lambda run=engine.run, x=synthetic_windows(bundle, n): run(x)
    took = machine.alternate(calls, rounds=rounds)
    return {
        name: machine.spread([settings[name][2] / s for s in seconds])
        for name, seconds in took.items()
    }


if __name__ == "__main__":
    main()
