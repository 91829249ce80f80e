"""Fault lines: what the envelope's spectrum shows at each place of a bearing, as a few numbers.

For outer race, inner race, ball and cage how well the place's comb of lines fits the prewhitened
envelope's spectrum, with and without what another place explains, and how high each of its lines
stands where it fits best. Neither gain nor unit nor the structure's resonances count, and a line
that the shaft explains counts for nothing, so that machines of any size, speed and bearing look
alike: what is learned of some holds for others.

The shaft's speed is refined by its own lines first: what is stated may be off by 10 %.

Sources: those of `dlrsd.runtime.dsp.envelope`, `places` and `combs`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.combs import heights
from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.order_map_config import REVOLUTIONS, Kinematics
from dlrsd.runtime.dsp.places import HARMONICS, OWN_ORDERS, Found, find, guarded
from dlrsd.runtime.dsp.shaft_speed import TOLERANCE, ShaftSpeed, shaft_speed

PLACES = ("outer", "inner", "ball", "cage")
COLUMNS = 16
SHAPE = (len(PLACES), COLUMNS)
BLOCK_ORDERS = 0.7  # over which a line's surroundings are taken, in multiples of the speed
LEAST_LINES = 2  # harmonics of BPFI that the rate must hold
_SILENT = 1e-12  # of the largest sample


def fault_lines(x: NDArray[Any], rate_hz: float, kinematics: Kinematics) -> NDArray[np.float32]:
    """What a window shows at each place.

    Parameters
    ----------
    x : array, shape (..., n), real, finite
        Windows; neither gain nor unit matter.
    rate_hz : float > 0
    kinematics : Kinematics
        Of the machine that all of them are of.

    Returns
    -------
    array, shape (..., 4, 16), float32
        Rows: `PLACES`. Columns: the comb's score, the score of what no other place explains, then
        the height of each line in ln of power (-0.5 to 5: -0.5 is nothing, 0 a little more than
        noise): 5 harmonics; of races and ball 3 pairs of sidebands, of the cage 4 harmonics and no
        sidebands. What a place does not have, and lines beyond the spectrum, are 0.

    Raises
    ------
    InputError
        As of `require_lines`.
    """
    require_lines(x.shape[-1], rate_hz, kinematics)
    flat = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    found = np.zeros((len(flat), *SHAPE), np.float32)
    for row, window in zip(found, flat, strict=True):
        largest = np.abs(window).max()
        if largest > 0 and np.ptp(window) > _SILENT * largest:
            row[:] = _of_window(window / largest, rate_hz, kinematics)
    return found.reshape(*x.shape[:-1], *SHAPE)


def require_lines(n: int, rate_hz: float, kinematics: Kinematics) -> None:
    """Make sure that windows of ``n`` samples hold enough turns, and the rate enough lines.

    Raises
    ------
    InputError
        If not.
    """
    turn_hz = kinematics.speed_rpm / 60
    if (turns := n / rate_hz * turn_hz) < REVOLUTIONS:
        raise InputError(
            f"a window of {n / rate_hz:.3g} s holds {turns:.1f} revolutions of a shaft at "
            f"{kinematics.speed_rpm:g} rpm: expected {REVOLUTIONS:g} or more, so "
            f"{60 * REVOLUTIONS * rate_hz / n:.0f} rpm or faster"
        )
    lowest_hz = 8 * (LEAST_LINES * kinematics.bpfi + 1) * (1 + TOLERANCE) * turn_hz
    if rate_hz < lowest_hz:
        fastest = math.floor(kinematics.speed_rpm * rate_hz / lowest_hz)
        raise InputError(
            f"the inner race's lines lie too high at {kinematics.speed_rpm:g} rpm for a rate of "
            f"{rate_hz:g} Hz: expected {fastest} rpm or slower for this bearing"
        )


def _of_window(
    x: NDArray[np.float64], rate_hz: float, kinematics: Kinematics
) -> NDArray[np.float64]:
    stated_hz = kinematics.speed_rpm / 60
    block_hz = BLOCK_ORDERS * stated_hz
    highest_hz = (HARMONICS * kinematics.bpfi + 2) * (1 + TOLERANCE) * stated_hz
    own = signal_spectrum(x, rate_hz, OWN_ORDERS * stated_hz, block_hz)
    envelope = envelope_spectrum(x, rate_hz, min(highest_hz, rate_hz / 8), block_hz)
    speed = shaft_speed(own, envelope, stated_hz)
    height = heights(envelope.excess)
    height = np.where(guarded(envelope, speed), np.minimum(height, 0.0), height)
    found = find(envelope, speed, kinematics)
    return np.stack([_row(height, speed, envelope.bin_hz, found[place]) for place in PLACES])


def _row(
    height: NDArray[np.float64], speed: ShaftSpeed, bin_hz: float, found: Found
) -> NDArray[np.float64]:
    row = np.zeros(COLUMNS)
    row[:2] = found.fit.score, found.score
    teeth = np.array([tooth[1:3] for tooth in found.comb.teeth])
    orders = teeth[:, 0] * found.fit.stretch + teeth[:, 1]
    at = np.rint(orders * speed.hz / bin_hz).astype(np.int64)
    inside = (at > 0) & (at < len(height))
    row[2 : 2 + len(at)] = np.where(inside, height[np.where(inside, at, 0)], 0.0)
    return row
