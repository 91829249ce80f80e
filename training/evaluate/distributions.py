"""Two sets of heatmaps as distributions: JS, KL and EMD row by row, MMD as a whole.

Written against the Python array API: NumPy, CuPy and torch arrays stay where they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy.stats import wasserstein_distance

from dlrsd.runtime.synthesis.neighbours import Array, to_host

HISTOGRAM_BINS = 32
# Half a count in every bin: the Krichevsky-Trofimov (Jeffreys) estimate keeps KL finite.
KL_PSEUDOCOUNT = 0.5


def row_figures(synthetic: Array, real: Array) -> dict[str, float | None]:
    """Divergences between the values of each frequency row, mean over the rows.

    Parameters
    ----------
    synthetic : array, shape (n, channels, F, T)
    real : array, shape (m, channels, F, T)

    Returns
    -------
    dict
        ``js`` in bits, ``kl`` in nats, ``emd`` in the heatmaps' unit.
    """
    synthetic, real = _rows(synthetic), _rows(real)
    counts, counts_real = _histograms(synthetic, real)
    return {
        "js": js_nats(shares(counts_real), shares(counts)) / float(np.log(2.0)),
        "kl": kl_nats(shares(counts_real + KL_PSEUDOCOUNT), shares(counts + KL_PSEUDOCOUNT)),
        "emd": _emd(synthetic, real),
    }


def mmd(synthetic: Array, real: Array) -> float | None:
    """Unbiased squared maximum mean discrepancy; None where a set is too small or real ones equal.

    Parameters
    ----------
    synthetic : array, shape (n, values)
    real : array, shape (m, values)
    """
    n, m = synthetic.shape[0], real.shape[0]
    if n < 2 or m < 2:
        return None
    xp = array_namespace(synthetic, real)
    squared = _squared_distances(xp.concat([synthetic, real], axis=0))
    # Each pair is in the matrix twice, and sorting leaves the zero diagonal in front.
    bandwidth = median(xp.sort(xp.reshape(xp.sqrt(squared[n:, n:]), (-1,)))[m:])
    if bandwidth == 0:
        return None
    kernel = xp.exp(squared / (-2 * bandwidth**2))
    within = xp.sum(kernel[:n, :n]) - n
    within_real = xp.sum(kernel[n:, n:]) - m
    between = xp.mean(kernel[:n, n:])
    return float(within / (n * (n - 1)) + within_real / (m * (m - 1)) - 2 * between)


def js_nats(p: Array, q: Array) -> float:
    """Mean Jensen-Shannon divergence of the rows of two arrays of shares."""
    mixture = (p + q) / 2
    return (kl_nats(p, mixture) + kl_nats(q, mixture)) / 2


def kl_nats(p: Array, q: Array) -> float:
    """Mean over rows of sum p log(p / q), 0 log 0 being 0; q > 0 wherever p > 0."""
    xp = array_namespace(p, q)
    return float(xp.mean(xp.sum(p * (xp.log(nonzero(p)) - xp.log(nonzero(q))), axis=1)))


def shares(counts: Array) -> Array:
    """Each row over its sum."""
    return counts / array_namespace(counts).sum(counts, axis=1, keepdims=True)


def nonzero(x: Array) -> Array:
    """Divisors: a zero, met only under a zero dividend, becomes one."""
    xp = array_namespace(x)
    return xp.where(x > 0, x, xp.ones_like(x))


def median(values: Array) -> float:
    """Median of a 1-D array: the array API has none."""
    ordered = array_namespace(values).sort(values)
    n = ordered.shape[0]
    return (float(ordered[(n - 1) // 2]) + float(ordered[n // 2])) / 2


def _rows(x: Array) -> Array:
    """(n, channels, F, T) -> (channels * F, n * T): all values of each frequency row."""
    xp = array_namespace(x)
    n, channels, n_rows, blocks = x.shape
    return xp.reshape(xp.permute_dims(x, (1, 2, 0, 3)), (channels * n_rows, n * blocks))


def _histograms(synthetic: Array, real: Array) -> tuple[Array, Array]:
    """Counts per row, shape (rows, HISTOGRAM_BINS), in equal bins over the values of both."""
    xp = array_namespace(synthetic, real)
    low = xp.minimum(_edge(xp.min, synthetic), _edge(xp.min, real))
    span = nonzero(xp.maximum(_edge(xp.max, synthetic), _edge(xp.max, real)) - low)
    return _counts(synthetic, low, span), _counts(real, low, span)


def _edge(reduce: Any, rows: Array) -> Array:
    return reduce(rows, axis=1, keepdims=True)


def _counts(rows: Array, low: Array, span: Array) -> Array:
    xp = array_namespace(rows)
    position = xp.floor((rows - low) / span * HISTOGRAM_BINS)
    position = xp.where(position < HISTOGRAM_BINS, position, position - 1)  # the last bin is closed
    columns = [xp.sum(xp.astype(position == b, rows.dtype), axis=1) for b in range(HISTOGRAM_BINS)]
    return xp.stack(columns, axis=1)


def _emd(synthetic: Array, real: Array) -> float:
    # scipy computes on the host: the one copy off the device, of the drawn heatmaps only.
    pairs = zip(to_host(synthetic), to_host(real), strict=True)
    return float(np.mean([wasserstein_distance(a, b) for a, b in pairs]))


def _squared_distances(x: Array) -> Array:
    xp = array_namespace(x)
    x = x - xp.mean(x, axis=0, keepdims=True)  # less cancellation below
    norms = xp.sum(x * x, axis=1)
    squared = norms[:, None] + norms[None, :] - 2 * (x @ x.T)
    off_diagonal = 1 - xp.eye(x.shape[0], dtype=x.dtype)
    return xp.where(squared > 0, squared, xp.zeros_like(squared)) * off_diagonal
