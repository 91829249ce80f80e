"""One training from settings to a finished run folder: generator, balanced set, classifier, report.

A run that was interrupted goes on where it stopped when it is started again with the same
settings; a finished one is left as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.errors import InputError
from dlrsd.runtime.quality import QualityLimits, window_rms
from dlrsd.training.balance import RealPool
from dlrsd.training.calibrate import calibrate
from dlrsd.training.classifiers import Classifier
from dlrsd.training.dlrsd_smote import dlrsd_smote
from dlrsd.training.evaluate import (
    diagnosis_metrics,
    report_samples,
    synthesis_metrics,
    unseen_heatmaps,
)
from dlrsd.training.fit_classifier import train_classifier
from dlrsd.training.fit_generator import decode, encode
from dlrsd.training.generator import Generator, describe
from dlrsd.training.long_range import long_range
from dlrsd.training.loop import Curves
from dlrsd.training.materials import (
    Materials,
    Progress,
    make_materials,
    new_classifier,
    new_generator,
    silent,
)
from dlrsd.training.methods import TrainingSet, set_of
from dlrsd.training.prepare import Prepared, Settings, prepare
from dlrsd.training.report import write_report
from dlrsd.training.run import open_run, read_json, save_arrays, save_models, write_json
from dlrsd.training.windows import counts_by_class

CLASSIFIER_EPOCHS = 20

ANCHORS = 12  # real windows of a class that go to the box for synthesis
LEVEL_MARGIN = 4.0  # RMS beyond the training windows' range by more than this factor is unfit


def fit(settings: Settings, out: Path, *, progress: Progress | None = None) -> dict[str, Any]:
    """Train, evaluate and write a run.

    Parameters
    ----------
    settings : Settings
    out : Path
        The run's folder. One with the same settings is resumed, or returned if finished.
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
        If the data does not fit the settings, or ``out`` holds another run.
    """
    progress = progress or silent
    data = prepare(settings)
    # Whatever these cannot be made of is refused before anything is written.
    _require_pairs(data)
    new_generator(data)
    new_classifier(data)
    config = open_run(data, out)
    if (out / "metrics.json").exists() and not (out / "checkpoints").exists():
        return read_json(out / "metrics.json")
    show = progress("heatmaps", 1)
    materials = make_materials(data)
    show(1)
    outcome = dlrsd_smote(
        materials,
        target=materials.target,
        seed=settings.seed,
        progress=progress,
        checkpoint=_checkpoint(out, "generator"),
    )
    generator, balanced = outcome.generator, outcome.balanced
    classifier, classifier_curves = fit_classifier(
        materials,
        set_of(materials, outcome),
        checkpoint=_checkpoint(out, "classifier"),
        progress=progress,
    )
    temperature, novelty = calibrate(
        classifier,
        materials.pools,
        make=lambda: new_classifier(data),
        seed=settings.seed,
        varied=settings.is_elsewhere,
        checkpoint=_checkpoint(out, "probe"),
        progress=progress,
    )
    config |= {
        "scalogram": materials.frontend.to_manifest(),
        "generator": describe(generator),
        "temperature": temperature,
        "quality": _quality_limits(data),
    }
    show = progress("evaluation", 1)
    metrics = diagnosis_metrics(data, materials.frontend, classifier, novelty, temperature)
    metrics |= {
        "window_counts": config["window_counts"],
        "balance": dict(zip(data.classes, (b.counts for b in balanced), strict=True)),
    }
    unseen = unseen_heatmaps(data, materials.frontend)
    metrics |= synthesis_metrics(data.classes, unseen, materials.pools, balanced)
    looks, looks_arrays = long_range(
        generator,
        unseen,
        materials.frontend.config,
        classes=data.classes,
        normal=data.normal,
    )
    metrics |= looks
    show(1)
    save_models(
        out,
        generator=generator,
        classifier=classifier,
        novelty=novelty,
        anchors=_anchors(generator, materials.pools),
    )
    samples = report_samples(data, unseen, balanced)
    samples |= {f"long_range/{name}": array for name, array in looks_arrays.items()}
    save_arrays(out / "samples.npz", samples)
    write_json(out / "curves.json", {"generator": outcome.curves, "classifier": classifier_curves})
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
        varied=data.settings.is_elsewhere,
    )
    return classifier, curves


def _require_pairs(data: Prepared) -> None:
    for name, count in counts_by_class(data.drawn, data.classes).items():
        if count < 2:
            raise InputError(
                f"class {name!r} gets a single training window at a balance ratio of "
                f"{data.settings.balance:g}: expected two or more, between which others are made; "
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


def _anchors(generator: Generator, pools: list[RealPool]) -> dict[str, NDArray[np.float16]]:
    """What the box needs to make more of a class: see ``dlrsd.runtime.synthesize``."""
    arrays = {}
    for label, pool in enumerate(pools):
        heatmaps = pool.drawn[:ANCHORS]
        latents = encode(generator, heatmaps)
        texture = heatmaps - decode(generator, latents)
        arrays[f"latent/{label}"] = latents.astype(np.float16)
        arrays[f"texture/{label}"] = texture.astype(np.float16)
    return arrays
