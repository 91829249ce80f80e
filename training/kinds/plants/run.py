"""A finished run on plant data: what its config states, and reading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_model

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.plants.plants import CLASSES, SIMULATION
from dlrsd.training.data.plants.sequences import PARTS, SequenceData
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.models.lr_convlstm import SequenceClassifier, make_sequence_classifier
from dlrsd.training.models.novelty import Novelty
from dlrsd.training.runs.config import RunConfig, Signal, dataset_name
from dlrsd.training.runs.folder import (
    finished_run,
    load_arrays,
    read_config,
    read_metrics,
    readable_run,
)

SPLIT_NOTES = {
    "time": "the first 60 % of every plant's time for training, 10 % for validation, the last 30 % "
    "for testing, three hours apart",
    "plant": "whole plants for training, validation and testing",
}
SIMULATED_NOTE = "simulated plants: no figure says anything about a real one"


class PlantConfig(RunConfig, kw_only=True, tag="sequence"):
    """What a run on plant data states."""

    settings: SequenceSettings


@dataclass(frozen=True)
class PlantRun:
    """What a finished run on plant data holds, in memory."""

    folder: Path
    config: PlantConfig
    metrics: dict[str, Any]
    model: SequenceClassifier
    novelty: Novelty

    @property
    def settings(self) -> SequenceSettings:
        return self.config.settings

    @property
    def temperature(self) -> float:
        if self.config.temperature is None:
            raise InputError(
                f"the run {self.folder} states no temperature: expected one that was trained to "
                "its end; train it again"
            )
        return self.config.temperature


def new_config(settings: SequenceSettings, data: SequenceData, method: str) -> PlantConfig:
    """What is known of a run before it is trained."""
    plant = data.plants[0]
    simulated = any(plant.simulated for plant in data.plants)
    is_simulation = settings.data == SIMULATION
    name = "simulated plants" if is_simulation else dataset_name(settings.data)
    return PlantConfig(
        settings=settings,
        method=method,
        dataset=name,
        task=None,
        protocol=settings.protocol,
        split_note=SPLIT_NOTES[settings.protocol],
        balance_ratio=None,
        seed=settings.seed,
        classifier=settings.classifier,
        statement=SIMULATED_NOTE if simulated else f"the plants of {name}",
        classes=list(CLASSES),
        normal_class=CLASSES[0],
        channels=list(plant.channels),
        signal=Signal(
            rate_hz=1 / plant.step_s,
            unit="as recorded",
            channels=len(plant.channels),
            window=settings.window,
            hop=settings.hop,
            channel_names=plant.channels,
            hold=settings.hold,
        ),
        window_counts={
            part: dict(zip(CLASSES, data.counts(part).tolist(), strict=True)) for part in PARTS
        },
    )


def load_plant_run(folder: str | Path) -> PlantRun:
    """Read a finished run.

    Raises
    ------
    InputError
        If the folder is no finished run on plant data, or one of its files is damaged.
    """
    folder = finished_run(folder)
    with readable_run(folder):
        config = read_config(folder, PlantConfig)
        model = make_sequence_classifier(
            config.classifier,
            channels=len(config.channels),
            window=config.signal.window,
            n_classes=len(config.classes),
        )
        load_model(model, str(folder / "classifier.safetensors"))
        return PlantRun(
            folder,
            config,
            read_metrics(folder),
            model.eval(),
            Novelty(**load_arrays(folder / "novelty.npz")),
        )
