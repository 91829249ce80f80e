"""What a front end is: windows in, the standardised heatmaps that networks see out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import nn

from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.data.vibration.windows import WindowIndex

if TYPE_CHECKING:  # of a package that is there with torch, for Python before 3.11
    from typing_extensions import Self


NOISE = 0.3  # most white noise that is added to a view of a window, in units of its RMS


class Usual(NamedTuple):
    """What settings are where nobody states them: samples, samples, a classifier's name."""

    window: int
    hop: int
    classifier: str


class HeatmapAxes(NamedTuple):
    """What rows and columns of a heatmap are, where they are frequencies and times.

    ``frequencies``, shape (rows,), in Hz, ascending and log-spaced; ``duration_ms`` of all
    ``columns``.
    """

    frequencies: NDArray[np.float64]
    duration_ms: float
    columns: int

    @property
    def octaves(self) -> float:
        """From one row to the next."""
        return float(np.log2(self.frequencies[-1] / self.frequencies[0])) / (
            len(self.frequencies) - 1
        )

    @property
    def ms(self) -> float:
        """From one column to the next."""
        return self.duration_ms / self.columns


class View(NamedTuple):
    """What a front end shows of a run: a title, a picture, and what it means."""

    title: str
    picture: Markup
    note: str


class FrontEnd(ABC):
    """A front end with its constants from the training part; `registry.FRONT_ENDS` lists them.

    Attributes
    ----------
    name : str
        As settings and manifests state it.
    usual : Usual
    classifiers : tuple of str
        Those that take its heatmaps.
    unsuited : dict
        Methods against imbalance that it cannot be trained with, and why.
    shift_invariant : bool
        Whether a window turned in time is as good as the window.
    view_noise : float
        Most white noise that a view of a window has, in units of the window's RMS.
    varies : bool
        Whether variations of heatmaps stand for other loads, speeds and bearings; a front end
        that follows the speed itself needs none.
    columns_are_times : bool
        Whether two heatmaps may be spliced in time.
    in_graph : bool
        Whether an exported graph begins with it, so that it takes windows.
    keeps_synthesis : bool
        Whether a run judges and keeps the network that makes more heatmaps of a class.
    least_drawn : int
        Training windows of every class that its classifier needs at least.
    sees_level : bool
        Whether amplitude counts. Where it does not, a model that was trained on several rigs fits
        streams in any unit.
    """

    name: ClassVar[str]
    usual: ClassVar[Usual]
    classifiers: ClassVar[tuple[str, ...]]
    unsuited: ClassVar[Mapping[str, str]]
    shift_invariant: ClassVar[bool]
    view_noise: ClassVar[float] = NOISE
    varies: ClassVar[bool]
    columns_are_times: ClassVar[bool]
    in_graph: ClassVar[bool]
    keeps_synthesis: ClassVar[bool] = True
    least_drawn: ClassVar[int] = 1
    sees_level: ClassVar[bool] = True

    @staticmethod
    @abstractmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        """Make sure that windows of these recordings can be used.

        Raises
        ------
        InputError
            If they cannot.
        """

    @staticmethod
    @abstractmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        """Rows and columns of a heatmap of such windows."""

    @classmethod
    def generated_size_of(cls, rate_hz: float, window: int) -> tuple[int, int]:
        """Rows and columns of the heatmaps that a generator makes more of."""
        return cls.size_of(rate_hz, window)

    @classmethod
    def machines(cls, data: Divided, index: WindowIndex) -> NDArray[np.float64] | None:
        """What the other methods want to know of the machines of windows; None: nothing."""
        return None

    @classmethod
    @abstractmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> Self:
        """Constants from drawn windows, every class weighing the same.

        Without equal weights the constants would move with the balance ratio.

        Parameters
        ----------
        windows : array, shape (n, channels, window)
            In the training unit.
        labels : array, shape (n,), int
        machines : array, shape (n, 5), optional
            As `machines` gives them.
        rate_hz : float > 0
        """

    @classmethod
    @abstractmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> Self:
        """The front end whose `facts` these are."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a run's config states of it, ready for JSON; not its name, the rate, the window."""

    def bundle_facts(self, data: Divided) -> dict[str, Any]:
        """What a bundle's manifest states of it: `facts`, where the graph begins with it; else
        what the box makes the graph's input with."""
        return self.facts()

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Rows and columns of a heatmap."""

    @abstractmethod
    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Standardised heatmaps, shape (n, channels, rows, columns), of windows as in `fit`."""

    def of(self, data: Divided, index: WindowIndex) -> NDArray[np.float32]:
        """`heatmaps` of windows of the data."""
        return self.heatmaps(data.cut(index), self.machines(data, index))

    @abstractmethod
    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """What an exported graph takes of windows: themselves, or what the box makes of them."""

    @abstractmethod
    def graph(self) -> nn.Module:
        """The front end's part of an exported graph: `graph_input` in, heatmaps out, float32."""

    @property
    def axes(self) -> HeatmapAxes | None:
        """Frequencies and times of a heatmap; None where its rows and columns are neither."""
        return None

    def window_picture(self, window: NDArray[Any], name: str) -> Markup | None:
        """A window, shape (length,), as the front end sees it; None where there is no picture.

        Parameters
        ----------
        name : str
            An identifier, unique on the page.
        """
        return None

    def view(self, samples: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> View | None:
        """A picture of what `pictures` kept of a run; None without one."""
        return None

    def pictures(
        self,
        windows: NDArray[np.float32],
        machines: NDArray[np.float64] | None,
        labels: NDArray[np.int64],
    ) -> dict[str, NDArray[np.float32]]:
        """Arrays that the report shows of test windows, by the names of ``samples.npz``."""
        return {}


def class_weights(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """A weight of every window, shape (n,), with which all classes weigh the same; sums to 1."""
    weight = 1 / np.bincount(labels)[labels]
    return weight / weight.sum()
