"""Figures of parts of the test that a mean hides: each rig, each grade of difficulty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import WindowIndex

Strata = dict[str, dict[str, float]]


def strata(
    recordings: Sequence[Recording], windows: WindowIndex, predicted: NDArray[np.integer]
) -> Strata:
    """Accuracy and worst recall of every stratum of the test part.

    Parameters
    ----------
    recordings, windows : the test part, at least one window.
    predicted : array, shape (n,)
        Predicted class index of each window.

    Returns
    -------
    dict
        By stratum, in the order of their names: ``accuracy``, ``worst_recall`` (over the classes
        that it holds) and ``n`` windows. Strata are ``grade Y``, ``grade P``, ``grade N`` (of
        recordings that have a grade) and ``rig NAME`` (where several data sets were read); a window
        may be in none.
    """
    names = [_strata_of(recording) for recording in recordings]
    found: Strata = {}
    for name in sorted({name for own in names for name in own}):
        member = np.array([name in own for own in names])[windows.recording]
        true, right = windows.label[member], (predicted == windows.label)[member]
        if len(true):
            found[name] = {
                "accuracy": float(right.mean()),
                "worst_recall": min(float(right[true == c].mean()) for c in np.unique(true)),
                "n": float(len(true)),
            }
    return found


def by_bearing(
    recordings: Sequence[Recording], windows: WindowIndex
) -> dict[str, NDArray[np.bool_]]:
    """Which windows are of each bearing, by "class: bearing"; by the bearing alone where its name
    begins with the class's, by the class where the bearing is not known."""
    names = [
        bearing if bearing.startswith(r.label) else f"{r.label}: {bearing}"
        for r, bearing in ((r, r.bearing_id or r.label) for r in recordings)
    ]
    own = np.array(names)[windows.recording]
    return {str(name): own == name for name in np.unique(own)}


def _strata_of(recording: Recording) -> list[str]:
    """Grades without their number: classic symptoms or not, a fault is to be found."""
    grade = [f"grade {recording.grade[0]}"] if recording.grade else []
    return grade + ([f"rig {recording.rig}"] if recording.rig else [])
