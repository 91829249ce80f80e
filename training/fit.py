"""One training from settings to a finished run folder: generator, balanced set, classifier, report.

A run that was interrupted goes on where it stopped when it is started again with the same
settings; a finished one is left as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.runtime.quality import QualityLimits, window_rms
from dlrsd.runtime.scalogram import ScalogramConfig
from dlrsd.training.augment import views
from dlrsd.training.balance import Balanced, RealPool, balance_class, real_pool
from dlrsd.training.calibrate import calibrate
from dlrsd.training.classifiers import Classifier, make_classifier
from dlrsd.training.evaluate import (
    diagnosis_metrics,
    report_samples,
    synthesis_metrics,
    unseen_heatmaps,
)
from dlrsd.training.fit_classifier import train_classifier
from dlrsd.training.fit_generator import decode, encode, train_generator
from dlrsd.training.frontend import Frontend, fit_frontend
from dlrsd.training.generator import Generator, describe, make_generator
from dlrsd.training.prepare import Prepared, Settings, prepare
from dlrsd.training.report import write_report
from dlrsd.training.run import open_run, read_json, save_arrays, save_models, write_json

GENERATOR_EPOCHS = 25
CLASSIFIER_EPOCHS = 20

# Validation windows are a tenth of a class's drawn ones, never trained on. A class with fewer than
# HOLD_FROM cannot spare any: fresh views of its windows stand in.
HOLD_FROM = 20
HELD_VIEWS = 40

ANCHORS = 12  # real windows of a class that go to the box for synthesis
LEVEL_MARGIN = 4.0  # RMS beyond the training windows' range by more than this factor is unfit

Progress = Callable[[str, int], Callable[[int], None]]  # (what, total) -> set the number done


@dataclass(frozen=True)
class Materials:
    """What both networks are trained on."""

    frontend: Frontend
    pools: list[RealPool]
    validation: tuple[NDArray[np.float32], NDArray[np.int64]]


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
    progress = progress or (lambda what, total: lambda done: None)
    data = prepare(settings)
    # Whatever these cannot be made of is refused before anything is written.
    _make_generator(data)
    _make_classifier(data)
    config = open_run(data, out)
    if (out / "metrics.json").exists() and not (out / "checkpoints").exists():
        return read_json(out / "metrics.json")
    show = progress("heatmaps", 1)
    materials = make_materials(data)
    show(1)
    generator, generator_curves = fit_generator(data, materials, out, progress=progress)
    target = settings.target or max(pool.n_drawn for pool in materials.pools)
    balanced = []
    show = progress("synthesis", len(data.classes))
    for label, pool in enumerate(materials.pools):
        balanced.append(balance_class(generator, pool, label, target, seed=settings.seed))
        show(label + 1)
    classifier, classifier_curves = fit_classifier(
        data, materials, balanced, out, progress=progress
    )
    temperature, novelty = calibrate(
        classifier,
        materials.pools,
        make=lambda: _make_classifier(data),
        seed=settings.seed,
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
    show(1)
    save_models(
        out,
        generator=generator,
        classifier=classifier,
        novelty=novelty,
        anchors=_anchors(generator, materials.pools),
    )
    save_arrays(out / "samples.npz", report_samples(data, unseen, balanced))
    write_json(
        out / "curves.json", {"generator": generator_curves, "classifier": classifier_curves}
    )
    write_json(out / "config.json", config)
    write_json(out / "metrics.json", metrics)
    show = progress("report", 1)
    write_report(out)
    show(1)
    shutil.rmtree(out / "checkpoints")
    return metrics


def make_materials(data: Prepared) -> Materials:
    """Heatmaps of the drawn windows and their views, and what is held out for validation."""
    windows, labels = data.cut(data.drawn), data.drawn.label
    frontend = fit_frontend(windows, labels, _scalogram(data))
    rng = np.random.default_rng([data.settings.seed, 1])
    pools, held, held_label = [], [], []
    for label in range(len(data.classes)):
        own = windows[labels == label]
        if len(own) >= HOLD_FROM:
            order = rng.permutation(len(own))
            n_held = len(own) // 10
            aside, own = own[order[:n_held]], own[order[n_held:]]
        else:
            aside, _ = views(own, HELD_VIEWS, rng=rng)
        pools.append(real_pool(own, frontend, rng=rng))
        held.append(frontend.heatmaps(aside))
        held_label.append(np.full(len(aside), label))
    return Materials(frontend, pools, (np.concatenate(held), np.concatenate(held_label)))


def fit_generator(
    data: Prepared, materials: Materials, out: Path, *, progress: Progress
) -> tuple[Generator, dict[str, list[float]]]:
    """Train the generator of the settings' preset, resuming from ``out``/checkpoints."""
    seed = data.settings.seed
    generator = _make_generator(data)
    curves = train_generator(
        generator,
        [pool.heatmaps for pool in materials.pools],
        materials.validation,
        epochs=GENERATOR_EPOCHS,
        seed=seed,
        checkpoint=_checkpoint(out, "generator"),
        on_epoch=progress("generator", GENERATOR_EPOCHS),
    )
    return generator, curves


def fit_classifier(
    data: Prepared,
    materials: Materials,
    balanced: list[Balanced],
    out: Path,
    *,
    progress: Progress,
) -> tuple[Classifier, dict[str, list[float]]]:
    """Train the settings' classifier on the balanced set, resuming from ``out``/checkpoints."""
    seed = data.settings.seed
    classifier = _make_classifier(data)
    curves = train_classifier(
        classifier,
        [
            np.concatenate([pool.heatmaps, made.synthetic])
            for pool, made in zip(materials.pools, balanced, strict=True)
        ],
        materials.validation,
        epochs=CLASSIFIER_EPOCHS,
        seed=seed,
        checkpoint=_checkpoint(out, "classifier"),
        on_epoch=progress("classifier", CLASSIFIER_EPOCHS),
    )
    return classifier, curves


def _scalogram(data: Prepared) -> ScalogramConfig:
    return ScalogramConfig(rate_hz=data.rate_hz, window=data.settings.window)


def _make_generator(data: Prepared) -> Generator:
    torch.manual_seed(data.settings.seed)
    scalogram = _scalogram(data)
    return make_generator(
        data.settings.preset,
        n_classes=len(data.classes),
        channels=len(data.channels),
        size=(scalogram.n_frequencies, scalogram.n_blocks),
    )


def _make_classifier(data: Prepared) -> Classifier:
    torch.manual_seed(data.settings.seed)
    return make_classifier(
        data.settings.classifier, channels=len(data.channels), n_classes=len(data.classes)
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
