"""How like synthetic heatmaps are to real ones, and how many are near-copies of training windows.

Two families, each computed class by class. *Paired* figures (CS, PCC, RMSE) compare each
synthetic heatmap with its nearest real one of the class. *Distribution* figures (JS, KL, EMD per
frequency row; MMD on whole heatmaps) compare the two sets. ``DEFINITIONS`` says what each is.

The figures named ``*_paper`` follow DLRSD-SMOTE (Dai et al., 2025), for comparison with its
tables only: all paired, on heatmaps autoscaled to 0..1 as its pictures are. The paper pairs a
training picture with its own reconstruction; here nothing synthetic has an original, so the
nearest real heatmap takes its place.

Written against the Python array API: NumPy, CuPy and torch arrays stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device
from scipy.stats import wasserstein_distance

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.filtering import Thresholds, typical_distance
from dlrsd.runtime.synthesis.neighbours import Array, flatten, nearest, to_host

HISTOGRAM_BINS = 32
# Half a count in every bin: the Krichevsky-Trofimov (Jeffreys) estimate keeps KL finite.
KL_PSEUDOCOUNT = 0.5
# Of larger sets this many are drawn (seeded): the pairwise figures grow with the square.
MAX_HEATMAPS = 500


class Definition(NamedTuple):
    """What a figure is: short name, ideal value and one sentence."""

    label: str
    ideal: str
    text: str


DEFINITIONS: dict[str, Definition] = {
    "cs": Definition(
        "CS", "1", "cosine similarity of a synthetic heatmap to its nearest real one, mean"
    ),
    "pcc": Definition(
        "PCC", "1", "Pearson correlation of a synthetic heatmap with its nearest real one, mean"
    ),
    "rmse": Definition(
        "RMSE",
        "0",
        "root mean square difference to the nearest real heatmap, mean, in heatmap units",
    ),
    "js": Definition(
        "JS",
        "0",
        f"Jensen-Shannon divergence between the value histograms of a frequency row "
        f"({HISTOGRAM_BINS} shared bins), mean over rows, bits, 0 to 1",
    ),
    "kl": Definition(
        "KL",
        "0",
        "Kullback-Leibler divergence of the synthetic from the real histogram, D(real || synthetic)"
        f", {KL_PSEUDOCOUNT:g} counts added to every bin, mean over rows, nats",
    ),
    "mmd": Definition(
        "MMD²",
        "0",
        "unbiased squared maximum mean discrepancy, Gaussian kernel as wide as the median "
        "distance between real heatmaps; may fall slightly below 0",
    ),
    "emd": Definition(
        "EMD",
        "0",
        "earth mover's (1-Wasserstein) distance between the values of a frequency row, mean over "
        "rows, in heatmap units",
    ),
    "cs_paper": Definition("CS", "1", "cosine similarity of the 0..1 pictures"),
    "rmse_paper": Definition("RMSE", "0", "root mean square difference of the 0..1 pictures"),
    "js_paper": Definition("JS", "0", "Jensen-Shannon divergence of softmax(pixels), nats"),
    "kl_paper": Definition("KL", "0", "D(synthetic || real) of softmax(pixels), nats"),
    "mmd_paper": Definition("MMD", "0", "squared difference of the mean pixels"),
    "emd_paper": Definition("EMD", "0", "mean absolute difference of the pixels"),
}


def measure(synthetic: Array, real: Array) -> dict[str, float | None]:
    """Compare the synthetic heatmaps of one class with real ones.

    Of a set of more than 500 heatmaps, 500 are drawn at random, the same ones every time.

    Parameters
    ----------
    synthetic : array [shape=(n, channels, F, T)], real
        Synthetic heatmaps, standardised log scalograms.
    real : array [shape=(m, channels, F, T)], real
        Real heatmaps of the same class, same scale, same array library and device.

    Returns
    -------
    dict
        The figures of ``DEFINITIONS``. All are null if a set is empty; ``mmd`` is null if a set
        has one heatmap only or most real ones are equal.

    Raises
    ------
    InputError
        If the shapes do not fit or a value is not finite.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37, 1991 (JS).
    Gretton et al., "A kernel two-sample test", JMLR 13, 2012 (MMD, eq. 3; the
    median heuristic is applied to the real set alone, so that generators judged against the same
    real heatmaps are judged by the same kernel).
    Rubner et al., "The earth mover's distance as a metric for image retrieval", IJCV 40, 2000
    (EMD; equal to the 1-Wasserstein distance of Villani's "Optimal transport").
    """
    _check_pair(synthetic, real)
    if not (synthetic.shape[0] and real.shape[0]):
        return dict.fromkeys(DEFINITIONS)
    xp = array_namespace(synthetic, real)
    synthetic = xp.astype(_drawn(synthetic, MAX_HEATMAPS), xp.float64)
    real = xp.astype(_drawn(real, MAX_HEATMAPS), xp.float64)
    if not bool(xp.all(xp.isfinite(synthetic))) or not bool(xp.all(xp.isfinite(real))):
        raise InputError("got heatmaps with NaN or infinite values: expected finite ones")
    flat, flat_real = flatten(synthetic), flatten(real)
    _, index = nearest(flat, flat_real)
    partner = xp.take(flat_real, index[:, 0], axis=0)
    figures: dict[str, float | None] = {
        "cs": _cosine(flat, partner),
        "pcc": _cosine(_centred(flat), _centred(partner)),
        "rmse": _rmse(flat, partner),
    }
    figures |= _row_figures(_rows(synthetic), _rows(real))
    figures["mmd"] = _mmd(flat, flat_real)
    figures |= _paper_figures(_autoscaled(flat), _autoscaled(partner))
    return {name: figures[name] for name in DEFINITIONS}


def fidelity(synthetic: Mapping[str, Array], real: Mapping[str, Array]) -> dict[str, Any]:
    """Compare synthetic with real heatmaps, class by class and overall.

    Parameters
    ----------
    synthetic, real : {class: array [shape=(n, channels, F, T)]}
        Heatmaps by class, as in :func:`measure`. A class without any synthetic heatmap may be
        missing from ``synthetic``.

    Returns
    -------
    dict
        ``per_class``: {class: figures, ``n_synthetic``, ``n_real``} for each class with synthetic
        heatmaps; ``overall``: the unweighted mean over them of each figure (null where no class
        has it); ``reference``: the same mean with one random half of each class's real heatmaps
        compared with the other as if it were synthetic, that is, about what a perfect generator
        would score (classes of at least four real heatmaps; null without any).

    Raises
    ------
    InputError
        As in :func:`measure`, and if a class has synthetic but no real heatmaps.
    """
    per_class: dict[str, dict[str, float | int | None]] = {}
    reference = []
    for name, heatmaps in synthetic.items():
        if not heatmaps.shape[0]:
            continue
        if name not in real or not real[name].shape[0]:
            raise InputError(
                f"class {name!r} has {heatmaps.shape[0]} synthetic heatmaps but no real one: "
                f"expected real heatmaps of every class that was synthesised"
            )
        per_class[name] = {
            **measure(heatmaps, real[name]),
            "n_synthetic": int(heatmaps.shape[0]),
            "n_real": int(real[name].shape[0]),
        }
        count = real[name].shape[0]
        if count >= 4:
            shuffled = _drawn(real[name], count)
            reference.append(measure(shuffled[count // 2 :, ...], shuffled[: count // 2, ...]))
    return {
        "overall": _class_mean(list(per_class.values())),
        "per_class": per_class,
        "reference": _class_mean(reference),
    }


def near_copies(
    synthetic: Mapping[str, Array],
    train: Mapping[str, Array],
    *,
    fraction: float = Thresholds.copy_distance,
) -> dict[str, Any]:
    """Count synthetic heatmaps that all but repeat a training window.

    The yardstick is the class itself: the median, over its training windows, of the distance
    from a window to its nearest neighbour among the others.

    Parameters
    ----------
    synthetic : {class: array [shape=(n, channels, F, T)]}, real
        Synthetic heatmaps.
    train : {class: array [shape=(m, channels, F, T)]}, real
        Heatmaps of the training windows they were made from, on the same scale.
    fraction : float > 0
        A synthetic heatmap is a near-copy if its distance to the nearest training window is at
        most this part of the yardstick.

    Returns
    -------
    dict
        ``fraction``; ``n``, ``count`` and ``share`` over the classes that have a yardstick;
        ``per_class``: {class: {``n``, ``count``, ``share``, ``median_ratio``}}, the last being
        the median distance to the nearest training window over the yardstick. A class with fewer
        than two training windows has no yardstick: its ``count``, ``share`` and ``median_ratio``
        are null. ``median_ratio`` is also null if the yardstick is zero.

    Raises
    ------
    InputError
        If shapes do not fit, or ``fraction`` is not positive.
    """
    if not fraction > 0:
        raise InputError(f"got a near-copy fraction of {fraction:g}: expected more than 0")
    per_class = {
        name: _near_copies_of_class(heatmaps, train[name], fraction)
        for name, heatmaps in synthetic.items()
        if heatmaps.shape[0] and name in train
    }
    counted = [row for row in per_class.values() if row["count"] is not None]
    n, count = sum(row["n"] for row in counted), sum(row["count"] for row in counted)
    return {
        "fraction": fraction,
        "n": n,
        "count": count,
        "share": count / n if n else None,
        "per_class": per_class,
    }


def _near_copies_of_class(synthetic: Array, train: Array, fraction: float) -> dict[str, Any]:
    _check_pair(synthetic, train)
    n = int(synthetic.shape[0])
    if train.shape[0] < 2:
        return {"n": n, "count": None, "share": None, "median_ratio": None}
    xp = array_namespace(synthetic, train)
    synthetic, train = xp.astype(synthetic, xp.float64), xp.astype(train, xp.float64)
    yardstick = typical_distance(train)
    distance = nearest(synthetic, train)[0][:, 0]
    count = int(xp.sum(xp.astype(distance <= fraction * yardstick, xp.int64)))
    ratio = _median(distance) / yardstick if yardstick > 0 else None
    return {"n": n, "count": count, "share": count / n, "median_ratio": ratio}


def _check_pair(synthetic: Array, real: Array) -> None:
    if synthetic.ndim != 4 or synthetic.shape[1:] != real.shape[1:]:
        raise InputError(
            f"got synthetic heatmaps of shape {tuple(synthetic.shape)} and real ones of shape "
            f"{tuple(real.shape)}: expected both (n, channels, F, T) with the same channels, F, T"
        )


def _drawn(x: Array, count: int) -> Array:
    # At random: every k-th would follow the round-robin over recordings and miss some of them.
    xp = array_namespace(x)
    index = np.random.default_rng(0).permutation(x.shape[0])[:count]
    return xp.take(x, xp.asarray(index, device=device(x)), axis=0)


def _rows(x: Array) -> Array:
    """(n, channels, F, T) -> (channels * F, n * T): all values of each frequency row."""
    xp = array_namespace(x)
    n, channels, n_rows, blocks = x.shape
    return xp.reshape(xp.permute_dims(x, (1, 2, 0, 3)), (channels * n_rows, n * blocks))


def _centred(x: Array) -> Array:
    return x - array_namespace(x).mean(x, axis=1, keepdims=True)


def _autoscaled(x: Array) -> Array:
    xp = array_namespace(x)
    low = xp.min(x, axis=1, keepdims=True)
    return (x - low) / _nonzero(xp.max(x, axis=1, keepdims=True) - low)


def _nonzero(x: Array) -> Array:
    """Divisors: zero, met only under a zero dividend, becomes one."""
    xp = array_namespace(x)
    return xp.where(x > 0, x, xp.ones_like(x))


def _cosine(a: Array, b: Array) -> float:
    xp = array_namespace(a, b)
    norms = xp.sqrt(xp.sum(a * a, axis=1) * xp.sum(b * b, axis=1))
    return float(xp.mean(xp.sum(a * b, axis=1) / _nonzero(norms)))


def _rmse(a: Array, b: Array) -> float:
    xp = array_namespace(a, b)
    return float(xp.mean(xp.sqrt(xp.mean((a - b) ** 2, axis=1))))


def _row_figures(synthetic: Array, real: Array) -> dict[str, float | None]:
    counts, counts_real = _histograms(synthetic, real)
    return {
        "js": _js_bits(_shares(counts_real), _shares(counts)),
        "kl": _kl_nats(_shares(counts_real + KL_PSEUDOCOUNT), _shares(counts + KL_PSEUDOCOUNT)),
        "emd": _emd(synthetic, real),
    }


def _histograms(synthetic: Array, real: Array) -> tuple[Array, Array]:
    """Counts per row, shape (rows, HISTOGRAM_BINS), in equal bins over the values of both."""
    xp = array_namespace(synthetic, real)
    low = xp.minimum(_edge(xp.min, synthetic), _edge(xp.min, real))
    span = _nonzero(xp.maximum(_edge(xp.max, synthetic), _edge(xp.max, real)) - low)
    return _counts(synthetic, low, span), _counts(real, low, span)


def _edge(reduce: Any, rows: Array) -> Array:
    return reduce(rows, axis=1, keepdims=True)


def _counts(rows: Array, low: Array, span: Array) -> Array:
    xp = array_namespace(rows)
    position = xp.floor((rows - low) / span * HISTOGRAM_BINS)
    position = xp.where(position < HISTOGRAM_BINS, position, position - 1)  # the last bin is closed
    columns = [xp.sum(xp.astype(position == b, rows.dtype), axis=1) for b in range(HISTOGRAM_BINS)]
    return xp.stack(columns, axis=1)


def _shares(counts: Array) -> Array:
    return counts / array_namespace(counts).sum(counts, axis=1, keepdims=True)


def _kl_nats(p: Array, q: Array) -> float:
    """Mean over rows of sum p log(p / q), 0 log 0 being 0; q > 0 wherever p > 0."""
    xp = array_namespace(p, q)
    return float(xp.mean(xp.sum(p * (xp.log(_nonzero(p)) - xp.log(_nonzero(q))), axis=1)))


def _js_nats(p: Array, q: Array) -> float:
    mixture = (p + q) / 2
    return (_kl_nats(p, mixture) + _kl_nats(q, mixture)) / 2


def _js_bits(p: Array, q: Array) -> float:
    return _js_nats(p, q) / float(np.log(2.0))


def _emd(synthetic: Array, real: Array) -> float:
    # scipy computes on the host: the one copy off the device, of the drawn heatmaps only.
    pairs = zip(to_host(synthetic), to_host(real), strict=True)
    return float(np.mean([wasserstein_distance(a, b) for a, b in pairs]))


def _mmd(synthetic: Array, real: Array) -> float | None:
    n, m = synthetic.shape[0], real.shape[0]
    if n < 2 or m < 2:
        return None
    xp = array_namespace(synthetic, real)
    squared = _squared_distances(xp.concat([synthetic, real], axis=0))
    # Each pair is in the matrix twice, and sorting leaves the zero diagonal in front.
    bandwidth = _median(xp.sort(xp.reshape(xp.sqrt(squared[n:, n:]), (-1,)))[m:])
    if bandwidth == 0:
        return None
    kernel = xp.exp(squared / (-2 * bandwidth**2))
    within = xp.sum(kernel[:n, :n]) - n
    within_real = xp.sum(kernel[n:, n:]) - m
    between = xp.mean(kernel[:n, n:])
    return float(within / (n * (n - 1)) + within_real / (m * (m - 1)) - 2 * between)


def _squared_distances(x: Array) -> Array:
    xp = array_namespace(x)
    x = x - xp.mean(x, axis=0, keepdims=True)  # less cancellation below
    norms = xp.sum(x * x, axis=1)
    squared = norms[:, None] + norms[None, :] - 2 * (x @ x.T)
    off_diagonal = 1 - xp.eye(x.shape[0], dtype=x.dtype)
    return xp.where(squared > 0, squared, xp.zeros_like(squared)) * off_diagonal


def _median(values: Array) -> float:
    """Median of a 1-D array: the array API has none."""
    ordered = array_namespace(values).sort(values)
    n = ordered.shape[0]
    return (float(ordered[(n - 1) // 2]) + float(ordered[n // 2])) / 2


def _paper_figures(synthetic: Array, real: Array) -> dict[str, float | None]:
    xp = array_namespace(synthetic, real)
    p, q = _softmax(synthetic), _softmax(real)
    means = xp.mean(synthetic, axis=1) - xp.mean(real, axis=1)
    return {
        "cs_paper": _cosine(synthetic, real),
        "rmse_paper": _rmse(synthetic, real),
        "js_paper": _js_nats(p, q),
        "kl_paper": _kl_nats(p, q),
        "mmd_paper": float(xp.mean(means**2)),
        "emd_paper": float(xp.mean(xp.abs(synthetic - real))),
    }


def _softmax(x: Array) -> Array:
    return _shares(array_namespace(x).exp(x))


def _class_mean(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    mean: dict[str, float | None] = {}
    for name in DEFINITIONS:
        values = [row[name] for row in rows if row[name] is not None]
        mean[name] = sum(values) / len(values) if values else None
    return mean
