"""One training from settings to a finished run folder: balanced set, classifier, report.

The set is balanced by DLRSD-SMOTE, whose generator the run keeps, by Deep SMOTE, of which it keeps
a regressor, or by another method. A run that was interrupted goes on where it stopped when it is
started again with the same settings and method; a finished one is left as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.quality import QualityLimits, window_rms
from dlrsd.training.balance.dlrsd_smote import Outcome, dlrsd_smote
from dlrsd.training.balance.materials import (
    Materials,
    make_materials,
    new_classifier,
    new_generator,
)
from dlrsd.training.balance.methods import (
    COMBINATIONS,
    METHODS,
    TrainingSet,
    require_method,
    require_suited,
    set_of,
    training_set,
)
from dlrsd.training.balance.pools import RealPool
from dlrsd.training.balance.resampling import deep_smote_regressor
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.prepare import Prepared, Settings, prepare
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate.calibrate import calibrate
from dlrsd.training.evaluate.figures import (
    diagnosis_metrics,
    mean_lines,
    report_samples,
    synthesis_metrics,
    unseen_heatmaps,
)
from dlrsd.training.evaluate.long_range import long_range
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.fitting.classifier import train_classifier
from dlrsd.training.fitting.generator import decode, encode
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.frontends.order_map import OrderMapFrontend
from dlrsd.training.frontends.scalogram import Frontend
from dlrsd.training.models.classifiers import Classifier
from dlrsd.training.models.generator import Generator, describe
from dlrsd.training.report.page import write_report
from dlrsd.training.runs.run import (
    open_run,
    read_json,
    save_arrays,
    save_models,
    save_synthesizer,
    write_json,
)

CLASSIFIER_EPOCHS = 20

ANCHORS = 12  # real windows of a class that go to the box for synthesis
LEVEL_MARGIN = 4.0  # RMS beyond the training windows' range by more than this factor is unfit


def fit(
    settings: Settings, out: Path, *, method: str = REFERENCE, progress: Progress | None = None
) -> dict[str, Any]:
    """Train, evaluate and write a run.

    Parameters
    ----------
    settings : Settings
    out : Path
        The run's folder. One with the same settings is resumed, or returned if finished.
    method : str
        How the imbalance is met: a name of ``METHODS`` or ``COMBINATIONS``.
    progress : function, optional
        Called with the name and the number of steps of each long part; returns a function that
        is told how many are done.

    Returns
    -------
    dict
        The run's metrics, as in ``metrics.json``.

    Raises
    ------
    InputError
        If there is no such method, the data does not fit the settings, or ``out`` holds another
        run.
    """
    progress = progress or silent
    require_method(method, METHODS | COMBINATIONS)
    require_suited(method, settings)
    data = prepare(settings)
    # Whatever these cannot be made of is refused before anything is written.
    _require_pairs(data)
    new_generator(data)
    new_classifier(data)
    config = open_run(data, out, method)
    if (out / "metrics.json").exists() and not (out / "checkpoints").exists():
        return read_json(out / "metrics.json")
    show = progress("heatmaps", 1)
    materials = make_materials(data)
    show(1)
    outcome, training = _balanced(method, materials, _checkpoint(out, "generator"), progress)
    classifier, classifier_curves = fit_classifier(
        materials,
        training,
        checkpoint=_checkpoint(out, "classifier"),
        progress=progress,
    )
    temperature, novelty = calibrate(
        classifier,
        materials.pools,
        groups=materials.groups,
        make=lambda: new_classifier(data),
        seed=settings.seed,
        varied=settings.is_varied,
        checkpoint=_checkpoint(out, "probe"),
        progress=progress,
    )
    config |= {
        "order_map" if settings.has_order_map else "scalogram": materials.frontend.to_manifest(),
        **({"generator": describe(outcome.generator)} if outcome else {}),
        "temperature": temperature,
        "quality": _quality_limits(data),
    }
    show = progress("evaluation", 1)
    metrics = diagnosis_metrics(data, materials.frontend, classifier, novelty, temperature)
    metrics |= {
        "window_counts": config["window_counts"],
        "balance": _counts(data.classes, training, outcome),
        **({"notes": training.notes} if training.notes else {}),
    }
    curves = {"classifier": classifier_curves}
    samples: dict[str, NDArray[Any]] = {}
    if isinstance(materials.frontend, OrderMapFrontend):
        samples |= mean_lines(data, materials.frontend)
    if outcome:
        judged, own = _judge_synthesis(materials, outcome)
        metrics |= judged
        samples |= own
        anchors = _anchors(outcome.generator, materials.pools)
        save_synthesizer(out, "generator", outcome.generator, anchors=anchors)
        curves = {"generator": outcome.curves, **curves}
    if samples:
        save_arrays(out / "samples.npz", samples)
    show(1)
    if method == "deep-smote":
        show = progress("regressor", 1)
        regressor = deep_smote_regressor(materials, seed=settings.seed)
        anchors = {f"heatmap/{k}": own.astype(np.float16) for k, own in _shown(materials.pools)}
        save_synthesizer(out, "regressor", regressor, anchors=anchors)
        show(1)
    save_models(out, classifier=classifier, novelty=novelty)
    write_json(out / "curves.json", curves)
    write_json(out / "config.json", config)
    write_json(out / "metrics.json", metrics)
    show = progress("report", 1)
    write_report(out)
    show(1)
    shutil.rmtree(out / "checkpoints")
    return metrics


def fit_classifier(
    materials: Materials,
    training: TrainingSet,
    *,
    epochs: int | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> tuple[Classifier, Curves]:
    """Train the settings' classifier on a method's training set.

    Parameters
    ----------
    epochs : int > 0, optional
        At most; default: as a run.
    checkpoint : Path, optional
        To resume the training.
    """
    data, epochs = materials.data, epochs or CLASSIFIER_EPOCHS
    classifier = new_classifier(data)
    curves = train_classifier(
        classifier,
        training.pools,
        materials.validation,
        epochs=epochs,
        seed=data.settings.seed,
        checkpoint=checkpoint,
        on_epoch=progress("classifier", epochs),
        share=training.share,
        class_weight=training.class_weight,
        mixup=training.mixup,
        varied=data.settings.is_varied,
    )
    return classifier, curves


def _balanced(
    method: str, materials: Materials, checkpoint: Path, progress: Progress
) -> tuple[Outcome | None, TrainingSet]:
    """A method's training set; of DLRSD-SMOTE with the generator and what it made."""
    target, seed = materials.target, materials.data.settings.seed
    if method != REFERENCE:
        return None, training_set(method, materials, target=target, seed=seed, progress=progress)
    outcome = dlrsd_smote(
        materials, target=target, seed=seed, progress=progress, checkpoint=checkpoint
    )
    return outcome, set_of(materials, outcome)


def _counts(
    classes: list[str], training: TrainingSet, outcome: Outcome | None
) -> dict[str, dict[str, object]]:
    """Of every class, how it was balanced."""
    if outcome:
        rows = [balanced.counts for balanced in outcome.balanced]
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
    if isinstance(frontend, Frontend):  # octaves and milliseconds, which order maps have not
        figures, arrays = long_range(
            outcome.generator, unseen, frontend.config, classes=data.classes, normal=data.normal
        )
    metrics = synthesis_metrics(data.classes, unseen, materials.pools, outcome.balanced) | figures
    samples = report_samples(data, unseen, outcome.balanced)
    return metrics, samples | {f"long_range/{name}": array for name, array in arrays.items()}


def _require_pairs(data: Prepared) -> None:
    for name, count in counts_by_class(data.drawn, data.classes).items():
        if count < 2:
            raise InputError(
                f"class {name!r} gets a single training window at a balance ratio of "
                f"{data.settings.balance:g}: expected two or more, as calibration leaves one out; "
                "lower the balance ratio, or draw more normal windows"
            )


def _checkpoint(out: Path, name: str) -> Path:
    (out / "checkpoints").mkdir(exist_ok=True)
    return out / "checkpoints" / f"{name}.pt"


def _quality_limits(data: Prepared) -> dict[str, float]:
    windows = data.cut(data.drawn)
    rms = window_rms(windows)
    low, high = float(rms.min()) / LEVEL_MARGIN, float(rms.max()) * LEVEL_MARGIN
    return QualityLimits(level_low=low, level_high=high).asdict()


def _shown(pools: list[RealPool]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Of every class, the drawn windows that may go to the box."""
    return ((label, pool.drawn[:ANCHORS]) for label, pool in enumerate(pools))


def _anchors(generator: Generator, pools: list[RealPool]) -> dict[str, NDArray[np.float16]]:
    """What the box needs to make more of a class: see ``dlrsd.runtime.synthesis.synthesize``."""
    arrays = {}
    for label, heatmaps in _shown(pools):
        latents = encode(generator, heatmaps)
        texture = heatmaps - decode(generator, latents)
        arrays[f"latent/{label}"] = latents.astype(np.float16)
        arrays[f"texture/{label}"] = texture.astype(np.float16)
    return arrays
