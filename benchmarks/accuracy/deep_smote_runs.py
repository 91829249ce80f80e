"""The runs behind ``deep_smote``: sets, splits, samplers, and scores of the classifiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from imblearn.datasets import make_imbalance
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from dlrsd.training.balance.mansourifar_deep_smote import (
    STEPS,
    MansourifarDeepSMOTE,
    train_regressor,
)
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.cell import prepared
from dlrsd.training.kinds.vibration.settings import Settings

NEIGHBOURS = 5
FIGURES = ("precision", "F1", "AUROC")
SAMPLERS = ("none", "SMOTE", "Deep SMOTE")
KEPT = "Deep SMOTE, kept"
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "tree": partial(DecisionTreeClassifier, random_state=0),
    "logistic": partial(LogisticRegression, max_iter=1000),
}


class Split(NamedTuple):
    """Samples (n, d) and labels (n,) to train on and to test on."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    test_x: NDArray[np.float64]
    test_y: NDArray[np.int64]


Scores = dict[tuple[str, str], float]  # by classifier and figure
Set = tuple[NDArray[np.float64], NDArray[np.int64]]


def public_sets() -> dict[str, Callable[[int], Split]]:
    """By name, a function of a seed that draws the rare classes and splits."""
    blobs = datasets.make_blobs(6000, 10, centers=3, cluster_std=6.0, random_state=0)
    moons = datasets.make_moons(4000, noise=0.3, random_state=0)
    generated = datasets.make_classification(
        4000, 20, n_informative=8, n_redundant=4, flip_y=0.02, random_state=0
    )
    rare_digits = dict.fromkeys(range(1, 10), 18)
    known = {
        "breast cancer": (datasets.load_breast_cancer(return_X_y=True), {0: 36, 1: 357}),
        "wine": (datasets.load_wine(return_X_y=True), {0: 12, 1: 71, 2: 12}),
        "digits": (datasets.load_digits(return_X_y=True), {0: 178, **rare_digits}),
        "iris": (datasets.load_iris(return_X_y=True), {0: 50, 1: 10, 2: 10}),
        "make_classification": (generated, {0: 1900, 1: 95}),
        "make_moons": (moons, {0: 2000, 1: 100}),
        "make_blobs": (blobs, {0: 2000, 1: 100, 2: 100}),
    }
    return {name: partial(_halves, *xy, counts) for name, (xy, counts) in known.items()}


def _halves(x: NDArray, y: NDArray, counts: Mapping[int, int], seed: int) -> Split:
    x, y = make_imbalance(x, y, sampling_strategy=counts, random_state=seed)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)
    return Split(x, y, test_x, test_y)


def cwru(root: str, seed: int) -> Split:
    """Windows of cwru10 as means and standard deviations over time of their heatmaps' rows."""
    settings = Settings("cwru12k", root=root, task="cwru10", balance=100.0, seed=seed)
    data = prepared(settings)
    windows, test = data.cut(data.drawn), data.test_index()
    frontend = line.fit_frontend(settings, data)

    def features(windows: NDArray) -> NDArray:
        heatmaps = frontend.heatmaps(windows)
        parts = [heatmaps.mean(axis=3), heatmaps.std(axis=3)]
        return np.concatenate(parts, axis=2).reshape(len(heatmaps), -1).astype(np.float64)

    return Split(features(windows), data.drawn.label, features(data.cut(test)), test.label)


def measure(
    split: Callable[[int], Split], *, splits: int, repeated: int, runs: int
) -> dict[str, Any]:
    """Scores of one set.

    Returns
    -------
    dict
        ``splits``: {sampler: scores of each split}; ``spread``: {sampler: of each repeated split
        the standard deviation of every score over runs}; ``counts`` of the first training half.
    """
    each: dict[str, list[Scores]] = {name: [] for name in SAMPLERS}
    spread: dict[str, list[Scores]] = {name: [] for name in (*SAMPLERS[1:], KEPT)}
    for seed in range(splits):
        data = standardised(split(seed))
        for name in SAMPLERS:
            each[name].append(scores(data, *over_sampled(data, name, seed)))
        if seed < repeated:
            ways = {name: partial(over_sampled, data, name) for name in SAMPLERS[1:]}
            for name, way in (ways | {KEPT: kept_network(data)}).items():
                told = [scores(data, *way(1000 + run)) for run in range(runs)]
                spread[name].append(
                    {k: float(np.std([s[k] for s in told], ddof=1)) for k in told[0]}
                )
    labels, counts = np.unique(split(0).y, return_counts=True)
    numbers = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
    return {"splits": each, "spread": spread, "counts": numbers}


def standardised(data: Split) -> Split:
    scaler = StandardScaler().fit(data.x)
    return data._replace(x=scaler.transform(data.x), test_x=scaler.transform(data.test_x))


def over_sampled(data: Split, sampler: str, seed: int) -> Set:
    """What a sampler makes of the training part."""
    if sampler == "SMOTE":
        k = min(NEIGHBOURS, np.bincount(data.y).min() - 1)
        return SMOTE(random_state=seed, k_neighbors=k).fit_resample(data.x, data.y)
    if sampler == "Deep SMOTE":
        deep = MansourifarDeepSMOTE(random_state=seed, k_neighbors=NEIGHBOURS)
        return deep.fit_resample(data.x, data.y)
    return data.x, data.y


def kept_network(data: Split) -> Callable[[int], Set]:
    """Deep SMOTE with one network, trained now: a seed only draws the pairs."""
    counts = np.bincount(data.y)
    rare = np.flatnonzero(counts < counts.max())
    own = [data.x[data.y == label].astype(np.float32) for label in rare]
    regressor = train_regressor([x[None] for x in own], k_neighbors=NEIGHBOURS, steps=STEPS, seed=0)
    near = [
        NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x) - 1))
        .fit(x)
        .kneighbors(return_distance=False)
        for x in own
    ]

    def over_sample(seed: int) -> Set:
        rng = np.random.default_rng(seed)
        made = [data.x]
        for x, others in zip(own, near, strict=True):
            first = rng.integers(len(x), size=counts.max() - len(x))
            second = others[first, rng.integers(others.shape[1], size=len(first))]
            with torch.inference_mode():
                made.append(regressor(*(torch.from_numpy(x[i]) for i in (first, second))).numpy())
        labels = np.repeat(rare, counts.max() - counts[rare])
        return np.concatenate(made), np.concatenate([data.y, labels])

    return over_sample


def scores(data: Split, x: NDArray, y: NDArray) -> Scores:
    """Of every classifier on the test part, trained on these samples."""
    found: Scores = {}
    for name, make in CLASSIFIERS.items():
        said = make().fit(x, y).predict_proba(data.test_x)
        label = said.argmax(axis=1)  # labels are 0 to K - 1
        how = {"average": "macro", "zero_division": 0}
        found[name, "precision"] = precision_score(data.test_y, label, **how)
        found[name, "F1"] = f1_score(data.test_y, label, **how)
        said = said[:, 1] if said.shape[1] == 2 else said
        found[name, "AUROC"] = roc_auc_score(data.test_y, said, multi_class="ovr")
    return found
