"""What fixes an order map: bands and windows, and the speed and orders of the machine.

Its columns are `LINES`, each at a multiple of the shaft's speed that follows from a bearing's
geometry.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError

Order = Literal["bpfo", "bpfi", "bsf", "ftf"]  # fields of `Kinematics` beside the speed
ORDERS: tuple[Order, ...] = get_args(Order)
TOLERANCE = 0.01  # of an order: rollers slip, and speeds are rounded
REVOLUTIONS = 8.0  # a Hann window of fewer smears a line over what surrounds it


@dataclass(frozen=True)
class Kinematics:
    """What a bearing's fault frequencies follow from.

    Parameters
    ----------
    speed_rpm : float > 0
        Revolutions of the shaft per minute.
    bpfo, bpfi, bsf, ftf : float > 0
        Orders, in multiples of the shaft's speed: a roller's passing of the outer and of the
        inner race, a roller's spin, the cage's turn.

    Raises
    ------
    InputError
        If one is no number above 0.
    """

    speed_rpm: float
    bpfo: float
    bpfi: float
    bsf: float
    ftf: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value > 0):
                raise InputError(
                    f"got {name} {value:g}: expected a number above 0, speeds in revolutions per "
                    "minute and orders in multiples of the shaft's speed (6205: bpfo 3.585, bpfi "
                    "5.415, bsf 2.357, ftf 0.398)"
                )


@dataclass(frozen=True)
class OrderMapConfig:
    """What fixes an order map, but for the machine it is of.

    Parameters
    ----------
    rate_hz : float > 0
        Sampling rate of the windows, Hz.
    window : int > 0
        Samples of a window.
    n_bands : int > 0
        Rows: carrier bands, log-spaced, lowest first.
    f_min_hz, f_max_hz : float
        Lower edge of the first band and upper one of the last; ``f_max_hz`` None means 0.375 x
        rate.

    Raises
    ------
    InputError
        If the bands do not fit the rate, or are narrower than a window can tell.
    """

    rate_hz: float = 12000.0
    window: int = 12288
    n_bands: int = 8
    f_min_hz: float = 200.0
    f_max_hz: float | None = None

    def __post_init__(self) -> None:
        if self.f_max_hz is None:
            object.__setattr__(self, "f_max_hz", 0.375 * self.rate_hz)
        assert self.f_max_hz is not None  # noqa: S101 - for type checkers
        if not 0 < self.f_min_hz < self.f_max_hz <= self.rate_hz / 2:
            raise InputError(
                f"the order map's bands {self.f_min_hz:g} to {self.f_max_hz:g} Hz do not fit a "
                f"rate of {self.rate_hz:g} Hz: expected 0 < lowest < highest <= "
                f"{self.rate_hz / 2:g} Hz"
            )
        lowest_width = float(np.diff(self.band_edges_hz[:2])[0])
        if lowest_width < 2 * self.rate_hz / self.window:
            raise InputError(
                f"the lowest of {self.n_bands} bands from {self.f_min_hz:g} to {self.f_max_hz:g} "
                f"Hz is {lowest_width:.3g} Hz wide: expected two bins of a window of "
                f"{self.window} samples or more, {2 * self.rate_hz / self.window:.3g} Hz"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n_bands, len(LINES) + 1

    @property
    def band_edges_hz(self) -> NDArray[np.float64]:
        """Shape (n_bands + 1,)."""
        return np.geomspace(self.f_min_hz, self.f_max_hz or 0.0, self.n_bands + 1)

    @property
    def highest_beat_hz(self) -> float:
        """The width of the widest band: its envelope holds no line that lies higher."""
        lower, upper = self.band_edges_hz[-2:]
        middle, ratio = math.sqrt(lower * upper), upper / lower
        return float(min(middle * ratio, self.rate_hz / 2) - middle / ratio)


def _lines() -> dict[str, tuple[float, float, float, float, float]]:
    """Every line as multiples of (shaft, bpfo, bpfi, bsf, ftf), whose sum is its order."""
    lines: dict[str, tuple[float, float, float, float, float]] = {}
    for race, outer, inner in (("bpfo", 1, 0), ("bpfi", 0, 1)):
        for side, shaft, harmonics in (("", 0, 4), ("-1", -1, 2), ("+1", 1, 2)):
            for k in range(1, harmonics + 1):
                lines[f"{race} {k}x{side}"] = (shaft, k * outer, k * inner, 0, 0)
    # A damaged spot meets both races in each spin of its roller, carried around by the cage.
    for k in (1, 2, 3, 4, 6):
        lines[f"bsf {k}x"] = (0, 0, 0, k, 0)
    for k in (2, 4):
        lines[f"bsf {k}x-ftf"] = (0, 0, 0, k, -1)
        lines[f"bsf {k}x+ftf"] = (0, 0, 0, k, 1)
    for k in (1, 2, 3):
        lines[f"shaft {k}x"] = (k, 0, 0, 0, 0)
    for k in (1, 2, 3):
        lines[f"ftf {k}x"] = (0, 0, 0, 0, k)
    return lines


LINES = _lines()  # the columns of a map but the last, which is the band's level


def require_fit(config: OrderMapConfig, kinematics: Kinematics) -> None:
    """Make sure that a window holds enough of the shaft's turns, and the widest band all lines.

    Raises
    ------
    InputError
        If not.
    """
    shaft_hz = kinematics.speed_rpm / 60
    turns = config.window / config.rate_hz * shaft_hz
    if turns < REVOLUTIONS:
        needed = math.ceil(REVOLUTIONS / shaft_hz * config.rate_hz)
        raise InputError(
            f"a window of {config.window} samples holds {turns:.1f} revolutions of a shaft at "
            f"{kinematics.speed_rpm:g} rpm: expected {REVOLUTIONS:g} or more to tell fault orders "
            f"apart; use windows of {needed} samples or longer"
        )
    highest = float(line_orders(kinematics).max()) * (1 + TOLERANCE) * shaft_hz
    held = config.highest_beat_hz
    if highest > held:
        raise InputError(
            f"the highest line looked at lies at {highest:.0f} Hz for a shaft at "
            f"{kinematics.speed_rpm:g} rpm: expected {held:.0f} Hz or less, the width of the "
            f"widest band at a rate of {config.rate_hz:g} Hz; use a higher rate"
        )


def line_orders(kinematics: Kinematics) -> NDArray[np.float64]:
    """Of every one of `LINES`, for a bearing: shape (lines,)."""
    _, *orders = astuple(kinematics)
    found: NDArray[np.float64] = np.array(list(LINES.values())) @ np.array([1.0, *orders])
    return found
