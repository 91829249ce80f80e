"""Deep SMOTE (Mansourifar and Shi) against SMOTE: is it better, and does it vary less?

    python -m benchmarks.accuracy.deep_smote --root DATA

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
from functools import partial

from sklearn.exceptions import ConvergenceWarning

from benchmarks import machine
from benchmarks.accuracy.deep_smote_lines import COLUMNS, compared, note, row, with_holm
from benchmarks.accuracy.deep_smote_runs import cwru, measure, public_sets

SPLITS = 25
REPEATED_SPLITS, RUNS = 8, 20


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


if __name__ == "__main__":
    machine.run(main)
