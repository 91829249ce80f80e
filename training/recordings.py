"""Recordings: what a sensor wrote while the machine was in one known state.

`load_recordings` reads them from a `bearing-datasets` data set (public or private), from a folder
with one sub-folder per class, or from the simulated rig. Everything after it (splits, windows,
training) sees only `Recording`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.errors import InputError
from dlrsd.runtime.resample import resample
from dlrsd.runtime.source import Chunk

# Rates this close are the same rate, measured from timestamps or stated with few digits.
_SAME_RATE = 1e-3


@dataclass(frozen=True, eq=False)
class Recording:
    """One acquisition of one machine state; all its channels ran at the same time.

    Parameters
    ----------
    signal : float32 array, shape (channels, samples), in `unit`.
    rate : sampling rate in Hz, > 0.
    unit : "g" where the source allows it, else the source's own word ("V", "unknown").
    label : the class.
    recording_id : unique within its source.
    channels : one name per row of `signal`.
    fault : what is broken ("normal", "inner", "outer", ...), whatever the label's wording;
        None if unknown.
    bearing_id : the physical bearing; None if unknown.
    load : as the source gives it; None if unknown.
    speed_rpm : shaft speed in 1/min; None if unknown.
    fault_orders : characteristic frequencies in multiples of the shaft speed, by name
        ("bpfo", "bpfi", "bsf", "ftf").
    """

    signal: np.ndarray
    rate: float
    unit: str
    label: str
    recording_id: str
    channels: tuple[str, ...]
    fault: str | None = None
    bearing_id: str | None = None
    load: float | None = None
    speed_rpm: float | None = None
    fault_orders: dict[str, float] = field(default_factory=dict)

    @property
    def n_samples(self) -> int:
        return self.signal.shape[1]

    @property
    def seconds(self) -> float:
        return self.n_samples / self.rate


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
        a folder with one sub-folder per class, or "rig" (simulated).
    root : folder of the data sets; default as `bearing-datasets` finds it (environment variable
        BEARING_DATASETS_ROOT, then the folder saved with `bearing-datasets root`).
    task : a name of `dlrsd.training.tasks.TASKS`: fixes recordings, channels and labels.
    channels : names of the channels to keep, in this order. Default: every accelerometer (every
        channel, where there is none) that all recordings have.
    label : metadata column that holds the class, or several joined by "+" (for instance
        "fault_type+fault_severity"); default "fault_type".
    rig_seed : seed of the simulated rig.

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
    # Imported here: each source imports this module.
    from dlrsd.training.class_folder import read_class_folder
    from dlrsd.training.datasets import find_dataset, read_dataset
    from dlrsd.training.rig import simulate_rig

    if data == "rig":
        _refuse("the simulated rig", task=task, channels=channels, label=label)
        return simulate_rig(seed=rig_seed)
    dataset = find_dataset(data, root=root)
    if dataset is not None:
        return read_dataset(dataset, task=task, channels=channels, label=label)
    _refuse("a folder with one sub-folder per class", task=task, label=label)
    return read_class_folder(Path(data).expanduser(), channels=channels)


def to_rate(recordings: Sequence[Recording], rate: float | None = None) -> list[Recording]:
    """Resample all recordings down to one rate.

    Parameters
    ----------
    recordings : any mixture of rates.
    rate : in Hz; default the lowest rate present.

    Returns
    -------
    list of Recording; signals already at `rate` (within 0.1 %) are not touched.

    Raises
    ------
    InputError
        If `rate` is above the rate of a recording: what was not measured cannot be added.
    """
    lowest = min(recordings, key=lambda recording: recording.rate)
    rate = lowest.rate if rate is None else float(rate)
    if rate > lowest.rate:
        raise InputError(
            f"recording {lowest.recording_id} was sampled at {lowest.rate:g} Hz, below the "
            f"{rate:g} Hz asked for: choose a rate of at most {lowest.rate:g} Hz"
        )
    return [
        replace(recording, signal=resampled(recording.signal, recording.rate, rate), rate=rate)
        for recording in recordings
    ]


def classes_of(recordings: Sequence[Recording]) -> list[str]:
    """Class names, sorted, the normal class first."""
    normal = normal_class(recordings)
    return sorted({r.label for r in recordings}, key=lambda label: (label != normal, label))


def normal_class(recordings: Sequence[Recording]) -> str | None:
    """The label of the healthy state, or None if there is none or it has several labels."""
    labels = {r.label for r in recordings if r.fault == "normal"}
    return labels.pop() if len(labels) == 1 else None


def resampled(signal: np.ndarray, source: float, target: float) -> np.ndarray:
    """A signal of shape (channels, samples) at a lower rate.

    Done as the runtime does it, so that what is trained on is what will be diagnosed.
    """
    if source < target * (1 + _SAME_RATE):
        return signal
    chunks = resample([Chunk(signal)], rate_hz=source, target_hz=target, channels=signal.shape[0])
    return np.concatenate([chunk.samples for chunk in chunks], axis=1)


def _refuse(source: str, **options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{source} takes no {name}, got {value!r}: leave it out")
