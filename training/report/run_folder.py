"""What a finished run's folder holds, read for its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.frontends.registry import front_end_from
from dlrsd.training.runs.folder import load_arrays, read_json
from dlrsd.training.runs.schema1 import config_2

Arrays: TypeAlias = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Run:
    """A finished run; what its folder lacks is empty."""

    name: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    curves: dict[str, Any]
    real: Arrays  # heatmaps (n, channels, F, T) by class
    synthetic: Arrays  # as above
    windows: Arrays  # a window (channels, length) by class
    samples: Arrays  # all of the above and what else was kept, by the names of samples.npz
    long_range: Arrays
    states: Arrays  # class indices (steps,) by "PLANT/true" and "PLANT/said"

    @property
    def kind(self) -> str:
        """The kind of data: ``window`` (vibration) or ``sequence`` (plants)."""
        return str(self.config.get("kind", "window"))

    @property
    def frontend(self) -> FrontEnd | None:
        """What windows were turned into, where the run states it."""
        if not self.config.get("front_end"):
            return None
        signal = self.config["signal"]
        return front_end_from(
            self.config["front_end"], rate_hz=signal["rate_hz"], window=signal["window"]
        )

    @property
    def classes(self) -> list[str]:
        """The names of the classes."""
        return list(self.metrics["classes"])


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises
    ------
    InputError
        If the folder has no metrics, or a file cannot be read.
    """
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
    samples = _read_arrays(folder / "samples.npz")
    by_class = {
        part: _by_class(samples, part, metrics["classes"])
        for part in ("real", "synthetic", "window")
    }
    return Run(
        name=folder.resolve().name,
        config=config_2(_read_json(folder / "config.json")),
        metrics=metrics,
        curves=_read_json(folder / "curves.json"),
        real=by_class["real"],
        synthetic=by_class["synthetic"],
        windows=by_class["window"],
        samples=samples,
        long_range={
            key.removeprefix("long_range/"): array.astype(np.float32)
            for key, array in samples.items()
            if key.startswith("long_range/")
        },
        states=_read_arrays(folder / "states.npz"),
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a {type(content).__name__}: expected a JSON object")
    return content


def _read_arrays(path: Path) -> Arrays:
    if not path.is_file():
        return {}
    return load_arrays(path)


def _by_class(samples: Arrays, part: str, classes: Sequence[str]) -> Arrays:
    """Arrays ``PART/INDEX`` that are not empty, by the name of the class."""
    keys = {name: f"{part}/{index}" for index, name in enumerate(classes)}
    return {
        name: samples[key].astype(np.float32)
        for name, key in keys.items()
        if key in samples and len(samples[key])
    }
