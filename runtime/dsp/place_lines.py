"""What each place's comb of lines says of a window, as numbers a classifier can weigh.

The same combs by which the evidence names a place (`dlrsd.runtime.dsp.places`): their scores, and
the height of every line where the comb fits best.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.combs import heights
from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.order_map_config import Kinematics
from dlrsd.runtime.dsp.places import BLOCK_ORDERS, HARMONICS, OWN_ORDERS, combs, find
from dlrsd.runtime.dsp.shaft_speed import TOLERANCE, shaft_speed

N_PLACE_LINES = sum(1 + len(comb.teeth) for comb in combs(Kinematics(1, 3, 5, 2, 0.4)))


def place_lines(
    windows: NDArray[np.floating], rate_hz: float, kinematics: Kinematics
) -> NDArray[np.float32]:
    """Scores of the places and heights of their lines.

    Parameters
    ----------
    windows : array, shape (n, window), finite
        Of one machine, of eight turns or more each; neither gain nor unit matter.
    rate_hz : float > 0
    kinematics : Kinematics
        The stated speed, which is refined from each window, and the bearing's orders.

    Returns
    -------
    array, shape (n, `N_PLACE_LINES`), float32
        Of outer race, inner race, ball and cage in turn the comb's score and the height of each of
        its lines, in ln of power over the surroundings. 0 for a line that lies above what the rate
        holds, and for windows without any signal.
    """
    found = np.zeros((len(windows), N_PLACE_LINES), np.float32)
    for own, window in zip(found, windows, strict=True):
        x = np.asarray(window, np.float64)
        if np.ptp(x) > 0:
            own[:] = _of_window(x / np.abs(x).max(), rate_hz, kinematics)
    return found


def _of_window(x: NDArray[np.float64], rate_hz: float, kinematics: Kinematics) -> list[float]:
    stated_hz = kinematics.speed_rpm / 60
    block_hz = BLOCK_ORDERS * stated_hz
    highest_hz = (HARMONICS * kinematics.bpfi + 2) * (1 + TOLERANCE) * stated_hz
    own = signal_spectrum(x, rate_hz, OWN_ORDERS * stated_hz, block_hz)
    envelope = envelope_spectrum(x, rate_hz, min(highest_hz, rate_hz / 8), block_hz)
    speed = shaft_speed(own, envelope, stated_hz)
    height, turn = heights(envelope.excess), speed.hz / envelope.bin_hz
    values = []
    for place in find(envelope, speed, kinematics).values():
        values.append(place.score)
        for tooth in place.comb.teeth:
            at = round((tooth.moving * place.fit.stretch + tooth.fixed) * turn)
            # A bin on either side: beside the comb's common stretch a line may wander a little.
            beside = height[max(at - 1, 0) : at + 2]
            values.append(float(beside.max()) if at + 1 < len(height) else 0.0)
    return values
