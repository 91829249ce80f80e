"""Deep SMOTE (Mansourifar and Shi) against SMOTE: is it better, and does it vary less?

    python benchmarks/deep_smote.py --root DATA

Both claims of the source, kept apart:

- better: 25 splits of every set, the same for both; difference of macro precision, macro F1 and
  macro AUROC (one against the rest), Deep SMOTE minus SMOTE;
- steadier: 8 splits of every set, 20 runs on each that differ in nothing but the sampler's
  ``random_state``; standard deviation of the same figures over the runs. Deep SMOTE's network is
  trained anew in every run, or once for all of a split: then only pairs are drawn anew (*kept*).

Sets are scikit-learn's and generated ones, made imbalanced by imbalanced-learn's `make_imbalance`,
and (with ``--root``) cwru10 under the protocol ``block`` at 1:100, a window as means and spreads of
the rows of its heatmap. Training and test half are stratified, so equally imbalanced; cwru10's test
part is all of its windows. Values are standardised by the training half. Samplers bring every class
to the largest, with 5 neighbours (n - 1 of a class of n). Classifiers: scikit-learn's decision tree
and logistic regression, as they are by default.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import machine
import numpy as np
import torch
from imblearn.datasets import make_imbalance
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from scipy.stats import wilcoxon
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from dlrsd.training.balance.deep_smote import STEPS, DeepSmoteRegressor, train_regressor
from dlrsd.training.balance.materials import scalogram_config
from dlrsd.training.data.vibration.prepare import Settings
from dlrsd.training.evaluate.statistics import holm, interval, paired, paired_p
from dlrsd.training.frontends.scalogram import fit_frontend
from dlrsd.training.kinds.vibration.cell import prepared

SPLITS = 25
REPEATED_SPLITS, RUNS = 8, 20
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


def main() -> None:
    parser = machine.options(__doc__)
    parser.add_argument("--root", help="folder of the data sets; without it cwru10 is left out")
    a = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    sets = public_sets() | ({"cwru10": partial(cwru, a.root)} if a.root else {})
    splits, repeated, runs = (3, 2, 3) if a.quick else (SPLITS, REPEATED_SPLITS, RUNS)
    found = {}
    with machine.one_thread():
        for name, split in sets.items():
            found[name] = measure(split, splits=splits, repeated=repeated, runs=runs)
            print(f"{name}: done", flush=True)
    lines = [line for name, each in found.items() for line in compared(name, each)]
    with_holm(lines)
    result = {
        "title": "Deep SMOTE against SMOTE, both claims",
        "note": note(lines, splits=splits, repeated=repeated, runs=runs),
        "columns": COLUMNS,
        "rows": [row(line) for line in lines],
        "training": {name: each["counts"] for name, each in found.items()},
        "lines": lines,
    }
    machine.show(result["title"], COLUMNS, result["rows"])
    print(result["note"])
    print(machine.save("deep-smote", result, a.out))


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
    data = prepared(Settings("cwru12k", root=root, task="cwru10", balance=100.0, seed=seed))
    windows, test = data.cut(data.drawn), data.test_index()
    frontend = fit_frontend(windows, data.drawn.label, scalogram_config(data))

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
            each[name].append(scores(data, *resampled(data, name, seed)))
        if seed < repeated:
            ways = {name: partial(resampled, data, name) for name in SAMPLERS[1:]}
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


def resampled(data: Split, sampler: str, seed: int) -> Set:
    """What a sampler makes of the training part."""
    if sampler == "SMOTE":
        k = min(NEIGHBOURS, np.bincount(data.y).min() - 1)
        return SMOTE(random_state=seed, k_neighbors=k).fit_resample(data.x, data.y)
    if sampler == "Deep SMOTE":
        deep = DeepSmoteRegressor(random_state=seed, k_neighbors=NEIGHBOURS)
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

    def resample(seed: int) -> Set:
        rng = np.random.default_rng(seed)
        made = [data.x]
        for x, others in zip(own, near, strict=True):
            first = rng.integers(len(x), size=counts.max() - len(x))
            second = others[first, rng.integers(others.shape[1], size=len(first))]
            with torch.inference_mode():
                made.append(regressor(*(torch.from_numpy(x[i]) for i in (first, second))).numpy())
        labels = np.repeat(rare, counts.max() - counts[rare])
        return np.concatenate(made), np.concatenate([data.y, labels])

    return resample


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


def compared(name: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line for every classifier and figure: means, difference, spreads, p-values."""
    lines = []
    for classifier in CLASSIFIERS:
        for figure in FIGURES:
            key = classifier, figure
            values = {s: [told[key] for told in found["splits"][s]] for s in SAMPLERS}
            spread = {s: [told[key] for told in found["spread"][s]] for s in found["spread"]}
            pair, spreads = ((of["Deep SMOTE"], of["SMOTE"]) for of in (values, spread))
            mean, half = paired(*pair)
            lines.append(
                {
                    "set": name,
                    "classifier": classifier,
                    "figure": figure,
                    "means": {s: interval(values[s])[0] for s in SAMPLERS},
                    "difference": {"mean": mean, "half_width": half, "p": paired_p(*pair)},
                    "spread": {
                        **{s: float(np.mean(spread[s])) for s in spread},
                        "p": paired_p(*spreads),
                        "kept_p": paired_p(spread[KEPT], spread["SMOTE"]),
                    },
                }
            )
    return lines


def with_holm(lines: list[dict[str, Any]]) -> None:
    """Add p-values corrected for all lines, of each claim apart."""
    for claim, name in (("difference", "p"), ("spread", "p"), ("spread", "kept_p")):
        for line, p in zip(lines, holm([line[claim][name] for line in lines]), strict=True):
            line[claim][f"{name}_holm"] = p


COLUMNS = [
    "set", "classifier", "figure", *SAMPLERS, "Deep SMOTE − SMOTE", "p (Holm)", "SD, SMOTE",
    "SD, Deep SMOTE", "p (Holm)", "SD, kept", "p (Holm)",
]  # fmt: skip


def row(line: Mapping[str, Any]) -> list[str]:
    difference, spread = line["difference"], line["spread"]
    return [
        line["set"],
        line["classifier"],
        line["figure"],
        *(f"{value:.3f}" for value in line["means"].values()),
        f"{difference['mean']:+.3f} ± {difference['half_width']:.3f}",
        f"{difference['p_holm']:.2g}",
        f"{spread['SMOTE']:.4f}",
        f"{spread['Deep SMOTE']:.4f}",
        f"{spread['p_holm']:.2g}",
        f"{spread[KEPT]:.4f}",
        f"{spread['kept_p_holm']:.2g}",
    ]


def note(lines: list[dict[str, Any]], *, splits: int, repeated: int, runs: int) -> str:
    """What the lines say, counted."""
    gaps = [line["difference"]["mean"] for line in lines]
    better, worse = _shown(gaps, [line["difference"]["p_holm"] for line in lines])
    return (
        f"Means over {splits} splits, the same for all. Difference: paired, 95 % interval "
        "(Student's t; splits overlap, so rather too narrow). SD: over "
        f"{runs} runs that differ in the sampler's seed alone, mean of {repeated} splits, tested "
        "against SMOTE's split by split; kept: one network for all runs of a split. Holm's "
        f"correction counts all {len(lines)} lines. Deep SMOTE is better than SMOTE in {better} of "
        f"them and worse in {worse}. {_steadier(lines, 'Deep SMOTE', 'p_holm')} "
        f"{_steadier(lines, KEPT, 'kept_p_holm')}"
    )


def _steadier(lines: list[dict[str, Any]], sampler: str, p_name: str) -> str:
    """In how many lines its spread differs from SMOTE's, and over sets for every figure."""
    gaps = [line["spread"][sampler] - line["spread"]["SMOTE"] for line in lines]
    more, less = _shown(gaps, [line["spread"][p_name] for line in lines])
    across = []
    for classifier in CLASSIFIERS:
        for figure in FIGURES:
            own = [
                gap
                for gap, line in zip(gaps, lines, strict=True)
                if (line["classifier"], line["figure"]) == (classifier, figure)
            ]
            p = float(wilcoxon(own).pvalue) if any(own) else 1.0
            smaller = sum(gap < 0 for gap in own)
            across.append(f"{classifier} {figure} {smaller} of {len(own)} (p {p:.2g})")
    return (
        f"{sampler}: SD smaller in {less} and larger in {more}; sets with the smaller SD, by "
        f"Wilcoxon's signed-rank test without correction: {'; '.join(across)}."
    )


def _shown(gaps: list[float], p: list[float]) -> tuple[int, int]:
    """Gaps above and below 0 with a corrected p below 0.05."""
    sure = [gap for gap, own in zip(gaps, p, strict=True) if own < 0.05]
    return sum(gap > 0 for gap in sure), sum(gap < 0 for gap in sure)


if __name__ == "__main__":
    machine.run(main)
