"""MATLAB files: up to version 7 by element, version 7.3 as the HDF5 it is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.readers.hdf5 import open_hdf5
from dlrsd.runtime.streams.readers.holding import Holding, check_memory, is_series
from dlrsd.runtime.streams.readers.mat5 import read_mat5
from dlrsd.runtime.streams.source import Source, Variable, reader_library

_HDF5 = b"\x89HDF\r\n\x1a\n"


def open_mat(path: Path, variable: Variable, channels: int | None = None) -> Source:
    """The vectors and matrices of real numbers in a MAT file."""
    with path.open("rb") as file:
        beginning = file.read(520)
    if _HDF5 in (beginning[:8], beginning[512:]):
        return open_hdf5(path, variable, channels)
    is_4 = 0 in beginning[:4]
    return arrays_source(_read_mat4(path) if is_4 else read_mat5(path), variable, path, channels)


@np.errstate(all="ignore")
def _read_mat4(path: Path) -> Holding:
    """What the oldest kind holds, in memory."""
    check_memory(path.stat().st_size, path, "save it with -v7.3")
    matlab = reader_library("scipy.io", path)
    holding, names = Holding(facts={"": {}}), []
    for name, shape, kind in matlab.whosmat(path):
        if re.fullmatch(r"double|single|char|u?int\d+", kind) and min(shape) > 0:
            names.append(name)
        elif kind != "char":
            holding.left[name] = f"is {kind}"
    for name, array in matlab.loadmat(path, variable_names=names).items():
        if name not in names:
            continue
        if array.dtype.kind == "U":
            holding.facts[""][name] = str(array[0])
        elif array.dtype.kind not in "iuf":
            holding.left[name] = "is complex"
        elif is_series(array.shape):
            holding.arrays[name] = array
        else:
            holding.facts[""][name] = array.item()
    return holding
