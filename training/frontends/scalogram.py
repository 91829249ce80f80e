"""The scalogram as a front end: windows to standardised log amplitudes over frequency and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import nn

from dlrsd.runtime.dsp.fusion import unit_rms
from dlrsd.runtime.dsp.scalogram import log_scalogram, scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.frontends.front_end import FrontEnd, HeatmapAxes, Usual, class_weights
from dlrsd.training.frontends.scalogram_graph import ScalogramGraph
from dlrsd.training.frontends.scalogram_picture import window_picture

# The floor under the logarithm, as a share of the median magnitude of the training part: low
# enough to keep quiet rows apart, high enough that silence is not stretched over the whole scale.
EPS_SHARE = 0.03


@dataclass(frozen=True)
class Scalogram(FrontEnd):
    """A scalogram with its constants.

    Parameters
    ----------
    config : ScalogramConfig
    eps : float > 0
        Added before the logarithm, in the scalogram's unit.
    mean, std : tuple of float
        Of every frequency row over the training part, in log amplitude.
    """

    config: ScalogramConfig
    eps: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    name: ClassVar[str] = "scalogram"
    usual: ClassVar[Usual] = Usual(window=1024, hop=512, classifier="edge")
    classifiers: ClassVar[tuple[str, ...]] = ("edge", "simple_cnn", "vgg11", "vgg13", "vgg16")
    unsuited: ClassVar[Mapping[str, str]] = {}
    shift_invariant: ClassVar[bool] = True
    varies: ClassVar[bool] = True
    columns_are_times: ClassVar[bool] = True
    in_graph: ClassVar[bool] = True

    @staticmethod
    def require(recordings: Sequence[Recording], window: int) -> None:
        """Any recording will do; what the window must be, `ScalogramConfig` says."""

    @staticmethod
    def size_of(rate_hz: float, window: int) -> tuple[int, int]:
        config = ScalogramConfig(rate_hz=rate_hz, window=window)
        return config.n_frequencies, config.n_blocks

    @classmethod
    def fit(
        cls,
        windows: NDArray[np.float32],
        labels: NDArray[np.int64],
        machines: NDArray[np.float64] | None,
        rate_hz: float,
    ) -> Scalogram:
        config = ScalogramConfig(rate_hz=rate_hz, window=windows.shape[-1])
        magnitude = scalogram(windows, config).astype(np.float64)
        weight = class_weights(labels)
        typical = np.quantile(
            np.median(magnitude, axis=(1, 2, 3)), 0.5, weights=weight, method="inverted_cdf"
        )
        eps = max(EPS_SHARE * float(typical), float(np.finfo(np.float32).tiny))
        log = np.log(magnitude + eps)
        mean = np.einsum("n,ncft->f", weight, log) / (log.shape[1] * log.shape[3])
        centred = (log - mean[:, None]) ** 2
        variance = np.einsum("n,ncft->f", weight, centred) / (log.shape[1] * log.shape[3])
        std = np.maximum(np.sqrt(variance), 1e-3)
        return cls(config, eps, tuple(mean.tolist()), tuple(std.tolist()))

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], *, rate_hz: float, window: int) -> Scalogram:
        own = dict(facts)
        eps, mean, std = own.pop("eps"), tuple(own.pop("mean")), tuple(own.pop("std"))
        return cls(ScalogramConfig(rate_hz=rate_hz, window=window, **own), eps, mean, std)

    def facts(self) -> dict[str, Any]:
        facts = asdict(self.config)
        del facts["rate_hz"], facts["window"]
        return {**facts, "eps": self.eps, "mean": list(self.mean), "std": list(self.std)}

    @property
    def size(self) -> tuple[int, int]:
        return self.config.n_frequencies, self.config.n_blocks

    @property
    def axes(self) -> HeatmapAxes:
        duration_ms = 1000 * self.config.window / self.config.rate_hz
        return HeatmapAxes(self.config.frequencies, duration_ms, self.config.n_blocks)

    def window_picture(self, window: NDArray[Any], name: str) -> Markup:
        return window_picture(window, self.config, name=name)

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        log = log_scalogram(windows, self.config, eps=self.eps)
        log -= np.asarray(self.mean, np.float32)[:, None]
        log /= np.asarray(self.std, np.float32)[:, None]
        return log

    def graph_input(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return windows

    def graph(self) -> nn.Module:
        return ScalogramGraph(self.config, eps=self.eps, mean=self.mean, std=self.std)


class AutoscaledScalogram(Scalogram):
    """A scalogram of windows that are brought to an RMS of 1 first: their amplitude is thrown away.

    For comparison only, as the published method scales every heatmap by itself; no run has it.
    """

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return super().heatmaps(unit_rms(windows))
