"""Sequences of plants as a kind of data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dlrsd.training.balance.sequences import FORMER_NAMES, SEQUENCE_METHODS
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.plants.plants import CLASSES, is_plant_folder
from dlrsd.training.data.plants.sequences import PARTS, PROTOCOLS, SequenceData
from dlrsd.training.data.sources import PLANTS, Source
from dlrsd.training.evaluate.statistics import PLANT_REFERENCE
from dlrsd.training.kinds.kind import Axis, Cell, Kind
from dlrsd.training.kinds.plants.cell import prepared, run_plant_cell
from dlrsd.training.kinds.plants.fit import fit_plants
from dlrsd.training.kinds.plants.run import SIMULATED_NOTE, PlantRun, load_plant_run
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.models.lr_convlstm import SEQUENCE_CLASSIFIERS
from dlrsd.training.runs.row import Row


class Plants(Kind[SequenceSettings]):
    """Sequences of windows of a plant's slow signals, diagnosed one after the other."""

    source: ClassVar[Source] = PLANTS
    settings = SequenceSettings
    axes: ClassVar[Mapping[str, Axis]] = {
        "seed": Axis(None, (0,)),
        "protocol": Axis(PROTOCOLS, ("time",)),
        "classifier": Axis(SEQUENCE_CLASSIFIERS, ("lr_convlstm",)),
    }
    methods: ClassVar[Collection[str]] = SEQUENCE_METHODS
    compared: ClassVar[Collection[str]] = SEQUENCE_METHODS
    reference: ClassVar[str] = PLANT_REFERENCE
    former_methods: ClassVar[Mapping[str, str]] = FORMER_NAMES
    # Nearly all windows are Normal: accuracy says little.
    figures: ClassVar[tuple[str, ...]] = ("macro_recall", "worst_recall", "macro_auroc")

    def located(self, data: str) -> str:
        # Export reads it again, maybe from another folder.
        return str(Path(data).resolve()) if is_plant_folder(data) else data

    def fit(
        self, settings: SequenceSettings, out: Path, *, method: str, progress: Progress
    ) -> dict[str, Any]:
        return fit_plants(settings, out, method=method, progress=progress)

    def run_name(self, settings: SequenceSettings) -> str:
        name = Path(settings.data).name
        return f"{name}-{settings.protocol}-{settings.classifier}-seed{settings.seed}"

    def summary(self, settings: SequenceSettings, metrics: Mapping[str, Any]) -> list[str]:
        simulated = ", simulated plants" if metrics["simulated"] else ""
        lines = [f"protocol {settings.protocol}, {metrics['n']} test windows{simulated}"]
        for name, figures in metrics["per_class"].items():
            train, test = (metrics["window_counts"][part][name] for part in ("train", "test"))
            found = (
                "none in test"
                if figures["recall"] is None
                else f"{test:>6} in test: recall {figures['recall']:.3f}, precision "
                f"{figures['precision']:.3f}, F1 {figures['f1']:.3f}"
            )
            lines.append(f"{name:<8} {train:>7} windows in training, {found}")
        return [
            *lines,
            f"macro F1 {metrics['macro_f1']:.4f}, macro recall {metrics['macro_recall']:.4f}, "
            f"accuracy {metrics['accuracy']:.4f}",
        ]

    def load_run(self, folder: Path) -> PlantRun:
        return load_plant_run(folder)

    @property
    def run_cell(self) -> Callable[[Cell], Row]:
        return run_plant_cell

    def prepared(self, settings: SequenceSettings) -> SequenceData:
        return prepared(settings)

    def groups(self, settings: SequenceSettings) -> dict[str, list[str]]:
        return {"all": list(SEQUENCE_METHODS)}

    def notes(self, settings: Sequence[SequenceSettings]) -> list[str]:
        notes = []
        for each in settings:
            data = prepared(each)
            total = np.sum([data.counts(part) for part in PARTS], axis=0)
            rarest = min((i for i in range(len(CLASSES)) if total[i]), key=lambda i: total[i])
            counts = ", ".join(f"{data.counts(part)[rarest]:,} {part}" for part in PARTS)
            simulated = " (simulated)" if any(plant.simulated for plant in data.plants) else ""
            notes.append(
                f"{each.protocol}, seed {each.seed}{simulated}: windows of {CLASSES[rarest]}, the "
                f"rarest of {total.sum():,}: {counts}"
            )
        return notes

    def caveats(self, row: Row) -> list[str]:
        return [SIMULATED_NOTE] if "simulated" in row["notes"] else []

    def place(self, settings: SequenceSettings) -> str:
        return f"protocol {settings.protocol}, seed {settings.seed}"
