"""What a class imbalance can be met with: the methods that are compared, all of one form.

A method turns materials, which are the same for all, into a training set for the classifier. So a
comparison is::

    materials = materials_for(method, prepare(settings))
    training = training_set(method, materials, target=materials.target, seed=settings.seed)
    classifier, _ = fit_classifier(materials, training)  # dlrsd.training.fit
    logits, _ = predict(classifier, materials.frontend.heatmaps(test_windows))

with no other case for any method or ablation: ``materials.frontend`` does to test windows what was
done to training windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.errors import InputError
from dlrsd.training import resampling
from dlrsd.training.dlrsd_smote import ABLATIONS, Outcome, Parts, dlrsd_smote
from dlrsd.training.materials import Materials, Progress, make_materials, silent
from dlrsd.training.prepare import Prepared
from dlrsd.training.resampling import Made


@dataclass(frozen=True)
class TrainingSet:
    """What a classifier is trained on, and how.

    Parameters
    ----------
    pools : list of K arrays [shape=(n_c, channels, F, T)]
        Per class, heatmaps of real windows, of their views, and synthetic ones.
    share : array [shape=(K,)], sums to 1
        Of every class in a training batch.
    class_weight : array [shape=(K,)]
        Of every class in the cross-entropy.
    mixup : float >= 0
        Alpha of mixup's Beta distribution; 0: none.
    synthetic : list of K arrays
        The synthetic heatmaps alone, may be empty: (0, channels, F, T).
    counts : list of K dicts
        JSON-ready: ``drawn`` and ``synthetic``, and what else the method has to say.
    notes : list of str
        What the method could not do.
    """

    pools: list[NDArray[np.float32]]
    share: NDArray[np.float64]
    class_weight: NDArray[np.float64]
    mixup: float
    synthetic: list[NDArray[np.float32]]
    counts: list[dict[str, object]]
    notes: list[str]


Method = Callable[..., TrainingSet]  # (materials, *, target, seed, progress)


def training_set(
    method: str, materials: Materials, *, target: int, seed: int, progress: Progress = silent
) -> TrainingSet:
    """What a method makes of materials.

    Parameters
    ----------
    method : str
        A name of ``METHODS`` or ``VARIANTS``.
    materials : Materials
        As :func:`materials_for` the same method gives them.
    target : int >= 0
        Windows that over-sampling brings every class to, drawn ones included.
    seed : int

    Raises
    ------
    InputError
        If there is no such method.
    """
    return _find(method)(materials, target=target, seed=seed, progress=progress)


def materials_for(method: str, data: Prepared) -> Materials:
    """The materials of a method: the same for all, but for an ablation that changes them.

    Raises
    ------
    InputError
        If there is no such method.
    """
    return make_materials(data, autoscale=rescales(method))


def rescales(method: str) -> bool:
    """Whether a method's materials differ from those that all others share."""
    _find(method)
    return ABLATIONS.get(_ablation(method), Parts()).autoscale


def none(materials: Materials, **_: object) -> TrainingSet:
    """Nothing: every class has its natural share of a batch."""
    return _training_set(materials, share=materials.drawn)


def class_weights(materials: Materials, **_: object) -> TrainingSet:
    """Natural shares, and each class weighs 1 / count in the loss."""
    return _training_set(materials, share=materials.drawn, weight=1 / materials.drawn)


def random_over_sampling(materials: Materials, **_: object) -> TrainingSet:
    """Equal shares: the views of rare classes are repeated more often."""
    return _training_set(materials)


def random_under_sampling(materials: Materials, *, seed: int, **_: object) -> TrainingSet:
    """Some normal windows only; natural shares and weights 1 / count of what is left.

    The normal class is reduced to the geometric mean of its count and that of the rarest class.
    """
    # Half of the imbalance, in decades, is met by leaving out and half by weights: leaving out
    # alone would keep five windows of 2000 at 1:400, weights alone is the method above.
    count = materials.drawn
    names = materials.data.classes
    normal = materials.data.normal
    label = names.index(normal) if normal in names else int(count.argmax())
    pools = [pool.heatmaps for pool in materials.pools]
    rng = np.random.default_rng([seed, label])
    kept = rng.permutation(count[label])[: round(np.sqrt(count[label] * count.min()))]
    pools[label] = pools[label][np.isin(materials.pools[label].parent, kept)]
    left = count.copy()
    left[label] = len(kept)
    made = _training_set(materials, pools=pools, share=left, weight=1 / left)
    made.counts[label]["kept"] = len(kept)
    return made


def mixup(materials: Materials, **_: object) -> TrainingSet:
    """Equal shares, and pairs of a batch blended with their labels, as Zhang et al. (2018) do."""
    return _training_set(materials, alpha=0.2)


def full_dlrsd_smote(
    materials: Materials,
    *,
    target: int,
    seed: int,
    progress: Progress = silent,
    parts: Parts | None = None,
) -> TrainingSet:
    """Equal shares of views and of what DLRSD-SMOTE makes, all of it or an ablation."""
    outcome = dlrsd_smote(materials, target=target, seed=seed, progress=progress, parts=parts)
    return set_of(materials, outcome)


def set_of(materials: Materials, outcome: Outcome) -> TrainingSet:
    """The training set of a DLRSD-SMOTE that has been done."""
    made = Made(
        [balanced.synthetic for balanced in outcome.balanced],
        [balanced.counts for balanced in outcome.balanced],
        resampling.lone_windows(materials),
    )
    return _training_set(materials, pools=[pool.heatmaps for pool in outcome.pools], made=made)


def _over_sampling(sampler: Callable[..., Made]) -> Method:
    """Equal shares of views and of what a sampler makes."""

    def method(materials: Materials, *, target: int, seed: int, progress: Progress = silent):
        made = sampler(materials, target=target, seed=seed, progress=progress)
        return _training_set(materials, made=made)

    return method


METHODS: dict[str, Method] = {
    "none": none,
    "class-weights": class_weights,
    "ros": random_over_sampling,
    "rus-weights": random_under_sampling,
    "smote": _over_sampling(resampling.smote),
    "smote-waveform": _over_sampling(resampling.smote_waveform),
    "borderline-smote": _over_sampling(resampling.borderline_smote),
    "adasyn": _over_sampling(resampling.adasyn),
    "mixup": mixup,
    "deepsmote": _over_sampling(resampling.deepsmote),
    "deep-smote": _over_sampling(resampling.deep_smote),
    "dlrsd-smote": full_dlrsd_smote,
}

VARIANTS: dict[str, Method] = {
    f"dlrsd-smote/{name}": partial(full_dlrsd_smote, parts=parts)
    for name, parts in ABLATIONS.items()
}


def _find(method: str) -> Method:
    known = METHODS | VARIANTS
    if method not in known:
        raise InputError(f"got method {method!r}: expected one of {', '.join(known)}")
    return known[method]


def _ablation(method: str) -> str:
    return method.partition("/")[2]


def _training_set(
    materials: Materials,
    *,
    share: NDArray | None = None,
    weight: NDArray | None = None,
    alpha: float = 0.0,
    pools: list[NDArray[np.float32]] | None = None,
    made: Made | None = None,
) -> TrainingSet:
    """Equal shares, equal weights, all views and nothing synthetic, but for what is given."""
    equal = np.ones(len(materials.pools))
    share = equal if share is None else share
    weight = equal if weight is None else weight
    pools = pools or [pool.heatmaps for pool in materials.pools]
    made = made or Made([pool[:0] for pool in pools], [{} for _ in pools], [])
    counts = [
        {"drawn": int(n), "synthetic": len(synthetic), **more}
        for n, synthetic, more in zip(materials.drawn, made.synthetic, made.counts, strict=True)
    ]
    return TrainingSet(
        [np.concatenate(pair) for pair in zip(pools, made.synthetic, strict=True)],
        share / share.sum(),
        weight / (weight * share).sum() * share.sum(),  # a mean of 1 over a batch
        alpha,
        made.synthetic,
        counts,
        made.notes,
    )
