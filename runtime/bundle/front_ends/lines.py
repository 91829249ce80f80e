"""Fault lines as a front end: what the envelope shows at each place of a bearing, for any bearing.

The graph's input is made of windows before it, for a shaft's speed and a bearing's orders, both of
which somebody must state: nothing is assumed. Neither gain nor unit count.
"""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from collections.abc import Mapping
from dataclasses import astuple
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Positive
from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd, Prepare
from dlrsd.runtime.bundle.kinematics import odd_orders, orders_text
from dlrsd.runtime.bundle.parts import Signal
from dlrsd.runtime.dsp.fault_lines import SHAPE, fault_lines, require_lines
from dlrsd.runtime.dsp.order_map_config import ORDERS, Kinematics

_FAR = 0.2  # of the speeds and orders trained on: beyond it a stream is warned of

Range = Annotated[
    list[Positive], Meta(min_length=2, max_length=2, description="Lowest and highest.")
]


class Lines(FrontEnd, frozen=True, kw_only=True, tag="lines"):
    """Scores and heights of the lines of outer race, inner race, ball and cage."""

    speed_rpm: Annotated[Range, Meta(description="Of the shafts trained on.")]
    bpfo: Annotated[Range, Meta(description="Of the bearings trained on, in orders.")]
    bpfi: Annotated[Range, Meta(description="The same of the inner race.")]
    bsf: Annotated[Range, Meta(description="The same of a roller's spin.")]
    ftf: Annotated[Range, Meta(description="The same of the cage's turn.")]

    graph_input: ClassVar[str] = "fault_lines"
    title: ClassVar[str] = "fault lines"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")
    is_on_host: ClassVar[bool] = True
    sees_level: ClassVar[bool] = False
    batches: ClassVar[tuple[int, ...]] = (1, 64)  # of seconds each: no box has 1024 at once

    def __post_init__(self) -> None:
        for name, (lowest, highest) in self.ranges.items():
            if lowest > highest:
                raise ValueError(f"{name} is {[lowest, highest]}, expected the lowest first")

    @property
    def ranges(self) -> dict[str, list[float]]:
        """Lowest and highest trained on, of the speed in rpm and of each order."""
        return {name: getattr(self, name) for name in ("speed_rpm", *ORDERS)}

    def graph_shape(self, signal: Signal) -> list[int]:
        return [signal.channels, *SHAPE]

    def check(self, signal: Signal, graph_shape: list[Any]) -> None:
        if graph_shape != self.graph_shape(signal):
            raise ValueError(
                f"contradictions: the graph takes lines of {graph_shape}, signal and front end "
                f"give {self.graph_shape(signal)} (channels, places, columns)"
            )
        try:
            require_lines(signal.window, signal.rate_hz, self.trained_kinematics())
        except InputError as error:
            raise ValueError(f"unusable lines: {error}") from error

    def trained_kinematics(self) -> Kinematics:
        """A bearing of the geometric middle, which may be none that there is."""
        return Kinematics(*(float(np.sqrt(low * high)) for low, high in self.ranges.values()))

    def kinematics_of(self, facts: Mapping[str, Any], bundle: str) -> Kinematics | None:
        speed_rpm, orders = facts["speed_rpm"], facts["orders"]
        if speed_rpm is None:
            return None
        if orders is None:
            raise InputError(
                f"bundle {bundle} is for any bearing and nothing states which one this is: give "
                "--bearing, --geometry N,d,D,angle or --orders BPFO,BPFI,BSF,FTF, or orders in the "
                "sidecar"
            )
        kinematics = Kinematics(speed_rpm, **orders)
        if why := odd_orders(kinematics):
            raise InputError(f"the orders fit no rolling bearing: {why}")
        facts["warnings"].extend(self._far(kinematics))
        return kinematics

    def _far(self, kinematics: Kinematics) -> list[str]:
        """What of a machine lies far from all that was trained on."""
        said = []
        for (name, (lowest, highest)), value in zip(
            self.ranges.items(), astuple(kinematics), strict=True
        ):
            if not (1 - _FAR) * lowest <= value <= (1 + _FAR) * highest:
                what = "a shaft at {:g} rpm" if name == "speed_rpm" else f"{name} {{:g}}"
                said.append(
                    f"{what.format(value)} is far from the {lowest:g} to {highest:g} trained on: "
                    "how well the bundle does there was not measured"
                )
        return said

    def require_kinematics(
        self, kinematics: Kinematics | None, signal: Signal, bundle: str
    ) -> None:
        if kinematics is None:
            raise InputError(
                f"bundle {bundle} looks for the lines of a bearing's faults and needs the shaft's "
                "speed and the bearing: give --speed RPM and --bearing NAME, or speed_rpm and "
                "orders in the sidecar"
            )
        try:
            require_lines(signal.window, signal.rate_hz, kinematics)
        except InputError as error:
            raise InputError(f"bundle {bundle} does not fit this machine: {error}") from error

    def prepare(self, signal: Signal, kinematics: Kinematics | None) -> Prepare:
        assert kinematics is not None  # of `require_kinematics`
        machine = kinematics

        def lines(windows: NDArray[Any]) -> NDArray[np.float32]:
            return fault_lines(windows, signal.rate_hz, machine)

        return lines

    def fits(self, protocol: str) -> str:
        return (
            "It fits any rolling bearing with known speed and geometry, in any unit: --speed with "
            "--bearing, --geometry or --orders."
        )

    def lines(self) -> list[str]:
        lowest, highest = self.speed_rpm
        low: dict[str, float] = {name: self.ranges[name][0] for name in ORDERS}
        high: dict[str, float] = {name: self.ranges[name][1] for name in ORDERS}
        return [
            f"front end   fault lines: needs the shaft's speed and the bearing; trained on "
            f"{lowest:.0f} to {highest:.0f} rpm and bearings from {orders_text(low)} to "
            f"{orders_text(high)}"
        ]
