"""Signal feature transform: windows to standardised heatmaps, constants from the training part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.scalogram import log_scalogram, scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

# The floor under the logarithm, as a share of the median magnitude of the training part: low
# enough to keep quiet rows apart, high enough that silence is not stretched over the whole scale.
EPS_SHARE = 0.03


@dataclass(frozen=True)
class Frontend:
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
    shift_invariant: ClassVar[bool] = True  # a window turned in time is as good as the window

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a heatmap."""
        return self.config.n_frequencies, self.config.n_blocks

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """(n, channels, window) in the training unit -> (n, channels, F, T) standardised; what
        machines they are of makes no difference."""
        log = log_scalogram(windows, self.config, eps=self.eps)
        log -= np.asarray(self.mean, np.float32)[:, None]
        log /= np.asarray(self.std, np.float32)[:, None]
        return log

    def to_manifest(self) -> dict[str, object]:
        """JSON-ready, as a bundle's manifest holds it."""
        facts = asdict(self.config)
        del facts["rate_hz"], facts["window"]
        return {**facts, "eps": self.eps, "mean": list(self.mean), "std": list(self.std)}


class AutoscaledFrontend(Frontend):
    """A front end that brings every window to an RMS of 1 first: its amplitude is thrown away.

    For comparison only, as the published method scales every heatmap by itself; no run has it.
    """

    def heatmaps(
        self, windows: NDArray[np.float32], machines: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        return super().heatmaps(unit_rms(windows))


def unit_rms(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Windows (n, channels, window), each scaled to an RMS of 1 over all channels and samples."""
    rms = np.sqrt((windows**2).mean(axis=(1, 2), keepdims=True))
    return windows / np.maximum(rms, np.finfo(np.float32).tiny)


def fit_frontend(
    windows: NDArray[np.float32], labels: NDArray[np.int64], config: ScalogramConfig
) -> Frontend:
    """Constants from drawn windows, every class weighing the same.

    Parameters
    ----------
    windows : array [shape=(n, channels, window)]
    labels : array [shape=(n,)], int
        Without equal weights the constants would move with the balance ratio.
    """
    magnitude = scalogram(windows, config).astype(np.float64)
    weight = 1 / np.bincount(labels)[labels]
    weight /= weight.sum()
    typical = np.quantile(
        np.median(magnitude, axis=(1, 2, 3)), 0.5, weights=weight, method="inverted_cdf"
    )
    eps = max(EPS_SHARE * float(typical), float(np.finfo(np.float32).tiny))
    log = np.log(magnitude + eps)
    mean = np.einsum("n,ncft->f", weight, log) / (log.shape[1] * log.shape[3])
    centred = (log - mean[:, None]) ** 2
    variance = np.einsum("n,ncft->f", weight, centred) / (log.shape[1] * log.shape[3])
    std = np.maximum(np.sqrt(variance), 1e-3)
    return Frontend(config, eps, tuple(mean.tolist()), tuple(std.tolist()))
