"""Reading a finished run on plant data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_model

from dlrsd.training.models.lr_convlstm import SequenceClassifier, make_sequence_classifier
from dlrsd.training.models.novelty import Novelty
from dlrsd.training.runs.run import finished_run, load_arrays, read_json, readable_run
from dlrsd.training.data.plants.sequences import SequenceSettings


@dataclass(frozen=True)
class PlantRun:
    """What a finished run on plant data holds, in memory."""

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    model: SequenceClassifier
    novelty: Novelty

    @property
    def settings(self) -> SequenceSettings:
        return SequenceSettings.from_json(self.config["settings"])

    @property
    def temperature(self) -> float:
        return self.config["temperature"]


def is_plant_run(folder: str | Path) -> bool:
    """Whether a folder holds a run on plant data, finished or not."""
    path = Path(folder) / "config.json"
    config = read_json(path) if path.is_file() else None
    return isinstance(config, dict) and config.get("kind") == "sequence"


def load_plant_run(folder: str | Path) -> PlantRun:
    """Read a finished run.

    Raises
    ------
    InputError
        If the folder is no finished run on plant data, or one of its files is damaged.
    """
    folder = finished_run(folder)
    with readable_run(folder):
        config = read_json(folder / "config.json")
        model = make_sequence_classifier(
            config["classifier"],
            channels=len(config["channels"]),
            window=config["signal"]["window"],
            n_classes=len(config["classes"]),
        )
        load_model(model, str(folder / "classifier.safetensors"))
        return PlantRun(
            folder,
            config,
            read_json(folder / "metrics.json"),
            model.eval(),
            Novelty(**load_arrays(folder / "novelty.npz")),
        )
