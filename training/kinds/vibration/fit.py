"""One training on windows of vibration, from settings to a finished run folder.

The set is balanced by DLRSD-SMOTE, whose generator the run keeps, by Deep SMOTE, of which it keeps
a network of pairs, or by another method. A run that was interrupted goes on where it stopped when
it is started again with the same settings and method; a finished one is left as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.methods import COMBINATIONS, METHODS, require_method
from dlrsd.training.balance.training_set import Outcome, TrainingSet
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.fitness import described
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.evaluate.figures import report_samples, synthesis_metrics, unseen_heatmaps
from dlrsd.training.evaluate.long_range import long_range
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.evaluate.untrained import untrained
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.run import Config, new_config
from dlrsd.training.kinds.vibration.settings import Settings, require_suited
from dlrsd.training.kinds.vibration.settled import settled
from dlrsd.training.kinds.vibration.synthesis import SYNTHESES
from dlrsd.training.kinds.vibration.trained import train
from dlrsd.training.models.generator import describe
from dlrsd.training.report.page import write_report
from dlrsd.training.runs.folder import (
    is_finished,
    open_folder,
    read_metrics,
    save_arrays,
    save_models,
    write_json,
)


def fit(
    settings: Settings, out: Path, *, method: str = REFERENCE, progress: Progress = silent
) -> dict[str, Any]:
    """Train, evaluate and write a run: see :func:`dlrsd.training.kinds.fit.fit`."""
    require_method(method, METHODS | COMBINATIONS)
    recordings = line.read(settings)
    settings, chosen = settled(settings, recordings)
    require_suited(method, settings)
    data = line.prepare(settings, recordings)
    line.require_trainable(settings, data)
    with open_folder(out, new_config(settings, data, method)) as config:
        if is_finished(out):
            return read_metrics(out)
        return _train(
            settings, out, method=method, data=data, config=config, chosen=chosen, progress=progress
        )


def _train(
    settings: Settings,
    out: Path,
    *,
    method: str,
    data: Prepared,
    config: Config,
    chosen: str | None,
    progress: Progress,
) -> dict[str, Any]:
    made = train(settings, data, method, out, progress)
    frontend, classifier, novelty = made.frontend, made.classifier, made.calibration.novelty
    training, outcome = made.training, made.training.outcome
    config.temperature = made.calibration.temperature
    config.certainty = line.certainty(settings, made.calibration)
    config.front_end = {"name": frontend.name, **frontend.facts()}
    config.generator = describe(outcome.generator) if outcome else None
    config.quality = data.limits.asdict()
    show = progress("evaluation", 1)
    metrics = line.evaluate(
        settings, data, frontend, classifier, novelty, config.temperature, config.certainty
    )
    metrics |= made.figures
    notes = ([chosen] if chosen else []) + described(data.left_out) + training.notes
    metrics |= {
        "window_counts": config.window_counts,
        "balance": _counts(data.classes, training),
        **({"left_out": data.left_out} if data.left_out else {}),
        **({"chosen": chosen} if chosen else {}),
        **({"notes": notes} if notes else {}),
    }
    by_lines, envelopes = untrained(data)
    metrics |= by_lines
    samples = line.pictures(data, frontend) | envelopes
    if outcome and frontend.keeps_synthesis:
        judged, own = _judge_synthesis(made.materials, outcome)
        metrics |= judged
        samples |= own
    if samples:
        save_arrays(out / "samples.npz", samples)
    show(1)
    if frontend.keeps_synthesis and (synthesis := SYNTHESES.get(method)):
        plan = line.plan_of(settings, made.materials, progress=progress)
        synthesis.save(out, synthesis.make(made.materials, training, plan))
    save_models(out, classifier=classifier, novelty=novelty)
    of_generator = {"generator": outcome.curves} if outcome else {}
    write_json(out / "curves.json", of_generator | {"classifier": made.curves})
    write_json(out / "config.json", config)
    write_json(out / "metrics.json", metrics)
    show = progress("report", 1)
    write_report(out)
    show(1)
    shutil.rmtree(out / "checkpoints")
    return metrics


def _counts(classes: list[str], training: TrainingSet) -> dict[str, dict[str, object]]:
    """Of every class, how it was balanced."""
    if training.outcome:
        rows = [balanced.counts for balanced in training.outcome.balanced]
    else:
        rows = [
            {**counts, "share": float(share), "weight": float(weight)}
            for counts, share, weight in zip(
                training.counts, training.share, training.class_weight, strict=True
            )
        ]
    return dict(zip(classes, rows, strict=True))


def _judge_synthesis(
    materials: Materials, outcome: Outcome
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """How like real ones its heatmaps are and how far its encoder looks; the report's arrays."""
    data, frontend = materials.data, materials.frontend
    unseen = unseen_heatmaps(data, frontend)
    figures: dict[str, Any] = {}
    arrays: dict[str, NDArray[np.float32]] = {}
    if frontend.axes:
        figures, arrays = long_range(
            outcome.generator, unseen, frontend.axes, classes=data.classes, normal=data.normal
        )
    metrics = synthesis_metrics(data.classes, unseen, materials.pools, outcome.balanced) | figures
    samples = report_samples(data, unseen, outcome.balanced)
    return metrics, samples | {f"long_range/{name}": array for name, array in arrays.items()}
