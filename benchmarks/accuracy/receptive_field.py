"""How far the generator's encoder sees on cwru10, trained with its Seaformer blocks and without.

    python -m benchmarks.accuracy.receptive_field --root DATA --balance 400 --seeds 0-2

Trains the generator twice a seed and writes receptive-field.json: the effective receptive field of
the central latent unit (Luo et al., 2016) on real windows of the test part, in numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine
from dlrsd.training.evaluate.figures import unseen_heatmaps
from dlrsd.training.evaluate.long_range import receptive_field, spread
from dlrsd.training.evaluate.statistics import interval
from dlrsd.training.fitting.generator import new_generator, train_generator
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings

FIGURES = {
    "area": "area above 4.55 % of the maximum",
    "bins": "mean distance, bins",
    "octaves": "octaves",
    "ms": "ms",
    "outside": "gradient beyond the convolutions' field",
}
# (trained with blocks, gradient map): what the page calls it
ROWS = {
    (False, "encoder"): "trained without the blocks",
    (True, "convolutions"): "trained with them: convolutions alone",
    (True, "local"): "block, attention held fixed",
    (True, "encoder"): "block with its attention",
    (True, "even"): "an even gradient would have",
}
NOTE = (
    "Gradient of the encoder's central latent unit with respect to the heatmap, mean magnitude "
    "over real test windows of every class and random directions; distances are weighted by it. "
    "“Attention held fixed”: no gradient through the attention, so that what is left is local. "
    "Beyond the convolutions' field the gradient is exactly zero without the block. Means over "
    "seeds, with half of the 95 % interval."
)


class Cell(NamedTuple):
    """One training of a generator."""

    root: str
    balance: float
    seed: int
    blocks: bool


def main() -> None:
    parser = machine.study(__doc__, seeds="0-2")
    parser.add_argument("--balance", type=float, default=400)
    a = parser.parse_args()
    groups = [
        [Cell(a.root, a.balance, seed, blocks) for blocks in (False, True)]
        for seed in machine.seed_range(a.seeds)
    ]
    found: dict[Cell, dict[str, Any]] = {}
    for cell, outcome in machine.run_cells(measured, groups, jobs=a.jobs):
        found[cell] = outcome
        print(cell[1:], outcome["encoder"], flush=True)
    rows = []
    for (blocks, name), label in ROWS.items():
        own = [outcome[name] for cell, outcome in sorted(found.items()) if cell.blocks == blocks]
        rows.append([label, *(_text([one[figure] for one in own]) for figure in FIGURES)])
    result = {
        "title": "Effective receptive field of the generator's encoder (cwru10, `block`)",
        "command": "python -m benchmarks.accuracy.receptive_field --root DATA "
        f"--balance {a.balance:g} --seeds {a.seeds}",
        "note": NOTE,
        "columns": ["central unit", *FIGURES.values()],
        "rows": rows,
        "cells": [
            {"balance": cell.balance, "seed": cell.seed, "blocks": cell.blocks, "map": name, **own}
            for cell, outcome in sorted(found.items())
            for name, own in outcome.items()
            if isinstance(own, dict)
        ],
    }
    print(machine.save("receptive-field", result, a.out))


def settings_of(cell: Cell) -> Settings:
    """What is trained, but for the blocks."""
    return Settings("cwru12k", root=cell.root, task="cwru10", balance=cell.balance, seed=cell.seed)


def measured(cell: Cell) -> dict[str, Any]:
    """The figures of ``receptive_field`` of a generator trained with or without its blocks."""
    import torch

    torch.set_num_threads(1)
    settings = settings_of(cell)
    data = line.prepare(settings)
    materials = line.materials_for("dlrsd-smote", settings, data)
    generator = new_generator(
        settings.preset,
        n_classes=len(data.classes),
        channels=materials.channels,
        size=materials.frontend.size,
        seed=cell.seed,
        seaformer=cell.blocks,
    )
    train_generator(
        generator,
        [pool.heatmaps for pool in materials.pools],
        materials.validation,
        schedule=settings.training.generator,
        seed=cell.seed,
    )
    unseen = unseen_heatmaps(data, materials.frontend)
    heatmaps = np.concatenate([spread(own) for own in unseen])
    return receptive_field(generator, heatmaps, materials.frontend.axes)[0]


def _text(values: list[float]) -> str:
    mean, half = interval(values)
    return f"{mean:.3f}" + (f" ± {half:.3f}" if half is not None else "")


if __name__ == "__main__":
    machine.run(main)
