"""An engine on a GPU that survives the GPU.

A batch that finds no memory there is halved, and when the GPU stops answering the CPU goes on with
the very windows that failed. Both are said in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import DeviceLostError, DeviceMemoryError, DlrsdError
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.engines.engine import Engine, Output, join


class ResilientEngine:
    """An engine on a GPU that halves its batch for want of memory and goes on without the GPU.

    Parameters
    ----------
    engine : Engine
        On a GPU; raises `DeviceMemoryError` and `DeviceLostError`.
    open_fallback : callable
        Opens the engine that goes on when the GPU is lost.
    say : callable
        Gets one line for each such event.
    """

    batch: int
    kinematics: Kinematics | None = None

    def __init__(
        self, engine: Engine, open_fallback: Callable[[], Engine], say: Callable[[str], None]
    ) -> None:
        self._open_fallback = open_fallback
        self._say = say
        self._use(engine)

    def run(self, windows: ArrayLike) -> Output:
        array: Any = windows if hasattr(windows, "dtype") else np.asarray(windows)
        if array.ndim != 3 or not len(array):
            return self._engine.run(array)  # says what is wrong with it
        outputs: list[Output] = []
        done = 0
        while done < len(array):
            if self.device == "cpu" and is_cupy_array(array):
                array = _to_host(array)
            some = array[done : done + self.batch] if self.device == "cuda" else array[done:]
            try:
                outputs.append(self._engine.run(some))
                done += len(some)
            except DeviceMemoryError as error:
                if len(some) == 1:
                    self._go_on_without(error)
                else:
                    self.batch = len(some) // 2
                    self._say(f"{error}: the batch of {len(some)} windows is halved")
            except DeviceLostError as error:
                self._go_on_without(error)
        return join(outputs)

    def _go_on_without(self, error: DlrsdError) -> None:
        # Freeing what lies on a GPU that is gone may end the process.
        self._lost = self._engine
        try:
            fallback = self._open_fallback()
        except DlrsdError as reason:
            raise DeviceLostError(f"{error}, and the CPU cannot go on: {reason}") from reason
        self._say(f"{error}: goes on with ONNX Runtime on the CPU, no window is lost")
        self._use(fallback)

    def _use(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.version = engine.name, engine.version
        self.device, self.precision = engine.device, engine.precision
        self.threads, self.batch = engine.threads, engine.batch


def _to_host(array: Any) -> NDArray[Any]:
    try:
        return np.asarray(array.get())
    except Exception as error:
        raise DeviceLostError(
            "the GPU is gone, and with it windows that were nowhere else: pass NumPy arrays to "
            "lose none"
        ) from error
