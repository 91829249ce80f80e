"""A run folder: the config, weights, metrics and curves of one training, readable ever after.

Weights are safetensors, arrays NPZ without objects, everything else JSON. The only other format is
the checkpoints of an unfinished run, which are read with ``weights_only``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_model, save_model
from torch import nn

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import OrderMapConfig
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.models.classifiers import Classifier, make_classifier
from dlrsd.training.balance.deep_smote import PairRegressor
from dlrsd.training.frontends.scalogram import Frontend
from dlrsd.training.models.generator import Generator, make_generator
from dlrsd.training.models.novelty import Novelty
from dlrsd.training.frontends.order_map import AnyFrontend, OrderMapFrontend
from dlrsd.training.data.vibration.prepare import Prepared, Settings
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.data.vibration.tasks import TASKS
from dlrsd.training.data.vibration.windows import counts_by_class

RUNS = Path("runs")


@dataclass(frozen=True)
class TrainedRun:
    """What a finished run holds, in memory."""

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    frontend: AnyFrontend
    generator: Generator | None  # of DLRSD-SMOTE
    regressor: PairRegressor | None  # of Deep SMOTE
    classifier: Classifier
    novelty: Novelty
    anchors: dict[str, NDArray[np.float16]]  # of either

    @property
    def settings(self) -> Settings:
        return Settings.from_json(self.config["settings"])

    @property
    def classes(self) -> list[str]:
        return self.config["classes"]

    @property
    def temperature(self) -> float:
        return self.config["temperature"]


def open_run(data: Prepared, out: Path, method: str) -> dict[str, Any]:
    """`open_folder` for a run of these data; ``method`` is what the imbalance is met with."""
    return open_folder(out, _config(data, method))


def open_folder(out: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Make a run's folder with its config, or check that it holds the same run.

    Parameters
    ----------
    out : Path
    config : dict
        JSON-ready; ``settings``, ``method``, ``channels``, ``signal`` and ``window_counts`` tell
        whether a run is the same.

    Returns
    -------
    dict
        The config, as it is in the folder.

    Raises
    ------
    InputError
        If ``out`` holds another run, or something else.
    """
    path = out / "config.json"
    found = read_json(path) if path.exists() else None
    if isinstance(found, dict) and "settings" in found:
        if found["settings"] != config["settings"]:
            raise InputError(
                f"{out} holds a run with other settings: choose another --out, or remove it"
            )
        if found.get("method") != config["method"]:
            raise InputError(
                f"{out} holds a run of method {found.get('method')!r}, not {config['method']!r}: "
                "choose another --out, or remove it"
            )
        if any(found.get(key) != config[key] for key in ("channels", "signal", "window_counts")):
            raise InputError(
                f"{out} holds a run on these recordings before they were changed: choose another "
                "--out, or remove it"
            )
        return found
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there and is no run: choose another --out, or remove it")
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, config)
    return config


def save_models(folder: Path, *, classifier: nn.Module, novelty: Novelty) -> None:
    """Write the trained parts that every run has."""
    save_model(classifier, str(folder / "classifier.safetensors"))
    save_arrays(folder / "novelty.npz", {"whiten": novelty.whiten, "centres": novelty.centres})


def save_synthesizer(
    folder: Path, name: str, network: nn.Module, *, anchors: dict[str, NDArray[np.float16]]
) -> None:
    """Write what makes more of a class, as ``NAME.safetensors`` and its anchors."""
    save_model(network, str(folder / f"{name}.safetensors"))
    save_arrays(folder / "anchors.npz", anchors)


def load_run(folder: str | Path) -> TrainedRun:
    """Read a finished run.

    Raises
    ------
    InputError
        If the folder is no finished run, or one of its files is damaged.
    """
    folder = finished_run(folder)
    with readable_run(folder):
        config = read_json(folder / "config.json")
        settings = Settings.from_json(config["settings"])
        frontend = frontend_from_config(config)
        shape: dict[str, Any] = {
            "n_classes": len(config["classes"]),
            "channels": len(config["channels"]),
        }
        size = frontend.size
        generator, regressor, anchors = None, None, {}
        if config["method"] == REFERENCE:
            generator = make_generator(settings.preset, size=size, **shape).eval()
            load_model(generator, str(folder / "generator.safetensors"))
        elif config["method"] == "deep-smote":
            regressor = PairRegressor((len(config["channels"]), *size)).eval()
            load_model(regressor, str(folder / "regressor.safetensors"))
        if generator or regressor:
            anchors = load_arrays(folder / "anchors.npz")
        classifier = make_classifier(settings.classifier, **shape)
        load_model(classifier, str(folder / "classifier.safetensors"))
        return TrainedRun(
            folder,
            config,
            read_json(folder / "metrics.json"),
            frontend,
            generator,
            regressor,
            classifier.eval(),
            Novelty(**load_arrays(folder / "novelty.npz")),
            anchors,
        )


def finished_run(folder: str | Path) -> Path:
    """The folder, if it holds a finished run.

    Raises
    ------
    InputError
        If it does not.
    """
    folder = Path(folder)
    if not (folder / "metrics.json").is_file():
        raise InputError(
            f"{folder} holds no finished run (no metrics.json): expected a folder that "
            "`dlrsd-train fit` has written to its end"
        )
    return folder


@contextmanager
def readable_run(folder: Path) -> Iterator[None]:
    """Turn whatever a damaged file of a run raises inside into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"the run {folder} cannot be read ({reason}): expected the files of a finished run of "
            "this version; train it again"
        ) from error


def has_order_map(folder: str | Path) -> bool:
    """Whether a finished run's front end is the order map."""
    return "order_map" in read_json(finished_run(folder) / "config.json")


def latest_run(runs: Path = RUNS) -> Path:
    """The finished run that was written last.

    Raises
    ------
    InputError
        If there is none.
    """
    finished = sorted(runs.glob("*/metrics.json"), key=lambda path: path.stat().st_mtime)
    if not finished:
        raise InputError(
            f"no finished run in {runs}/: train one with `dlrsd-train fit DATA`, or name a run"
        )
    return finished[-1].parent


def frontend_from_config(config: dict[str, Any]) -> AnyFrontend:
    """The scalogram or order map and its constants, from a run's config."""
    signal = {key: config["signal"][key] for key in ("rate_hz", "window")}
    facts = dict(config["order_map"] if "order_map" in config else config["scalogram"])
    mean, std = tuple(facts.pop("mean")), tuple(facts.pop("std"))
    if "order_map" in config:
        return OrderMapFrontend(OrderMapConfig(**signal, **facts), mean, std)
    eps = facts.pop("eps")
    return Frontend(ScalogramConfig(**signal, **facts), eps, mean, std)


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def write_json(path: Path, facts: Any) -> None:
    """Write all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} is damaged ({error}): expected the JSON of a run; train it again"
        ) from error


def _config(data: Prepared, method: str) -> dict[str, Any]:
    settings = data.settings
    task = TASKS[settings.task].statement if settings.task else None
    # A folder goes by its name: where it lies is nobody's business on the box.
    dataset = Path(settings.data).expanduser().resolve().name
    return {
        "settings": settings.to_json(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dlrsd_version": version("dlrsd"),
        "method": method,
        "dataset": dataset,
        "task": settings.task,
        "protocol": settings.protocol,
        "split_note": data.split.note,
        "balance_ratio": settings.balance,
        "seed": settings.seed,
        "classifier": settings.classifier,
        "statement": task or f"recordings of {dataset}",
        "classes": data.classes,
        "normal_class": data.normal,
        "channels": list(data.channels),
        "signal": {
            "rate_hz": data.rate_hz,
            "unit": data.unit,
            "channels": len(data.channels),
            "window": settings.window,
            "hop": settings.hop,
        },
        "window_counts": {
            "train": counts_by_class(data.drawn, data.classes),
            "test": counts_by_class(data.test_index(), data.classes),
        },
    }
