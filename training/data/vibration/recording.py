"""Recordings: what a sensor wrote while the machine was in one known state.

`load` reads them; everything after it (splits, windows, training) sees only `Recording`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map import ORDERS, Kinematics
from dlrsd.runtime.streams.resample import resample
from dlrsd.runtime.streams.source import Chunk

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
    rig : the data set, where several were read; None where one was.
    grade : how hard it is to diagnose ("Y1" to "N2"), where a study says so (`cwru_grades`).
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
    rig: str | None = None
    grade: str | None = None

    @property
    def n_samples(self) -> int:
        return self.signal.shape[1]

    @property
    def seconds(self) -> float:
        return self.n_samples / self.rate


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


def kinematics(recording: Recording) -> Kinematics:
    """Speed and fault orders of a recording.

    Raises
    ------
    InputError
        If it does not state them.
    """
    if missing := missing_kinematics(recording):
        raise InputError(
            f"recording {recording.recording_id} does not state {', '.join(missing)}: the order "
            "map and the lines need the shaft's speed and the bearing's fault orders of all; state "
            "them (in a folder: speed_rpm and orders in format.json), or use the scalogram"
        )
    assert recording.speed_rpm is not None  # noqa: S101 - for type checkers
    return Kinematics(recording.speed_rpm, **recording.fault_orders)


def missing_kinematics(recording: Recording) -> list[str]:
    """What a recording does not state of its speed and fault orders."""
    stated = {"speed_rpm": recording.speed_rpm, **recording.fault_orders}
    return [name for name in ("speed_rpm", *ORDERS) if not stated.get(name)]
