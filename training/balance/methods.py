"""The methods that a class imbalance can be met with: all of one form, registered here.

A method turns materials, which are the same for all, into a training set for the classifier. So a
comparison has no other case for any method or ablation, but for the front end that an ablation may
ask for (`autoscales`): ``materials.frontend`` does to test windows what was done to training
windows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance import over_sampling
from dlrsd.training.balance.dlrsd_smote import ABLATIONS, Parts, dlrsd_smote
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.rebalancing import (
    class_weights,
    mixup,
    none,
    random_over_sampling,
    random_under_sampling,
    smote_and_weights,
    under_sampling_and_smote,
    under_sampling_and_weights,
    under_sampling_smote_and_weights,
)
from dlrsd.training.balance.training_set import (
    Made,
    Method,
    Plan,
    TrainingSet,
    make_training_set,
)


def training_set(method: str, materials: Materials, plan: Plan) -> TrainingSet:
    """What a method makes of materials.

    Parameters
    ----------
    method : str
        A name of ``KNOWN``.
    materials : Materials
    plan : Plan

    Raises
    ------
    InputError
        If there is no such method.
    """
    require_method(method)
    return KNOWN[method](materials, plan)


def autoscales(method: str) -> bool:
    """Whether a method brings every window to an RMS of 1 first, as one ablation does."""
    require_method(method)
    return ABLATIONS.get(method.partition("/")[2], Parts()).autoscale


def require_method(method: str, known: Collection[str] | None = None) -> None:
    """Make sure that there is such a method, among all or among some.

    Raises
    ------
    InputError
        If there is none.
    """
    known = KNOWN if known is None else known
    if method not in known:
        raise InputError(f"got method {method!r}: expected one of {', '.join(known)}")


def _dlrsd_smote(materials: Materials, plan: Plan, *, parts: Parts = Parts()) -> TrainingSet:
    """Equal shares of views and of what DLRSD-SMOTE makes, all of it or an ablation."""
    outcome = dlrsd_smote(materials, plan, parts=parts)
    made = Made(
        [balanced.synthetic for balanced in outcome.balanced],
        [balanced.counts for balanced in outcome.balanced],
        over_sampling.lone_windows(materials),
    )
    pools = [pool.heatmaps for pool in outcome.pools]
    return make_training_set(materials, pools=pools, made=made, outcome=outcome)


def _over_sampling(
    sampler: Callable[..., Made], own: Callable[[Plan], dict[str, object]] = lambda plan: {}
) -> Method:
    """Equal shares of views and of what a sampler makes; ``own`` is what it is told besides."""

    def method(materials: Materials, plan: Plan) -> TrainingSet:
        made = sampler(
            materials, target=plan.target, seed=plan.seed, progress=plan.progress, **own(plan)
        )
        return make_training_set(materials, made=made)

    return method


METHODS: dict[str, Method] = {
    "none": none,
    "class-weights": class_weights,
    "ros": random_over_sampling,
    "rus-weights": under_sampling_and_weights,
    "smote": _over_sampling(over_sampling.smote),
    "smote-waveform": _over_sampling(over_sampling.smote_waveform),
    "borderline-smote": _over_sampling(over_sampling.borderline_smote),
    "adasyn": _over_sampling(over_sampling.adasyn),
    "mixup": mixup,
    "dablain-deepsmote": _over_sampling(
        over_sampling.dablain_deepsmote, lambda plan: {"schedule": plan.schedule}
    ),
    "mansourifar-deep-smote": _over_sampling(
        over_sampling.mansourifar_deep_smote, lambda plan: {"steps": plan.pair_steps}
    ),
    "dlrsd-smote": _dlrsd_smote,
}

# Light re-balancing and weights, as the wLRCL-D recipe has them, and what they are made of.
COMBINATIONS: dict[str, Method] = {
    "rus": random_under_sampling,
    "smote-weights": smote_and_weights,
    "rus-smote": under_sampling_and_smote,
    "rus-smote-weights": under_sampling_smote_and_weights,
}

VARIANTS: dict[str, Method] = {
    f"dlrsd-smote/{name}": partial(_dlrsd_smote, parts=parts) for name, parts in ABLATIONS.items()
}

#: All that can be compared, in the order of tables.
KNOWN = METHODS | COMBINATIONS | VARIANTS

#: What methods were called until two that the field tells apart got the names of their authors.
FORMER_NAMES = {"deepsmote": "dablain-deepsmote", "deep-smote": "mansourifar-deep-smote"}
