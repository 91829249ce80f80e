"""One training on plant data, from settings to a finished run folder.

An interrupted run goes on when it is started again with the same settings; a finished one is left
as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dlrsd.training.balance.sequences import find_method
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.plants.sequences import SequenceData
from dlrsd.training.evaluate.statistics import PLANT_REFERENCE
from dlrsd.training.fitting.sequence_batches import TrainingSequences
from dlrsd.training.kinds.plants import line
from dlrsd.training.kinds.plants.run import PlantConfig, new_config
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.report.page import write_report
from dlrsd.training.runs.folder import (
    checkpoint,
    is_finished,
    open_folder,
    read_metrics,
    save_arrays,
    save_models,
    write_json,
)


def fit_plants(
    settings: SequenceSettings,
    out: Path,
    *,
    method: str = PLANT_REFERENCE,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train, evaluate and write a run: see :func:`dlrsd.training.kinds.fit.fit`."""
    find_method(method)
    show = progress("plants", 1)
    data = line.prepare(settings)
    line.untrained(settings, data)  # or refused, before anything is written
    sequences = line.balance(settings, method, data)
    show(1)
    with open_folder(out, new_config(settings, data, method)) as config:
        if is_finished(out):
            return read_metrics(out)
        return _train(settings, out, sequences, data=data, config=config, progress=progress)


def _train(
    settings: SequenceSettings,
    out: Path,
    sequences: TrainingSequences,
    *,
    data: SequenceData,
    config: PlantConfig,
    progress: Progress,
) -> dict[str, Any]:
    model, curves = line.fit_network(
        settings,
        data,
        sequences,
        checkpoint=checkpoint(out, "classifier"),
        on_epoch=progress("classifier", settings.training.epochs),
    )
    show = progress("evaluation", 1)
    config.temperature, novelty = line.calibrated(settings, data, model)
    metrics, states = line.evaluate(
        settings, data, model, temperature=config.temperature, novelty=novelty
    )
    metrics |= {"window_counts": config.window_counts, "sequences": sequences.facts}
    save_arrays(out / "states.npz", states)
    save_models(out, classifier=model, novelty=novelty)
    write_json(out / "curves.json", {"classifier": curves})
    write_json(out / "config.json", config)
    write_json(out / "metrics.json", metrics)
    write_report(out)
    show(1)
    shutil.rmtree(out / "checkpoints")
    return metrics
