"""What a comparison on plants found: each method and network, and paired differences between them.

    dlrsd-train compare plant --methods none,rus-weights --seeds 0-4 --out plants.parquet
    dlrsd-train compare plant --methods rus-weights --classifiers deep_conv_lstm,lrcn --seeds 0-4 \
        --out plants.parquet
    python -m benchmarks.evidence.plants plants.parquet

Writes plants.json (means) and plants-minus.json (differences), which ``benchmarks.table`` shows.
Nothing is trained here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.table import read_table
from dlrsd.training.data.plants.plants import SIMULATION
from dlrsd.training.evaluate.statistics import holm, interval, paired, paired_p
from dlrsd.training.runs.row import Row

FIGURES = ("macro F1", "macro recall", "Fault4 recall", "Fault5 recall", "Fault5 F1", "macro AUROC")
REFERENCE = ("lr_convlstm", "rus-weights")
Key = tuple[str, str]  # network, method


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", type=Path, help="of dlrsd-train compare")
    parser.add_argument(
        "--out", type=Path, default=machine.RESULTS, help="folder of the JSON files"
    )
    a = parser.parse_args()
    rows = [row for row in read_table(a.table) if row["kind"] == "sequence"]
    if not rows:
        raise InputError(f"{a.table} has no rows of plants: run `dlrsd-train compare plant` first")
    stated = {_common(row) for row in rows}
    if len(stated) > 1:
        raise InputError(
            f"{a.table} has rows of {len(stated)} different settings, such as protocols or epochs: "
            "expected those of one; fill a table for each"
        )
    command = f"python -m benchmarks.evidence.plants {a.table.name}"
    for name, result in (("plants", _means(rows)), ("plants-minus", _differences(rows))):
        print(machine.save(name, {"command": command, **result}, a.out))


def _common(row: Row) -> str:
    """What rows that are compared have in common, as text."""
    stated = row["settings"].items()
    own = {name: value for name, value in stated if name not in ("seed", "classifier")}
    return json.dumps(own, sort_keys=True)


def figures(row: Row) -> dict[str, float]:
    """A row's `FIGURES`; those of a class without a test window are missing."""
    classes, recall = row["classes"], row["recall"]
    confusion = np.array(row["confusion"])
    five = classes.index("Fault5")
    found = confusion[five, five]
    known = {
        "macro F1": row["macro_f1"],
        "macro recall": row["macro_recall"],
        "Fault4 recall": recall["Fault4"],
        "Fault5 recall": recall["Fault5"],
        "Fault5 F1": 2 * found / max(1, confusion[five].sum() + confusion[:, five].sum()),
        "macro AUROC": row["macro_auroc"],
    }
    return {name: float(value) for name, value in known.items() if value is not None}


def _means(rows: Sequence[Row]) -> dict[str, Any]:
    by_key = _by_key(rows)
    lines = [
        [
            network,
            method,
            len(seeds),
            *(
                _mean([row[name] for row in map(figures, seeds.values()) if name in row])
                for name in FIGURES
            ),
            f"{np.mean([row['seconds'] for row in seeds.values()]):.0f}",
        ]
        for (network, method), seeds in by_key.items()
        for told in [[figures(row) for row in seeds.values()]]
    ]
    return {
        "title": "Plants: sequences and their imbalance",
        "note": _note(rows),
        "columns": ["network", "method", "seeds", *FIGURES, "seconds a cell"],
        "rows": lines,
    }


def _differences(rows: Sequence[Row]) -> dict[str, Any]:
    """The reference minus every other network and method, on the seeds that both have."""
    by_key = _by_key(rows)
    if REFERENCE not in by_key:
        raise InputError(f"the table has no rows of {' with '.join(REFERENCE)}: compare it too")
    own = by_key.pop(REFERENCE)
    lines: list[list[Any]] = []
    for figure in FIGURES:
        pairs = {}
        for key, others in by_key.items():
            sides = [
                {seed: told for seed, row in side.items() if figure in (told := figures(row))}
                for side in (own, others)
            ]
            common = sorted(sides[0].keys() & sides[1].keys())
            values = [[side[seed][figure] for seed in common] for side in sides]
            if common:
                pairs[key] = (len(common), *paired(*values), paired_p(*values))
        adjusted = holm([p for *_, p in pairs.values()])
        for (key, (n, mean, half, _)), p in zip(pairs.items(), adjusted, strict=True):
            shown = half is not None and abs(mean) > half
            word = ("better" if mean > 0 else "worse") if shown else "not shown"
            sure = "" if p is None else f"{p:.3f}"
            lines.append([figure, *key, n, _text(mean, half, sign="+"), word, sure])
    return {
        "title": "Plants: " + " with ".join(REFERENCE) + " minus each other, plants by plants",
        "note": "Paired over seeds; ± is half of the 95 % interval (Student's"
        " t). Last: p of the paired t test after Holm, over all lines of the figure. "
        + _simulated(rows),
        "columns": ["figure", "minus network", "method", "seeds", "difference", "is", "p, Holm"],
        "rows": lines,
    }


def _by_key(rows: Sequence[Row]) -> dict[Key, dict[int, Row]]:
    found: dict[Key, dict[int, Row]] = {}
    for row in rows:
        found.setdefault((row["classifier"], row["method"]), {})[row["seed"]] = row
    return found


def _note(rows: Sequence[Row]) -> str:
    counts = {
        part: [row[column]["Fault4"] for row in rows]
        for part, column in (("train", "train_windows"), ("test", "test_windows"))
    }
    protocols = ", ".join(sorted({row["protocol"] for row in rows}))
    settings = rows[0]["settings"]
    train, test = (f"{min(own)} to {max(own)}" for own in counts.values())
    plants = "the same plants for every seed"
    if settings["data"] == SIMULATION:
        plants = f"{settings['n_plants']} plants of {settings['years']:g} years, others a seed"
    return (
        f"Protocol {protocols}; {plants}; windows of Fault4: {train} in training, {test} in test. "
        "Every method and network has the same plants, parts and number of training steps. "
        + _simulated(rows)
    )


def _simulated(rows: Sequence[Row]) -> str:
    simulated = any("simulated" in row["notes"] for row in rows)
    return "SIMULATED plants: no figure says anything about a real one." if simulated else ""


def _mean(values: Sequence[float]) -> str:
    return _text(*interval(values)) if values else "no test window"


def _text(mean: float, half: float | None, sign: str = "") -> str:
    return f"{mean:{sign}.3f}" + ("" if half is None else f" ± {half:.3f}")


if __name__ == "__main__":
    machine.run(main)
