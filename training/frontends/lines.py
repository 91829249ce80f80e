"""Fault lines as a front end: windows of known machines to what each place of a bearing shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.fault_lines import SHAPE, fault_lines, require_lines
from dlrsd.runtime.dsp.order_map_config import ORDERS
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.recording import Recording, kinematics
from dlrsd.training.frontends.front_end import Usual, class_weights
from dlrsd.training.frontends.of_machine import OfMachine, each_machine

Constants = tuple[tuple[float, ...], ...]
_LEAST_STD = 1e-2  # below it a column is empty


@dataclass(frozen=True)
class Lines(OfMachine):
    """Fault lines with their constants.

    Parameters
    ----------
    rate_hz : float > 0
    mean, std : tuples of float, 4 x 16
        Of every number over the training part.
    """

    rate_hz: float
    mean: Constants
    std: Constants

    name: ClassVar[str] = "lines"
    usual: ClassVar[Usual] = Usual(window=24000, hop=12000, classifier="lines")
    classifiers: ClassVar[tuple[str, ...]] = ("lines",)
    unsuited: ClassVar[Mapping[str, str]] = {
        "smote-waveform": "a blend of waveforms at two speeds has the lines of both; choose smote, "
        "or another method"
    }
    shift_invariant: ClassVar[bool] = False  # the seam of a turned window is an impulse
    # Every frequency weighs the same: noise buries impulses that ring where the signal is quiet.
    view_noise: ClassVar[float] = 0.0
    varies: ClassVar[bool] = False
    columns_are_times: ClassVar[bool] = False
    sees_level: ClassVar[bool] = False

    @staticmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        for recording in recordings:
            require_lines(window, recording.rate, kinematics(recording))

    @staticmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        return SHAPE

    @classmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> Lines:
        found = _lines(windows, machines, rate_hz).astype(np.float64)
        weight = class_weights(labels) / found.shape[1]
        mean = np.einsum("n,ncpl->pl", weight, found)
        std = np.sqrt(np.einsum("n,ncpl->pl", weight, (found - mean) ** 2))
        return cls(rate_hz, _tuples(mean), _tuples(np.where(std < _LEAST_STD, 1.0, std)))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> Lines:
        return cls(rate_hz, _tuples(facts["mean"]), _tuples(facts["std"]))

    def facts(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}

    def bundle_facts(self, data: Divided) -> dict[str, Any]:
        """The ranges of speeds and orders that were trained on."""
        trained = {span.recording for span in data.split.train}
        facts = np.array([astuple(kinematics(data.recordings[i])) for i in sorted(trained)])
        return {
            name: [float(low), float(high)]
            for name, low, high in zip(
                ("speed_rpm", *ORDERS), facts.min(axis=0), facts.max(axis=0), strict=True
            )
        }

    @property
    def size(self) -> tuple[int, int]:
        return SHAPE

    @property
    def constants(self) -> tuple[Constants, Constants]:
        return self.mean, self.std

    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return _lines(windows, machines, self.rate_hz)


def _lines(
    windows: NDArray[np.float32], machines: NDArray[np.float64] | None, rate_hz: float
) -> NDArray[np.float32]:
    """Fault lines, shape (n, channels, 4, 16), of windows of several machines."""
    found = np.empty((*windows.shape[:2], *SHAPE), np.float32)
    for machine, own in each_machine(machines):
        found[own] = fault_lines(windows[own], rate_hz, machine)
    return found


def _tuples(values: Any) -> Constants:
    return tuple(tuple(map(float, row)) for row in values)
