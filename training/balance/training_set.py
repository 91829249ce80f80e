"""What a method against imbalance is told, and what it makes: a training set for a classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.balance.mansourifar_deep_smote import STEPS
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.pools import Balanced, RealPool
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.fitting.loop import Curves
from dlrsd.training.fitting.schedule import GENERATOR, Schedule
from dlrsd.training.models.generator import Generator


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a method is told beside the materials.

    Parameters
    ----------
    target : int >= 0
        Windows that over-sampling brings every class to, drawn ones included.
    seed : int >= 0
    preset : str
        A name of ``dlrsd.training.models.generator.PRESETS``.
    schedule : Schedule
        Of a generator's training.
    pair_steps : int > 0
        Of the training of Deep SMOTE's network.
    progress : function
    checkpoint : Path, optional
        Of a generator's training, to resume it.
    """

    target: int
    seed: int
    preset: str = "edge"
    schedule: Schedule = GENERATOR
    pair_steps: int = STEPS
    progress: Progress = silent
    checkpoint: Path | None = None


class Made(NamedTuple):
    """Per class, ``synthetic`` heatmaps and ``counts``; ``notes`` on what could not be done."""

    synthetic: list[NDArray[np.float32]]
    counts: list[dict[str, object]]
    notes: list[str]


@dataclass(frozen=True)
class Outcome:
    """The trained generator with its curves, and what it made of every class."""

    generator: Generator
    curves: Curves
    pools: list[RealPool]  # what it was trained on
    balanced: list[Balanced]


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
    outcome : Outcome, optional
        Of DLRSD-SMOTE: its generator, and what that made.
    """

    pools: list[NDArray[np.float32]]
    share: NDArray[np.float64]
    class_weight: NDArray[np.float64]
    mixup: float
    synthetic: list[NDArray[np.float32]]
    counts: list[dict[str, object]]
    notes: list[str]
    outcome: Outcome | None = None


Method = Callable[[Materials, Plan], TrainingSet]


def make_training_set(
    materials: Materials,
    *,
    share: NDArray[Any] | None = None,
    weight: NDArray[Any] | None = None,
    alpha: float = 0.0,
    pools: list[NDArray[np.float32]] | None = None,
    made: Made | None = None,
    outcome: Outcome | None = None,
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
        outcome,
    )
