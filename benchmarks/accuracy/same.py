"""Do two checkouts give the same results? For a change that shall change nothing.

    git worktree add ../before COMMIT
    python -m benchmarks.accuracy.same ../before . --out ../same

Every kind of run is trained, exported and used with the code of either checkout, on simulated data;
records, metrics, weights, graphs and tables are compared. Some four minutes a checkout on 2 cores.
Exits with 1 where something differs.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from pyarrow import parquet

# The command line of a package, wherever a checkout has it.
PROGRAM = """
import importlib, sys
package = "dlrsd." + sys.argv.pop(1)
try:
    line = importlib.import_module(package + ".cli.app")
except ImportError:
    line = importlib.import_module(package + ".cli")
line.main()
"""
RIG = "rig --balance 20 --normal-windows 100"
# Names of methods are those of the checkout before as long as they go on working.
STEPS = f"""
training simulate stream.bin --fault outer --seed 7 --seconds 30 --onset 15
training fit {RIG} --out rig
export --fp16 --int8 rig --out rig-bundle
runtime diagnose stream.bin --bundle rig-bundle --output rig.jsonl
runtime diagnose stream.bin --bundle cwru-6205 --output cwru.jsonl
runtime diagnose stream.bin --bundle rig-bundle --output rig.csv
runtime diagnose stream.bin --bundle rig-bundle --output rig.parquet
runtime synthesize --class outer --count 20 --bundle rig-bundle --output made.npz
training fit {RIG} --method ros --front-end order-map --out order
export --fp16 order --out order-bundle
runtime diagnose stream.bin --bundle order-bundle --output order.jsonl
training fit {RIG} --method deep-smote --out deep
export deep --out deep-bundle
training simulate-plant plants --plants 3 --years 0.5 --components 1 --zones 1
training fit plants --out plant
export --fp16 plant --out plant-bundle
training plant-table plants plant.csv --plant plant_1
runtime diagnose plant.csv --bundle plant-bundle --output plant.jsonl
training compare {RIG} --methods none,smote,dlrsd-smote --seeds 0 --out table.csv
training compare plants --methods none,rus-weights --seeds 0 --out plant-table.csv
""".strip().splitlines()
FIGURES = ("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_f1", "macro_auroc")
CELL = ("protocol", "seed", "classifier", "method")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkouts", nargs=2, type=Path, help="folders of the two checkouts")
    parser.add_argument("--out", type=Path, required=True, help="folder for what they make")
    parser.add_argument("--steps", default=len(STEPS), type=int, help="only the first of the steps")
    a = parser.parse_args()
    made = [a.out / name for name in ("before", "after")]
    for checkout, folder in zip(a.checkouts, made, strict=True):
        make(checkout.resolve(), folder.resolve(), STEPS[: a.steps])
    differ = 0
    for name, same in compared(*made):
        print("same   " if same else "DIFFERS", name)
        differ += not same
    sys.exit(1 if differ else 0)


def make(checkout: Path, folder: Path, steps: list[str]) -> None:
    """Run the steps with a checkout's code; what they print goes to ``log.txt`` in the folder."""
    tree = folder / "code" / "dlrsd"
    tree.mkdir(parents=True)
    for package in ("runtime", "training", "export"):
        (tree / package).symlink_to(checkout / package, target_is_directory=True)
    # One thread each: sums do not depend on the number of cores then.
    environment = {**os.environ, "PYTHONPATH": str(tree.parent), "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("w") as log:
        for step in steps:
            print(f"{checkout.name}: {step}", flush=True)
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, *shlex.split(step)],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
            if done.returncode:
                sys.exit(f"it failed: {log.name} says why")


def compared(before: Path, after: Path) -> Iterator[tuple[str, bool]]:
    """Every file that the one folder holds and can be compared, and whether the other's is same."""
    for path in sorted(before.rglob("*")):
        other = after / path.relative_to(before)
        if not path.is_file():
            continue
        if read := READERS.get(path.suffix) or READERS.get(path.name):
            yield str(path.relative_to(before)), other.is_file() and equal(read(path), read(other))


def equal(one: Any, other: Any) -> bool:
    """Whether values are the same to the last bit; NaN is NaN."""
    if isinstance(one, np.ndarray):
        nan = one.dtype.kind == "f"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=nan)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def _records(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if '"type":"window"' in line]


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if arrays[name].dtype.kind != "U"}


def _graph(path: Path) -> dict[str, Any]:
    graph = onnx.load(path).graph
    return {
        "nodes": [node.op_type for node in graph.node],
        "weights": {each.name: numpy_helper.to_array(each) for each in graph.initializer},
    }


def _table(path: Path) -> Any:
    """A comparison's figures by cell, or the lines of another table."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "macro_auroc" not in rows[0]:
        return rows
    return {tuple(row[key] for key in CELL): [row[figure] for figure in FIGURES] for row in rows}


def _facts(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# By suffix or name. Configs, manifests and sidecars say when and by what they were made.
READERS = {
    ".jsonl": _records,
    ".npz": _arrays,
    ".onnx": _graph,
    ".csv": _table,
    ".parquet": parquet.read_table,
    ".safetensors": Path.read_bytes,
    ".bin": Path.read_bytes,
    "metrics.json": _facts,
    "curves.json": _facts,
}

if __name__ == "__main__":
    main()
