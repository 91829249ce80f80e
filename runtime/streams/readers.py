"""Open a recording of a kind that describes itself, told by its suffix, as blocks of samples.

Every reader returns a `Source`: what the file says of itself, and an iterator of `Chunk`s in the
file's own numbers, rate and unit. Memory stays constant for all kinds but two: MAT files up to
version 7 and UFF files are read whole, since their libraries offer nothing else.

Where a file names its series (MAT, HDF5, TDMS, UFF, CSV, Parquet), those that `variable` names
are the channels, in that order. Without it all numeric series are, and must be equally long.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import (
    BLOCK,
    Chunk,
    Source,
    Variable,
    choose_series,
    common_fact,
    readable_as,
    reader_library,
)
from dlrsd.runtime.streams.tables import open_csv, open_parquet

_TDMS_BLOCK = 1 << 19  # samples; each call reads the file's own chunks, however long, as a whole


def open_file(path: Path, *, variable: Variable = None) -> Source | None:
    """A recording of a kind that describes itself, told by its suffix.

    Parameters
    ----------
    path : Path
    variable : Variable
        The series to read.

    Returns
    -------
    Source or None
        None for every other suffix: those files hold raw samples.

    Raises
    ------
    InputError
        If the file cannot be read as what its suffix says, or it is not clear which of its series
        are the channels.
    ExtraMissingError
        If the package that reads this kind is not installed.
    """
    if path.suffix.lower() not in _READERS:
        return None
    kind, reader = _READERS[path.suffix.lower()]
    with readable_as(kind, path):
        source = reader(path, variable)
    source.kind = kind
    source.chunks = _guarded(source.chunks, kind, path)
    if source.n_samples == 0:
        raise InputError(f"{path} holds no samples: expected a {kind} recording of at least one")
    return source


def _open_sound(path: Path, variable: Variable) -> Source:
    _refuse_variable(variable, path)
    sound = reader_library("soundfile", path).SoundFile(path)

    def chunks() -> Iterator[Chunk]:
        while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
            yield Chunk(block.T)

    source = Source(
        chunks(),
        sound.channels,
        rate_hz=float(sound.samplerate),
        n_samples=sound.frames,
        close=sound.close,
    )
    # libsndfile mends the lengths of a cut file silently; only its log tells.
    if re.search(r"^data : .*should be", sound.extra_info, re.MULTILINE):
        source.warnings.append(_shorter_than_said(path))
    return source


def _open_npy(path: Path, variable: Variable) -> Source:
    _refuse_variable(variable, path)
    array = _NpyFile(path)
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2):
        raise InputError(
            f"{path} holds {array.dtype} values of shape {array.shape}: expected real numbers of "
            f"shape (samples,) or (channels, samples)"
        )
    return _arrays_source({"": array}, None, path)


class _NpyFile:
    """Mapped anew for each slice: the pages of a lasting map count as memory of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        array = self._map()
        self.dtype, self.shape, self.ndim = array.dtype, array.shape, array.ndim

    def __getitem__(self, where: Any) -> np.ndarray:
        return np.array(self._map()[where])

    def _map(self) -> np.ndarray:
        array: np.ndarray = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return array


def _open_mat(path: Path, variable: Variable) -> Source:
    matlab = reader_library("scipy.io", path)
    try:
        contents = matlab.whosmat(path)
    except NotImplementedError:  # version 7.3 is HDF5
        return _open_hdf5(path, variable)
    shapes = {
        name: shape
        for name, shape, kind in contents
        if re.fullmatch(r"double|single|u?int\d+", kind) and _is_series(shape)
    }
    names = choose_series({name: max(shape) for name, shape in shapes.items()}, variable, path)
    arrays = matlab.loadmat(path, variable_names=names)
    return _arrays_source({name: arrays[name] for name in names}, variable, path)


def _open_hdf5(path: Path, variable: Variable) -> Source:
    file = reader_library("h5py", path).File(path, "r")
    arrays: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        # MATLAB keeps texts as numbers, and the contents of its cells in a group of their own.
        is_text = item.attrs.get("MATLAB_class") in (b"char", b"logical")
        is_hidden = name.startswith("#")
        is_numeric = hasattr(item, "dtype") and item.dtype.kind in "iuf"
        if is_numeric and _is_series(item.shape) and not is_text and not is_hidden:
            arrays[name] = item

    file.visititems(collect)
    source = _arrays_source(arrays, variable, path)
    source.close = file.close
    return source


def _open_tdms(path: Path, variable: Variable) -> Source:
    # It says on standard error what is said in `warnings` here.
    reader_library("nptdms.log", path).log_manager.set_level(logging.ERROR)
    file = reader_library("nptdms", path).TdmsFile.open(path)
    series = {
        f"{group.name}/{channel.name}": channel
        for group in file.groups()
        for channel in group.channels()
        if channel.dtype is not None and channel.dtype.kind in "iuf" and len(channel)
    }
    names = choose_series({name: len(channel) for name, channel in series.items()}, variable, path)
    chosen = [series[name] for name in names]
    length = len(chosen[0])

    def chunks() -> Iterator[Chunk]:
        for begin in range(0, length, _TDMS_BLOCK):
            size = min(_TDMS_BLOCK, length - begin)
            yield Chunk(np.stack([channel.read_data(begin, size) for channel in chosen]))

    facts = [channel.properties for channel in chosen]
    increment = common_fact(
        "sampling intervals", [each.get("wf_increment") for each in facts], path
    )
    unit = common_fact("units", [each.get("unit_string") for each in facts], path)
    start = facts[0].get("wf_start_time")
    source = Source(
        chunks(),
        len(chosen),
        tuple(names),
        rate_hz=1 / increment if increment else None,
        unit=unit or None,
        start=None if start is None else _utc(start),
        n_samples=length,
        close=file.close,
    )
    if file.file_status.incomplete_final_segment:
        source.warnings.append(_shorter_than_said(path))
    return source


def _open_uff(path: Path, variable: Variable) -> Source:
    file = reader_library("pyuff", path).UFF(str(path))
    numbers = [i for i, kind in enumerate(file.get_set_types()) if int(kind) == 58]
    sets = file.read_sets(numbers) if numbers else []
    series = {
        str(i): each
        for i, each in enumerate(sets if isinstance(sets, list) else [sets])
        if each["func_type"] in (0, 1) and not np.iscomplexobj(each["data"])
    }
    if not series:
        raise InputError(
            f"{path} has no data set 58 of time samples: expected one for each channel"
        )
    names = choose_series(
        {name: len(each["data"]) for name, each in series.items()}, variable, path
    )
    chosen = [series[name] for name in names]
    intervals = []
    for each in chosen:
        steps = np.diff(each["x"])
        intervals.append(float(f"{steps.mean():.6g}") if steps.size else 0.0)
        if (abs(steps - intervals[-1]) > intervals[-1] / 2).any():
            raise InputError(f"{path} is sampled at uneven times: expected one sampling interval")
    increment = common_fact("sampling intervals", intervals, path)
    unit = common_fact("units", [each.get("ordinate_axis_units_lab") for each in chosen], path)
    source = _arrays_source({name: series[name]["data"] for name in names}, variable, path)
    source.rate_hz = 1 / increment if increment else None
    source.unit = None if (unit or "").strip() in ("", "NONE") else unit.strip()
    return source


_READERS: dict[str, tuple[str, Callable[[Path, Variable], Source]]] = {
    ".wav": ("WAV", _open_sound),
    ".flac": ("FLAC", _open_sound),
    ".npy": ("NPY", _open_npy),
    ".mat": ("MAT", _open_mat),
    ".h5": ("HDF5", _open_hdf5),
    ".hdf5": ("HDF5", _open_hdf5),
    ".tdms": ("TDMS", _open_tdms),
    ".uff": ("UFF", _open_uff),
    ".uff58": ("UFF", _open_uff),
    ".unv": ("UFF", _open_uff),
    ".csv": ("CSV", open_csv),
    ".parquet": ("Parquet", open_parquet),
}


def _arrays_source(arrays: Mapping[str, Any], variable: Variable, path: Path) -> Source:
    """Arrays that can be sliced, in memory or not; the longer axis is time."""
    names = choose_series(
        {name: max(array.shape) for name, array in arrays.items()}, variable, path
    )
    chosen = [arrays[name] for name in names]
    length = max(chosen[0].shape)
    widths = [min(array.shape) if array.ndim == 2 else 1 for array in chosen]
    if length in widths and length > 1:
        raise InputError(
            f"{path} holds an array of shape ({length}, {length}): expected one axis (time) to be "
            f"longer than the other (channels)"
        )

    def block(array: Any, begin: int) -> np.ndarray:
        some = slice(begin, begin + BLOCK)
        if array.ndim == 1:
            return np.asarray(array[some])[None]
        return np.asarray(array[:, some] if array.shape[1] == length else array[some].T)

    channel_names = tuple(
        name if width == 1 else f"{name}[{i}]"
        for name, width in zip(names, widths, strict=True)
        for i in range(width)
    )
    return Source(
        (
            Chunk(np.concatenate([block(array, begin) for array in chosen]))
            for begin in range(0, length, BLOCK)
        ),
        sum(widths),
        channel_names if any(names) else (),
        n_samples=length,
    )


def _is_series(shape: tuple[int, ...]) -> bool:
    return len(shape) in (1, 2) and max(shape) > 1 and min(shape) > 0


def _refuse_variable(variable: Variable, path: Path) -> None:
    if isinstance(variable, str):
        raise InputError(f"variable is {variable!r}, but {path} does not name its series: omit it")


def _shorter_than_said(path: Path) -> str:
    return f"{path} is shorter than its header says: read up to its end"


def _utc(moment: Any) -> datetime:
    naive: datetime = np.datetime64(moment, "us").astype(datetime)
    return naive.replace(tzinfo=timezone.utc)


def _guarded(chunks: Iterator[Chunk], kind: str, path: Path) -> Iterator[Chunk]:
    with readable_as(kind, path):
        yield from chunks
