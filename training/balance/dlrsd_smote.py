"""DLRSD-SMOTE as one step from materials to synthetic heatmaps, and its ablations.

Source: Dai, Lin, He, Fang, Huang, "Deep Long-Range Spatiotemporal Dependency Synthetic Minority
Oversampling Technique For Imbalance-bearing Fault Diagnosis" (2025), doi 10.5281/zenodo.15148882.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from dlrsd.runtime.synthesis.filtering import Thresholds
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.pools import RealPool, balance_class
from dlrsd.training.balance.training_set import Outcome, Plan
from dlrsd.training.fitting.generator import new_generator, train_generator
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.models.generator import Generator


@dataclass(frozen=True)
class Parts:
    """The parts of the method; an ablation has one of them otherwise than here.

    Parameters
    ----------
    seaformer : bool
        Both Seaformer blocks; else the identity.
    terms : of "mse" and "ce"
        Terms of the generator's loss.
    afc_shapes : bool
        The AFC's cross-entropy shapes encoder and decoder, too; else only the AFC.
    thresholds : Thresholds
        Of MCF-SMOTE.
    top_up : bool
        SMOTE makes what decoding leaves missing; else the class stays smaller.
    spliced : bool
        Between two windows lies a splice in time; else a blend.
    textured : bool
        A decoded sample carries the texture of its parents.
    views : bool
        Views of the drawn windows train both networks; else the drawn windows alone do.
    amount : float > 0
        Synthetic samples, as a share of those missing to the target.
    autoscale : bool
        Every window is brought to an RMS of 1 first (`AutoscaledScalogram`).
    """

    seaformer: bool = True
    terms: tuple[str, ...] = ("mse", "ce")
    afc_shapes: bool = True
    thresholds: Thresholds = field(default_factory=Thresholds)
    top_up: bool = True
    spliced: bool = True
    textured: bool = True
    views: bool = True
    amount: float = 1.0
    autoscale: bool = False


_ALL_PASS = Thresholds(similarity=-2.0, posterior=-1.0, copy_distance=0.0)

# Those that share the method's generator first, then those that train one of their own.
ABLATIONS = {
    "no-filter": Parts(thresholds=_ALL_PASS),
    "no-top-up": Parts(top_up=False),
    "blend": Parts(spliced=False),
    "no-texture": Parts(textured=False),
    "samples-quarter": Parts(amount=0.25),
    "samples-double": Parts(amount=2.0),
    "similarity-0.8": Parts(thresholds=Thresholds(similarity=0.8)),
    "posterior-0.9": Parts(thresholds=Thresholds(posterior=0.9)),
    "no-seaformer": Parts(seaformer=False),
    # An AFC that was not trained cannot filter either.
    "no-afc": Parts(terms=("mse",), thresholds=Thresholds(posterior=-1.0)),
    "no-ce-gradient": Parts(afc_shapes=False),
    "no-mse": Parts(terms=("ce",)),
    "no-views": Parts(views=False),
    "autoscale": Parts(autoscale=True),
}


def dlrsd_smote(materials: Materials, plan: Plan, *, parts: Parts = Parts()) -> Outcome:
    """Train the generator and bring every class to the plan's target.

    Parameters
    ----------
    materials : Materials
        A class with a single drawn window gets nothing: there is no pair to interpolate between.
    plan : Plan
    parts : Parts
        Otherwise than the method's own for ablations.
    """
    # A run has its own checkpoint, and shares its generator with nothing.
    trained = _trained.__wrapped__ if plan.checkpoint else _trained
    generator, curves, pools = trained(
        materials, plan, parts.seaformer, parts.terms, parts.afc_shapes, parts.views
    )
    balanced = []
    show = plan.progress("synthesis", len(pools))
    for label, pool in enumerate(pools):
        missing = max(0, plan.target - pool.n_drawn) if pool.n_drawn > 1 else 0
        made = balance_class(
            generator,
            pool,
            label,
            pool.n_drawn + round(parts.amount * missing),
            seed=plan.seed,
            thresholds=parts.thresholds,
            spliced=parts.spliced and materials.frontend.columns_are_times,
            textured=parts.textured,
            top_up=parts.top_up,
        )
        balanced.append(made)
        show(label + 1)
    return Outcome(generator, curves, pools, balanced)


@lru_cache(maxsize=1)  # ablations of what comes after the training share it
def _trained(
    materials: Materials,
    plan: Plan,
    seaformer: bool,
    terms: tuple[str, ...],
    afc_shapes: bool,
    views: bool,
) -> tuple[Generator, Curves, list[RealPool]]:
    pools = materials.pools if views else [without_views(p) for p in materials.pools]
    generator = new_generator(
        plan.preset,
        n_classes=len(pools),
        channels=materials.channels,
        size=materials.frontend.size,
        seed=plan.seed,
        seaformer=seaformer,
    )
    curves = train_generator(
        generator,
        [pool.heatmaps for pool in pools],
        materials.validation,
        schedule=plan.schedule,
        seed=plan.seed,
        checkpoint=plan.checkpoint,
        on_epoch=plan.progress("generator", plan.schedule.epochs),
        terms=terms,
        afc_shapes=afc_shapes,
    )
    return generator, curves, pools


def without_views(pool: RealPool) -> RealPool:
    """The drawn windows alone."""
    return replace(pool, heatmaps=pool.drawn, parent=np.arange(pool.n_drawn))
