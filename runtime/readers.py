"""Open a recording of any supported kind as blocks of samples.

Every reader returns a `Source`: what the file says of itself, and an iterator of `Chunk`s in the
file's own numbers, rate and unit. Memory stays constant for all kinds but two: MAT files up to
version 7 and UFF files are read whole, since their libraries offer nothing else.

Where a file names its series (MAT, HDF5, TDMS, UFF, CSV, Parquet), those that `variable` names
are the channels, in that order. Without it all numeric series are, and must be equally long.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import chain, islice, pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from dlrsd.runtime.errors import DlrsdError, InputError, require

DTYPES = {"f32le": "<f4", "f64le": "<f8", "s16le": "<i2", "s24le": "", "s32le": "<i4"}

_BLOCK = 1 << 16  # samples of every channel
_TDMS_BLOCK = 1 << 19  # samples; each call reads the file's own chunks, however long, as a whole
_RAW_BLOCK = 1 << 20  # bytes


@dataclass(frozen=True)
class Chunk:
    """Consecutive samples of a stream.

    Attributes
    ----------
    samples : np.ndarray [shape=(channels, n)], real floating
    gap_before : int >= 0
        Samples that are missing before them, by the recording's own timestamps.
    """

    samples: np.ndarray
    gap_before: int = 0


@dataclass
class Source:
    """An open recording, and what its own header says of it (None: nothing).

    Attributes
    ----------
    chunks : iterator of Chunk
    channels : int > 0
    channel_names : tuple of str
        Empty where the file does not name them.
    rate_hz : float > 0, optional
    unit : str, optional
    start : datetime, optional
    n_samples : int, optional
        Samples of each channel.
    kind : str
        "raw", "WAV", ...
    trailing_bytes : int >= 0
        Bytes after the last whole frame of raw samples; known when the stream has ended.
    warnings : list of str
        What a person should know; complete when the stream has ended.
    """

    chunks: Iterator[Chunk]
    channels: int
    channel_names: tuple[str, ...] = ()
    rate_hz: float | None = None
    unit: str | None = None
    start: datetime | None = None
    n_samples: int | None = None
    kind: str = ""
    trailing_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def open_raw(file: io.RawIOBase, *, name: str, dtype: str, channels: int) -> Source:
    """Raw interleaved samples, handed out as soon as they are there.

    Parameters
    ----------
    file : io.RawIOBase
        A regular file, pipe or standard input, opened without a buffer.
    name : str
        What messages call it.
    dtype : str
        One of `DTYPES`. Integers come as they are stored, not as a fraction of full scale.
    channels : int > 0

    Raises
    ------
    InputError
        If there is not one whole frame (one sample of every channel): for a regular file here,
        for a pipe when it has ended.
    """
    frame_bytes = int(dtype[1:-2]) // 8 * channels
    status = os.fstat(file.fileno())
    is_regular = stat.S_ISREG(status.st_mode)

    def check_end(size: int) -> None:
        frame = f"frame of {frame_bytes} bytes ({channels} x {dtype})"
        if size < frame_bytes:
            raise InputError(
                f"{name} holds {size} bytes: expected at least one {frame}; check the file, dtype "
                f"and channels"
            )
        if rest := size % frame_bytes:
            source.trailing_bytes = rest
            source.warnings.append(
                f"{name} ends with {rest} bytes that are no whole {frame}: left out; it is "
                f"truncated, or dtype or channels are wrong"
            )

    def chunks() -> Iterator[Chunk]:
        rest, size = b"", 0
        with file, _readable_as("raw samples", name):
            while data := file.read(_RAW_BLOCK):
                size += len(data)
                data = rest + data
                whole = len(data) - len(data) % frame_bytes
                rest = data[whole:]
                if whole:
                    samples = _decode(data[:whole], dtype).reshape(-1, channels)
                    yield Chunk(np.ascontiguousarray(samples.T))
            if not is_regular:
                check_end(size)

    source = Source(chunks(), channels, kind="raw")
    if is_regular:
        check_end(status.st_size)
        source.n_samples = status.st_size // frame_bytes
    return source


def open_file(path: Path, *, variable: str | None = None) -> Source | None:
    """A recording of a kind that describes itself, told by its suffix.

    Parameters
    ----------
    path : Path
    variable : str, optional
        Name of the series to read, or several separated by commas.

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
    with _readable_as(kind, path):
        source = reader(path, variable)
    source.kind = kind
    source.chunks = _guarded(source.chunks, kind, path)
    if source.n_samples == 0:
        raise InputError(f"{path} holds no samples: expected a {kind} recording of at least one")
    return source


def _decode(data: bytes, dtype: str) -> np.ndarray:
    if dtype != "s24le":
        return np.frombuffer(data, DTYPES[dtype])
    words = np.zeros((len(data) // 3, 4), np.uint8)
    words[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return words.view("<i4")[:, 0] >> 8


def _open_sound(path: Path, variable: str | None) -> Source:
    _refuse_variable(variable, path)
    sound = _library("soundfile", path).SoundFile(path)

    def chunks() -> Iterator[Chunk]:
        with sound:
            while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
                yield Chunk(block.T)

    source = Source(
        chunks(), sound.channels, rate_hz=float(sound.samplerate), n_samples=sound.frames
    )
    # libsndfile mends the lengths of a cut file silently; only its log tells.
    if re.search(r"^data : .*should be", sound.extra_info, re.MULTILINE):
        source.warnings.append(f"{path} is shorter than its header says: read up to its end")
    return source


def _open_npy(path: Path, variable: str | None) -> Source:
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
        return np.load(self._path, mmap_mode="r", allow_pickle=False)


def _open_mat(path: Path, variable: str | None) -> Source:
    matlab = _library("scipy.io", path)
    try:
        contents = matlab.whosmat(path)
    except NotImplementedError:  # version 7.3 is HDF5
        return _open_hdf5(path, variable)
    shapes = {
        name: shape
        for name, shape, kind in contents
        if re.fullmatch(r"double|single|u?int\d+", kind) and _is_series(shape)
    }
    names = _choose({name: max(shape) for name, shape in shapes.items()}, variable, path)
    arrays = matlab.loadmat(path, variable_names=names)
    return _arrays_source({name: arrays[name] for name in names}, variable, path)


def _open_hdf5(path: Path, variable: str | None) -> Source:
    file = _library("h5py", path).File(path, "r")
    arrays: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        # MATLAB keeps texts as numbers, and the contents of its cells in a group of their own.
        is_text = item.attrs.get("MATLAB_class") in (b"char", b"logical")
        is_hidden = name.startswith("#")
        is_numeric = hasattr(item, "dtype") and item.dtype.kind in "iuf"
        if is_numeric and _is_series(item.shape) and not is_text and not is_hidden:
            arrays[name] = item

    file.visititems(collect)
    return _arrays_source(arrays, variable, path)


def _open_tdms(path: Path, variable: str | None) -> Source:
    file = _library("nptdms", path).TdmsFile.open(path)
    series = {
        f"{group.name}/{channel.name}": channel
        for group in file.groups()
        for channel in group.channels()
        if channel.dtype is not None and channel.dtype.kind in "iuf" and len(channel)
    }
    names = _choose({name: len(channel) for name, channel in series.items()}, variable, path)
    chosen = [series[name] for name in names]
    length = len(chosen[0])

    def chunks() -> Iterator[Chunk]:
        with file:
            for begin in range(0, length, _TDMS_BLOCK):
                size = min(_TDMS_BLOCK, length - begin)
                yield Chunk(np.stack([channel.read_data(begin, size) for channel in chosen]))

    facts = [channel.properties for channel in chosen]
    increment = _common("sampling intervals", [each.get("wf_increment") for each in facts], path)
    unit = _common("units", [each.get("unit_string") for each in facts], path)
    start = facts[0].get("wf_start_time")
    return Source(
        chunks(),
        len(chosen),
        tuple(names),
        rate_hz=1 / increment if increment else None,
        unit=unit or None,
        start=None if start is None else _utc(start),
        n_samples=length,
    )


def _open_uff(path: Path, variable: str | None) -> Source:
    file = _library("pyuff", path).UFF(str(path))
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
    names = _choose({name: len(each["data"]) for name, each in series.items()}, variable, path)
    chosen = [series[name] for name in names]
    intervals = []
    for each in chosen:
        steps = np.diff(each["x"])
        intervals.append(float(f"{steps.mean():.6g}") if steps.size else 0.0)
        if (abs(steps - intervals[-1]) > intervals[-1] / 2).any():
            raise InputError(f"{path} is sampled at uneven times: expected one sampling interval")
    increment = _common("sampling intervals", intervals, path)
    unit = _common("units", [each.get("ordinate_axis_units_lab") for each in chosen], path)
    source = _arrays_source({name: series[name]["data"] for name in names}, variable, path)
    source.rate_hz = 1 / increment if increment else None
    source.unit = None if (unit or "").strip() in ("", "NONE") else unit.strip()
    return source


def _open_csv(path: Path, variable: str | None) -> Source:
    arrow, csv = _library("pyarrow", path), _library("pyarrow.csv", path)
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = list(islice(file, 100))
    rows = [i for i, line in enumerate(lines) if line.strip() and line[0] not in "#%"]
    if not rows:
        raise InputError(f"{path} holds no rows: expected numbers")
    delimiter = next((mark for mark in "\t;," if mark in lines[rows[0]]), ",")
    decimal = "," if delimiter == ";" else "."

    def cells(row: int) -> list[str]:
        return [cell.strip().strip('"') for cell in lines[row].split(delimiter)]

    first = cells(rows[0])
    has_header = not all(_is_number(cell, decimal) or _is_timestamp(cell) for cell in first)
    names = first if has_header else [str(i) for i in range(len(first))]
    types = dict.fromkeys(names, arrow.float64())
    stamp = cells(rows[1])[0] if has_header and len(rows) > 1 else first[0]
    if _is_timestamp(stamp):
        zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", stamp) else None
        types[names[0]] = arrow.timestamp("ns", tz=zone)
    reader = csv.open_csv(
        path,
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=1 << 18,
            skip_rows=rows[0] + has_header,
            column_names=names,
        ),
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(column_types=types, decimal_point=decimal),
    )
    return _table_source(reader.schema, reader, variable, path, named=has_header)


def _open_parquet(path: Path, variable: str | None) -> Source:
    # Read by pages of this size: row groups may be as long as the recording.
    file = _library("pyarrow.parquet", path).ParquetFile(
        path, buffer_size=1 << 18, pre_buffer=False
    )
    batches = file.iter_batches(batch_size=_BLOCK)
    source = _table_source(file.schema_arrow, batches, variable, path, named=True)
    source.n_samples = file.metadata.num_rows
    return source


_READERS: dict[str, tuple[str, Callable[[Path, str | None], Source]]] = {
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
    ".csv": ("CSV", _open_csv),
    ".parquet": ("Parquet", _open_parquet),
}


def _arrays_source(arrays: Mapping[str, Any], variable: str | None, path: Path) -> Source:
    """Arrays that can be sliced, in memory or not; the longer axis is time."""
    names = _choose({name: max(array.shape) for name, array in arrays.items()}, variable, path)
    chosen = [arrays[name] for name in names]
    length = max(chosen[0].shape)
    widths = [min(array.shape) if array.ndim == 2 else 1 for array in chosen]
    if length in widths and length > 1:
        raise InputError(
            f"{path} holds an array of shape ({length}, {length}): expected one axis (time) to be "
            f"longer than the other (channels)"
        )

    def block(array: Any, begin: int) -> np.ndarray:
        some = slice(begin, begin + _BLOCK)
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
            for begin in range(0, length, _BLOCK)
        ),
        sum(widths),
        channel_names if any(names) else (),
        n_samples=length,
    )


# A first column so named holds the time of each row, in seconds unless its name has the unit.
_CLOCK = re.compile(
    r"(time|timestamp|datetime|date|t)[ _]*[\[(]?(s|sec|seconds|ms|us|ns)?[\])]?", re.IGNORECASE
)
_SECONDS = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}
# Steps of a clock up to this many usual ones are jitter; a longer one is a gap.
_LONGEST_STEP = 1.5


def _table_source(
    schema: Any, batches: Iterable[Any], variable: str | None, path: Path, *, named: bool
) -> Source:
    """Arrow record batches: a column per channel; the first one may be a clock."""
    filled = (batch for batch in batches if batch.num_rows)
    head = next(filled, None)
    if head is None:
        raise InputError(f"{path} holds no rows: expected numbers")
    numeric = [each.name for each in schema if re.match(r"u?int|float|double|half", str(each.type))]
    clock = _find_clock(schema, head, numeric, named)
    names = _choose({name: 0 for name in numeric if name != clock}, variable, path)
    everything = chain([head], filled)

    def samples(batch: Any) -> np.ndarray:
        return np.stack(
            [batch.column(name).to_numpy(zero_copy_only=False).astype(float) for name in names]
        )

    if clock is None:
        return Source((Chunk(samples(batch)) for batch in everything), len(names), tuple(names))

    said = _CLOCK.fullmatch(clock) if named else None
    seconds = _SECONDS.get((said[2] or "").lower(), 1.0) if said else 1.0
    times = _times(head.column(clock), seconds)
    steps = np.diff(times)
    usual = float(np.median(steps)) if steps.size else 0.0
    if usual > 0:
        interval = float(steps[(steps >= 0) & (steps < _LONGEST_STEP * usual)].mean())
        chunks = _timed(everything, clock, seconds, interval, _LONGEST_STEP * usual, samples)
    else:
        chunks = (Chunk(samples(batch)) for batch in everything)
    source = Source(chunks, len(names), tuple(names))
    is_timestamp = str(schema.field(clock).type).startswith("timestamp")
    is_counter = not said and not is_timestamp and usual == 1 and float(times[0]).is_integer()
    if usual > 0 and not is_counter:
        source.rate_hz = 1 / interval
    if not usual > 0:
        source.warnings.append(
            f"the times in column {clock!r} of {path} do not increase from row to row: no rate "
            f"and no gaps are taken from them"
        )
    if is_timestamp:
        source.start = datetime(1970, 1, 1) + timedelta(seconds=float(times[0]))
        if schema.field(clock).type.tz:
            source.start = source.start.replace(tzinfo=timezone.utc)
    return source


def _find_clock(schema: Any, head: Any, numeric: Sequence[str], named: bool) -> str | None:
    first = schema.names[0]
    if len(schema.names) < 2:
        return None
    if str(schema.field(first).type).startswith("timestamp"):
        return first
    if first not in numeric:
        return None
    if named and first:
        return first if _CLOCK.fullmatch(first) else None
    # Without a name: vibration does not rise 16 times in a row, a clock or a row number does.
    values = _times(head.column(first), 1.0)
    return first if len(values) > 16 and bool((np.diff(values) > 0).all()) else None


def _times(column: Any, seconds: float) -> np.ndarray:
    if str(column.type).startswith("timestamp"):
        column, seconds = column.cast("timestamp[ns]").cast("int64"), 1e-9
    return column.to_numpy(zero_copy_only=False).astype(float) * seconds


def _timed(
    batches: Iterable[Any],
    clock: str,
    seconds: float,
    interval: float,
    longest: float,
    samples: Callable[[Any], np.ndarray],
) -> Iterator[Chunk]:
    """Split at the jumps of the clock, and count what is missing there."""
    last = None
    for batch in batches:
        times, values = _times(batch.column(clock), seconds), samples(batch)
        steps = np.diff(times, prepend=times[0] if last is None else last)
        last = times[-1]
        # A clock that was set back says nothing on how much was lost: count one.
        jumps = np.flatnonzero((steps > longest) | (steps < 0))
        bounds = np.unique([0, *jumps, len(times)])
        for begin, end in pairwise(bounds.tolist()):
            lost = max(1, round(steps[begin] / interval) - 1) if begin in jumps else 0
            yield Chunk(values[:, begin:end], lost)


def _is_series(shape: tuple[int, ...]) -> bool:
    return len(shape) in (1, 2) and max(shape) > 1 and min(shape) > 0


def _choose(lengths: Mapping[str, int], variable: str | None, path: Path) -> list[str]:
    listing = ", ".join(f"{name} ({n})" if n else name for name, n in lengths.items())
    if variable is not None:
        names = [name.strip() for name in variable.split(",")]
        if unknown := [name for name in names if name not in lengths]:
            raise InputError(f"{path} has no series {unknown[0]!r}: it holds {listing or 'none'}")
    else:
        names = list(lengths)
    if not names:
        raise InputError(f"{path} holds no series of real numbers: expected one for each channel")
    if len({lengths[name] for name in names}) > 1:
        raise InputError(
            f"{path} holds series of different lengths: {listing}; name those to read as variable"
        )
    return names


def _common(what: str, values: Sequence[Any], path: Path) -> Any:
    if any(value != values[0] for value in values):
        raise InputError(
            f"the channels of {path} have different {what} ({', '.join(map(str, values))}): name "
            f"those to read as variable"
        )
    return values[0]


def _refuse_variable(variable: str | None, path: Path) -> None:
    if variable is not None:
        raise InputError(f"variable is {variable!r}, but {path} does not name its series: omit it")


def _utc(moment: Any) -> datetime:
    naive = np.datetime64(moment, "us").astype(datetime)
    return naive.replace(tzinfo=timezone.utc)


def _is_number(text: str, decimal: str) -> bool:
    try:
        float(text.replace(decimal, ".") or "nan")
    except ValueError:
        return False
    return True


def _is_timestamp(text: str) -> bool:
    return re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text) is not None


def _library(module: str, path: Path) -> ModuleType:
    return require(module, extra="io", purpose=f"reading {path}")


@contextmanager
def _readable_as(kind: str, path: Path | str) -> Iterator[None]:
    try:
        yield
    except DlrsdError:
        raise
    except Exception as error:  # every library has its own ways to say that a file is damaged
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"{path} cannot be read as {kind}: {reason}") from error


def _guarded(chunks: Iterator[Chunk], kind: str, path: Path) -> Iterator[Chunk]:
    with _readable_as(kind, path):
        yield from chunks
