"""NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.readers.arrays import arrays_source
from dlrsd.runtime.streams.source import Source, Variable, refuse_variable


def open_npy(path: Path, variable: Variable) -> Source:
    """An array of shape (samples,) or (channels, samples), or the other way round."""
    refuse_variable(variable, path)
    array = _NpyFile(path)
    if array.dtype.kind not in "iuf" or array.ndim not in (1, 2):
        raise InputError(
            f"{path} holds {array.dtype} values of shape {array.shape}: expected real numbers of "
            f"shape (samples,) or (channels, samples)"
        )
    return arrays_source({"": array}, None, path)


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
