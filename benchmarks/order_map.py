"""The order map: how strongly the lines of each bearing fault stand out in the envelope.

A fault rings a resonance once per roller that passes it, so the envelope of the band around that
resonance has lines at multiples of the fault's order (a frequency in multiples of the shaft's
speed). Which band rings is a matter of the machine and differs from bearing to bearing; the orders
follow from the geometry alone, so what is learned on one bearing holds for others, of other types
too. A row of the map is a carrier band, a column a line.

Sources: Randall and Antoni, "Rolling element bearing diagnostics - A tutorial", MSSP 25 (2011);
lines, sidebands and harmonics as in Smith and Randall, "Rolling element bearing diagnostics using
the Case Western Reserve University data: A benchmark study", MSSP 64 (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from dlrsd.runtime.errors import InputError

TOLERANCE = 0.01  # of an order: rollers slip, and speeds are rounded
_STEPS = 5  # within the tolerance
# What surrounds a line lies between its own width and half an order, where sidebands begin.
_AROUND = np.array([-0.5, -0.42, -0.34, -0.26, 0.26, 0.34, 0.42, 0.5])
_POINTS = _STEPS + len(_AROUND)  # frequencies looked at for a line
_LEAST_ORDER = 0.15  # what lies below is drift
_FLOOR = 1e-4  # of the envelope's mean: quieter lines are noise
_SILENCE = 1e-6  # in the signal's unit, under the logarithm of a band's level
_REVOLUTIONS = 8.0  # a Hann window of fewer smears a line over what surrounds it
_BATCH = 64


@dataclass(frozen=True)
class OrderMapConfig:
    """What fixes an order map.

    Parameters
    ----------
    rate_hz : float > 0
        Sampling rate of the windows, Hz.
    window : int > 0
        Samples of a window; 8 revolutions of the shaft at least.
    shaft_hz : float > 0
        Revolutions per second.
    bpfo, bpfi, bsf, ftf : float > 0
        Orders of the outer race, the inner race, a rolling element's spin and the cage.
    n_bands : int > 0
        Carrier bands, log-spaced, lowest first.
    f_min_hz, f_max_hz : float
        Lower edge of the first band and upper one of the last.

    Raises
    ------
    InputError
        If windows are too short to tell orders apart.
    """

    rate_hz: float
    window: int
    shaft_hz: float
    bpfo: float
    bpfi: float
    bsf: float
    ftf: float
    n_bands: int = 8
    f_min_hz: float = 200.0
    f_max_hz: float = 4500.0

    def __post_init__(self) -> None:
        revolutions = self.window / self.rate_hz * self.shaft_hz
        if not revolutions >= _REVOLUTIONS:
            needed = int(np.ceil(_REVOLUTIONS / self.shaft_hz * self.rate_hz))
            raise InputError(
                f"got windows of {self.window} samples, {revolutions:.1f} revolutions of the "
                f"shaft: expected {_REVOLUTIONS:g} or more to tell fault orders apart; cut windows "
                f"of {needed} samples or longer"
            )

    @property
    def lines(self) -> Mapping[str, float]:
        """The orders looked at, by name: the columns of the map before the last."""
        races = {
            f"{name} {k}x{side}": k * order + offset
            for name, order in (("bpfo", self.bpfo), ("bpfi", self.bpfi))
            for side, offset, harmonics in (
                ("", 0.0, (1, 2, 3, 4)),
                ("-1", -1.0, (1, 2)),
                ("+1", 1.0, (1, 2)),
            )
            for k in harmonics
        }
        # A damaged spot meets both races in each spin of its roller, carried around by the cage.
        roller = {f"bsf {k}x": k * self.bsf for k in (1, 2, 3, 4, 6)} | {
            f"bsf {k}x{side}": k * self.bsf + offset
            for k in (2, 4)
            for side, offset in (("-ftf", -self.ftf), ("+ftf", self.ftf))
        }
        shaft = {f"shaft {k}x": float(k) for k in (1, 2, 3)}
        return {**races, **roller, **shaft, **{f"ftf {k}x": k * self.ftf for k in (1, 2, 3, 4)}}


def order_map(x: NDArray[np.float32], config: OrderMapConfig) -> NDArray[np.float32]:
    """How far the envelope's lines stand above what surrounds them, by carrier band.

    Parameters
    ----------
    x : array [shape=(n, window)], real
    config : OrderMapConfig

    Returns
    -------
    array [shape=(n, n_bands, lines + 1)], float32
        Log of the line's amplitude over the median of its surroundings (0: no line; the signal's
        amplitude cancels), and in the last column the log of the band's mean envelope.

    Raises
    ------
    InputError
        If the windows are not ``config.window`` long.
    """
    if x.ndim != 2 or x.shape[1] != config.window:
        raise InputError(f"got windows of shape {x.shape}: expected (n, {config.window})")
    gains, (kernel, block) = _band_gains(config), _line_kernel(config)
    maps = [
        _maps(x[at : at + _BATCH].astype(np.float32), gains, kernel, block)
        for at in range(0, len(x), _BATCH)
    ]
    shape = (0, config.n_bands, len(config.lines) + 1)
    return np.concatenate(maps) if maps else np.empty(shape, np.float32)


def _maps(
    x: NDArray[np.float32], gains: NDArray[np.float32], kernel: NDArray[np.complex64], block: int
) -> NDArray[np.float32]:
    n, window = x.shape
    analytic = np.zeros((n, len(gains), window), np.complex64)
    analytic[:, :, : gains.shape[1]] = fft.rfft(x)[:, None, :] * gains
    envelope = np.abs(fft.ifft(analytic, overwrite_x=True))
    envelope = envelope[:, :, : block * len(kernel)].reshape(n, len(gains), -1, block).mean(axis=3)
    mean = envelope.mean(axis=2, keepdims=True)
    ripple = envelope / np.maximum(mean, np.finfo(np.float32).tiny) - (mean > 0)
    amplitude = np.abs(ripple.astype(np.complex64) @ kernel).reshape(n, len(gains), -1, _POINTS)
    line = amplitude[..., :_STEPS].max(axis=3)
    around = np.median(amplitude[..., _STEPS:], axis=3)
    contrast = np.log(line + _FLOOR) - np.log(around + _FLOOR)
    return np.concatenate([contrast, np.log(mean + _SILENCE)], axis=2)


def _band_gains(config: OrderMapConfig) -> NDArray[np.float32]:
    """Triangles over log frequency, (n_bands, bins): neighbours overlap by half."""
    edges = np.geomspace(config.f_min_hz, config.f_max_hz, config.n_bands + 1)
    centre, width = np.sqrt(edges[:-1] * edges[1:]), np.log(edges[1] / edges[0])
    hz = np.maximum(np.fft.rfftfreq(config.window, 1 / config.rate_hz), 1e-9)
    gain = np.clip(1 - np.abs(np.log(hz / centre[:, None])) / width, 0, 1)
    return (2 * gain).astype(np.float32)


def _line_kernel(config: OrderMapConfig) -> tuple[NDArray[np.complex64], int]:
    """A Fourier transform under a Hann window at every line and around it, (blocks, points), and
    the samples of a block: short against the fastest line's period, so its mean keeps the line."""
    order = np.array(list(config.lines.values()))[:, None]
    steps = order * (1 + np.linspace(-TOLERANCE, TOLERANCE, _STEPS))
    around = np.maximum(order + _AROUND, _LEAST_ORDER)
    hz = np.concatenate([steps, around], axis=1).ravel() * config.shaft_hz
    block = max(1, int(config.rate_hz / (8 * hz.max())))
    blocks = config.window // block
    t = (np.arange(blocks) + 0.5) * block / config.rate_hz
    taper = np.hanning(blocks) / np.hanning(blocks).sum()
    return (taper[:, None] * np.exp(-2j * np.pi * t[:, None] * hz)).astype(np.complex64), block
