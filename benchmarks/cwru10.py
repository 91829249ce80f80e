"""How well the diagnosis holds on cwru10: many seeds of one protocol and balance ratio.

    python benchmarks/cwru10.py --root DATA --balance 400 --seeds 0-9

Trains one run per seed, one per core at a time, and writes a small JSON with the mean and its 95 %
interval. ``--part dev`` evaluates on windows of the training part that share no sample with a drawn
one (of the normal class, whose draws cover it, on all), with which design choices are made; the
test part is for reported seeds only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = ("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_auroc", "novel_share")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", required=True, help="folder of the data sets")
    parser.add_argument("--balance", type=float, default=400)
    parser.add_argument("--protocol", default="block")
    parser.add_argument("--seeds", default="0-9", help="first-last")
    parser.add_argument("--part", choices=("test", "dev"), default="test")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=RESULTS)
    a = parser.parse_args()
    first, last = (int(part) for part in a.seeds.split("-"))
    jobs = [(a.root, a.protocol, a.balance, seed, a.part) for seed in range(first, last + 1)]
    rows = []
    with ProcessPoolExecutor(a.processes, initializer=_one_thread) as pool:
        for row in pool.map(_run, *zip(*jobs, strict=True)):
            rows.append(row)
            print(" ".join(f"{k} {row[k]:.4f}" for k in FIGURES), "seed", row["seed"], flush=True)
    result = {
        "task": "cwru10",
        "protocol": a.protocol,
        "balance_ratio": a.balance,
        "part": a.part,
        "seeds": [row["seed"] for row in rows],
        **{key: interval([row[key] for row in rows]) for key in FIGURES},
        "recall": {
            name: interval([row["recall"][name] for row in rows]) for name in rows[0]["recall"]
        },
        "rows": rows,
    }
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))
    if a.part == "test":
        a.out.mkdir(exist_ok=True)
        path = a.out / f"cwru10-{a.protocol}-br{a.balance:g}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _run(root: str, protocol: str, balance: float, seed: int, part: str) -> dict[str, Any]:
    from dlrsd.training.fit import fit
    from dlrsd.training.prepare import Prepared, Settings

    if part == "dev":
        Prepared.test_index = undrawn  # type: ignore[method-assign]
    settings = Settings(
        data="cwru12k", root=root, task="cwru10", protocol=protocol, balance=balance, seed=seed
    )
    folder = Path(tempfile.mkdtemp(prefix="cwru10-"))
    try:
        metrics = fit(settings, folder / "run")
    finally:
        shutil.rmtree(folder)
    return {
        "seed": seed,
        **{key: metrics[key] for key in FIGURES},
        "worst_class": metrics["worst_class"],
        "n": metrics["n"],
        "train_windows": metrics["window_counts"]["train"],
        "recall": {name: row["recall"] for name, row in metrics["per_class"].items()},
        "decoded": {name: row["decoded"] for name, row in metrics["balance"].items()},
    }


def undrawn(data: Any, *, hop: int | None = None) -> Any:
    """Windows of the training part that touch no drawn one, as a ``WindowIndex``.

    Parameters
    ----------
    data : dlrsd.training.prepare.Prepared
    hop : int, optional
        Half the samples from window to window; the settings' own by default.
    """
    index = data.train_index(hop=2 * (hop or data.settings.hop))
    keep = np.ones(len(index), dtype=bool)
    for r in np.unique(index.recording):
        rows = np.flatnonzero(index.recording == r)
        if data.classes[index.label[rows[0]]] == data.normal:
            continue  # 2000 draws touch every window of it
        drawn = data.drawn.start[data.drawn.recording == r]
        gap = np.abs(index.start[rows, None] - drawn[None, :]).min(axis=1, initial=1 << 30)
        keep[rows] = gap >= data.settings.window
    return type(index)(index.recording[keep], index.start[keep], index.label[keep])


def interval(values: list[float]) -> dict[str, float | None]:
    """Mean and half-width of its 95 % interval (Student's t)."""
    from scipy.stats import t

    n = len(values)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else None
    return {"mean": float(np.mean(values)), "half_width": half}


if __name__ == "__main__":
    main()
