"""ONNX Runtime on the CPU as the engine of a bundle whose front end is the order map.

The graph takes order maps, which NumPy makes of the windows here, for the shaft's speed and the
bearing's orders are facts of the stream. They are made part by part on the threads of the graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map, require_fit
from dlrsd.runtime.engines.onnx_cpu import OnnxCpuEngine


class OrderMapEngine(OnnxCpuEngine):
    """Order maps of windows through a bundle's graph; open it with `open_engine`.

    ``kinematics`` is the machine that all windows are of.
    """

    def __init__(
        self, bundle: Bundle, config: OrderMapConfig, kinematics: Kinematics, **options: Any
    ) -> None:
        try:
            require_fit(config, kinematics)
        except InputError as error:
            raise InputError(
                f"bundle {bundle.name} does not fit this machine, train one that does: {error}"
            ) from error
        self.kinematics = kinematics
        self._config = config
        super().__init__(bundle, **options)

    def _fed(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        return np.ascontiguousarray(order_map(windows, self._config, self.kinematics))
