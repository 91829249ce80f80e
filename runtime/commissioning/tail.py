"""From scores of healthy windows to a limit that is passed once in a stated time.

The scores above a high quantile are taken as a generalised Pareto tail, whose quantile far beyond
what was seen is the limit. Its interval comes of drawing the scores anew from the fitted tail.

Source: Hosking and Wallis, "Parameter and quantile estimation for the generalized Pareto
distribution", Technometrics 29 (1987): probability-weighted moments, which few scores determine
better than maximum likelihood does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.evidence.commissioned import Limit

TAIL_SHARE = 0.1  # of the scores
FEWEST = 100  # scores; ten of them are the tail
_SHAPES = (-0.15, 0.5)  # of a normal distribution this far out, to heavier ones
_DOUBT = 20.0  # scores that an exponential tail, the case in the middle, counts for
_DRAWS = 400
_INTERVAL = (2.5, 97.5)


def limit_passed_once_in(n: float, scores: NDArray[np.float64]) -> Limit:
    """The score that one of ``n`` healthy windows passes.

    Parameters
    ----------
    n : float > 1
    scores : array, shape (m,)
        Of `FEWEST` healthy windows at least.

    Returns
    -------
    Limit

    Raises
    ------
    ValueError
        If there are fewer scores.
    """
    if len(scores) < FEWEST:
        raise ValueError(f"got {len(scores)} scores, expected at least {FEWEST}")
    ordered = np.sort(scores)
    n_tail = max(int(np.ceil(TAIL_SHARE * len(ordered))), 10)
    base = float(ordered[-n_tail - 1])
    tail = ordered[-n_tail:] - base
    passed = len(ordered) / n_tail / n  # share of the tail that lies beyond the limit
    scale, shape = _moments(tail)
    rng = np.random.default_rng(0)
    drawn = np.sort(_quantile(rng.random((_DRAWS, n_tail)), scale, shape), axis=1)
    others = [_quantile(passed, *_moments(each)) for each in drawn]
    low, high = np.percentile(others, _INTERVAL)
    value = float(_quantile(passed, scale, shape))
    return Limit(base + value, base + float(low), base + float(high))


def _moments(tail: NDArray[np.float64]) -> tuple[float, float]:
    """Scale and shape (above 0: heavy) of a sorted tail."""
    m = len(tail)
    first = float(tail.mean())
    weights = (m - np.arange(1, m + 1)) / (m - 1)  # share of the tail above each
    second = float((weights * tail).mean())
    spread = max(first - 2 * second, 1e-12)
    shape = float(np.clip(2 - first / spread, *_SHAPES)) * m / (m + _DOUBT)
    return first * (1 - shape), shape


def _quantile(
    beyond: NDArray[np.float64] | float, scale: float, shape: float
) -> NDArray[np.float64]:
    """What the share ``beyond`` of a tail lies beyond."""
    if shape == 0:
        return np.asarray(-scale * np.log(beyond))
    return np.asarray(scale * (np.power(beyond, -shape) - 1) / shape)
