"""Deep SMOTE of Mansourifar and Shi: a regression network in the place of SMOTE's random choice.

Source: Mansourifar, Shi, "Deep Synthetic Minority Over-Sampling Technique" (2020), arXiv
2003.09788. Not DeepSMOTE of Dablain et al. (``dablain_deepsmote.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn
from torch.nn import functional as F

from dlrsd.runtime.base.errors import InputError

HIDDEN = 256
STEPS = 200
BATCH = 64
LEARNING_RATE = 1e-3

Pairs = tuple[NDArray[np.float32], NDArray[np.float32]]


class MansourifarDeepSMOTE(BaseOverSampler):
    """Over-sampling by a network that learned from SMOTE what lies between two samples.

    The network takes a sample and one of its neighbours, 2 d values, and is trained on the point
    that SMOTE draws at random between them, d values. What it learns is one point for every pair,
    so that new samples depend less on chance than SMOTE's. The source states neither layers nor
    epochs; here it is a multilayer perceptron of two linear layers, 2 d -> ``hidden`` -> ReLU -> d,
    trained by ``steps`` steps of Adam (batches of 64 pairs, rate 0.001) on squared error. Several
    classes share one network, each with the same number of pairs: what lies between two points is
    the same question in every class. All values are measured by one spread, as suits a heatmap:
    features of different units or offsets should be standardised first.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As in imbalanced-learn.
    random_state : int, RandomState or None
        Of the pairs, SMOTE's positions and the network's initial weights.
    k_neighbors : int >= 1
        Neighbours to choose from; a class of n samples offers at most n - 1.
    hidden : int >= 1
        Width of the hidden layer.
    steps : int >= 1
        Of training.

    Raises
    ------
    InputError
        By ``fit_resample``, if a class to be enlarged has a single sample.
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012  as the base class has it
        **BaseOverSampler._parameter_constraints,
        "random_state": ["random_state"],
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "hidden": [Interval(Integral, 1, None, closed="left")],
        "steps": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: int = 5,
        hidden: int = HIDDEN,
        steps: int = STEPS,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.k_neighbors = k_neighbors
        self.hidden = hidden
        self.steps = steps

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        want = {label: count for label, count in self.sampling_strategy_.items() if count}
        if not want:
            return X.copy(), y.copy()
        rng = check_random_state(self.random_state)
        dense = X.toarray() if sparse.issparse(X) else X
        classes = {label: dense[y == label] for label in want}
        # In units of their own spread, or the step size would depend on the data's unit.
        mean, std = _spread(np.concatenate(list(classes.values())))
        classes = {k: ((rows - mean) / std).astype(np.float32) for k, rows in classes.items()}
        near = {label: _neighbours(rows, self.k_neighbors) for label, rows in classes.items()}
        network = _trained(classes, near, hidden=self.hidden, steps=self.steps, rng=rng)
        made = []
        for label, count in want.items():
            a, b = _pairs(classes[label], near[label], count, rng)
            made.append(_between(network, a, b) * std + mean)
        new = np.concatenate(made).astype(X.dtype)
        labels = np.repeat(np.array(list(want), dtype=y.dtype), list(want.values()))
        if sparse.issparse(X):
            return sparse.vstack([X, type(X)(new)], format=X.format), np.hstack([y, labels])
        return np.vstack([X, new]), np.hstack([y, labels])


class PairRegressor(nn.Module):
    """The network of Deep SMOTE with the constants that its samples are standardised by.

    Shapes
    ------
    first, second (n, *shape) -> what lies between them (n, *shape), float32
    """

    def __init__(self, shape: tuple[int, ...], *, hidden: int = HIDDEN):
        super().__init__()
        self.network = _network(prod(shape), hidden)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(prod(shape)))
        self.register_buffer("std", torch.ones(()))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        pair = [(x.flatten(1) - self.mean) / self.std for x in (first, second)]
        return (self.network(torch.cat(pair, dim=1)) * self.std + self.mean).reshape(first.shape)


def train_regressor(
    rounds: Sequence[NDArray[np.float32]], *, k_neighbors: int, steps: int, seed: int
) -> PairRegressor:
    """Train Deep SMOTE's network for itself, to be used on other samples of these classes.

    Parameters
    ----------
    rounds : list of arrays [shape=(rounds, n_c, *shape)], n_c >= 2
        Of every class, its samples as they are in each round: neighbours and pairs are of one.
    k_neighbors, steps : int >= 1
        As of :class:`MansourifarDeepSMOTE`.
    seed : int >= 0

    Raises
    ------
    InputError
        If a class has a single sample.
    """
    shape = rounds[0].shape[2:]
    mean, std = _spread(np.concatenate([x.reshape(-1, prod(shape)) for x in rounds]))
    classes: dict[object, NDArray[np.float32]] = {}
    near: dict[object, NDArray[np.int64]] = {}
    for label, own in enumerate(rounds):
        flat = ((own.reshape(*own.shape[:2], -1) - mean) / std).astype(np.float32)
        classes[label] = flat.reshape(-1, flat.shape[2])
        near[label] = np.concatenate(
            [_neighbours(x, k_neighbors) + at * len(x) for at, x in enumerate(flat)]
        )
    regressor = PairRegressor(shape)
    regressor.network = _trained(
        classes, near, hidden=HIDDEN, steps=steps, rng=check_random_state(seed)
    )
    regressor.mean.copy_(torch.from_numpy(mean))
    regressor.std.fill_(std)
    return regressor.eval()


def _spread(rows: NDArray[np.floating]) -> tuple[NDArray[np.floating], float]:
    """Mean of every value and standard deviation of all, never 0."""
    return rows.mean(axis=0), max(float(rows.std()), float(np.finfo(np.float32).tiny))


def _network(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2 * width, hidden), nn.ReLU(), nn.Linear(hidden, width))


def _neighbours(rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Indices (n, k) of every sample's neighbours, itself left out."""
    if len(rows) < 2:
        raise InputError(
            "got a class of 1 sample: Deep SMOTE needs pairs of at least 2; record more of this "
            "class or leave it out"
        )
    search = NearestNeighbors(n_neighbors=min(k, len(rows) - 1)).fit(rows)
    return search.kneighbors(return_distance=False)


def _pairs(
    rows: NDArray[np.float32], near: NDArray[np.int64], count: int, rng: np.random.RandomState
) -> Pairs:
    """As SMOTE chooses them: any sample, and any of its neighbours."""
    first = rng.randint(0, len(rows), count)
    return rows[first], rows[near[first, rng.randint(0, near.shape[1], count)]]


def _trained(
    classes: Mapping[object, NDArray[np.float32]],
    near: Mapping[object, NDArray[np.int64]],
    *,
    hidden: int,
    steps: int,
    rng: np.random.RandomState,
) -> nn.Sequential:
    width = next(iter(classes.values())).shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.randint(2**31 - 1)))
        network = _network(width, hidden)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    each = -(-BATCH // len(classes))
    for _ in range(steps):
        drawn = [_pairs(rows, near[label], each, rng) for label, rows in classes.items()]
        a, b = (np.concatenate(side) for side in zip(*drawn, strict=True))
        point = a + rng.uniform(size=(len(a), 1)).astype(np.float32) * (b - a)
        guess = network(torch.from_numpy(np.concatenate([a, b], axis=1)))
        loss = F.mse_loss(guess, torch.from_numpy(point))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return network


@torch.inference_mode()
def _between(
    network: nn.Module, a: NDArray[np.float32], b: NDArray[np.float32]
) -> NDArray[np.float32]:
    return network(torch.from_numpy(np.concatenate([a, b], axis=1))).numpy()
