"""What simulated strikes are made of: angles at which they fall, impulses there, how they ring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def strike_angles(turn: Array, order: float, jitter: float, rng: np.random.Generator) -> Array:
    """When something strikes ``order`` times a turn.

    Parameters
    ----------
    turn : array, shape (n,), ascending
        The shaft's angle in turns at every sample.
    order : float > 0
    jitter : float >= 0
        Standard deviation of the spacing, as a share of it.

    Returns
    -------
    array, shape (strikes,): the shaft's angle at each, in turns
    """
    count = int(1.2 * (turn[-1] - turn[0]) * order) + 10
    steps = (1 + jitter * rng.standard_normal(count)) / order
    at = turn[0] + rng.uniform() / order + np.cumsum(steps)
    return np.asarray(at[at < turn[-1]])


def wandering(turn: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Knots, in turns, and normal values there, of what wanders over about ten turns."""
    knots = np.arange(turn[0], turn[-1] + 10, 10)
    return knots, rng.standard_normal(len(knots))


def impulses_at(at: Array, height: Array, turn: Array) -> Array:
    """Strikes of some height at angles, shared between the two samples around each: shape of
    ``turn``."""
    n = len(turn)
    where = np.interp(at, turn, np.arange(n))
    first = where.astype(np.int64)
    share = where - first
    out = np.bincount(first, height * (1 - share), minlength=n + 1)
    out += np.bincount(first + 1, height * share, minlength=n + 1)
    return np.asarray(out[:n])


def at_level(x: Array, floor: float, level_db: float) -> Array:
    """The same with a standard deviation of ``floor`` raised by ``level_db``."""
    return np.asarray(x * (floor / max(float(x.std()), 1e-12) * 10 ** (level_db / 20)))


def rumble(x: Array, colour: float) -> Array:
    """White noise made one of the first order, of the same variance; ``colour`` from 0 to 1 is its
    correlation from sample to sample."""
    bins = np.fft.rfft(x)
    angle = np.linspace(0, np.pi, len(bins))
    gain = np.sqrt(1 - colour**2) / np.abs(1 - colour * np.exp(-1j * angle))
    return np.fft.irfft(bins * gain, len(x))


def ringing(x: Array, response: Array) -> Array:
    """What a structure makes of strikes: convolution with its response, as long as ``x``."""
    n = 1 << (len(x) + len(response) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(response, n), n)[: len(x)]
