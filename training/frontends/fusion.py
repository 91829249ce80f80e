"""A fusion as a front end: scalograms of a window's parts, and numbers of its lines and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.fault_lines import require_lines
from dlrsd.runtime.dsp.fusion import PART, fusion_input, fusion_numbers, kinds_of
from dlrsd.runtime.dsp.order_map_config import OrderMapConfig
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.recording import Recording, kinematics
from dlrsd.training.frontends.front_end import Usual, View, class_weights
from dlrsd.training.frontends.of_machine import OfMachine, Standardise, each_machine
from dlrsd.training.frontends.order_map import OrderMap
from dlrsd.training.frontends.scalogram import Scalogram

SIZE = 32  # rows and columns of a scalogram, and numbers in a row behind them
KINDS = kinds_of(OrderMapConfig().n_bands)
NUMBERS = sum(KINDS.values())
ROWS = -(-NUMBERS // SIZE)  # of a heatmap that hold the numbers


@dataclass(frozen=True)
class Fusion(OfMachine):
    """Both front ends and the lines of the places, with their constants.

    Parameters
    ----------
    scalogram : Scalogram
        Of a part of the window.
    config : OrderMapConfig
        Of the whole window.
    level : bool
        As of `fusion_numbers`.
    mean, std : tuple of float
        Of every number over the training part.
    """

    scalogram: Scalogram
    config: OrderMapConfig
    level: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    name: ClassVar[str] = "fusion"
    usual: ClassVar[Usual] = Usual(window=24 * PART, hop=12 * PART, classifier="experts")
    classifiers: ClassVar[tuple[str, ...]] = ("experts",)
    unsuited: ClassVar[Mapping[str, str]] = {}
    shift_invariant: ClassVar[bool] = False
    varies: ClassVar[bool] = False
    columns_are_times: ClassVar[bool] = False
    keeps_synthesis: ClassVar[bool] = False  # it would make scalograms, which are but a part
    least_drawn: ClassVar[int] = 2  # experts are weighed by what they say of one that is left out

    @staticmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        if window % PART:
            raise InputError(
                f"got windows of {window} samples for the front end fusion: expected a multiple of "
                f"{PART}, the length of a scalogram, such as {max(1, round(window / PART)) * PART}"
            )
        OrderMap.require(recordings, window)
        for machine in map(kinematics, recordings):
            require_lines(window, recordings[0].rate, machine)

    @staticmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        return window // PART * SIZE + ROWS, SIZE

    @classmethod
    def generated_size_of(cls, rate_hz: float, window: int) -> tuple[int, int]:
        """Of the scalograms, which alone are balanced."""
        return Scalogram.size_of(rate_hz, PART)

    @classmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> Fusion:
        parts = _parts(windows).swapaxes(1, 2).reshape(-1, windows.shape[1], PART)
        of_parts = np.repeat(labels, windows.shape[2] // PART)
        scalogram = Scalogram.fit(parts, of_parts, None, rate_hz)
        config = cls.config_of(rate_hz, windows.shape[-1])
        numbers = numbers_of(windows, machines, config, level=True)
        return cls.of_numbers(scalogram, config, numbers, labels, level=True)

    @staticmethod
    def config_of(rate_hz: float, window: int) -> OrderMapConfig:
        return OrderMapConfig(rate_hz=rate_hz, window=window)

    @classmethod
    def of_numbers(
        cls,
        scalogram: Scalogram,
        config: OrderMapConfig,
        numbers: NDArray[np.float32],
        labels: NDArray[np.int64],
        *,
        level: bool,
    ) -> Fusion:
        """With the constants of such numbers, shape (n, channels, `NUMBERS`); classes weigh the
        same."""
        weight = class_weights(labels) / numbers.shape[1]
        mean = np.einsum("n,ncf->f", weight, numbers.astype(np.float64))
        std = np.sqrt(np.einsum("n,ncf->f", weight, (numbers - mean) ** 2))
        return cls(
            scalogram, config, level, tuple(mean.tolist()), tuple(np.maximum(std, 1e-3).tolist())
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> Fusion:
        own = dict(facts)
        scalogram = Scalogram.from_facts(own.pop("scalogram"), rate_hz=rate_hz, window=PART)
        level, mean, std = own.pop("level"), tuple(own.pop("mean")), tuple(own.pop("std"))
        config = OrderMapConfig(rate_hz=rate_hz, window=window, **own)
        return cls(scalogram, config, level, mean, std)

    def facts(self) -> dict[str, Any]:
        facts = asdict(self.config)
        del facts["rate_hz"], facts["window"]
        return {
            **facts,
            "level": self.level,
            "scalogram": self.scalogram.facts(),
            "mean": list(self.mean),
            "std": list(self.std),
        }

    def bundle_facts(self, data: Divided) -> dict[str, Any]:
        """As of the order map, and whether the amplitude counts."""
        return {**self._maps.bundle_facts(data), "level": self.level}

    @property
    def constants(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.mean, self.std

    @property
    def size(self) -> tuple[int, int]:
        return self.size_of(self.config.rate_hz, self.config.window)

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        n, channels, length = windows.shape
        numbers = self.standardised(numbers_of(windows, machines, self.config, level=self.level))
        shown = self.scalogram.heatmaps(_parts(windows).reshape(-1, 1, PART))
        shown = shown.reshape(n, channels, length // PART * SIZE, SIZE)
        behind = np.zeros((n, channels, ROWS * SIZE), np.float32)
        behind[..., :NUMBERS] = numbers
        return np.concatenate([shown, behind.reshape(n, channels, ROWS, SIZE)], axis=2)

    def standardised(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        """Numbers (n, channels, `NUMBERS`) by the constants."""
        found: NDArray[np.float32] = numbers - np.asarray(self.mean, np.float32)
        found /= np.asarray(self.std, np.float32)
        return found

    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        n, channels, length = windows.shape
        found = np.empty((n, channels, length + NUMBERS), np.float32)
        for machine, own in each_machine(machines):
            found[own] = fusion_input(windows[own], self.config, machine, level=self.level)
        return found

    def graph(self) -> nn.Module:
        return FusionGraph(self.scalogram.graph(), self.config.window, self.mean, self.std)

    def pictures(
        self,
        windows: NDArray[np.float32],
        machines: NDArray[np.float64] | None,
        labels: NDArray[np.int64],
    ) -> dict[str, NDArray[np.float32]]:
        return self._maps.pictures(windows, machines, labels)

    def view(self, samples: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> View | None:
        return self._maps.view(samples, classes)

    @property
    def _maps(self) -> OrderMap:
        return OrderMap(self.config, self.mean, self.std)


class FusionGraph(nn.Module):
    """Windows with their numbers behind the samples -> heatmaps as of `Fusion.heatmaps`."""

    def __init__(
        self, scalogram: nn.Module, window: int, mean: Sequence[float], std: Sequence[float]
    ):
        super().__init__()
        self.scalogram = scalogram
        self.window = window
        self.standardise = Standardise(mean, std)

    def forward(self, window: Tensor) -> Tensor:
        channels = window.shape[1]
        shown = self.scalogram(window[..., : self.window].reshape(-1, 1, PART))
        shown = shown.reshape(-1, channels, self.window // PART * SIZE, SIZE)
        numbers = self.standardise(window[..., self.window :])
        behind = nn.functional.pad(numbers, (0, ROWS * SIZE - NUMBERS))
        return torch.cat([shown, behind.reshape(-1, channels, ROWS, SIZE)], dim=2)


def numbers_of(
    windows: NDArray[np.float32],
    machines: NDArray[np.float64] | None,
    config: OrderMapConfig,
    *,
    level: bool,
) -> NDArray[np.float32]:
    """`fusion_numbers` of windows of several machines, ``machines`` (n, 5)."""
    found = np.empty((*windows.shape[:2], NUMBERS), np.float32)
    for machine, own in each_machine(machines):
        found[own] = fusion_numbers(windows[own], config, machine, level=level)
    return found


def _parts(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, channels, window) -> (n, channels, parts, `PART`)."""
    return windows.reshape(*windows.shape[:2], -1, PART)
