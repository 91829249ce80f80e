"""The line from recordings to a calibrated classifier, stage by stage, as the method reads.

Recordings, split, draw, front end, pools, balance, classifier, calibration, evaluation: each stage
takes what the one before made, and nothing below it knows the settings. `fit` walks the line to a
run, `cell` to a row of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.certainty import Certainty, LeftOutAsAWhole
from dlrsd.runtime.dsp.fusion import unit_rms
from dlrsd.training.balance.materials import Materials, make_materials
from dlrsd.training.balance.methods import autoscales, training_set
from dlrsd.training.balance.training_set import Plan, TrainingSet
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.load import load_recordings
from dlrsd.training.data.vibration.prepared import Divided, Prepared, divide, draw
from dlrsd.training.data.vibration.recording import Recording, to_rate
from dlrsd.training.data.vibration.windows import counts_by_class
from dlrsd.training.evaluate import calibrate
from dlrsd.training.evaluate.certainty import certainty_of
from dlrsd.training.evaluate.figures import diagnosis_metrics
from dlrsd.training.fitting.classifier import new_classifier, train_classifier
from dlrsd.training.fitting.generator import new_generator
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.scalogram import AutoscaledScalogram
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.novelty import Novelty


def read(settings: Settings) -> list[Recording]:
    """Recordings at the model's rate."""
    recordings = load_recordings(
        settings.data,
        root=settings.root,
        task=settings.task,
        channels=settings.channels,
        label=settings.label,
        rig_seed=settings.seed,
    )
    return to_rate(recordings, settings.rate)


def split(settings: Settings, recordings: Sequence[Recording]) -> Divided:
    """What may be trained on and what is kept for the test."""
    divided = divide(
        recordings,
        protocol=settings.protocol,
        seed=settings.seed,
        window=settings.window,
        hop=settings.hop,
        train_loads=settings.train_loads,
        test_loads=settings.test_loads,
    )
    settings.frontend.require(divided.recordings, settings.window)
    return divided


def prepare(settings: Settings, recordings: Sequence[Recording] | None = None) -> Prepared:
    """The first three stages in one: recordings, split, and the windows drawn for training.

    What this returns depends on the settings alone, so that export can cut a run's test part again.

    Parameters
    ----------
    settings : Settings
    recordings : list of Recording, optional
        Already read by the same settings, where several runs share them.

    Raises
    ------
    InputError
        If the data, the protocol or the ratio cannot be used; two classes at least are needed.
    """
    divided = split(settings, read(settings) if recordings is None else recordings)
    data = draw(divided, balance=settings.balance, n_normal=settings.n_normal, seed=settings.seed)
    _require_drawn(settings, data, settings.frontend.least_drawn)
    return data


def fit_frontend(settings: Settings, data: Prepared) -> FrontEnd:
    """The front end with its constants from the drawn windows."""
    frontend = settings.frontend
    machines = frontend.machines(data, data.drawn)
    return frontend.fit(data.cut(data.drawn), data.drawn.label, machines, data.rate_hz)


def make_pools(settings: Settings, data: Prepared, frontend: FrontEnd) -> Materials:
    """Heatmaps of the drawn windows and their views, and what is held out for validation."""
    return make_materials(data, frontend, n_views=settings.training.views)


def materials_for(method: str, settings: Settings, data: Prepared) -> Materials:
    """Both stages before the balance: the same for all methods, but for one ablation."""
    if not autoscales(method):
        return make_pools(settings, data, fit_frontend(settings, data))
    windows = unit_rms(data.cut(data.drawn))
    frontend = AutoscaledScalogram.fit(windows, data.drawn.label, None, data.rate_hz)
    return make_materials(data, frontend, windows=windows, n_views=settings.training.views)


def balance(
    settings: Settings,
    method: str,
    materials: Materials,
    *,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> TrainingSet:
    """What a method against the imbalance makes of the materials."""
    plan = plan_of(settings, materials, checkpoint=checkpoint, progress=progress)
    return training_set(method, materials, plan)


def plan_of(settings: Settings, materials: Materials, **how: Any) -> Plan:
    """What a method is told; ``how`` is the rest of `Plan`."""
    return Plan(
        target=settings.target or int(materials.drawn.max()),
        seed=settings.seed,
        preset=settings.preset,
        schedule=settings.training.generator,
        pair_steps=settings.training.pair_steps,
        **how,
    )


def untrained(settings: Settings, data: Divided) -> Classifier:
    """The settings' classifier, its weights drawn by their seed."""
    return new_classifier(
        settings.classifier,
        channels=len(data.channels),
        n_classes=len(data.classes),
        seed=settings.seed,
    )


def fit_classifier(
    settings: Settings,
    materials: Materials,
    training: TrainingSet,
    *,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> tuple[Classifier, Curves]:
    """The settings' classifier, trained on a method's training set, and how that went."""
    schedule = settings.training.classifier
    classifier = untrained(settings, materials.data)
    curves = train_classifier(
        classifier,
        training.pools,
        materials.validation,
        schedule=schedule,
        seed=settings.seed,
        checkpoint=checkpoint,
        on_epoch=progress("classifier", schedule.epochs),
        share=training.share,
        class_weight=training.class_weight,
        mixup=training.mixup,
        varied=settings.is_varied,
    )
    return classifier, curves


def calibrated(
    settings: Settings,
    materials: Materials,
    classifier: Classifier,
    *,
    checkpoint: Path,
    progress: Progress = silent,
) -> calibrate.Calibration:
    """Temperature of the probabilities, and the novelty, by classifiers that saw less."""
    training = settings.training
    return calibrate.calibrate(
        classifier,
        materials.pools,
        groups=materials.groups(settings.protocol) if settings.is_elsewhere else None,
        make=lambda: untrained(settings, materials.data),
        seed=settings.seed,
        schedule=replace(training.classifier, epochs=training.probe_epochs),
        varied=settings.is_varied,
        rows=settings.frontend.columns_are_times and not settings.is_elsewhere,
        checkpoint=checkpoint,
        progress=progress,
    )


def certainty(settings: Settings, found: calibrate.Calibration) -> Certainty:
    """Sets and operating points, by what was left out in calibration."""
    by = cast(LeftOutAsAWhole, settings.protocol) if settings.is_elsewhere else "window"
    return certainty_of(found.left_out, found.temperature, by)


def evaluate(
    settings: Settings,
    data: Prepared,
    frontend: FrontEnd,
    classifier: Classifier,
    novelty: Novelty,
    temperature: float,
    certainty: Certainty | None = None,
) -> dict[str, Any]:
    """Figures of the test part; with ``certainty`` what sets and operating points come to."""
    metrics = diagnosis_metrics(data, frontend, classifier, novelty, temperature, certainty)
    return metrics | {"protocol": settings.protocol, "balance_ratio": settings.balance}


def pictures(data: Prepared, frontend: FrontEnd) -> dict[str, NDArray[np.float32]]:
    """What the front end shows of the test part in the report."""
    index = data.test_index()
    return frontend.pictures(data.cut(index), frontend.machines(data, index), index.label)


def _require_drawn(settings: Settings, data: Prepared, least: int) -> None:
    for name, count in counts_by_class(data.drawn, data.classes).items():
        if count < least:
            raise InputError(
                f"class {name!r} gets a single training window at a balance ratio of "
                f"{settings.balance:g}: expected two or more, as calibration leaves one out; "
                "lower the balance ratio, or draw more normal windows"
            )


def require_trainable(settings: Settings, data: Prepared) -> None:
    """Refuse before anything is written what networks cannot be made of.

    Raises
    ------
    InputError
        If a class has a single window, or the heatmaps do not fit generator or classifier.
    """
    _require_drawn(settings, data, 2)
    new_generator(
        settings.preset,
        n_classes=len(data.classes),
        channels=len(data.channels),
        size=settings.frontend.generated_size_of(data.rate_hz, settings.window),
        seed=settings.seed,
    )
    untrained(settings, data)
