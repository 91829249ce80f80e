"""What a table of compared methods says, and how sure: intervals over seeds, paired differences.

An interval is Student's t over seeds; a difference is paired: both methods on the split, the draw
and the initial network of the same seed [1]_. All seeds share the same recordings, so an interval
describes other draws and splits of these recordings, not other machines. (Splits overlap from seed
to seed, too: intervals are rather too narrow than too wide [2]_.)

.. [1] Student, "The probable error of a mean", Biometrika 6, 1908.
.. [2] Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
.. [3] Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 1979.
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import sem, t, ttest_rel

from dlrsd.runtime.base.errors import InputError

FIGURES = ("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_auroc")
REFERENCE = "dlrsd-smote"
PLANT_REFERENCE = "rus-weights"
#: The method that others are compared with, by the kind of data.
REFERENCES = {"window": REFERENCE, "sequence": PLANT_REFERENCE}
#: What all seeds and methods that are compared have in common; `variant` is what else was set.
GROUP = ("kind", "data", "task", "protocol", "balance", "classifier", "variant")
_CONFIDENCE = 0.95


def interval(values: ArrayLike) -> tuple[float, float | None]:
    """Mean and half-width of its 95 % interval (Student's t).

    Parameters
    ----------
    values : array, shape (n,), n >= 1
        Finite, one of each seed.

    Returns
    -------
    mean, half-width; a single value has no half-width: None

    Raises
    ------
    InputError
        If the values are none, not finite, or no list.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise InputError(
            f"got values of shape {x.shape}{' with non-finite ones' if x.size else ''}: expected "
            "one finite number of each seed"
        )
    if len(x) == 1:
        return float(x[0]), None
    error = sem(x)
    half_width = t.interval(_CONFIDENCE, len(x) - 1, scale=error)[1] if error else 0.0
    return float(x.mean()), float(half_width)


def paired(a: ArrayLike, b: ArrayLike) -> tuple[float, float | None]:
    """Mean of a - b and half-width of its 95 % interval, seed by seed.

    Parameters
    ----------
    a, b : array, shape (n,), n >= 1
        Of the same seeds in the same order.

    Returns
    -------
    mean difference, half-width; a single pair has no half-width: None

    Raises
    ------
    InputError
        If there are not as many of the one as of the other, or not finite ones.
    """
    return interval(_differences(a, b))


def paired_p(a: ArrayLike, b: ArrayLike) -> float | None:
    """Two-sided p-value of the paired t test; a single pair has none: None.

    Parameters
    ----------
    a, b
        As in :func:`paired`.
    """
    x = _differences(a, b)
    if len(x) < 2:
        return None
    if not np.ptp(x):
        return 0.0 if x[0] else 1.0  # the limit of ever smaller spreads
    with warnings.catch_warnings():
        # Of differences that are equal but for rounding.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        return float(ttest_rel(a, b).pvalue)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Correct p-values for their number by Holm's step-down method [3]_.

    Parameters
    ----------
    p : list of float or None
        What is None is not counted and stays None.

    Returns
    -------
    list of float or None
        The corrected p-values in the same order, at most 1.
    """
    adjusted: list[float | None] = [None] * len(p)
    known = sorted((value, place) for place, value in enumerate(p) if value is not None)
    least = 0.0
    for rank, (value, place) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * value))
        adjusted[place] = least
    return adjusted


def verdict(mean: float, half_width: float | None, method: str, reference: str = REFERENCE) -> str:
    """Which of two methods is better, in words: one is only where the interval excludes 0.

    Parameters
    ----------
    mean, half_width
        Of the difference, reference minus method.
    method, reference : str
    """
    if half_width is None or abs(mean) <= half_width:
        return "no difference shown"
    return f"{reference if mean > 0 else method} better"


def summary(rows: Any) -> list[dict[str, Any]]:
    """Figures of every method over its seeds, and that of `REFERENCES` minus it on common seeds.

    Parameters
    ----------
    rows : list of dict, or a pyarrow table
        One of each cell, as ``dlrsd-train compare`` writes them.

    Returns
    -------
    list of dict
        One of each group (`GROUP`) and method, in the order of the table: the group's values;
        ``method``; ``seeds``; ``seconds`` (mean of a cell); for each of `FIGURES` {"mean",
        "half_width", "n"} or None where no seed has it; ``difference``: for each of `FIGURES`
        {"mean", "half_width", "n", "p", "p_holm", "verdict"}, or None without a common seed.
        ``p_holm`` counts all methods of the group, ablations apart (named ``REFERENCE/...``).

    Raises
    ------
    InputError
        If there is no row, or two of one seed and method that differ.
    """
    groups: dict[tuple[Any, ...], dict[str, dict[int, Mapping[str, Any]]]] = defaultdict(dict)
    for row in rows.to_pylist() if hasattr(rows, "to_pylist") else rows:
        seeds = groups[group_of(row)].setdefault(row["method"], {})
        same = seeds.get(row["seed"])
        if same and any(row[figure] != same[figure] for figure in FIGURES):
            raise InputError(
                f"got two results of {row['method']} at seed {row['seed']}, protocol "
                f"{row['protocol']}{at_ratio(row['balance'])}: expected one; give only tables made "
                "by one version"
            )
        seeds[row["seed"]] = row
    if not groups:
        raise InputError(
            "the table has no rows: expected one of each cell; run `dlrsd-train compare`"
        )
    return [
        line
        for group, methods in groups.items()
        for line in _with_holm([_line(group, methods, method) for method in methods])
    ]


def at_ratio(balance: float | None) -> str:
    """The balance ratio as the end of a sentence; empty where there is none."""
    return "" if balance is None else f", balance ratio 1:{balance:g}"


def group_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row has in common with those that it is compared with: its values of `GROUP`.

    ``variant`` is JSON of all other settings, but for seed and folder.
    """
    stated = row["settings"]
    variant = {key: stated[key] for key in sorted(stated.keys() - {*GROUP, "seed", "root"})}
    return (*(row[key] for key in GROUP[:-1]), json.dumps(variant))


def _line(
    group: tuple[Any, ...], methods: Mapping[str, Mapping[int, Mapping[str, Any]]], method: str
) -> dict[str, Any]:
    named = dict(zip(GROUP, group, strict=True))
    compared_with = REFERENCES[named["kind"]]
    own, reference = methods[method], methods.get(compared_with, {})
    line: dict[str, Any] = {
        **named,
        "method": method,
        "seeds": sorted(own),
        "seconds": float(np.mean([own[seed]["seconds"] for seed in sorted(own)])),
        "difference": {},
    }
    for figure in FIGURES:
        values, others = _by_seed(own, figure), _by_seed(reference, figure)
        line[figure] = None
        if values:
            mean, half = interval(list(values.values()))
            line[figure] = {"mean": mean, "half_width": half, "n": len(values)}
        common = sorted(values.keys() & others.keys())
        line["difference"][figure] = None
        if common and method != compared_with:
            pair = [others[seed] for seed in common], [values[seed] for seed in common]
            mean, half = paired(*pair)
            line["difference"][figure] = {
                "mean": mean,
                "half_width": half,
                "n": len(common),
                "p": paired_p(*pair),
                "p_holm": None,
                "verdict": verdict(mean, half, method, compared_with),
            }
    return line


def _by_seed(rows: Mapping[int, Mapping[str, Any]], figure: str) -> dict[int, float]:
    """Values of a figure; a seed without it (no AUROC: a test part of one class) is left out."""
    known = {seed: rows[seed][figure] for seed in sorted(rows) if rows[seed][figure] is not None}
    return {seed: float(value) for seed, value in known.items() if np.isfinite(value)}


def _with_holm(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for ablation in (False, True):
        family = [x for x in lines if x["method"].startswith(f"{REFERENCE}/") == ablation]
        for figure in FIGURES:
            told = [x["difference"][figure] for x in family if x["difference"][figure]]
            for entry, p in zip(told, holm([entry["p"] for entry in told]), strict=True):
                entry["p_holm"] = p
    return lines


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise InputError(f"got {x.shape} and {y.shape} values: expected pairs, one of each seed")
    return x - y
