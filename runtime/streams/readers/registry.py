"""Open a recording of a kind that describes itself, told by its suffix, as blocks of samples.

Every reader returns a `Source`: what the file says of itself, and an iterator of `Chunk`s in the
file's own numbers, rate and unit. Memory stays constant for all kinds but three: what is packed in
MAT files up to version 7 and in NPZ, and UFF files, are kept whole, up to 1 GiB.

Where a file names its series (MAT, HDF5, TDMS, UFF, CSV, Parquet), those that `variable` names
are the channels, in that order. Without it all numeric series are, and must be equally long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.hdf5 import open_hdf5
from dlrsd.runtime.streams.readers.matlab import open_mat
from dlrsd.runtime.streams.readers.npy import open_npy, open_npz
from dlrsd.runtime.streams.readers.sound import open_sound
from dlrsd.runtime.streams.readers.tables import open_csv, open_parquet
from dlrsd.runtime.streams.readers.tdms import open_tdms
from dlrsd.runtime.streams.readers.uff import open_uff
from dlrsd.runtime.streams.source import Chunk, Source, Variable, readable_as


class Reader(Struct, frozen=True):
    """A kind of file: what people call it, how its names end, and what opens it.

    With `asks_channels` it also takes how many channels there are, or None: its matrices may not
    show which axis is theirs.
    """

    kind: str
    suffixes: tuple[str, ...]
    open: Callable[..., Source]
    asks_channels: bool = False


READERS = (
    Reader("WAV", (".wav",), open_sound),
    Reader("FLAC", (".flac",), open_sound),
    Reader("NPY", (".npy",), open_npy, asks_channels=True),
    Reader("NPZ", (".npz",), open_npz, asks_channels=True),
    Reader("MAT", (".mat",), open_mat, asks_channels=True),
    Reader("HDF5", (".h5", ".hdf5"), open_hdf5, asks_channels=True),
    Reader("TDMS", (".tdms",), open_tdms),
    Reader("UFF", (".uff", ".uff58", ".unv"), open_uff),
    Reader("CSV", (".csv",), open_csv),
    Reader("Parquet", (".parquet",), open_parquet),
)
_BY_SUFFIX = {suffix: reader for reader in READERS for suffix in reader.suffixes}


def open_file(
    path: Path, *, variable: Variable = None, channels: int | None = None
) -> Source | None:
    """A recording of a kind that describes itself, told by its suffix.

    Parameters
    ----------
    path : Path
    variable : Variable
        The series to read.
    channels : int > 0, optional
        As someone states it, for a matrix that may as well hold windows.

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
    reader = _BY_SUFFIX.get(path.suffix.lower())
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


def _guarded(chunks: Iterator[Chunk], kind: str, path: Path) -> Iterator[Chunk]:
    with readable_as(kind, path):
        yield from chunks
