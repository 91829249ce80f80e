"""A finished run on windows of vibration: what its config states, and reading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_model

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.certainty import Certainty
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.tasks import TASKS
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.registry import front_end_from
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.kinds.vibration.synthesis import SYNTHESES, Kept
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.classifiers import make_classifier
from dlrsd.training.models.novelty import Novelty
from dlrsd.training.runs.config import RunConfig, Signal, dataset_name
from dlrsd.training.runs.folder import (
    finished_run,
    load_arrays,
    read_config,
    read_metrics,
    readable_run,
)


class Config(RunConfig, kw_only=True, tag="window"):
    """What a run states; the last four are known when it was trained.

    Parameters
    ----------
    front_end : dict
        Its ``name`` and `FrontEnd.facts`.
    generator : dict, optional
        Dimensions of DLRSD-SMOTE's generator.
    quality : dict
        Limits of `dlrsd.runtime.dsp.quality.QualityLimits`.
    certainty : Certainty, optional
        Sets and operating points; runs from before there were any have none.
    """

    settings: Settings
    front_end: dict[str, Any] = msgspec.field(default_factory=dict)
    generator: dict[str, Any] | None = None
    quality: dict[str, Any] = msgspec.field(default_factory=dict)
    certainty: Certainty | None = None


@dataclass(frozen=True)
class TrainedRun:
    """What a finished run holds, in memory."""

    folder: Path
    config: Config
    metrics: dict[str, Any]
    frontend: FrontEnd
    classifier: Classifier
    novelty: Novelty
    kept: Kept | None  # of a method that can make more of a class on the box

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @property
    def classes(self) -> list[str]:
        return self.config.classes

    @property
    def temperature(self) -> float:
        if self.config.temperature is None:
            raise InputError(
                f"the run {self.folder} states no temperature: expected one that was trained to "
                "its end; train it again"
            )
        return self.config.temperature

    @property
    def anchors(self) -> dict[str, NDArray[np.float16]]:
        return self.kept.anchors if self.kept else {}


def new_config(settings: Settings, data: Prepared, method: str) -> Config:
    """What is known of a run before it is trained."""
    dataset = dataset_name(settings.data)
    task = TASKS[settings.task].statement if settings.task else None
    return Config(
        settings=settings,
        method=method,
        dataset=dataset,
        task=settings.task,
        protocol=settings.protocol,
        split_note=data.split.note,
        balance_ratio=settings.balance,
        seed=settings.seed,
        classifier=settings.classifier,
        statement=task or f"recordings of {dataset}",
        classes=data.classes,
        normal_class=data.normal,
        channels=list(data.channels),
        signal=Signal(
            rate_hz=data.rate_hz,
            unit=data.unit,
            channels=len(data.channels),
            window=settings.window,
            hop=settings.hop,
        ),
        window_counts={
            "train": counts_by_class(data.drawn, data.classes),
            "test": counts_by_class(data.test_index(), data.classes),
        },
    )


def load_run(folder: str | Path) -> TrainedRun:
    """Read a finished run.

    Raises
    ------
    InputError
        If the folder is no finished run on windows of vibration, or one of its files is damaged.
    """
    folder = finished_run(folder)
    with readable_run(folder):
        config = read_config(folder, Config)
        signal, shape = config.signal, (len(config.classes), len(config.channels))
        frontend = front_end_from(config.front_end, rate_hz=signal.rate_hz, window=signal.window)
        synthesis = SYNTHESES.get(config.method) if frontend.keeps_synthesis else None
        kept = None
        if synthesis:
            kept = synthesis.load(
                folder,
                config.settings.preset,
                n_classes=shape[0],
                channels=shape[1],
                size=frontend.size,
            )
        classifier = make_classifier(config.classifier, n_classes=shape[0], channels=shape[1])
        load_model(classifier, str(folder / "classifier.safetensors"))
        return TrainedRun(
            folder,
            config,
            read_metrics(folder),
            frontend,
            classifier.eval(),
            Novelty(**load_arrays(folder / "novelty.npz")),
            kept,
        )
