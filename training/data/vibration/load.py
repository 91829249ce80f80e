"""Recordings by name: a `bearing-datasets` data set, a folder of classes, or simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.class_folder import read_class_folder
from dlrsd.training.data.vibration.datasets import find_dataset, read_dataset
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.data.vibration.rigs import names_of, read_rigs
from dlrsd.training.data.vibration.spalls import SPALLS, UNSEEN, simulate_spalls
from dlrsd.training.data.vibration.tasks import TASKS

#: Simulated data by name, each from a seed.
SIMULATED: dict[str, Callable[[int], list[Recording]]] = {
    "rig": lambda seed: simulate_rig(seed=seed),
    SPALLS: lambda seed: simulate_spalls(SPALLS, seed=seed),
    UNSEEN: lambda seed: simulate_spalls(UNSEEN, seed=seed),
}


def is_simulated(data: str) -> bool:
    """Whether some of what a user names is simulated, and thus another one with every seed."""
    return any(name in SIMULATED for name in names_of(data))


def load_recordings(
    data: str,
    *,
    root: str | Path | None = None,
    task: str | None = None,
    channels: Sequence[str] | None = None,
    label: str | None = None,
    rig_seed: int = 0,
) -> list[Recording]:
    """Read labelled recordings.

    Parameters
    ----------
    data : name of a built `bearing-datasets` data set, the definition folder of a private one,
        a folder with one sub-folder per class, a name of `tasks.TASKS`, or one of `SIMULATED`; or
        several of these separated by commas, each of which is a rig: then every channel is a
        recording of its own.
    root : folder of the data sets; default as `bearing-datasets` finds it (environment variable
        BEARING_DATASETS_ROOT, then the folder saved with `bearing-datasets root`).
    task : a name of `tasks.TASKS`: fixes recordings, channels and labels; of several data sets,
        those of its own.
    channels : names of the channels to keep, in this order. Default: every accelerometer (every
        channel, where there is none) that all recordings have.
    label : metadata column that holds the class, or several joined by "+" (for instance
        "fault_type+fault_severity"); default "fault_type".
    rig_seed : seed of simulated data.

    Returns
    -------
    list of Recording, in the order of the source. Accelerations are in g where the data set says
    how to convert them; channels of different rates or lengths are brought to the lowest rate
    and the common length.

    Raises
    ------
    InputError
        If nothing by that name is found or built, or a channel, column or task does not fit it.
    """
    names = names_of(data)
    if len(names) > 1:
        _refuse("reading several data sets", channels=channels, label=label)
        task_data = None if task is None else _data_of(task, names)

        def read(name: str) -> list[Recording]:
            own = task if name == task_data else None
            return load_recordings(name, root=root, task=own, rig_seed=rig_seed)

        return read_rigs(names, read)
    if data in SIMULATED:
        _refuse(f"the simulated {data}", task=task, channels=channels, label=label)
        return SIMULATED[data](rig_seed)
    if data in TASKS and not Path(data).exists():
        _refuse("a task that is named as data", task=task, label=label)
        return load_recordings(TASKS[data].dataset, root=root, task=data, channels=channels)
    dataset = find_dataset(data, root=root)
    if dataset is not None:
        return read_dataset(dataset, task=task, channels=channels, label=label)
    _refuse("a folder with one sub-folder per class", task=task, label=label)
    return read_class_folder(Path(data).expanduser(), channels=channels)


def _data_of(task: str, names: Sequence[str]) -> str:
    """The data set that a task is defined on."""
    wanted = TASKS[task].dataset if task in TASKS else None
    for name in names:
        if Path(name).name == wanted:
            return name
    raise InputError(
        f"got task {task!r} for the data sets {', '.join(names)}: expected "
        + (f"{wanted} among them" if wanted else f"one of {', '.join(TASKS)}")
    )


def _refuse(source: str, **options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{source} takes no {name}, got {value!r}: leave it out")
