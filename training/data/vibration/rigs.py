"""Several data sets at once, each a rig: what makes their recordings comparable.

Gains and units differ from rig to rig, and with some from recording to recording, so under the
protocol `rig` every channel of a recording is divided by its own RMS: amplitude says nothing then,
shape does. Every channel is a recording of its own, as rigs have other sensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.recording import Recording

_ALSO_CALLED = {"ball": "rolling_element"}  # faults, by the names that data sets have for them
OWN_LEVEL = "of its own RMS"  # the unit then
CHANNEL = "sensor"


def names_of(data: str) -> list[str]:
    """The data sets that a user names: one, or several separated by commas.

    Raises
    ------
    InputError
        If a name is empty, or there twice.
    """
    if "," not in data or Path(data).expanduser().exists():
        return [data]
    names = [name.strip() for name in data.split(",")]
    for name in names:
        if not name or names.count(name) > 1:
            raise InputError(
                f"got data {data!r}: expected data sets separated by commas, each of them once, "
                "such as hit_mfs,hit_self"
            )
    return names


def read_rigs(names: Sequence[str], read: Callable[[str], list[Recording]]) -> list[Recording]:
    """Recordings of several data sets, of one channel each, that say which rig they are of.

    Parameters
    ----------
    names : names or folders of data sets.
    read : reads the recordings of one of them.

    Raises
    ------
    InputError
        If two are called the same, or one cannot be read.
    """
    rigs = [Path(name).name for name in names]
    if len(set(rigs)) < len(rigs):
        raise InputError(
            f"two of the data sets {', '.join(names)} are called the same: expected a name of its "
            "own for each rig; rename one of the folders"
        )
    return [
        replace(
            recording,
            signal=recording.signal[[row]],
            channels=(CHANNEL,),
            rig=rig,
            fault=_ALSO_CALLED.get(recording.fault or "", recording.fault),
            recording_id=f"{rig}/{recording.recording_id}/{channel}",
            bearing_id=recording.bearing_id and f"{rig}/{recording.bearing_id}",
        )
        for rig, name in zip(rigs, names, strict=True)
        for recording in read(name)
        for row, channel in enumerate(recording.channels)
    ]


def left_out_rig(recordings: Sequence[Recording], seed: int) -> str:
    """The rig that a seed leaves out: one after the other, in the order in which they were named.

    Raises
    ------
    InputError
        If the recordings are not of two rigs or more.
    """
    rigs = list(dict.fromkeys(recording.rig for recording in recordings))
    if len(rigs) < 2 or None in rigs:
        raise InputError(
            "protocol rig needs two data sets or more: name them separated by commas, such as "
            "hit_mfs,hit_self, or choose another protocol"
        )
    return str(rigs[seed % len(rigs)])


def comparable(recordings: Sequence[Recording], seed: int) -> tuple[list[Recording], str]:
    """Recordings of several rigs at one level, without those of the tested rig whose class no other
    rig has; and a sentence on both.

    Parameters
    ----------
    recordings : of two rigs or more, labelled by the fault's location.
    seed : as of `left_out_rig`.

    Raises
    ------
    InputError
        As `left_out_rig`.
    """
    tested = left_out_rig(recordings, seed)
    known = {recording.label for recording in recordings if recording.rig != tested}
    kept = [r for r in recordings if r.rig != tested or r.label in known]
    unknown = sorted({r.label for r in recordings} - known)
    note = "every recording is divided by its own RMS, as gains and units differ"
    if unknown:
        note += f"; of {tested}, what no other rig has is left out ({', '.join(unknown)})"
    return [_at_own_level(recording) for recording in kept], note


def _at_own_level(recording: Recording) -> Recording:
    finite = np.where(np.isfinite(recording.signal), recording.signal, 0).astype(np.float64)
    rms = np.sqrt((finite**2).mean(axis=1, keepdims=True))
    signal = recording.signal / np.where(rms > 0, rms, 1).astype(np.float32)
    return replace(recording, signal=signal, unit=OWN_LEVEL)
