"""Deep SMOTE (Mansourifar and Shi) against SMOTE: is it better, and does it vary less?

    python benchmarks/deep_smote.py --root DATA

Both claims of the source, kept apart:

- better: 25 splits of every set, the same for both; difference of macro precision, macro F1 and
  macro AUROC (one against the rest), Deep SMOTE minus SMOTE;
- steadier: 8 splits of every set, 20 runs on each that differ in nothing but the sampler's
  ``random_state``; standard deviation of the same figures over the runs.

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
from imblearn.datasets import make_imbalance
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from scipy.stats import wilcoxon
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from dlrsd.training.cells import prepared
from dlrsd.training.deep_smote import DeepSmoteRegressor
from dlrsd.training.frontend import fit_frontend
from dlrsd.training.materials import scalogram_config
from dlrsd.training.prepare import Settings
from dlrsd.training.statistics import holm, interval, paired, paired_p

SPLITS = 25
REPEATED_SPLITS, RUNS = 8, 20
NEIGHBOURS = 5
FIGURES = ("precision", "F1", "AUROC")
SAMPLERS = ("none", "SMOTE", "Deep SMOTE")
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
    spread: dict[str, list[Scores]] = {name: [] for name in SAMPLERS[1:]}
    for seed in range(splits):
        data = standardised(split(seed))
        for name in SAMPLERS:
            each[name].append(scores(data, name, seed))
        if seed < repeated:
            for name in SAMPLERS[1:]:
                told = [scores(data, name, 1000 + run) for run in range(runs)]
                spread[name].append(
                    {k: float(np.std([s[k] for s in told], ddof=1)) for k in told[0]}
                )
    labels, counts = np.unique(split(0).y, return_counts=True)
    numbers = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
    return {"splits": each, "spread": spread, "counts": numbers}


def standardised(data: Split) -> Split:
    scaler = StandardScaler().fit(data.x)
    return data._replace(x=scaler.transform(data.x), test_x=scaler.transform(data.test_x))


def scores(data: Split, sampler: str, seed: int) -> Scores:
    """Of every classifier on the test part, trained on what the sampler makes of the other."""
    x, y = data.x, data.y
    if sampler == "SMOTE":
        k = min(NEIGHBOURS, np.bincount(y).min() - 1)
        x, y = SMOTE(random_state=seed, k_neighbors=k).fit_resample(x, y)
    elif sampler == "Deep SMOTE":
        x, y = DeepSmoteRegressor(random_state=seed, k_neighbors=NEIGHBOURS).fit_resample(x, y)
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
            spread = {s: [told[key] for told in found["spread"][s]] for s in SAMPLERS[1:]}
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
                    },
                }
            )
    return lines


def with_holm(lines: list[dict[str, Any]]) -> None:
    """Add p-values corrected for all lines, of each claim apart."""
    for claim in ("difference", "spread"):
        for line, p in zip(lines, holm([line[claim]["p"] for line in lines]), strict=True):
            line[claim]["p_holm"] = p


COLUMNS = [
    "set", "classifier", "figure", *SAMPLERS, "Deep SMOTE − SMOTE", "p (Holm)", "SD, SMOTE",
    "SD, Deep SMOTE", "p (Holm) of SD",
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
    ]


def note(lines: list[dict[str, Any]], *, splits: int, repeated: int, runs: int) -> str:
    """What the lines say, counted."""
    better, worse = (_shown(lines, "difference", sign) for sign in (1, -1))
    less, more = (_shown(lines, "spread", sign) for sign in (-1, 1))
    across = []
    for classifier in CLASSIFIERS:
        for figure in FIGURES:
            own = [x for x in lines if (x["classifier"], x["figure"]) == (classifier, figure)]
            gaps = [_gap(line, "spread") for line in own]
            p = float(wilcoxon(gaps).pvalue) if any(gaps) else 1.0
            smaller = sum(gap < 0 for gap in gaps)
            across.append(f"{classifier} {figure} {smaller} of {len(own)} (p {p:.2g})")
    return (
        f"Means over {splits} splits, the same for all. Difference: paired, 95 % interval "
        "(Student's t; splits overlap, so rather too narrow). SD: over "
        f"{runs} runs that differ in the sampler's seed alone, mean of {repeated} splits, tested "
        f"split by split. Holm's correction counts all {len(lines)} lines of a claim. Deep SMOTE "
        f"is better than SMOTE in {better} of them and worse in {worse}; its SD is smaller in "
        f"{less} and larger in {more}. Sets with the smaller SD, by Wilcoxon's signed-rank test "
        f"without correction: {'; '.join(across)}."
    )


def _shown(lines: list[dict[str, Any]], claim: str, sign: int) -> int:
    """Lines whose difference has that sign with a corrected p below 0.05."""
    return sum(line[claim]["p_holm"] < 0.05 and sign * _gap(line, claim) > 0 for line in lines)


def _gap(line: Mapping[str, Any], claim: str) -> float:
    if claim == "difference":
        return line["difference"]["mean"]
    return line["spread"]["Deep SMOTE"] - line["spread"]["SMOTE"]


if __name__ == "__main__":
    machine.run(main)
