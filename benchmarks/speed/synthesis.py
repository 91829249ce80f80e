"""How long 10,000 filtered heatmaps of each class take, with the `edge` preset.

    python -m benchmarks.speed.synthesis --bundle bundle

Without ``--bundle`` a small one is made first: a short training on the simulated rig (minutes).
Classes whose heatmaps the bundle's classifier does not recognise come from SMOTE: the table says
how many.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks.machine import options, save, show, spread
from dlrsd.runtime.base.hardware import usable_cores
from dlrsd.runtime.bundle.bundle import Bundle, load_bundle
from dlrsd.runtime.synthesis.synthesize import synthesize


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--bundle", help="one with a synthesiser; by default one is trained")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    a = parser.parse_args()
    count = 200 if a.quick else a.count
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(a.bundle or _trained(Path(folder)))
        with threadpool_limits(a.threads):
            rows = [_row(bundle, name, count, a.threads, a.device) for name in bundle.classes]
    show(
        f"{count} heatmaps on {a.device}, {a.threads} threads",
        ("class", "seconds", "anchors", "drawn", "kept", "by SMOTE"),
        [
            (r["class"], f"{r['seconds']:.2f}", r["anchors"], r["drawn"], r["decoded"], r["smote"])
            for r in rows
        ],
    )
    result = {
        "bundle": bundle.name,
        "count": count,
        "threads": a.threads,
        "device": a.device,
        "seconds": spread([row["seconds"] for row in rows]),
        "decoded_per_s": spread([row["drawn"] / row["seconds"] for row in rows]),
        "rows": rows,
    }
    save("synthesis" if a.device == "cpu" else "synthesis-cuda", result, a.out)


def _row(bundle: Bundle, name: str, count: int, threads: int, device: str) -> dict[str, Any]:
    began = time.perf_counter()
    report = synthesize(bundle, name, count, threads=threads, device=device).report
    seconds = time.perf_counter() - began
    kept = ("class", "anchors", "drawn", "decoded", "smote", "rejected")
    return {"seconds": seconds} | {key: report[key] for key in kept}


def _trained(folder: Path) -> Path:
    """A bundle from a short training on the simulated rig."""
    tools = Path(sys.executable).parent
    run, bundle = folder / "run", folder / "bundle"
    fit = ("dlrsd-train", "fit", "rig", "--balance", "100", "--out", str(run))
    for tool, *arguments in (fit, ("dlrsd-export", str(run), "--out", str(bundle))):
        subprocess.run([str(tools / tool), *arguments], check=True, stdout=subprocess.DEVNULL)
    return bundle


if __name__ == "__main__":
    main()
