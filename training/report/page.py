"""The page that a run leaves for people: one HTML file with everything in it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from dlrsd.runtime.base.files import write_atomic
from dlrsd.training.report.registry import SECTIONS
from dlrsd.training.report.rendering import render_page
from dlrsd.training.report.run_folder import read_run


def write_report(run_folder: str | Path) -> Path:
    """Write ``report.html`` into a run folder from the other files there.

    Parameters
    ----------
    run_folder : folder with
        ``metrics.json``: the result of ``classification_metrics``; where they apply also
        ``window_counts`` {"train": {class: n}}, ``balance`` {class: {"drawn", "decoded",
        "smote", "rejected": {reason: n}}}, ``fidelity``, ``near_copies`` (the results of the
        functions of these names) and ``untrained`` (that of
        :func:`dlrsd.training.evaluate.untrained.untrained`); for plants ``events`` and
        ``sequences``;
        ``config.json``: the run's settings; used in the text are ``kind``, ``dataset``, ``task``,
        ``protocol``, ``balance_ratio``, ``seed``, ``method``, ``classifier``, ``split_note``,
        and for the axes ``front_end`` and ``signal``; the others are listed;
        ``curves.json``: {"generator": {...}, "classifier": {...}} as in ``curves.loss_curves``;
        ``samples.npz``: ``real/<class index>`` and ``synthetic/<class index>``, standardised
        heatmaps, array, shape (n, channels, F, T); ``window/<class index>``, array, shape
        (channels, length); ``long_range/<name>``, the arrays of
        :func:`dlrsd.training.evaluate.long_range.long_range` (with its figures in
        ``metrics.json``); ``lines/<class index>``, array, shape (bands, lines), as
        :meth:`dlrsd.training.frontends.order_map.OrderMap.pictures` gives them;
        ``envelope/<class index>``, array, shape (bins,), as
        :func:`dlrsd.training.evaluate.untrained.untrained` gives them;
        ``states.npz`` of plants: ``PLANT/true`` and ``PLANT/said``, a class index for every step.
        All but ``metrics.json`` may be missing: the page lacks what they would show.

    Returns
    -------
    path of the page

    Raises
    ------
    InputError
        If the folder has no metrics, or a file cannot be read.
    """
    folder = Path(run_folder)
    run = read_run(folder)
    asked = (entry.make(run) for entry in SECTIONS if entry.kind in (None, run.kind))
    page = render_page(
        f"dlrsd: {run.name}",
        [part for part in asked if part],
        footer=f"Written by dlrsd {version('dlrsd')} from the files in this page's folder.",
    )
    path = folder / "report.html"
    with write_atomic(path) as file:
        file.write(page.encode())
    return path
