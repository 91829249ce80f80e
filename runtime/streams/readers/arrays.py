"""What readers of arrays share: which axis is time, and blocks of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.streams.source import BLOCK, Chunk, Source, Variable, choose_series


def arrays_source(arrays: Mapping[str, Any], variable: Variable, path: Path) -> Source:
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


def is_series(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be samples of one or several channels."""
    return len(shape) in (1, 2) and max(shape) > 1 and min(shape) > 0
