"""Open a recording of a kind that describes itself, as blocks of samples.

Every reader returns a `Source`: what the file says of itself, and an iterator of `Chunk`s in the
file's own numbers, rate and unit. Memory stays constant for all kinds but two: MAT files up to
version 7 and UFF files are read whole, since their libraries offer nothing else.

Where a file names its series (MAT, HDF5, TDMS, UFF, CSV, Parquet), those that `variable` names
are the channels, in that order. Without it all numeric series are, and must be equally long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.hdf5 import open_hdf5
from dlrsd.runtime.streams.readers.kinds import Reader, find_reader, refuse_if_other
from dlrsd.runtime.streams.readers.matlab import open_mat
from dlrsd.runtime.streams.readers.npy import open_npy
from dlrsd.runtime.streams.readers.parquet import open_parquet
from dlrsd.runtime.streams.readers.sound import open_sound
from dlrsd.runtime.streams.readers.tdms import open_tdms
from dlrsd.runtime.streams.readers.text.lvm import begins_lvm, open_lvm
from dlrsd.runtime.streams.readers.text.table import open_text
from dlrsd.runtime.streams.readers.uff import open_uff
from dlrsd.runtime.streams.source import Chunk, Source, Variable, readable_as


def _begins_hdf5(head: bytes) -> bool:
    return any(head.startswith(b"\x89HDF\r\n\x1a\n", begin) for begin in (0, 512, 1024, 2048))


def _begins_mat(head: bytes) -> bool:
    return (
        re.match(rb"MATLAB \d\.\d MAT-file", head) is not None
    )  # of version 7.3 it is HDF5 within


def _begins_uff(head: bytes) -> bool:
    return re.search(rb"^ {4}-1\s*?$", head, re.MULTILINE) is not None


READERS = (
    Reader("WAV", (".wav",), open_sound, lambda head: head[8:12] == b"WAVE"),
    Reader("FLAC", (".flac",), open_sound, lambda head: head[:4] == b"fLaC"),
    Reader("NPY", (".npy",), open_npy, lambda head: head[:6] == b"\x93NUMPY"),
    Reader("MAT", (".mat",), open_mat, _begins_mat),
    Reader("HDF5", (".h5", ".hdf5"), open_hdf5, _begins_hdf5),
    Reader("TDMS", (".tdms",), open_tdms, lambda head: head[:4] == b"TDSm"),
    Reader("UFF", (".uff", ".uff58", ".unv"), open_uff, _begins_uff),
    Reader("Parquet", (".parquet",), open_parquet, lambda head: head[:4] == b"PAR1"),
    Reader("CSV", (".csv", ".tsv", ".txt", ".asc"), open_text, is_text=True),
    Reader("LVM", (".lvm",), open_lvm, begins_lvm, is_text=True),
)


def open_file(path: Path, *, variable: Variable = None, is_raw: bool = False) -> Source | None:
    """A recording of a kind that describes itself.

    Parameters
    ----------
    path : Path
    variable : Variable
        The series to read.
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
        source = reader.open(path, variable)
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
