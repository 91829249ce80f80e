"""One window to its diagnosis, host to host, for every engine and precision that works here.

    python -m benchmarks.speed.latency --bundle cwru-6205

The rows of ``dlrsd-runtime benchmark`` at batch 1, on one thread, over longer: p50, p95 and p99 of
a call that takes a NumPy window and returns NumPy results.
"""

from __future__ import annotations

from benchmarks import machine
from dlrsd.runtime.bench.measure import benchmark
from dlrsd.runtime.bundle.bundle import load_bundle

QUANTILES = ("p50_us", "p95_us", "p99_us")
TARGETS = {"cpu_p50_us": 150, "cuda_p99_us": 100}


def main() -> None:
    parser = machine.options(__doc__, bundle="cwru-6205")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each row")
    a = parser.parse_args()
    bundle = load_bundle(a.bundle)
    rows = benchmark(bundle, batches=(1,), threads=1, seconds=0.05 if a.quick else a.seconds)
    machine.show(
        f"one window to diagnosis, one thread, bundle {bundle.name}",
        ("engine", "device", "precision", "p50 us", "p95 us", "p99 us", "as fp32"),
        [
            (
                row["engine"], row["device"], row["precision"],
                *(f"{row[key]:,.0f}" if row[key] else "wrong" for key in QUANTILES),
                f"{row['agreement']:.2%}",
            )
            for row in rows
        ],
    )  # fmt: skip
    result = {"bundle": bundle.name, "threads": 1, "targets": TARGETS, "rows": rows}
    print(machine.save("latency", result, a.out))


if __name__ == "__main__":
    main()
