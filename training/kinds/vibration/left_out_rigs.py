"""What a model that shall meet machines never seen is worth: by rigs that it was trained without.

Of each real rig the whole line is walked once more without its recordings: front end, network and
what stops its training know nothing of it; simulated machines always train. What these networks say
of the rig that they do not know gives the figures of each rig, the temperature of the final model's
probabilities, and how far from the training a window may lie before it is novel. The rig that the
run itself tests is in none of these trainings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.materials import Materials
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.load import SIMULATED
from dlrsd.training.data.vibration.prepared import Divided, Prepared
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.rigs import left_out_rig
from dlrsd.training.data.vibration.windows import WindowIndex
from dlrsd.training.evaluate import left_out as told
from dlrsd.training.evaluate.calibrate import Calibration, fit_temperature
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.novelty import Novelty, fit_novelty, scaled, threshold


class LeftOut(NamedTuple):
    """A rig, the data that are trained on without it, and its windows."""

    rig: str
    settings: Settings
    data: Prepared
    windows: WindowIndex


class Said(NamedTuple):
    """What a network says of a rig that it does not know."""

    rig: str
    bearings: int
    """That the rig has."""
    label: NDArray[np.int64]
    """Of each window, shape (n,)."""
    logits: NDArray[np.float32]
    """Shape (n, K)."""
    far: float
    """The distance that most of its windows stay below."""


def each_left_out(settings: Settings, recordings: Sequence[Recording]) -> Iterator[LeftOut]:
    """Leave out each real rig of the training side of a run under the protocol ``rig``, in turn.

    Raises
    ------
    InputError
        If that leaves nothing to train on.
    """
    tested = left_out_rig(recordings, settings.seed)
    trained = [recording for recording in recordings if recording.rig != tested]
    rigs = list(dict.fromkeys(str(recording.rig) for recording in trained))
    if len(rigs) < 2:
        raise InputError(
            f"got {rigs[0]} alone to train on, with {tested} left out: expected two data sets or "
            "more besides, as a model for any bearing is calibrated by rigs that were left out; "
            "name more, such as spalls"
        )
    for index, rig in enumerate(rigs):
        if rig not in SIMULATED:
            # Under this protocol it is the seed that says which rig is left out.
            own = msgspec.structs.replace(settings, seed=index)
            data = line.prepare(own, trained)
            yield LeftOut(rig, own, data, data.test_index())


def said_without(left: LeftOut, method: str) -> Said:
    """Train without the rig, and ask of its windows."""
    materials = line.materials_for(method, left.settings, left.data)
    training = line.balance(left.settings, method, materials)
    classifier, _ = line.fit_classifier(left.settings, materials, training)
    logits, embedding = predict(classifier, materials.frontend.of(left.data, left.windows))
    label = left.windows.label
    held = [embedding[label == c] for c in np.unique(label)]
    recordings = [left.data.recordings[at] for at in np.unique(left.windows.recording)]
    return Said(
        left.rig,
        len({recording.bearing_id for recording in recordings}),
        label,
        logits,
        threshold(_novelty(classifier, materials), held),
    )


def all_said(
    settings: Settings,
    recordings: Sequence[Recording],
    method: str,
    *,
    progress: Progress = silent,
) -> list[Said]:
    """`said_without` of `each_left_out`."""
    show = progress("left-out rigs", len({r.rig for r in recordings} - {*SIMULATED}))
    found = []
    for left in each_left_out(settings, recordings):
        found.append(said_without(left, method))
        show(len(found))
    return found


def rig_metrics(found: Sequence[Said], classes: Sequence[str], tested: str) -> dict[str, Any]:
    """Ready for a run's metrics: ``rigs``, the `figures` of each, and ``simulated``, whether the
    rig that the run tests is no real one."""
    rigs = {said.rig: figures(classes, said.label, said.logits) for said in found}
    return {"rigs": rigs, "simulated": tested in SIMULATED}


def figures(
    classes: Sequence[str], label: NDArray[np.int64], scores: NDArray[np.floating[Any]]
) -> dict[str, Any]:
    """Of a rig: ``windows``, ``accuracy``, ``macro_auroc`` and ``recall`` by class.

    Parameters
    ----------
    classes : K names
    label : array, shape (n,)
        Of each window.
    scores : array, shape (n, K)
        Logits, or probabilities.
    """
    likelihood = torch.softmax(torch.from_numpy(np.asarray(scores, np.float64)), dim=1).numpy()
    metrics = classification_metrics(
        label, scores.argmax(axis=1), classes, probabilities=likelihood
    )
    recalls = {name: own["recall"] for name, own in metrics["per_class"].items()}
    return {
        "windows": metrics["n"],
        "accuracy": metrics["accuracy"],
        "macro_auroc": metrics["macro_auroc"],
        "recall": {name: recall for name, recall in recalls.items() if recall is not None},
    }


def calibrated(found: Sequence[Said], materials: Materials, classifier: Classifier) -> Calibration:
    """Temperature and novelty of the final model, and what both are worth, by what was said of rigs
    left out."""
    temperature = temperature_by(found, materials.data)
    far = max(float(np.mean([said.far for said in found])), 1e-6)
    label = np.concatenate([said.label for said in found])
    rig = np.repeat(np.arange(len(found)), [len(said.label) for said in found])
    logits = np.concatenate([said.logits for said in found])
    left_out = told.LeftOut(logits, label, rig, np.arange(len(label)))
    return Calibration(temperature, scaled(_novelty(classifier, materials), far), left_out)


def temperature_by(found: Sequence[Said], data: Divided) -> float:
    """The temperature that makes probabilities honest on rigs left out.

    A fault that draws no line looks healthy to whoever sees lines alone. How often that happens is
    for the recall to tell; the temperature is of the faults that were named, and of healthy
    windows.
    """
    label = np.concatenate([said.label for said in found])
    logits = np.concatenate([said.logits for said in found])
    if data.normal is not None:
        normal = data.classes.index(data.normal)
        counts = (logits.argmax(axis=1) != normal) | (label == normal)
        label, logits = label[counts], logits[counts]
    return fit_temperature(logits, label, n_windows=sum(said.bearings for said in found))


def _novelty(classifier: Classifier, materials: Materials) -> Novelty:
    return fit_novelty([predict(classifier, pool.heatmaps)[1] for pool in materials.pools])
