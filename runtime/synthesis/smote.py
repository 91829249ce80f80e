"""SMOTE for NumPy, CuPy and torch arrays, each on its own device.

Written against the Python array API. Random indices and weights are drawn on the host with NumPy,
so that a seed gives the same choice everywhere. Source: Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE:
Synthetic Minority Over-sampling Technique", JAIR 16 (2002).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array
from numpy.typing import ArrayLike, NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.neighbours import Array, flatten, neighbours, take

# Values interpolated at once: few enough for a CPU's cache, enough to keep a GPU busy.
_BLOCK, _BLOCK_ELSEWHERE = 1 << 18, 1 << 24


def smote(x: Array, count: int, *, k_neighbors: int = 5, random_state: int = 0) -> Array:
    """New samples of one class on the lines between samples and their nearest neighbours.

    Parameters
    ----------
    x : array, shape (n, ...), float, n >= 2
        All samples of the class.
    count : int >= 0
        How many to make.
    k_neighbors : int > 0
        Neighbours to choose from; a class of n samples offers at most n - 1.
    random_state : int
        Seed of the choice of sample, neighbour and position (uniform in [0, 1)).

    Returns
    -------
    array, shape (count, ...), of the same library, device and type as ``x``

    Raises
    ------
    InputError
        If the class has a single sample, so that there is no partner to interpolate with, or holds
        NaN or infinities.
    """
    rows = flatten(x)
    rng = np.random.default_rng(random_state)
    made = array_namespace(x).empty((count, rows.shape[1]), dtype=x.dtype, device=device(x))
    _fill(made, rows, k_neighbors=k_neighbors, rng=rng)
    return array_namespace(x).reshape(made, (count, *x.shape[1:]))


def over_sample(
    x: Array,
    y: ArrayLike,
    *,
    sampling_strategy: str | Mapping[Any, int] = "auto",
    k_neighbors: int = 5,
    random_state: int = 0,
) -> tuple[Array, NDArray[Any]]:
    """Bring the classes of a set to given sizes by SMOTE, as imbalanced-learn's ``fit_resample``.

    Parameters
    ----------
    x : array, shape (n, ...), float
    y : array-like on the host, shape (n,)
        Labels.
    sampling_strategy : "auto" or dict of label to count
        Samples that each class shall have, those given included; "auto" brings every class to the
        size of the largest.
    k_neighbors, random_state
        As in :func:`smote`.

    Returns
    -------
    x_over : array, shape (N, ...)
        The samples given, then the new ones class by class, of the same library, device and type.
    y_over : numpy array, shape (N,)

    Raises
    ------
    InputError
        If the labels do not fit the samples, or a class shall have fewer samples than it has; as
        :func:`smote` for a class to be enlarged.
    """
    labels, rows = np.asarray(y), flatten(x)
    if labels.shape != (x.shape[0],):
        raise InputError(
            f"got labels of shape {labels.shape} for {x.shape[0]} samples: expected one each"
        )
    missing = _missing(labels, sampling_strategy)
    total = x.shape[0] + sum(missing.values())
    xp = array_namespace(x)
    out = xp.empty((total, rows.shape[1]), dtype=x.dtype, device=device(x))
    out[: x.shape[0], :] = rows
    rng = np.random.default_rng(random_state)
    at = x.shape[0]
    for label, count in missing.items():
        members = take(rows, np.flatnonzero(labels == label))
        _fill(out[at : at + count, :], members, k_neighbors=k_neighbors, rng=rng)
        at += count
    made = np.repeat(np.asarray(list(missing), dtype=labels.dtype), list(missing.values()))
    return xp.reshape(out, (total, *x.shape[1:])), np.concatenate([labels, made])


def interpolate(a: Array, b: Array, position: np.ndarray) -> Array:
    """``a + position * (b - a)``, sample by sample.

    Parameters
    ----------
    a, b : array, shape (n, ...), float
    position : numpy array, shape (n,), from 0 (a) to 1 (b)
    """
    xp = array_namespace(a, b)
    t = xp.asarray(position, dtype=a.dtype, device=device(a))
    result = b - a
    result *= xp.reshape(t, (-1,) + (1,) * (a.ndim - 1))
    result += a
    return result


def _fill(out: Array, x: Array, *, k_neighbors: int, rng: np.random.Generator) -> None:
    """Write new samples over ``out`` (count, features), of the class ``x`` (n, features)."""
    xp = array_namespace(x)
    n, count = x.shape[0], out.shape[0]
    if n < 2:
        raise InputError(
            f"got a class of {n} sample: SMOTE interpolates between at least 2; "
            "record more of this class or leave it out"
        )
    if not bool(xp.all(xp.isfinite(x))):
        raise InputError(
            "got a class with NaN or infinite values: SMOTE needs finite ones; leave those out"
        )
    chosen = neighbours(x, x, k=min(k_neighbors, n - 1), exclude_self=True)
    # In order of their places, which no rounding changes.
    chosen = xp.sort(chosen, axis=1)
    base = rng.integers(0, n, count)
    column = rng.integers(0, chosen.shape[1], count)
    position = rng.random(count)
    partner = take(xp.reshape(chosen, (-1,)), base * chosen.shape[1] + column)
    size = max(1, (_BLOCK if is_numpy_array(x) else _BLOCK_ELSEWHERE) // x.shape[1])
    for at in range(0, count, size):
        block = slice(at, min(at + size, count))
        # Worked out in its place: the output is most of the memory that passes by.
        a, made = take(x, base[block]), out[block, :]
        made[...] = xp.take(x, partner[block], axis=0)
        made -= a
        made *= xp.asarray(position[block, None], dtype=x.dtype, device=device(x))
        made += a


def _missing(labels: NDArray[Any], strategy: str | Mapping[Any, int]) -> dict[Any, int]:
    """How many samples each class to be enlarged lacks."""
    names, counts = np.unique(labels, return_counts=True)
    have = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if isinstance(strategy, str):
        if strategy != "auto":
            raise InputError(
                f"got sampling_strategy {strategy!r}: expected 'auto' or a dict of label to count"
            )
        strategy = dict.fromkeys(have, max(have.values(), default=0))
    for label, target in strategy.items():
        if label not in have or target < have[label]:
            raise InputError(
                f"got a target of {target} for class {label!r} of {have.get(label, 0)} samples: "
                "expected a class with samples, and no fewer than those"
            )
    lacks = {label: target - have[label] for label, target in strategy.items()}
    return {label: count for label, count in lacks.items() if count}
