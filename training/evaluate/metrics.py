"""Figures of a diagnosis on a test part: accuracy, recall, precision, F1, G-mean, confusion.

Every figure comes with its counts. Averages over classes take the classes that the test part
holds; a class without a test window has null figures and is listed in ``absent``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from imblearn.metrics import geometric_mean_score
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from dlrsd.runtime.base.errors import InputError


def classification_metrics(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    classes: Sequence[str],
    *,
    probabilities: ArrayLike | None = None,
) -> dict[str, Any]:
    """Compare predicted with true classes; the result can be written as JSON.

    Parameters
    ----------
    y_true, y_pred : array [shape=(n,)], int, 0 <= value < K
        True and predicted class index of each test window, n >= 1.
    classes : sequence of K str
        Class names; a class index is a position in it.
    probabilities : array [shape=(n, K)], optional
        Predicted probability of each class; adds ``macro_auroc``.

    Returns
    -------
    dict
        ``n``; ``classes``; ``absent`` (classes without a test window); ``accuracy``;
        ``macro_recall``, ``macro_precision``, ``macro_f1`` (unweighted means over the classes
        present; a class that was never predicted has precision 0); ``worst_recall`` and
        ``worst_class`` (the first of equals); ``g_mean``, the geometric mean of the recalls [1]_;
        ``g_mean_paper``, sqrt(mean sensitivity x mean specificity), as DLRSD-SMOTE reports it
        (null if only one class is present);
        ``per_class``: {class: {recall, precision, f1, support}}; ``confusion``: K lists of K
        counts, rows true, columns predicted; with ``probabilities``, ``macro_auroc`` (one class
        against the rest, null if only one class is present).

    Raises
    ------
    InputError
        If shapes, class indices or probabilities do not fit each other.

    References
    ----------
    .. [1] Kubat and Matwin, "Addressing the curse of imbalanced training sets: one-sided
       selection", ICML 1997; imbalanced-learn's ``geometric_mean_score``.
    """
    names = [str(name) for name in classes]
    true, predicted = _indices(y_true, y_pred, len(names))
    confusion = confusion_matrix(true, predicted, labels=range(len(names)))
    present = np.flatnonzero(confusion.sum(axis=1))
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=present, zero_division=0
    )
    worst = int(np.argmin(recall))
    per_class: dict[str, dict[str, float | int | None]] = {
        name: {"recall": None, "precision": None, "f1": None, "support": 0} for name in names
    }
    for position, index in enumerate(present):
        per_class[names[index]] = {
            "recall": float(recall[position]),
            "precision": float(precision[position]),
            "f1": float(f1[position]),
            "support": int(support[position]),
        }
    metrics: dict[str, Any] = {
        "n": len(true),
        "classes": names,
        "absent": [name for name in names if per_class[name]["support"] == 0],
        "accuracy": float(np.mean(true == predicted)),
        "macro_recall": float(np.mean(recall)),
        "worst_recall": float(recall[worst]),
        "worst_class": names[present[worst]],
        "macro_precision": float(np.mean(precision)),
        "macro_f1": float(np.mean(f1)),
        "g_mean": float(geometric_mean_score(true, predicted, labels=present)),
        "g_mean_paper": _g_mean_paper(true, predicted, present),
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }
    if probabilities is not None:
        metrics["macro_auroc"] = _macro_auroc(true, probabilities, len(names), present)
    return metrics


def _indices(
    y_true: ArrayLike, y_pred: ArrayLike, n_classes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    true, predicted = np.asarray(y_true), np.asarray(y_pred)
    if true.ndim != 1 or true.shape != predicted.shape or not true.size:
        raise InputError(
            f"got true classes of shape {true.shape} and predicted ones of shape "
            f"{predicted.shape}: expected both (n,) with n >= 1"
        )
    for name, values in (("true", true), ("predicted", predicted)):
        if values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= n_classes:
            raise InputError(
                f"got {name} classes of type {values.dtype} from {values.min()} to "
                f"{values.max()}: expected integers from 0 to {n_classes - 1}, positions in the "
                f"{n_classes} class names"
            )
    return true.astype(np.intp), predicted.astype(np.intp)


def _g_mean_paper(
    true: NDArray[np.intp], predicted: NDArray[np.intp], present: NDArray[np.intp]
) -> float | None:
    if len(present) < 2:
        return None  # without negatives there is no specificity
    return float(geometric_mean_score(true, predicted, labels=present, average="macro"))


def _macro_auroc(
    true: NDArray[np.intp], probabilities: ArrayLike, n_classes: int, present: NDArray[np.intp]
) -> float | None:
    scores = np.asarray(probabilities, dtype=np.float64)
    if scores.shape != (len(true), n_classes) or not np.isfinite(scores).all():
        raise InputError(
            f"got probabilities of shape {scores.shape}"
            f"{'' if np.isfinite(scores).all() else ' with non-finite values'}: expected finite "
            f"ones of shape ({len(true)}, {n_classes})"
        )
    if len(present) < 2:
        return None
    one_hot = true[:, None] == present
    if len(present) == 2:
        # With two columns scikit-learn takes the indicator matrix for what it is only as int.
        one_hot = one_hot.astype(int)
    return float(roc_auc_score(one_hot, scores[:, present], average="macro"))
