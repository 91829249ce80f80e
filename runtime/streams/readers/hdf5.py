"""HDF5 files, and MATLAB files of version 7.3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlrsd.runtime.streams.readers.arrays import arrays_source, is_series
from dlrsd.runtime.streams.source import Source, Variable, reader_library


def open_hdf5(path: Path, variable: Variable) -> Source:
    """The data sets of real numbers in an HDF5 file, in whichever group."""
    file = reader_library("h5py", path).File(path, "r")
    arrays: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        # MATLAB keeps texts as numbers, and the contents of its cells in a group of their own.
        is_text = item.attrs.get("MATLAB_class") in (b"char", b"logical")
        is_hidden = name.startswith("#")
        is_numeric = hasattr(item, "dtype") and item.dtype.kind in "iuf"
        if is_numeric and is_series(item.shape) and not is_text and not is_hidden:
            arrays[name] = item

    file.visititems(collect)
    source = arrays_source(arrays, variable, path)
    source.close = file.close
    return source
