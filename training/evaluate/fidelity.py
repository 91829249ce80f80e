"""How like real heatmaps the synthetic ones are.

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

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.neighbours import Array, flatten, nearest
from dlrsd.training.evaluate.distributions import (
    HISTOGRAM_BINS,
    KL_PSEUDOCOUNT,
    js_nats,
    kl_nats,
    mmd,
    nonzero,
    row_figures,
    shares,
)

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
    synthetic : array, shape (n, channels, F, T)
        Synthetic heatmaps, standardised log scalograms.
    real : array, shape (m, channels, F, T)
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
    check_pair(synthetic, real)
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
    figures |= row_figures(synthetic, real)
    figures["mmd"] = mmd(flat, flat_real)
    figures |= _paper_figures(_autoscaled(flat), _autoscaled(partner))
    return {name: figures[name] for name in DEFINITIONS}


def fidelity(synthetic: Mapping[str, Array], real: Mapping[str, Array]) -> dict[str, Any]:
    """Compare synthetic with real heatmaps, class by class and overall.

    Parameters
    ----------
    synthetic, real : {class: array, shape (n, channels, F, T)}
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


def check_pair(synthetic: Array, real: Array) -> None:
    """Refuse heatmaps of other shapes than the real ones.

    Raises
    ------
    InputError
        If channels, frequencies or blocks differ.
    """
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


def _centred(x: Array) -> Array:
    return x - array_namespace(x).mean(x, axis=1, keepdims=True)


def _autoscaled(x: Array) -> Array:
    xp = array_namespace(x)
    low = xp.min(x, axis=1, keepdims=True)
    return (x - low) / nonzero(xp.max(x, axis=1, keepdims=True) - low)


def _cosine(a: Array, b: Array) -> float:
    xp = array_namespace(a, b)
    norms = xp.sqrt(xp.sum(a * a, axis=1) * xp.sum(b * b, axis=1))
    return float(xp.mean(xp.sum(a * b, axis=1) / nonzero(norms)))


def _rmse(a: Array, b: Array) -> float:
    xp = array_namespace(a, b)
    return float(xp.mean(xp.sqrt(xp.mean((a - b) ** 2, axis=1))))


def _paper_figures(synthetic: Array, real: Array) -> dict[str, float | None]:
    xp = array_namespace(synthetic, real)
    p, q = _softmax(synthetic), _softmax(real)
    means = xp.mean(synthetic, axis=1) - xp.mean(real, axis=1)
    return {
        "cs_paper": _cosine(synthetic, real),
        "rmse_paper": _rmse(synthetic, real),
        "js_paper": js_nats(p, q),
        "kl_paper": kl_nats(p, q),
        "mmd_paper": float(xp.mean(means**2)),
        "emd_paper": float(xp.mean(xp.abs(synthetic - real))),
    }


def _softmax(x: Array) -> Array:
    return shares(array_namespace(x).exp(x))


def _class_mean(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    mean: dict[str, float | None] = {}
    for name in DEFINITIONS:
        values = [row[name] for row in rows if row[name] is not None]
        mean[name] = sum(values) / len(values) if values else None
    return mean
