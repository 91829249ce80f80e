"""Leaving out, repeating and weighing: what an imbalance is met with without a generator.

Half of the imbalance, in decades, may be met by one and half by another; together they are the
light re-balancing with weights of the wLRCL-D recipe (Wu et al., Sensors 18 (2018) 1096).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dlrsd.training.balance import over_sampling
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.training_set import Plan, TrainingSet, make_training_set


def none(materials: Materials, plan: Plan) -> TrainingSet:
    """Nothing: every class has its natural share of a batch."""
    return make_training_set(materials, share=materials.drawn)


def class_weights(materials: Materials, plan: Plan) -> TrainingSet:
    """Natural shares, and each class weighs 1 / count in the loss."""
    return make_training_set(materials, share=materials.drawn, weight=1 / materials.drawn)


def random_over_sampling(materials: Materials, plan: Plan) -> TrainingSet:
    """Equal shares: the views of rare classes are repeated more often."""
    return make_training_set(materials)


def random_under_sampling(materials: Materials, plan: Plan) -> TrainingSet:
    """As few normal windows as the rarest class has; natural shares of what is left."""
    return _rebalanced(materials, plan, leave_out=1)


def under_sampling_and_weights(materials: Materials, plan: Plan) -> TrainingSet:
    """Some normal windows only; natural shares and weights 1 / count of what is left.

    The normal class is reduced to the geometric mean of its count and that of the rarest class.
    """
    # Half of the imbalance, in decades, is met by leaving out and half by weights: leaving out
    # alone would keep five windows of 2000 at 1:400, weights alone is a method of its own.
    return _rebalanced(materials, plan, leave_out=1 / 2, weighted=True)


def smote_and_weights(materials: Materials, plan: Plan) -> TrainingSet:
    """SMOTE half of the way; natural shares and weights 1 / count of what is then there.

    Every rare class is lifted to the geometric mean of its count and the target.
    """
    return _rebalanced(materials, plan, add=1 / 2, weighted=True)


def under_sampling_and_smote(materials: Materials, plan: Plan) -> TrainingSet:
    """Some normal windows only, and SMOTE brings rare classes to as many; equal shares.

    They meet at the geometric mean of the normal class's count and that of the rarest class,
    whatever the target.
    """
    met = _rebalanced(materials, plan, leave_out=1 / 2, add=1)
    return replace(met, share=np.full(len(met.pools), 1 / len(met.pools)))


def under_sampling_smote_and_weights(materials: Materials, plan: Plan) -> TrainingSet:
    """A third of the imbalance, in decades, to each: leaving out, SMOTE and weights.

    At 1:1000 the normal class is reduced to a tenth, rare classes are lifted tenfold, and of what
    is then there, 1:10, weights 1 / count meet the rest.
    """
    return _rebalanced(materials, plan, leave_out=1 / 3, add=1 / 2, weighted=True)


def mixup(materials: Materials, plan: Plan) -> TrainingSet:
    """Equal shares, and pairs of a batch blended with their labels, as Zhang et al. (2018) do."""
    return make_training_set(materials, alpha=0.2)


def _rebalanced(
    materials: Materials,
    plan: Plan,
    *,
    leave_out: float = 0,
    add: float = 0,
    weighted: bool = False,
) -> TrainingSet:
    """Natural shares of what under-sampling the normal class leaves and SMOTE adds.

    Parameters
    ----------
    leave_out : float from 0 to 1
        Part of the way, in decades, from the normal class's count to that of the rarest.
    add : float from 0 to 1
        Part of the way from a rare class's count to the plan's target; where normal windows are
        left out, to their reduced number.
    weighted : bool
        Weights 1 / count of what is then there.
    """
    count, pools = materials.drawn, [pool.heatmaps for pool in materials.pools]
    left, made, target = count.copy(), None, plan.target
    if leave_out:
        label = _normal(materials)
        left[label] = round(_towards(count[label], count.min(), leave_out))
        kept = np.random.default_rng([plan.seed, label]).permutation(count[label])[: left[label]]
        pools[label] = pools[label][np.isin(materials.pools[label].parent, kept)]
        target = int(left[label])
    if add:
        goal = np.round(_towards(count, np.maximum(count, target), add)).astype(int)
        made = over_sampling.smote(materials, target=goal, seed=plan.seed, progress=plan.progress)
        left += np.array([len(synthetic) for synthetic in made.synthetic])
    weight = 1 / left if weighted else None
    training = make_training_set(materials, share=left, weight=weight, pools=pools, made=made)
    if leave_out:
        training.counts[label]["kept"] = len(kept)
    return training


def _normal(materials: Materials) -> int:
    names, normal = materials.data.classes, materials.data.normal
    return names.index(normal) if normal in names else int(materials.drawn.argmax())


def _towards(start: Any, end: Any, part: float) -> Any:
    """Part of the way from one number to another on a logarithmic scale."""
    return start ** (1 - part) * end**part
