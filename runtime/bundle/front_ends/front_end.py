"""What stands between the windows and the network, and all that the runtime must know of it.

A front end is what a manifest's ``front_end`` holds. To add one, write a subclass in a file of its
own here and name it in `dlrsd.runtime.bundle.front_ends`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.parts import Part, Signal
from dlrsd.runtime.dsp.order_map_config import Kinematics

Prepare = Callable[[NDArray[Any]], NDArray[np.float32]]


class FrontEnd(Part, frozen=True, kw_only=True, tag_field="name", tag="none"):
    """None: the graph takes windows as they are and needs to know nothing of the machine."""

    graph_input: ClassVar[str] = "waveform"
    title: ClassVar[str] = "graph"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
    # Whether `prepare` makes something else of the windows, which needs an engine that calls it.
    is_on_host: ClassVar[bool] = False
    can_synthesize: ClassVar[bool] = False
    # Whether amplitude counts; if not, a stream may be in any unit and has no level to be far from.
    sees_level: ClassVar[bool] = True
    # Windows per call that a benchmark measures unless told otherwise.
    batches: ClassVar[tuple[int, ...]] = (1, 64, 1024)

    def graph_shape(self, signal: Signal) -> list[int]:
        """What the graph takes of one window."""
        return [signal.channels, signal.window]

    def heatmap_shape(self, signal: Signal) -> tuple[int, ...]:
        """Of one window's heatmap, for front ends that can be synthesised."""
        return ()

    def check(self, signal: Signal, graph_shape: list[Any]) -> None:
        """Raise a `ValueError` if signal, graph and constants contradict each other."""
        if graph_shape != self.graph_shape(signal):
            raise ValueError(
                f"contradictions: the graph takes windows of {graph_shape}, the signal gives "
                f"{self.graph_shape(signal)} (channels, samples)"
            )

    @property
    def orders(self) -> dict[str, float] | None:
        """Of the only bearing trained on, which a stream that states none is taken for."""
        return None

    def trained_kinematics(self) -> Kinematics | None:
        """A machine it was trained on, to try the graph with; None where it needs none."""
        return None

    def kinematics_of(self, facts: Mapping[str, Any], bundle: str) -> Kinematics | None:
        """Speed and orders of a stream by its description; see `Bundle.kinematics_of`."""
        return None

    def require_kinematics(
        self, kinematics: Kinematics | None, signal: Signal, bundle: str
    ) -> None:
        """Raise an `InputError` unless windows of this machine can be diagnosed."""
        if kinematics is not None:
            raise InputError(f"bundle {bundle} has no use for a shaft's speed: leave it out")

    def prepare(self, signal: Signal, kinematics: Kinematics | None) -> Prepare:
        """What makes the graph's input of windows (n, channels, window)."""
        return as_float32

    def fits(self, protocol: str) -> str:
        """For whom a bundle is, in one sentence."""
        return "It fits that machine and sensor; train on your own for any other."

    def lines(self) -> list[str]:
        """What `info` tells of it."""
        return []


def as_float32(windows: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(windows, dtype=np.float32)
