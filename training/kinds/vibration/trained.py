"""From prepared data to a calibrated classifier: of one network, or of a fusion's experts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.training_set import TrainingSet
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.rigs import left_out_rig
from dlrsd.training.evaluate.calibrate import Calibration
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.kinds.vibration import fusion, left_out_rigs, line
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.runs.folder import checkpoint


class Trained(NamedTuple):
    """What a training made.

    Parameters
    ----------
    materials : Materials
        What the network was trained on; of a fusion, the one that looks at scalograms.
    training : TrainingSet
        The same after the balance.
    figures : dict
        What else it found, ready for a run's metrics.
    """

    frontend: FrontEnd
    classifier: Classifier
    curves: Curves
    calibration: Calibration
    materials: Materials
    training: TrainingSet
    figures: dict[str, Any] = {}  # noqa: RUF012 - nothing is put in


Train = Callable[[Settings, Prepared, str, Path, Progress], Trained]


def train(
    settings: Settings, data: Prepared, method: str, out: Path, progress: Progress
) -> Trained:
    """Train and calibrate the settings' classifier; ``out`` is the run's folder."""
    return TRAININGS.get(settings.classifier, _network)(settings, data, method, out, progress)


def _network(
    settings: Settings, data: Prepared, method: str, out: Path, progress: Progress
) -> Trained:
    show = progress("heatmaps", 1)
    materials = line.materials_for(method, settings, data)
    show(1)
    training = line.balance(
        settings, method, materials, checkpoint=checkpoint(out, "generator"), progress=progress
    )
    classifier, curves = line.fit_classifier(
        settings, materials, training, checkpoint=checkpoint(out, "classifier"), progress=progress
    )
    calibration = line.calibrated(
        settings, materials, classifier, checkpoint=checkpoint(out, "probe"), progress=progress
    )
    return Trained(materials.frontend, classifier, curves, calibration, materials, training)


def _experts(
    settings: Settings, data: Prepared, method: str, out: Path, progress: Progress
) -> Trained:
    parts = fusion.of_parts(settings, data)
    first = line.prepare(parts, data.recordings)
    show = progress("heatmaps", 1)
    materials = line.materials_for(method, parts, first)
    show(1)
    training = line.balance(
        parts, method, materials, checkpoint=checkpoint(out, "generator"), progress=progress
    )
    network, curves = line.fit_classifier(
        parts, materials, training, checkpoint=checkpoint(out, "classifier"), progress=progress
    )
    made = fusion.fuse(
        settings, data, network, materials, checkpoint=checkpoint(out, "probe"), progress=progress
    )
    return Trained(made.frontend, made.experts, curves, made.calibration, materials, training)


def _lines(
    settings: Settings, data: Prepared, method: str, out: Path, progress: Progress
) -> Trained:
    """As any network; of a model for any rig, by rigs that were left out."""
    if not settings.is_for_any_rig:
        return _network(settings, data, method, out, progress)
    said = left_out_rigs.all_said(settings, data.recordings, method, progress=progress)
    materials = line.materials_for(method, settings, data)
    training = line.balance(settings, method, materials, progress=progress)
    classifier, curves = line.fit_classifier(
        settings, materials, training, checkpoint=checkpoint(out, "classifier"), progress=progress
    )
    calibration = left_out_rigs.calibrated(said, materials, classifier)
    tested = left_out_rig(data.recordings, settings.seed)
    figures = left_out_rigs.rig_metrics(said, data.classes, tested)
    return Trained(
        materials.frontend, classifier, curves, calibration, materials, training, figures
    )


#: By classifier, where it is trained in another way than one network on the heatmaps.
TRAININGS: dict[str, Train] = {"experts": _experts, "lines": _lines}
