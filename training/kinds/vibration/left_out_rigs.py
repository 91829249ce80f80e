"""How well a model that shall meet machines never seen does on each rig that trained it.

Of each rig the whole line is walked once more without its recordings: front end, network and what
stops its training know nothing of it. The rig that the run tests is in none of these trainings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.load import SIMULATED
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.rigs import left_out_rig
from dlrsd.training.data.vibration.windows import WindowIndex
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.settings import Settings


class LeftOut(NamedTuple):
    """A rig, the data that are trained on without it, and its windows."""

    rig: str
    settings: Settings
    data: Prepared
    windows: WindowIndex


def each_left_out(settings: Settings, recordings: Sequence[Recording]) -> Iterator[LeftOut]:
    """Leave out each rig of the training side of a run under the protocol ``rig``, in turn.

    Nothing where the training side is of one rig.
    """
    tested = left_out_rig(recordings, settings.seed)
    trained = [recording for recording in recordings if recording.rig != tested]
    rigs = list(dict.fromkeys(str(recording.rig) for recording in trained))
    for index, rig in enumerate(rigs if len(rigs) > 1 else ()):
        # Under this protocol it is the seed that says which rig is left out.
        own = msgspec.structs.replace(settings, seed=index)
        data = line.prepare(own, trained)
        yield LeftOut(rig, own, data, data.test_index())


def probabilities_without(left: LeftOut, method: str) -> NDArray[np.float32]:
    """Train without the rig; probabilities of its windows, shape (n, K), at a temperature of 1."""
    materials = line.materials_for(method, left.settings, left.data)
    training = line.balance(left.settings, method, materials)
    classifier, _ = line.fit_classifier(left.settings, materials, training)
    logits, _ = predict(classifier, materials.frontend.of(left.data, left.windows))
    said: NDArray[np.float32] = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    return said


def figures(left: LeftOut, probabilities: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Of a rig: ``windows``, ``accuracy``, ``macro_auroc`` and ``recall`` by class."""
    metrics = classification_metrics(
        left.windows.label,
        probabilities.argmax(axis=1),
        left.data.classes,
        probabilities=probabilities,
    )
    recalls = {name: own["recall"] for name, own in metrics["per_class"].items()}
    return {
        "windows": metrics["n"],
        "accuracy": metrics["accuracy"],
        "macro_auroc": metrics["macro_auroc"],
        "recall": {name: recall for name, recall in recalls.items() if recall is not None},
    }


def rig_figures(
    settings: Settings,
    recordings: Sequence[Recording],
    method: str,
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Of a run, ready for its metrics: ``rigs``, the `figures` of each rig of its training, and
    ``simulated``, whether the rig that it tests is no real one."""
    rigs = len({recording.rig for recording in recordings}) - 1
    show = progress("left-out rigs", rigs)
    found = {}
    for count, left in enumerate(each_left_out(settings, recordings), 1):
        found[left.rig] = figures(left, probabilities_without(left, method))
        show(count)
    return {"rigs": found, "simulated": left_out_rig(recordings, settings.seed) in SIMULATED}
