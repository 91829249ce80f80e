"""The classifiers that a practitioner tries first, as they are usually set; none was tuned here.

Breiman, "Random forests", Machine Learning 45 (2001); the regression with an L2 penalty. Classes
weigh the same however many windows they have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def forest(seed: int) -> Any:
    """300 trees, each on a bootstrap sample, classes weighted within it."""
    return RandomForestClassifier(
        300, class_weight="balanced_subsample", random_state=seed, n_jobs=1
    )


def logistic(seed: int) -> Any:
    """Standardised features, C = 1."""
    return make_pipeline(
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=2000, random_state=seed),
    )


#: By the names that a comparison has for them; each makes an untrained classifier from a seed.
BASELINES: dict[str, Callable[[int], Any]] = {"forest": forest, "logistic": logistic}
