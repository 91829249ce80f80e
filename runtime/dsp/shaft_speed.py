"""The shaft's speed, from its own lines in the signal or its envelope.

Unbalance and misalignment draw lines at the first multiples of the shaft's speed. Where they are
found near the stated speed they give it more exactly; where they are found elsewhere, and not
there, the stated speed is contradicted.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.dsp.combs import stretches
from dlrsd.runtime.dsp.envelope import Spectrum

HARMONICS = 5
ROUNDING = 0.005  # a stated speed is off by this much without being wrong
TOLERANCE = 0.1  # within which a speed found is used in place of the stated one
_SEARCHED = 0.25  # within which it is looked for

_OFFSET, _MISSING, _HIGH = 0.5, -0.5, 6.0  # as for combs, in ln of power; shaft lines tower
_ABOVE = 0.05  # what a line counts above _HIGH: enough to choose between neighbours
_FOUND = 6.0  # noise reaches 4 in one of 300 windows
_STANDS = 2.0  # a line in ln of power
_LEAST_LINES = 3  # of a speed that was not stated
_MAINS_HZ, _MAINS_OFF = (50.0, 60.0, 100.0, 120.0), 0.003
_RATHER = 6.0  # by how much more than near the stated speed


class ShaftSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """The shaft's speed as it was used."""

    stated_hz: float
    hz: float
    how: Literal["stated", "refined", "contradicted", "wrong"]
    """stated: no shaft lines, taken as it was; refined: they are within 0.5 % of it; contradicted:
    they are elsewhere within 10 %, and their speed was taken; wrong: they are farther away, and no
    verdict follows."""

    @property
    def share_off(self) -> float:
        """By how much it may be wrong, as a share."""
        return ROUNDING if self.how == "stated" else 0.001


def shaft_speed(own: Spectrum, envelope: Spectrum, stated_hz: float) -> ShaftSpeed:
    """Find the shaft's speed within 25 % of the stated one.

    Parameters
    ----------
    own, envelope : of the signal, from `signal_spectrum`, and of its envelope, from
        `envelope_spectrum`, which is asked where the signal's has no lines of the shaft
    stated_hz : float > 0
        Turns of the shaft a second.
    """
    speed = _search(own, stated_hz, least_near=1)
    if speed.how == "stated":
        # A fault near a multiple of the shaft has a line or two there: three are the shaft's.
        speed = _search(envelope, stated_hz, least_near=_LEAST_LINES)
    return speed


def _search(spectrum: Spectrum, stated_hz: float, least_near: int) -> ShaftSpeed:
    logs = np.log(np.maximum(spectrum.excess, 1e-9)) - _OFFSET
    height = np.clip(logs, _MISSING, _HIGH) + _ABOVE * np.clip(logs - _HIGH, 0, 20)
    turn = stated_hz / spectrum.bin_hz
    stretch = stretches(2 * HARMONICS * turn, _SEARCHED)
    at = np.rint(np.arange(1, HARMONICS + 1)[:, None] * stretch * turn).astype(np.int64)
    heard = np.where(at < len(height), height[np.minimum(at, len(height) - 1)], 0.0)
    score, stands = heard.sum(axis=0), heard > _STANDS
    # Two lines at even multiples are as well the mains beside a motor of four poles.
    shafts = (stands.sum(axis=0) >= _LEAST_LINES) & stands[::2].any(axis=0)
    near = np.flatnonzero(np.abs(stretch - 1) <= ROUNDING + 0.5 / (HARMONICS * turn))
    here = int(near[score[near].argmax()])
    elsewhere = np.where(shafts & ~_mains(stretch * stated_hz, turn), score, -np.inf)
    best = int(elsewhere.argmax())
    if elsewhere[best] > _FOUND and elsewhere[best] - max(score[here], 0.0) > _RATHER:
        hz = _exactly(logs, spectrum, at[:, best])
        off = abs(hz / stated_hz - 1) > TOLERANCE
        return ShaftSpeed(stated_hz=stated_hz, hz=hz, how="wrong" if off else "contradicted")
    if score[here] > _FOUND and stands[:, here].sum() >= least_near:
        hz = _exactly(logs, spectrum, at[:, here])
        return ShaftSpeed(stated_hz=stated_hz, hz=hz, how="refined")
    return ShaftSpeed(stated_hz=stated_hz, hz=stated_hz, how="stated")


def _mains(hz: NDArray[np.float64], turn: float) -> NDArray[np.bool_]:
    """Where a comb would be the mains', which are as well picked up without any shaft."""
    width = _MAINS_OFF + 1 / (HARMONICS * turn)
    off = np.abs(hz[:, None] / np.array(_MAINS_HZ) - 1)
    near: NDArray[np.bool_] = (off < width).any(axis=1)
    return near


def _exactly(logs: NDArray[np.float64], spectrum: Spectrum, at: NDArray[np.int64]) -> float:
    """The speed by the tops of the lines, between bins: of parabolas through three logarithms."""
    weighted, weights = 0.0, 0.0
    for k, middle in enumerate(at, 1):
        low = max(1, middle - 1)
        if middle + 2 >= len(logs):
            break
        top = low + int(logs[low : middle + 2].argmax())
        left, peak, right = logs[top - 1 : top + 2]
        if peak < _STANDS or peak < left or peak < right:
            continue
        beside = 0.5 * (left - right) / min(left - 2 * peak + right, -1e-9)
        weighted += k * (top + beside)  # least squares: every line is as exact as every other
        weights += k * k
    return spectrum.bin_hz * float(weighted / weights if weights else at[0])
