"""The order map as a front end: windows of known machines to standardised maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.order_map import order_map, require_fit
from dlrsd.runtime.dsp.order_map_config import ORDERS, OrderMapConfig
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.recording import Recording, kinematics
from dlrsd.training.frontends.front_end import Usual, View, class_weights
from dlrsd.training.frontends.of_machine import OfMachine, each_machine
from dlrsd.training.frontends.order_map_picture import lines_picture

_MEANING = (
    "Mean over the test windows of a class: how far the envelope's line at each multiple of a "
    "fault's order stands above what surrounds it, by the band of frequencies that carries it. 1 "
    "is 2.7 times, 2 is 7.4 times; noise gives about 0.5. A fault of the outer race should light "
    "bpfo, of the inner race bpfi with the shaft's sidebands, of a rolling element bsf with the "
    "cage's."
)


@dataclass(frozen=True)
class OrderMap(OfMachine):
    """An order map with its constants.

    Parameters
    ----------
    config : OrderMapConfig
    mean, std : tuple of float
        Of every column over the training part and all bands: a network that treats bands alike
        shall see them on one scale.
    """

    config: OrderMapConfig
    mean: tuple[float, ...]
    std: tuple[float, ...]

    name: ClassVar[str] = "order-map"
    usual: ClassVar[Usual] = Usual(window=12288, hop=6144, classifier="bands")
    classifiers: ClassVar[tuple[str, ...]] = ("bands",)
    unsuited: ClassVar[Mapping[str, str]] = {
        "smote-waveform": "a blend of waveforms at two speeds has the lines of both; choose smote, "
        "or another method"
    }
    shift_invariant: ClassVar[bool] = False  # the seam of a turned window breaks its lines
    varies: ClassVar[bool] = False
    columns_are_times: ClassVar[bool] = False

    @staticmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        config = OrderMapConfig(rate_hz=recordings[0].rate, window=window)
        # From the slowest on, which asks for the longest window.
        for machine in sorted(map(kinematics, recordings), key=lambda m: m.speed_rpm):
            require_fit(config, machine)

    @staticmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        return OrderMapConfig(rate_hz=rate_hz, window=window).shape

    @classmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> OrderMap:
        config = OrderMapConfig(rate_hz=rate_hz, window=windows.shape[-1])
        maps = _order_maps(windows, machines, config).astype(np.float64)
        weight = class_weights(labels) / (maps.shape[1] * maps.shape[2])
        mean = np.einsum("n,ncbl->l", weight, maps)
        std = np.sqrt(np.einsum("n,ncbl->l", weight, (maps - mean) ** 2))
        return cls(config, tuple(mean.tolist()), tuple(np.maximum(std, 1e-3).tolist()))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> OrderMap:
        own = dict(facts)
        mean, std = tuple(own.pop("mean")), tuple(own.pop("std"))
        return cls(OrderMapConfig(rate_hz=rate_hz, window=window, **own), mean, std)

    def facts(self) -> dict[str, Any]:
        facts = asdict(self.config)
        del facts["rate_hz"], facts["window"]
        return {**facts, "mean": list(self.mean), "std": list(self.std)}

    def bundle_facts(self, data: Divided) -> dict[str, Any]:
        """The bands, and the bearings and speeds that were trained on."""
        speeds: dict[tuple[float, ...], list[float]] = {}
        for recording in sorted({span.recording for span in data.split.train}):
            speed, *orders = astuple(kinematics(data.recordings[recording]))
            speeds.setdefault(tuple(orders), []).append(speed)
        machines = [
            {"speed_rpm": [min(own), max(own)], **dict(zip(ORDERS, orders, strict=True))}
            for orders, own in speeds.items()
        ]
        facts = self.facts()
        del facts["mean"], facts["std"]
        return {**facts, "machines": machines}

    @property
    def size(self) -> tuple[int, int]:
        return self.config.shape

    @property
    def constants(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.mean, self.std

    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return _order_maps(windows, machines, self.config)

    def pictures(
        self,
        windows: NDArray[np.float32],
        machines: NDArray[np.float64] | None,
        labels: NDArray[np.int64],
    ) -> dict[str, NDArray[np.float32]]:
        """``lines/<class index>``, shape (bands, lines): the mean log contrast of the first
        channel's lines over each class's windows."""
        lines = self.graph_input(windows, machines)[:, 0, :, :-1]
        return {f"lines/{label}": lines[labels == label].mean(axis=0) for label in set(labels)}

    def view(self, samples: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> View | None:
        keys = {name: f"lines/{index}" for index, name in enumerate(classes)}
        lines = {name: samples[key] for name, key in keys.items() if key in samples}
        if not lines:
            return None
        picture = lines_picture(lines, self.config.band_edges_hz)
        return View("What the lines say", picture, _MEANING)


def _order_maps(
    windows: NDArray[np.float32], machines: NDArray[np.float64] | None, config: OrderMapConfig
) -> NDArray[np.float32]:
    """Order maps, shape (n, channels, bands, columns), of windows of several machines."""
    maps = np.empty((*windows.shape[:2], *config.shape), np.float32)
    for machine, own in each_machine(machines):
        maps[own] = order_map(windows[own], config, machine)
    return maps
