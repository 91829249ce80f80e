"""The trend of a figure over days: a robust slope, how sure it is, and when it will cross a limit.

The slope is the median of all slopes between two points, its interval that of Kendall's rank
statistic. That takes the points to be independent, which those of a machine are not: load,
temperature and speed wander for hours, and what wanders looks like a trend. So the points are few
medians of many, and the variance is that of the number of independent ones among them, by the
correlation of neighbours about the line, freed of its bias.

Sources: Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968); Yue
and Wang, "The Mann-Kendall test modified by effective sample size to detect trend in serially
correlated hydrological series", Water Resources Management 18 (2004), for the number of independent
ones; Kendall, "Note on bias in the estimation of autocorrelation", Biometrika 41 (1954).
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.998  # of the interval: a slope of nothing is above it once in a thousand
LEAST_S = 2 * 86_400.0  # two days: a day's own course, of a shift or the sun, is no trend
_PARTS = (1.0, 0.5, 0.25)  # of the time, up to now: what grows ever faster is told by the last
_POINTS, _LEAST_POINTS = 96, 12
_MOST_CORRELATED = 0.98
_GOES_ON = 0.25  # of the slope, in the last half


class Trend(NamedTuple):
    """A straight line through a figure's course."""

    slope: float
    """Per second."""
    least: float
    most: float
    """The interval of the slope; infinite where there are too few independent points."""
    time: float
    value: float
    """A point of the line, in the middle of the times."""
    independent: float
    """How many independent points there are among those used."""


class Crossing(NamedTuple):
    """When a figure will cross a limit, if it goes on as it did; times as those given."""

    earliest: float
    likely: float
    latest: float
    trend: Trend
    since: float
    """From when on the figure was looked at."""


def crossing(
    times: ArrayLike, values: ArrayLike, limit: float, *, confidence: float = CONFIDENCE
) -> Crossing | None:
    """When a figure that rises will be above a limit; None where it does not rise for sure.

    Told by all of the time, its last half or its last quarter, of which none is shorter than two
    days: by the shortest that is sure, for faults grow ever faster. Sure is that the interval of
    the slope, of ``confidence`` for all three together, lies above nothing, and that the last half
    rises as well. A figure that wanders about one level is so once in a thousand times at most; a
    small step, as of a new load, may be taken for a trend until its old side is no longer given.

    Parameters
    ----------
    times : array, shape (n,)
        In s, in any order; the latest is now.
    values : array, shape (n,)
        The figure, such as the velocity of minutes; what is not finite is left out. The line is
        straight in what is given: for growth by so much per cent a day, give logarithms.
    limit : float
    confidence : float between 0 and 1

    Returns
    -------
    Crossing or None
        No time lies before now: a figure that rises and is above the limit already crosses now.
    """
    at, of = _ordered(times, values)
    if not len(at):
        return None
    now, span = at[-1], at[-1] - at[0]
    for part in reversed(_PARTS):
        if part * span < LEAST_S:
            continue
        since = now - part * span
        inside = at >= since
        found = trend(at[inside], of[inside], confidence=1 - (1 - confidence) / len(_PARTS))
        if found is not None and found.least > 0 and _goes_on(found, at[inside], of[inside]):
            earliest, likely, latest = (
                float(max(now, found.time + (limit - found.value) / slope))
                for slope in (found.most, found.slope, found.least)
            )
            return Crossing(earliest, likely, latest, found, float(since))
    return None


def _goes_on(found: Trend, t: Array, y: Array) -> bool:
    """Whether the last half rises too: what only stepped up in the middle does not go on."""
    half = t >= (t[0] + t[-1]) / 2
    last = trend(t[half], y[half])
    return last is not None and last.slope > _GOES_ON * found.slope


def trend(times: ArrayLike, values: ArrayLike, *, confidence: float = CONFIDENCE) -> Trend | None:
    """The slope of a figure and its interval; None with fewer than 12 points at different times.

    Parameters as for `crossing`.
    """
    t, y = _points(*_ordered(times, values))
    n = len(t)
    if n < _LEAST_POINTS:
        return None
    first, second = _pairs(n)
    slopes = (y[second] - y[first]) / (t[second] - t[first])
    slope = float(np.median(slopes))
    middle, level = float(np.median(t)), float(np.median(y))
    independent = _independent(y - slope * t)
    # Of Kendall's statistic, for which half of the pairs less, or more, are below the slope.
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18 * n / independent)
    away = _quantile(0.5 + confidence / 2, independent - 2) * deviation / 2
    below, above = len(slopes) / 2 - away, len(slopes) / 2 + away
    slopes.sort()
    return Trend(
        slope=slope,
        least=float(slopes[math.floor(below)]) if below >= 0 else -math.inf,
        most=float(slopes[math.ceil(above)]) if math.ceil(above) < len(slopes) else math.inf,
        time=middle,
        value=level,
        independent=independent,
    )


def _ordered(times: ArrayLike, values: ArrayLike) -> tuple[Array, Array]:
    t, y = np.asarray(times, np.float64), np.asarray(values, np.float64)
    fit = np.isfinite(t) & np.isfinite(y)
    t, y = t[fit], y[fit]
    order = t.argsort(kind="stable")
    return t[order], y[order]


def _points(t: Array, y: Array) -> tuple[Array, Array]:
    """Medians of at most 96 equal stretches of time; those that hold nothing are left out."""
    if len(t) < 2 or t[-1] == t[0]:
        return t[:1], y[:1]
    at = np.minimum((t - t[0]) / (t[-1] - t[0]) * _POINTS, _POINTS - 1).astype(np.int64)
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    parts = [(t[i:j], y[i:j]) for i, j in zip(starts, [*starts[1:], len(t)], strict=True)]
    return np.array([a.mean() for a, _ in parts]), np.array([np.median(b) for _, b in parts])


def _independent(residual: Array) -> float:
    """How many of the points are independent, by the rank correlation of neighbours."""
    n = len(residual)
    ranks = residual.argsort().argsort() - (n - 1) / 2
    by_rank = float(ranks[1:] @ ranks[:-1]) / float(ranks @ ranks)
    correlation = 2 * math.sin(math.pi / 6 * by_rank)  # of a Gaussian's values
    # A line was taken out, which took correlation with it.
    correlation = (correlation + 2 / n) / (1 - 4 / n)
    correlation = min(max(correlation, 0.0), _MOST_CORRELATED)
    return n * (1 - correlation) / (1 + correlation)


def _quantile(p: float, freedom: float) -> float:
    """Of Student's distribution, by Cornish and Fisher's expansion; 5 % low at 6 degrees."""
    z, n = NormalDist().inv_cdf(p), max(freedom, 1.0)
    return z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)


@lru_cache(maxsize=8)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n, 1)
