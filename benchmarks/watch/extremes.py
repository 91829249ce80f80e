"""How often a rule's own statistic passes its limit, far beyond what was watched.

The statistic's maxima over blocks of time, each machine's on a scale of its own, share a
generalised Pareto tail: Hosking and Wallis, "Regional Frequency Analysis" (1997), whose index is
here the median, and probability-weighted moments as of their paper of 1987. The interval draws
machines anew, and blocks within each, so that it knows how machines differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TAIL_SHARE = 0.1
_SHAPES = (-0.15, 0.5)  # of a normal distribution this far out, to heavier ones
_DOUBT = 20.0  # maxima that an exponential tail, the case in the middle, counts for
_DRAWS = 400
_INTERVAL = (2.5, 97.5)


class Rate(NamedTuple):
    """Of passing the limit, a machine and month; with its 95 % interval."""

    value: float
    low: float
    high: float


def held(level: Array, k: int, n: int) -> Array:
    """The level that k of the last n seconds reach, at each second but the first n - 1."""
    windows = np.lib.stride_tricks.sliding_window_view(level, n)
    return np.partition(windows, n - k, axis=1)[:, n - k]


def maxima(level: Array, block: int) -> Array:
    """Its largest of each whole block of so many seconds."""
    whole = len(level) // block
    return level[: whole * block].reshape(whole, block).max(axis=1)


def rate_beyond(
    of_machines: Sequence[Array], limits: Sequence[float], blocks_a_month: float
) -> Rate:
    """How often a block's maximum passes the limit of its machine.

    Parameters
    ----------
    of_machines : sequence of arrays
        Maxima of each machine.
    limits : sequence of float
        Of each.
    blocks_a_month : float > 0
    """
    rng = np.random.default_rng(0)
    value = _beyond(of_machines, limits)
    drawn = []
    for _ in range(_DRAWS):
        chosen = rng.integers(0, len(of_machines), len(of_machines))
        others = [rng.choice(of_machines[i], len(of_machines[i])) for i in chosen]
        drawn.append(_beyond(others, [limits[i] for i in chosen]))
    low, high = np.percentile(drawn, _INTERVAL)
    return Rate(*(blocks_a_month * each for each in (value, float(low), float(high))))


def _beyond(of_machines: Sequence[Array], limits: Sequence[float]) -> float:
    """The share of blocks that pass, the mean of the machines."""
    scales = [_scale(each) for each in of_machines]
    pooled = np.concatenate(
        [(x - mid) / width for x, (mid, width) in zip(of_machines, scales, strict=True)]
    )
    ordered = np.sort(pooled)
    n_tail = max(int(np.ceil(_TAIL_SHARE * len(ordered))), 10)
    base = float(ordered[-n_tail - 1])
    scale, shape = _moments(ordered[-n_tail:] - base)
    shares = []
    for (mid, width), limit, own in zip(scales, limits, of_machines, strict=True):
        at = (limit - mid) / width
        if at <= base:
            shares.append(float((own > limit).mean()))
        else:
            inside = max(1 + shape * (at - base) / scale, 0.0)
            beyond = np.exp(-(at - base) / scale) if shape == 0 else inside ** (-1 / shape)
            shares.append(float(n_tail / len(ordered) * beyond))
    return float(np.mean(shares))


def _scale(x: Array) -> tuple[float, float]:
    """Median and L-scale."""
    ordered, m = np.sort(x), len(x)
    weights = 2 * np.arange(m) / max(m - 1, 1) - 1
    return float(np.median(x)), max(float((weights * ordered).mean()), 1e-6)


def _moments(tail: Array) -> tuple[float, float]:
    """Scale and shape (above 0: heavy) of a sorted tail."""
    m = len(tail)
    first = float(tail.mean())
    weights = (m - np.arange(1, m + 1)) / (m - 1)
    spread = max(first - 2 * float((weights * tail).mean()), 1e-12)
    shape = float(np.clip(2 - first / spread, *_SHAPES)) * m / (m + _DOUBT)
    return max(first * (1 - shape), 1e-12), shape
