"""Recordings from a folder with one sub-folder per class.

    DATA/normal/a.wav
    DATA/outer/bearing_1/b.bin      the bearing, where files lie one folder deeper
    DATA/outer/bearing_1/b.bin.json what `b.bin` does not say itself (its sidecar)
    DATA/format.json                the same for all files; it wins over their sidecars

The runtime's own readers read them, so every file that can be diagnosed can be trained on, and
what a sidecar may say is what a stream's sidecar may say (rate, unit, channels, scale, dtype,
variable; speed_rpm and orders, which the order map needs).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlrsd.runtime.base.errors import DlrsdWarning, InputError
from dlrsd.runtime.streams.readers.kinds import NoRecordingError
from dlrsd.runtime.streams.readers.registry import refuse_other_kinds
from dlrsd.runtime.streams.stream import SampleStream, SignalSpec, StreamFormat, open_stream
from dlrsd.runtime.streams.stream_format import read_sidecar
from dlrsd.training.data.vibration.recording import Recording

HEALTHY_NAMES = {"normal", "healthy", "health", "baseline", "good", "ok"}
_LISTED = 8


def read_class_folder(folder: Path, *, channels: Sequence[str] | None = None) -> list[Recording]:
    """Read every file of every class.

    Parameters
    ----------
    folder : holds one sub-folder per class; its name is the label, and a class called normal or
        healthy (or baseline, good, ok) is the normal class.
    channels : names of the channels to keep, in this order; default all. Channels that the files
        do not name, or name differently from file to file, are called "1", "2", ...

    Returns
    -------
    list of Recording, by class and file name. A file with missing samples gives one recording for
    each part without a gap. Files that are no recordings (notes, pictures, archives, hidden ones)
    are left out, and a `DlrsdWarning` names them.

    Raises
    ------
    InputError
        If a class has no recording, one cannot be read or does not say its rate, or a channel is
        not in all files.
    """
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise InputError(
            f"{folder} has no sub-folder: one per class is expected, with its recordings in it"
        )
    common = read_sidecar(folder / "format.json", bundle_unit="g")
    recordings: list[Recording] = []
    others: list[str] = []
    for path in classes:
        found = {file: _read_if_recording(file, path, common) for file in _files(path)}
        read = [each for each in found.values() if isinstance(each, list)]
        if not read:
            reason = next((f" ({each})" for each in found.values()), "")
            raise InputError(
                f"class folder {path} holds no recording: fill it, or remove it{reason}"
            )
        recordings += [recording for parts in read for recording in parts]
        others += [
            file.relative_to(folder).as_posix()
            for file, each in found.items()
            if isinstance(each, NoRecordingError)
        ]
    _say_left_out(others + _hidden(folder), folder)
    return _chosen(_with_common_names(recordings), channels)


def _files(folder: Path) -> list[Path]:
    """Files of a class, without hidden ones and the sidecars of others."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not (path.suffix == ".json" and path.with_suffix("").is_file())
    )


def _hidden(folder: Path) -> list[str]:
    paths = sorted(path for path in folder.rglob(".*") if not path.match("*/.*/*"))
    return [path.relative_to(folder).as_posix() for path in paths]


def _say_left_out(names: Sequence[str], folder: Path) -> None:
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        warnings.warn(
            f"files in {folder} that are no recordings are left out: "
            + ", ".join(names[:_LISTED])
            + more,
            DlrsdWarning,
            stacklevel=3,
        )


def _read_if_recording(
    path: Path, class_folder: Path, common: StreamFormat
) -> list[Recording] | NoRecordingError:
    try:
        return _read_file(path, class_folder, common)
    except NoRecordingError as error:
        return error


def _read_file(path: Path, class_folder: Path, common: StreamFormat) -> list[Recording]:
    own = read_sidecar(path.with_name(f"{path.name}.json"), bundle_unit="g")
    if common.dtype is not None and own.dtype is None:
        refuse_other_kinds(path)
    # Opened twice: the first time to learn the rate, so that the second keeps it.
    with open_stream(path, common, default=SignalSpec(1.0, "g", 1)) as stream:
        facts = stream.description
    if "rate" in facts["assumed"]:
        raise InputError(
            f"{path} does not say its sampling rate: write it to {path.name}.json beside it, or "
            f'to {class_folder.parent / "format.json"} for all files, as {{"rate": 12000}}'
        )
    with open_stream(path, common, default=SignalSpec(facts["rate_hz"], "g", 1)) as stream:
        signals = _parts_without_gap(stream)
    names = facts["channel_names"]
    channels = tuple(names[number] for number in stream.numbers) if names else ()
    inside = path.relative_to(class_folder)
    label = class_folder.name
    name = f"{label}/{inside.as_posix()}"
    return [
        Recording(
            signal=signal,
            rate=facts["rate_hz"],
            unit="unknown" if "unit" in facts["assumed"] else "g",
            label=label,
            recording_id=name if part == 0 else f"{name}#{part + 1}",
            channels=channels or _numbered(len(signal)),
            fault="normal" if label.lower() in HEALTHY_NAMES else label,
            speed_rpm=facts["speed_rpm"],
            fault_orders=facts["orders"] or {},
            bearing_id=f"{label}/{inside.parts[0]}" if len(inside.parts) > 1 else None,
        )
        for part, signal in enumerate(signals)
    ]


def _parts_without_gap(stream: SampleStream) -> list[np.ndarray]:
    parts: list[list[np.ndarray]] = [[]]
    for chunk in stream:
        if chunk.gap_before and parts[-1]:
            parts.append([])
        parts[-1].append(chunk.samples)
    return [np.concatenate(chunks, axis=1) for chunks in parts]


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(n))


def _with_common_names(recordings: list[Recording]) -> list[Recording]:
    names = {r.channels for r in recordings}
    if len(names) == 1 or len({len(r.signal) for r in recordings}) > 1:
        return recordings
    return [replace(r, channels=_numbered(len(r.signal))) for r in recordings]


def _chosen(recordings: list[Recording], channels: Sequence[str] | None) -> list[Recording]:
    if channels is None:
        return recordings
    chosen = []
    for r in recordings:
        for name in channels:
            if name not in r.channels:
                raise InputError(
                    f"{r.recording_id} has no channel {name!r}: it has {', '.join(r.channels)}"
                )
        rows = [r.channels.index(name) for name in channels]
        chosen.append(replace(r, signal=r.signal[rows], channels=tuple(channels)))
    return chosen
