"""An engine runs a bundle's graph: raw windows in; probabilities, embedding and novelty out.

A sequence bundle's engine is a `StatefulEngine`, which also takes and returns its state. `specs`
has the engines there are, `opening` chooses where a graph runs and in which precision.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.order_map_config import Kinematics

GRAPH_FILES = {
    "fp32": "diagnoser.onnx",
    "fp16": "diagnoser.fp16.onnx",
    "int8": "diagnoser.int8.onnx",
}


class Output(NamedTuple):
    """What a graph says of n windows, float32: (n, K), (n, E) and (n,)."""

    probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    novelty: NDArray[np.float32]


class Engine(Protocol):
    """An open graph.

    ``name``, ``version``, ``device`` ("cpu" or "cuda") and ``precision`` go into the header record;
    ``threads`` are those of the CPU, ``batch`` is the number of windows per call of the graph, and
    ``kinematics`` the machine that all windows are of, where the front end needs to know it.
    """

    name: str
    version: str
    device: str
    precision: str
    threads: int
    batch: int
    kinematics: Kinematics | None

    def run(self, windows: ArrayLike) -> Output:
        """Diagnose windows.

        Parameters
        ----------
        windows : array, shape (n > 0, channels, length)
            Real numbers of any dtype and layout, read-only ones too. On an engine on CUDA also a
            CuPy array, which stays on the GPU.

        Returns
        -------
        Output

        Raises
        ------
        InputError
            If there are none, or they have another shape.
        """
        ...


State = tuple[NDArray[np.float32], ...]


class StatefulEngine(Engine, Protocol):
    """An open graph that carries a state from window to window."""

    def zero_state(self) -> State:
        """The state at the beginning of a stream."""
        ...

    def advance(self, windows: ArrayLike, state: State) -> tuple[Output, State]:
        """Diagnose the next windows of a stream.

        Parameters
        ----------
        windows : array, shape (n > 0, channels, length)
            Real numbers in order of time; NaN where nothing was measured.
        state : tuple of array
            `zero_state` at first, then what the call before returned.

        Returns
        -------
        Output
            Of each window.
        State
            After the last of them. A window on which the graph overflows (half precision can)
            leaves the state as it was.

        Raises
        ------
        InputError
            If there are no windows, or they have another shape.
        """
        ...


def check_windows(windows: ArrayLike, shape: tuple[int, int]) -> Any:
    """The windows as an array, which is not copied if it is one.

    Parameters
    ----------
    windows : array, shape (n > 0, channels, length)
    shape : tuple
        Channels and length they must have.

    Raises
    ------
    InputError
        If there are no windows, or they have another shape or are not real numbers.
    """
    array: Any = windows if hasattr(windows, "dtype") else np.asarray(windows)
    if array.ndim != 3 or array.shape[1:] != shape or not len(array):
        raise InputError(
            f"got windows of shape {tuple(array.shape)}, expected (n, {shape[0]}, {shape[1]}) with "
            "n of 1 or more: cut windows of the bundle's channels and length"
        )
    if array.dtype.kind not in "fiub":
        raise InputError(f"got windows of {array.dtype}, expected real numbers: convert them")
    return array


def join(outputs: list[Output]) -> Output:
    """Outputs of consecutive windows as one."""
    if len(outputs) == 1:
        return outputs[0]
    return Output(*map(np.concatenate, zip(*outputs, strict=True)))
