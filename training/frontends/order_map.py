"""The order map as a front end: windows of known machines to standardised maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.training.frontends.scalogram import Frontend


@dataclass(frozen=True)
class OrderMapFrontend:
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
    shift_invariant: ClassVar[bool] = False  # the seam of a turned window breaks its lines

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        return self.config.shape

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Standardised maps of windows.

        Parameters
        ----------
        windows : array [shape=(n, channels, window)]
        machines : array [shape=(n, 5)]
            Of each, as :meth:`dlrsd.training.data.vibration.prepare.Prepared.machines` gives them.

        Returns
        -------
        array [shape=(n, channels, bands, columns)]
        """
        maps = order_maps(windows, machines, self.config)
        maps -= np.asarray(self.mean, np.float32)
        maps /= np.asarray(self.std, np.float32)
        return maps

    def to_manifest(self) -> dict[str, object]:
        """JSON-ready, as a run's config holds it."""
        facts = asdict(self.config)
        del facts["rate_hz"], facts["window"]
        return {**facts, "mean": list(self.mean), "std": list(self.std)}


AnyFrontend = Frontend | OrderMapFrontend


def fit_order_frontend(
    windows: NDArray[np.float32],
    labels: NDArray[np.int64],
    machines: NDArray[np.float64] | None,
    config: OrderMapConfig,
) -> OrderMapFrontend:
    """Constants from drawn windows, every class weighing the same.

    Parameters
    ----------
    windows : array [shape=(n, channels, window)]
    labels : array [shape=(n,)], int
    machines : array [shape=(n, 5)]
    config : OrderMapConfig
    """
    maps = order_maps(windows, machines, config).astype(np.float64)
    weight = 1 / np.bincount(labels)[labels]
    weight /= weight.sum() * maps.shape[1] * maps.shape[2]
    mean = np.einsum("n,ncbl->l", weight, maps)
    std = np.sqrt(np.einsum("n,ncbl->l", weight, (maps - mean) ** 2))
    return OrderMapFrontend(config, tuple(mean.tolist()), tuple(np.maximum(std, 1e-3).tolist()))


def order_maps(
    windows: NDArray[np.float32], machines: NDArray[np.float64] | None, config: OrderMapConfig
) -> NDArray[np.float32]:
    """Order maps (n, channels, bands, columns) of windows of several machines."""
    assert machines is not None  # an order map is of a machine
    maps = np.empty((*windows.shape[:2], *config.shape), np.float32)
    for machine, own in _each(machines):
        maps[own] = order_map(windows[own], config, machine)
    return maps


def _each(machines: NDArray[np.float64]) -> Iterator[tuple[Kinematics, NDArray[np.bool_]]]:
    kinds, which = np.unique(machines, axis=0, return_inverse=True)
    for index, kind in enumerate(kinds.tolist()):
        yield Kinematics(*kind), which.ravel() == index
