"""Open a recording of a kind that describes itself, as blocks of samples.

Every reader returns a `Source`: what the file says of itself, and an iterator of `Chunk`s in the
file's own numbers, rate and unit. Memory stays constant for all kinds but one: the data sets of UFF
files that are text, or have times of their own, are kept whole, up to 1 GiB.

Where a file names its series (MAT, HDF5, TDMS, UFF, CSV, Parquet), those that `variable` names
are the channels, in that order. Without it all numeric series are, and must be equally long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.kinds import Reader, find_reader, refuse_if_other
from dlrsd.runtime.streams.source import Chunk, Source, Variable, readable_as


@cache
def _reader(module: str, function: str) -> Callable[..., Source]:
    """A function of a module beside this one, which is imported when a file of its kind is read."""

    def open_it(*arguments: Any, **options: Any) -> Source:
        here = __name__.rpartition(".")[0]
        source: Source = getattr(import_module(f"{here}.{module}"), function)(*arguments, **options)
        return source

    return open_it


def _begins_wav(head: bytes) -> bool:
    return head[8:12] == b"WAVE" or head[:8] == b"riff\x2e\x91\xcf\x11"  # Wave64


def _begins_lvm(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf").startswith(b"LabVIEW Measurement")


def _begins_hdf5(head: bytes) -> bool:
    return any(head.startswith(b"\x89HDF\r\n\x1a\n", begin) for begin in (0, 512, 1024, 2048))


def _begins_mat(head: bytes) -> bool:
    # Of version 7.3 it is HDF5, and may lack the text before that.
    return re.match(rb"MATLAB \d\.\d MAT-file", head) is not None or _begins_hdf5(head)


def _begins_aiff(head: bytes) -> bool:
    return head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")


def _begins_npz(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04" and b".npy" in head[30:300]


def _begins_uff(head: bytes) -> bool:
    return re.search(rb"^ {4}-1\s*?$", head, re.MULTILINE) is not None


READERS = (
    Reader("WAV", (".wav", ".w64"), _reader("sound", "open_sound"), _begins_wav),
    Reader("FLAC", (".flac",), _reader("sound", "open_sound"), lambda head: head[:4] == b"fLaC"),
    Reader("AIFF", (".aif", ".aiff"), _reader("sound", "open_sound"), _begins_aiff),
    Reader(
        "NPY",
        (".npy",),
        _reader("npy", "open_npy"),
        lambda head: head[:6] == b"\x93NUMPY",
        asks_channels=True,
    ),
    Reader("NPZ", (".npz",), _reader("npy", "open_npz"), _begins_npz, asks_channels=True),
    Reader(
        "HDF5", (".h5", ".hdf5"), _reader("hdf5", "open_hdf5"), _begins_hdf5, asks_channels=True
    ),
    Reader("MAT", (".mat",), _reader("matlab", "open_mat"), _begins_mat, asks_channels=True),
    Reader("TDMS", (".tdms",), _reader("tdms", "open_tdms"), lambda head: head[:4] == b"TDSm"),
    Reader("UFF", (".uff", ".uff58", ".unv"), _reader("uff", "open_uff"), _begins_uff),
    Reader(
        "Parquet",
        (".parquet",),
        _reader("parquet", "open_parquet"),
        lambda head: head[:4] == b"PAR1",
    ),
    Reader(
        "CSV", (".csv", ".tsv", ".txt", ".asc"), _reader("text.table", "open_text"), is_text=True
    ),
    Reader("LVM", (".lvm",), _reader("text.lvm", "open_lvm"), _begins_lvm, is_text=True),
)


def open_file(
    path: Path,
    *,
    variable: Variable = None,
    channels: int | None = None,
    is_raw: bool = False,
) -> Source | None:
    """A recording of a kind that describes itself.

    Parameters
    ----------
    path : Path
    variable : Variable
        The series to read.
    channels : int > 0, optional
        As someone states it, for a matrix that may as well hold windows.
    is_raw : bool
        Whether someone states the type of raw samples.

    Returns
    -------
    Source or None
        None where the file holds raw samples: by its suffix (`kinds.RAW_SUFFIXES`), because
        someone says so, or because it is a pipe.

    Raises
    ------
    InputError
        If its kind is not known, it cannot be read as what it is, or it is not clear which of its
        series are the channels.
    ExtraMissingError
        If the package that reads this kind is not installed.
    """
    reader = find_reader(path, READERS, is_raw=is_raw)
    if reader is None:
        return None
    kind = reader.kind
    with readable_as(kind, path):
        stated = {"channels": channels} if reader.asks_channels else {}
        source = reader.open(path, variable, **stated)
    source.kind = kind
    source.chunks = _guarded(source.chunks, kind, path)
    if source.n_samples == 0:
        raise InputError(f"{path} holds no samples: expected a {kind} recording of at least one")
    return source


def refuse_other_kinds(path: Path) -> None:
    """Check that a file may hold raw samples, as something said of many files together states.

    Raises
    ------
    NoRecordingError
        If it is evidently something else: a text, a picture, an archive.
    """
    refuse_if_other(path, READERS)


def _guarded(chunks: Iterator[Chunk], kind: str, path: Path) -> Iterator[Chunk]:
    with readable_as(kind, path):
        yield from chunks
