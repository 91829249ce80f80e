"""Train a run on data of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.kinds.registry import AnySettings, kind_of_settings


def fit(
    settings: AnySettings,
    out: Path,
    *,
    method: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train, evaluate and write a run.

    Parameters
    ----------
    settings : Settings or SequenceSettings
    out : Path
        The run's folder. One with the same settings and method is gone on with, or left as it is
        if it is finished.
    method : str, optional
        What the imbalance is met with: a name of the kind's ``methods``; default its reference.
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
    kind = kind_of_settings(settings)
    return kind.fit(settings, out, method=method or kind.reference, progress=progress)
