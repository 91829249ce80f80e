"""A fusion's front end: the samples, and beside them order map, features and lines of places.

For a shaft's speed and orders, as the order map alone. The graph has an expert for each kind and
one for the scalograms that it makes of the samples itself.
"""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from dlrsd.runtime.bundle.front_ends.front_end import Prepare
from dlrsd.runtime.bundle.front_ends.order_map import OrderMap
from dlrsd.runtime.bundle.parts import Signal
from dlrsd.runtime.dsp.fault_lines import require_lines
from dlrsd.runtime.dsp.fusion import PART, fusion_input, kinds_of
from dlrsd.runtime.dsp.order_map_config import Kinematics


class Fusion(OrderMap, frozen=True, kw_only=True, tag="fusion"):
    """Scalograms, order map, window features and the lines of places, weighed together."""

    level: Annotated[bool, Meta(description="Whether the amplitude counts among the features.")]

    graph_input: ClassVar[str] = "window_and_lines"
    title: ClassVar[str] = "fusion"

    def graph_shape(self, signal: Signal) -> list[int]:
        return [signal.channels, signal.window + sum(kinds_of(self.n_bands).values())]

    def check(self, signal: Signal, graph_shape: list[Any]) -> None:
        super().check(signal, graph_shape)
        if signal.window % PART:
            raise ValueError(
                f"contradictions: a window of {signal.window} samples, expected a multiple of {PART}"
            )

    def require_windows(self, kinematics: Kinematics, signal: Signal) -> None:
        super().require_windows(kinematics, signal)
        require_lines(signal.window, signal.rate_hz, kinematics)

    def prepare(self, signal: Signal, kinematics: Kinematics | None) -> Prepare:
        assert kinematics is not None  # of `require_kinematics`
        machine, config = kinematics, self.config(signal)

        def beside(windows: NDArray[Any]) -> NDArray[np.float32]:
            return fusion_input(windows, config, machine, level=self.level)

        return beside
