"""A grid of methods, networks, protocols and seeds on plant data, as `compare` for vibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.training.balance.sequences import SEQUENCE_METHODS
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.compare.filling import Comparison, Say, check_names, fill_table
from dlrsd.training.data.plants.plants import CLASSES
from dlrsd.training.data.plants.sequences import PARTS, PROTOCOLS, SequenceSettings
from dlrsd.training.fitting.sequence import EPOCHS
from dlrsd.training.kinds.plants.cell import PlantCell, prepared_sequences, run_plant_cell
from dlrsd.training.models.lr_convlstm import SEQUENCE_CLASSIFIERS


@dataclass(frozen=True)
class PlantGrid:
    """What is compared: all combinations; as `dlrsd.training.compare.vibration.Grid`."""

    settings: SequenceSettings
    methods: Sequence[str]
    protocols: Sequence[str] = ("time",)
    seeds: Sequence[int] = (0,)
    classifiers: Sequence[str] = ("lr_convlstm",)
    epochs: int = EPOCHS


def compare_plants(
    grid: PlantGrid,
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress = silent,
    say: Say = lambda line: None,
) -> Comparison:
    """Fill a table with the cells of a grid; parameters and errors as `compare` has them."""
    check_names(
        method=(grid.methods, SEQUENCE_METHODS),
        protocol=(grid.protocols, PROTOCOLS),
        seed=(grid.seeds, None),
        classifier=(grid.classifiers, SEQUENCE_CLASSIFIERS),
    )
    return fill_table(
        _groups(grid),
        out,
        run=run_plant_cell,
        check=_check_data,
        jobs=jobs,
        progress=progress,
        say=say,
    )


def _groups(grid: PlantGrid) -> list[list[PlantCell]]:
    """Cells by the plants they share, seed after seed."""
    return [
        [
            PlantCell(
                replace(grid.settings, protocol=protocol, seed=seed, classifier=classifier),
                method,
                grid.epochs,
            )
            for classifier in dict.fromkeys(grid.classifiers)
            for method in dict.fromkeys(grid.methods)
        ]
        for seed in dict.fromkeys(grid.seeds)
        for protocol in dict.fromkeys(grid.protocols)
    ]


def _check_data(groups: Sequence[Sequence[PlantCell]]) -> list[str]:
    """Refuse what cannot be prepared; say how many windows of the rarest fault there are."""
    notes = []
    for settings in (group[0].settings for group in groups if group):
        try:
            data = prepared_sequences(settings)
        except DlrsdError as error:
            raise InputError(
                f"protocol {settings.protocol}, seed {settings.seed}: {error}"
            ) from error
        total = np.sum([data.counts(part) for part in PARTS], axis=0)
        rarest = min((i for i in range(len(CLASSES)) if total[i]), key=lambda i: total[i])
        counts = ", ".join(f"{data.counts(part)[rarest]:,} {part}" for part in PARTS)
        simulated = " (simulated)" if any(plant.simulated for plant in data.plants) else ""
        notes.append(
            f"{settings.protocol}, seed {settings.seed}{simulated}: windows of {CLASSES[rarest]}, "
            f"the rarest of {total.sum():,}: {counts}"
        )
    return notes
