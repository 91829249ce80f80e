"""What a class imbalance can be met with: the methods that are compared, all of one form.

A method turns materials, which are the same for all, into a training set for the classifier. So a
comparison is::

    materials = materials_for(method, prepare(settings))
    training = training_set(method, materials, target=materials.target, seed=settings.seed)
    classifier, _ = fit_classifier(materials, training)  # dlrsd.training.kinds.vibration.fit
    logits, _ = predict(classifier, materials.frontend.heatmaps(test_windows))

with no other case for any method or ablation: ``materials.frontend`` does to test windows what was
done to training windows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance import resampling
from dlrsd.training.balance.dlrsd_smote import ABLATIONS, Outcome, Parts, dlrsd_smote
from dlrsd.training.balance.materials import Materials, make_materials
from dlrsd.training.balance.resampling import Made
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.data.vibration.prepare import Prepared, Settings


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
        A name of ``METHODS``, ``COMBINATIONS`` or ``VARIANTS``.
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
    """As few normal windows as the rarest class has; natural shares of what is left."""
    return _rebalanced(materials, leave_out=1, seed=seed)


def under_sampling_and_weights(materials: Materials, *, seed: int, **_: object) -> TrainingSet:
    """Some normal windows only; natural shares and weights 1 / count of what is left.

    The normal class is reduced to the geometric mean of its count and that of the rarest class.
    """
    # Half of the imbalance, in decades, is met by leaving out and half by weights: leaving out
    # alone would keep five windows of 2000 at 1:400, weights alone is a method of its own.
    return _rebalanced(materials, leave_out=1 / 2, weighted=True, seed=seed)


def smote_and_weights(materials: Materials, **how: Any) -> TrainingSet:
    """SMOTE half of the way; natural shares and weights 1 / count of what is then there.

    Every rare class is lifted to the geometric mean of its count and the target.
    """
    return _rebalanced(materials, add=1 / 2, weighted=True, **how)


def under_sampling_and_smote(materials: Materials, **how: Any) -> TrainingSet:
    """Some normal windows only, and SMOTE brings rare classes to as many; equal shares.

    They meet at the geometric mean of the normal class's count and that of the rarest class,
    whatever the target.
    """
    met = _rebalanced(materials, leave_out=1 / 2, add=1, **how)
    return replace(met, share=np.full(len(met.pools), 1 / len(met.pools)))


def under_sampling_smote_and_weights(materials: Materials, **how: Any) -> TrainingSet:
    """A third of the imbalance, in decades, to each: leaving out, SMOTE and weights.

    At 1:1000 the normal class is reduced to a tenth, rare classes are lifted tenfold, and of what
    is then there, 1:10, weights 1 / count meet the rest.
    """
    return _rebalanced(materials, leave_out=1 / 3, add=1 / 2, weighted=True, **how)


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
    "rus-weights": under_sampling_and_weights,
    "smote": _over_sampling(resampling.smote),
    "smote-waveform": _over_sampling(resampling.smote_waveform),
    "borderline-smote": _over_sampling(resampling.borderline_smote),
    "adasyn": _over_sampling(resampling.adasyn),
    "mixup": mixup,
    "deepsmote": _over_sampling(resampling.deepsmote),
    "deep-smote": _over_sampling(resampling.deep_smote),
    "dlrsd-smote": full_dlrsd_smote,
}

# Light re-balancing and weights, as the wLRCL-D recipe has them, and what they are made of.
COMBINATIONS: dict[str, Method] = {
    "rus": random_under_sampling,
    "smote-weights": smote_and_weights,
    "rus-smote": under_sampling_and_smote,
    "rus-smote-weights": under_sampling_smote_and_weights,
}

VARIANTS: dict[str, Method] = {
    f"dlrsd-smote/{name}": partial(full_dlrsd_smote, parts=parts)
    for name, parts in ABLATIONS.items()
}


NOT_OF_ORDER_MAPS = ("smote-waveform",)

#: All that can be compared, in the order of tables.
KNOWN = METHODS | COMBINATIONS | VARIANTS


def require_method(method: str, known: Collection[str] = KNOWN) -> None:
    """Make sure that there is such a method.

    Raises
    ------
    InputError
        If there is none.
    """
    if method not in known:
        raise InputError(f"got method {method!r}: expected one of {', '.join(known)}")


def require_suited(method: str, settings: Settings) -> None:
    """Make sure that a method suits the settings' front end.

    Raises
    ------
    InputError
        If it does not.
    """
    if settings.has_order_map and method in NOT_OF_ORDER_MAPS:
        raise InputError(
            f"got {method} for order maps: a blend of waveforms at two speeds has the lines "
            "of both; choose smote, or another method"
        )


def _find(method: str) -> Method:
    require_method(method)
    return KNOWN[method]


def _ablation(method: str) -> str:
    return method.partition("/")[2]


def _rebalanced(
    materials: Materials,
    *,
    leave_out: float = 0,
    add: float = 0,
    weighted: bool = False,
    seed: int,
    target: int = 0,
    progress: Progress = silent,
) -> TrainingSet:
    """Natural shares of what under-sampling the normal class leaves and SMOTE adds.

    Parameters
    ----------
    leave_out : float from 0 to 1
        Part of the way, in decades, from the normal class's count to that of the rarest.
    add : float from 0 to 1
        Part of the way from a rare class's count to ``target``; where normal windows are left
        out, to their reduced number.
    weighted : bool
        Weights 1 / count of what is then there.
    """
    count, pools = materials.drawn, [pool.heatmaps for pool in materials.pools]
    left, made = count.copy(), None
    if leave_out:
        label = _normal(materials)
        left[label] = round(_towards(count[label], count.min(), leave_out))
        kept = np.random.default_rng([seed, label]).permutation(count[label])[: left[label]]
        pools[label] = pools[label][np.isin(materials.pools[label].parent, kept)]
        target = int(left[label])
    if add:
        goal = np.round(_towards(count, np.maximum(count, target), add)).astype(int)
        made = resampling.smote(materials, target=goal, seed=seed, progress=progress)
        left += np.array([len(synthetic) for synthetic in made.synthetic])
    weight = 1 / left if weighted else None
    training = _training_set(materials, share=left, weight=weight, pools=pools, made=made)
    if leave_out:
        training.counts[label]["kept"] = len(kept)
    return training


def _normal(materials: Materials) -> int:
    names, normal = materials.data.classes, materials.data.normal
    return names.index(normal) if normal in names else int(materials.drawn.argmax())


def _towards(start: Any, end: Any, part: float) -> Any:
    """Part of the way from one number to another on a logarithmic scale."""
    return start ** (1 - part) * end**part


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
