"""MATLAB files: up to version 7 read whole, version 7.3 as the HDF5 it is."""

from __future__ import annotations

import re
from pathlib import Path

from dlrsd.runtime.streams.readers.arrays import arrays_source, is_series
from dlrsd.runtime.streams.readers.hdf5 import open_hdf5
from dlrsd.runtime.streams.source import Source, Variable, choose_series, reader_library


def open_mat(path: Path, variable: Variable) -> Source:
    """The vectors and matrices of real numbers in a MAT file."""
    matlab = reader_library("scipy.io", path)
    try:
        contents = matlab.whosmat(path)
    except NotImplementedError:  # version 7.3 is HDF5
        return open_hdf5(path, variable)
    shapes = {
        name: shape
        for name, shape, kind in contents
        if re.fullmatch(r"double|single|u?int\d+", kind) and is_series(shape)
    }
    names = choose_series({name: max(shape) for name, shape in shapes.items()}, variable, path)
    arrays = matlab.loadmat(path, variable_names=names)
    return arrays_source({name: arrays[name] for name in names}, variable, path)
