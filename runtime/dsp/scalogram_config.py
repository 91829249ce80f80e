"""What fixes a scalogram: rate, window, rows and columns, wavelet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError


@dataclass(frozen=True)
class ScalogramConfig:
    """What fixes a scalogram before standardisation.

    Parameters
    ----------
    rate_hz : float > 0
        Sampling rate of the windows, Hz.
    window : int > 0
        Samples per window, a multiple of ``n_blocks``.
    n_frequencies, n_blocks : int > 0
        Rows (log-spaced frequencies, lowest first) and columns (time blocks).
    f_min_hz, f_max_hz : float
        Frequency of the first and the last row; ``f_max_hz`` None means 0.375 x rate.
    bandwidth, center : float > 0
        B and C of PyWavelets' ``cmorB-C``.
    """

    rate_hz: float = 12000.0
    window: int = 1024
    n_frequencies: int = 32
    n_blocks: int = 32
    f_min_hz: float = 100.0
    f_max_hz: float | None = None
    bandwidth: float = 1.5
    center: float = 1.0

    def __post_init__(self) -> None:
        if self.f_max_hz is None:
            object.__setattr__(self, "f_max_hz", 0.375 * self.rate_hz)
        assert self.f_max_hz is not None  # noqa: S101 - for type checkers
        if self.window % self.n_blocks:
            raise InputError(
                f"a window of {self.window} samples does not divide into {self.n_blocks} time "
                f"blocks: choose a multiple of {self.n_blocks}"
            )
        if not 0 < self.f_min_hz < self.f_max_hz <= self.rate_hz / 2:
            raise InputError(
                f"the scalogram's frequencies {self.f_min_hz:g} to {self.f_max_hz:g} Hz do not fit "
                f"a rate of {self.rate_hz:g} Hz: expected 0 < lowest < highest <= "
                f"{self.rate_hz / 2:g} Hz"
            )

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Row frequencies, shape (n_frequencies,), Hz, ascending and log-spaced."""
        return np.geomspace(self.f_min_hz, self.f_max_hz or 0.0, self.n_frequencies)

    @property
    def scales(self) -> NDArray[np.float64]:
        """Row scales in samples, as PyWavelets counts them, shape (n_frequencies,)."""
        return self.center * self.rate_hz / self.frequencies
