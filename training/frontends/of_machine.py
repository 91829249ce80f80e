"""What front ends share that are of a machine: its speed and orders, made to numbers by the box."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.windows import WindowIndex
from dlrsd.training.frontends.front_end import FrontEnd


class OfMachine(FrontEnd):
    """A front end whose numbers the box makes before the graph, which standardises them."""

    in_graph: ClassVar[bool] = False

    @property
    @abstractmethod
    def constants(self) -> tuple[Any, Any]:
        """Mean and standard deviation of every number over the training part."""

    @classmethod
    def machines(cls, data: Divided, index: WindowIndex) -> NDArray[np.float64]:
        return data.machines(index)

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        mean, std = self.constants
        found = self.graph_input(windows, machines)
        found -= np.asarray(mean, np.float32)
        found /= np.asarray(std, np.float32)
        return found

    def graph(self) -> nn.Module:
        return Standardise(*self.constants)


class Standardise(nn.Module):
    """Raw numbers, shape (n, channels, ...), to standardised ones, float32."""

    def __init__(self, mean: Sequence[Any], std: Sequence[Any]):
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, numbers: Tensor) -> Tensor:
        return (numbers - self.mean) / self.std


def each_machine(
    machines: NDArray[np.float64] | None,
) -> Iterator[tuple[Kinematics, NDArray[np.bool_]]]:
    """Every machine of rows (n, 5), and which rows are of it, shape (n,)."""
    assert machines is not None  # noqa: S101 - lines are of a machine
    kinds, which = np.unique(machines, axis=0, return_inverse=True)
    for index, kind in enumerate(kinds.tolist()):
        yield Kinematics(*kind), which.ravel() == index
