"""The page that a run leaves for people: one HTML file with everything in it.

Reads what training wrote into the run folder and shows what is there: `metrics.json` (needed),
`config.json`, `curves.json` and `samples.npz` (left out of the page where missing). No script, no
link, nothing to load: the page can be mailed, archived and printed.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.report.sections import Run, sections


def write_report(run_folder: str | Path) -> Path:
    """Write ``report.html`` into a run folder from the other files there.

    Parameters
    ----------
    run_folder : folder with
        ``metrics.json``: the result of ``classification_metrics``; where they apply also
        ``window_counts`` {"train": {class: n}}, ``balance`` {class: {"drawn", "decoded",
        "smote", "rejected": {reason: n}}}, ``fidelity`` and ``near_copies`` (the results of the
        functions of these names);
        ``config.json``: the run's settings; used in the text are ``dataset``, ``task``,
        ``protocol``, ``balance_ratio``, ``seed``, ``method``, ``classifier``, ``split_note``,
        and for the axes ``scalogram`` and ``signal``; the others are listed;
        ``curves.json``: {"generator": {...}, "classifier": {...}} as in ``plots.loss_curves``;
        ``samples.npz``: ``real/<class index>`` and ``synthetic/<class index>``, float arrays of
        shape (n, channels, F, T), standardised heatmaps; ``window/<class index>`` (channels,
        samples); ``long_range/<name>``, the arrays of
        :func:`dlrsd.training.evaluate.long_range.long_range` (with its figures in
        ``metrics.json``); ``lines/<class index>`` (bands, lines), as
        :func:`dlrsd.training.evaluate.figures.mean_lines` gives them;
        ``states.npz`` of plants: ``PLANT/true`` and ``PLANT/said``, a class index for every step.

    Returns
    -------
    path of the page

    Raises
    ------
    InputError
        If the folder has no metrics, or a file cannot be read.
    """
    folder = Path(run_folder)
    run = _read(folder)
    page = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        title=escape(f"dlrsd: {run.name}"),
        body="\n".join(sections(run)),
        version=escape(version("dlrsd")),
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def _read(folder: Path) -> Run:
    if not (folder / "metrics.json").is_file():
        raise InputError(
            f"{folder} has no metrics.json: expected the folder of a finished run; "
            f"train one with `dlrsd-train fit`"
        )
    metrics = _read_json(folder / "metrics.json")
    missing = sorted({"classes", "confusion", "accuracy", "per_class"} - metrics.keys())
    if missing:
        raise InputError(
            f"{folder / 'metrics.json'} lacks {', '.join(missing)}: expected the metrics of a "
            f"finished run; train it again"
        )
    samples = _read_samples(folder / "samples.npz", metrics["classes"])
    return Run(
        name=folder.resolve().name,
        config=_as_sections_have_it(_read_json(folder / "config.json")),
        metrics=metrics,
        curves=_read_json(folder / "curves.json"),
        real=samples["real"],
        synthetic=samples["synthetic"],
        windows=samples["window"],
        lines=samples["lines"],
        long_range=samples["long_range"],
        states=_read_states(folder / "states.npz"),
    )


def _as_sections_have_it(config: dict[str, Any]) -> dict[str, Any]:
    front_end = dict(config.get("front_end") or {})
    if not front_end:
        return config
    return config | {front_end.pop("name").replace("-", "_"): front_end}


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): expected JSON; train again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a {type(content).__name__}: expected a JSON object")
    return content


def _read_states(path: Path) -> dict[str, NDArray]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}): expected states; train again") from error


def _read_samples(path: Path, classes: Sequence[str]) -> dict[str, dict[str, NDArray]]:
    parts = ("real", "synthetic", "window", "lines")
    by_class: dict[str, dict[str, NDArray]] = {part: {} for part in parts}
    samples = {**by_class, "long_range": {}}
    if not path.is_file():
        return samples
    try:
        with np.load(path, allow_pickle=False) as stored:
            for part, arrays in by_class.items():
                for index, name in enumerate(classes):
                    key = f"{part}/{index}"
                    if key in stored and len(stored[key]):
                        arrays[name] = stored[key].astype(np.float32)
            for key in stored.files:
                part, _, name = key.partition("/")
                if part == "long_range":
                    samples[part][name] = stored[key].astype(np.float32)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged ({error}): expected heatmaps; train again") from error
    return samples
