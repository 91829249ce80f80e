"""A run's folder: the config, weights, metrics and curves of one training, readable ever after.

Weights are safetensors, arrays NPZ without objects, everything else JSON. The only other format is
the checkpoints of an unfinished run, which are read with ``weights_only``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_model
from torch import nn

from dlrsd.runtime.base.files import write_atomic
from dlrsd.runtime.base.errors import DlrsdError, InputError
from dlrsd.runtime.base.locks import own_folder
from dlrsd.runtime.base.arrays import read_arrays
from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.files import read_bounded, write_atomic
from dlrsd.runtime.base.formats import FormatError, checked, parse_json
from dlrsd.training.models.novelty import Novelty
from dlrsd.training.runs.config import SCHEMA_VERSION, RunConfig
from dlrsd.training.runs.schema1 import config_2

RUNS = Path("runs")
_MOST_BYTES = 1 << 30  # of a file of arrays
_MOST_JSON = 1 << 26
_METRICS = (
    "accuracy", "macro_recall", "worst_recall", "worst_class", "g_mean", "macro_f1", "macro_auroc",
    "n", "classes", "confusion", "per_class", "window_counts",
)  # fmt: skip
C = TypeVar("C", bound=RunConfig)


@contextmanager
def open_folder(out: Path, config: C) -> Iterator[C]:
    """Make a run's folder with its config, or check that it holds the same run.

    No other process can open it meanwhile.

    Parameters
    ----------
    out : Path
    config : RunConfig
        ``settings``, ``method``, ``channels``, ``signal`` and ``window_counts`` tell whether a
        run is the same.

    Yields
    ------
    RunConfig
        As it is in the folder.

    Raises
    ------
    InputError
        If ``out`` holds another run, or something else, or another process works in it.
    """
    if out.exists() and not out.is_dir():
        raise InputError(_NO_RUN.format(out))
    out.mkdir(parents=True, exist_ok=True)
    busy = f"{out} is being written by another training: wait until it is done, or choose another"
    with own_folder(out, busy=f"{busy} --out"):
        yield _config_in(out, config)


def _config_in(out: Path, config: C) -> C:
    path = out / "config.json"
    if path.exists() and _is_config(path):
        found = read_config(out, type(config))
        for field, what in (
            ("settings", f"with other settings{_differing(found, config)}"),
            ("method", f"of method {found.method!r}, not {config.method!r}"),
            ("channels", _CHANGED),
            ("signal", _CHANGED),
            ("window_counts", _CHANGED),
        ):
            if _deciding(found, field) != _deciding(config, field):
                raise InputError(
                    f"{out} holds a run {what}: choose another --out, or remove it"
                )
        return found
    # A training that was killed as it began may have left a part of its config.
    if any(not each.match(".config.json.*.part") for each in out.iterdir()):
        raise InputError(_NO_RUN.format(out))
    write_json(path, config)
    return config


def _differing(found: RunConfig, config: RunConfig) -> str:
    """Which settings differ, in words: a default may have changed since."""
    there, here = _deciding(found, "settings"), _deciding(config, "settings")
    pairs = [
        f"{name} {old} and not {new}"
        for name in there.__struct_fields__
        if (old := getattr(there, name)) != (new := getattr(here, name)) and name != "training"
    ]
    return f" ({', '.join(pairs)})" if pairs else ""


def _deciding(config: RunConfig, field: str) -> Any:
    value = getattr(config, field)
    return value.decisive() if field == "settings" else value


_NO_RUN = "{} is there and is no run: choose another --out, or remove it"
_CHANGED = "on these recordings before they were changed"


def is_finished(out: Path) -> bool:
    """Whether a training was written to its end."""
    return (out / "metrics.json").exists() and not (out / "checkpoints").exists()


def checkpoint(out: Path, name: str) -> Path:
    """Where an unfinished training keeps what it needs to go on."""
    (out / "checkpoints").mkdir(exist_ok=True)
    return out / "checkpoints" / f"{name}.pt"


def read_config(folder: Path, kind: type[C]) -> C:
    """A run's config.

    Parameters
    ----------
    folder : Path
    kind : RunConfig class, or a union of them

    Raises
    ------
    InputError
        If it is damaged, or of no such kind.
    """
    path = folder / "config.json"
    facts = config_2(read_json(path))
    version = facts.get("schema_version") if isinstance(facts, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise InputError(
            f"{path} has schema version {version}, this dlrsd knows up to {SCHEMA_VERSION}: "
            "upgrade dlrsd, or train it again"
        )
    try:
        return checked(facts, kind)
    except (FormatError, InputError) as error:
        raise InputError(
            f"{path} is no config of a run that this version knows ({error}): train it again"
        ) from error


def read_metrics(folder: Path) -> dict[str, Any]:
    """A finished run's metrics.

    Raises
    ------
    InputError
        If the file is damaged, or lacks one that every run has.
    """
    path = folder / "metrics.json"
    metrics = read_json(path)
    missing = [name for name in _METRICS if not isinstance(metrics, dict) or name not in metrics]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}: train the run again")
    return metrics


def save_models(folder: Path, *, classifier: nn.Module, novelty: Novelty) -> None:
    """Write the trained parts that every run has."""
    _save_model(folder / "classifier.safetensors", classifier)
    save_arrays(folder / "novelty.npz", {"whiten": novelty.whiten, "centres": novelty.centres})


def save_synthesizer(
    folder: Path, name: str, network: nn.Module, *, anchors: dict[str, NDArray[np.float16]]
) -> None:
    """Write what makes more of a class, as ``NAME.safetensors`` and its anchors."""
    _save_model(folder / f"{name}.safetensors", network)
    save_arrays(folder / "anchors.npz", anchors)


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


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with write_atomic(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _save_model(path: Path, network: nn.Module) -> None:
    with write_atomic(path) as file:
        try:
            save_model(network, file.name)
        except SafetensorError as error:  # its word for what the system refused
            raise DlrsdError(f"cannot write {path}: {error}; free some space, and start again") from error


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays that `save_arrays` wrote.

    Raises
    ------
    InputError
        If there are none, or others than of numbers.
    """
    try:
        return dict(read_arrays(read_bounded(path, most=_MOST_BYTES)))
    except (OSError, FormatError) as error:
        raise InputError(
            f"{path} is damaged ({error}): expected the arrays of a run; train it again"
        ) from error


def write_json(path: Path, facts: Any) -> None:
    """Write all of it or nothing."""
    text = msgspec.json.encode(facts, enc_hook=_plain)
    with write_atomic(path) as file:
        file.write(msgspec.json.format(text, indent=1) + b"\n")


def read_json(path: Path) -> Any:
    try:
        return parse_json(read_bounded(path, most=_MOST_JSON))
    except FormatError as error:
        raise InputError(
            f"{path} is damaged ({error}): expected the JSON of a run; train it again"
        ) from error


def _plain(number: Any) -> Any:
    if isinstance(number, np.generic):
        return number.item()
    raise TypeError(f"got a {type(number).__name__}: expected what JSON can hold")


def _is_config(path: Path) -> bool:
    facts = read_json(path)
    return isinstance(facts, dict) and "settings" in facts
