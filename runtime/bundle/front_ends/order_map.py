"""The order map as a front end: made of windows before the graph, for a shaft's speed and orders.

What is stated of a stream counts. A bundle trained on one bearing lends its orders where nobody
states any; the shaft's speed is never assumed.
"""

# Annotations are evaluated at once: see `dlrsd.runtime.bundle.parts`.

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.base.formats import Count, Positive
from dlrsd.runtime.bundle.front_ends.front_end import FrontEnd, Prepare
from dlrsd.runtime.bundle.kinematics import odd_orders, orders_text
from dlrsd.runtime.bundle.parts import Part, Signal
from dlrsd.runtime.dsp.order_map import order_map
from dlrsd.runtime.dsp.order_map_config import LINES, ORDERS, Kinematics, OrderMapConfig, require_fit

_FAR = 0.2  # of the speeds trained on: beyond it a stream's speed is warned of


class Machine(Part, frozen=True, kw_only=True):
    """A bearing that was trained on. Orders are in multiples of the shaft's speed."""

    speed_rpm: Annotated[
        list[Positive], Meta(min_length=2, max_length=2, description="Lowest and highest.")
    ]
    bpfo: Annotated[Positive, Meta(description="A roller's passing of the outer race.")]
    bpfi: Annotated[Positive, Meta(description="A roller's passing of the inner race.")]
    bsf: Annotated[Positive, Meta(description="A roller's spin.")]
    ftf: Annotated[Positive, Meta(description="The cage's turn.")]

    def __post_init__(self) -> None:
        if self.speed_rpm[0] > self.speed_rpm[1]:
            raise ValueError(f"speed_rpm is {self.speed_rpm}, expected the lowest first")

    @property
    def orders(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ORDERS}

    def at(self, speed_rpm: float) -> Kinematics:
        return Kinematics(speed_rpm, **self.orders)


class OrderMap(FrontEnd, frozen=True, kw_only=True, tag="order-map"):
    """How far the envelope's lines stand out at a bearing's orders, by carrier band."""

    n_bands: Annotated[Count, Meta(description="Rows, carrier bands.")]
    f_min_hz: Annotated[Positive, Meta(description="Lower edge of the first band.")]
    f_max_hz: Annotated[Positive, Meta(description="Upper edge of the last band.")]
    machines: Annotated[
        list[Machine],
        Meta(min_length=1, description="Trained on, no two of the same orders."),
    ]

    graph_input: ClassVar[str] = "order_map"
    title: ClassVar[str] = "order map"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")
    is_on_host: ClassVar[bool] = True
    batches: ClassVar[tuple[int, ...]] = (1, 64)  # of seconds each: no box has 1024 at once

    def config(self, signal: Signal) -> OrderMapConfig:
        """What fixes the maps but for the machine."""
        return OrderMapConfig(
            signal.rate_hz, signal.window, self.n_bands, self.f_min_hz, self.f_max_hz
        )

    def graph_shape(self, signal: Signal) -> list[int]:
        return [signal.channels, self.n_bands, len(LINES) + 1]

    def check(self, signal: Signal, graph_shape: list[Any]) -> None:
        if graph_shape != self.graph_shape(signal):
            raise ValueError(
                f"contradictions: the graph takes {graph_shape} of a window, signal and "
                f"{self.title} give {self.graph_shape(signal)}"
            )
        try:
            for machine in self.machines:
                for speed_rpm in machine.speed_rpm:
                    self.require_windows(machine.at(speed_rpm), signal)
        except InputError as error:
            raise ValueError(f"an unusable {self.title}: {error}") from error

    @property
    def orders(self) -> dict[str, float] | None:
        return self.machines[0].orders if len(self.machines) == 1 else None

    @property
    def speeds(self) -> tuple[float, float]:
        """Lowest and highest trained on, in rpm."""
        speeds = [speed for machine in self.machines for speed in machine.speed_rpm]
        return min(speeds), max(speeds)

    def trained_kinematics(self) -> Kinematics:
        """The first machine, in the middle of its speeds."""
        return self.machines[0].at(sum(self.machines[0].speed_rpm) / 2)

    def kinematics_of(self, facts: Mapping[str, Any], bundle: str) -> Kinematics | None:
        speed_rpm, orders = facts["speed_rpm"], facts["orders"]
        if speed_rpm is None:
            return None
        if orders is None:
            listed = "; ".join(orders_text(machine.orders) for machine in self.machines)
            raise InputError(
                f"bundle {bundle} was trained on several bearings ({listed}) and nothing states "
                "which one this is: give --orders BPFO,BPFI,BSF,FTF, or --bearing or --geometry "
                "in its place, or orders in the sidecar"
            )
        lowest, highest = self.speeds
        if not (1 - _FAR) * lowest <= speed_rpm <= (1 + _FAR) * highest:
            facts["warnings"].append(
                f"a shaft at {speed_rpm:g} rpm is far from the {lowest:g} to {highest:g} rpm "
                "trained on: how well the bundle does there was not measured"
            )
        kinematics = Kinematics(speed_rpm, **orders)
        if why := odd_orders(kinematics):
            facts["warnings"].append(why)
        return kinematics

    def require_kinematics(
        self, kinematics: Kinematics | None, signal: Signal, bundle: str
    ) -> None:
        if kinematics is None:
            raise InputError(
                f"bundle {bundle} looks for the orders of bearing faults and needs the shaft's "
                "speed: give --speed RPM, or speed_rpm in the sidecar"
            )
        try:
            self.require_windows(kinematics, signal)
        except InputError as error:
            raise InputError(
                f"bundle {bundle} does not fit this machine, train one that does: {error}"
            ) from error

    def require_windows(self, kinematics: Kinematics, signal: Signal) -> None:
        """Raise an `InputError` unless windows tell the lines of this machine apart."""
        require_fit(self.config(signal), kinematics)

    def prepare(self, signal: Signal, kinematics: Kinematics | None) -> Prepare:
        assert kinematics is not None  # of `require_kinematics`
        machine, config = kinematics, self.config(signal)

        def maps(windows: NDArray[Any]) -> NDArray[np.float32]:
            return np.ascontiguousarray(order_map(windows, config, machine))

        return maps

    def fits(self, protocol: str) -> str:
        measured = (
            "is measured below"
            if protocol in ("bearing", "rig")
            else "was not measured (protocol bearing does)"
        )
        return (
            "It looks for the orders of a bearing: --speed and --orders give another bearing or "
            f"machine; how well it does there {measured}."
        )

    def lines(self) -> list[str]:
        bearings = [
            f"{orders_text(machine.orders)} at {' to '.join(_distinct(machine.speed_rpm))} rpm"
            for machine in self.machines
        ]
        return [
            f"front end   {self.title}: {self.n_bands} bands from {self.f_min_hz:g} to "
            f"{self.f_max_hz:g} Hz; needs the shaft's speed; trained on bearings "
            + "; ".join(bearings)
        ]


def _distinct(speeds: list[float]) -> list[str]:
    return list(dict.fromkeys(f"{speed:g}" for speed in speeds))
