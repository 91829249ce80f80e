"""Over-sampling of heatmaps by imbalanced-learn's samplers, in rounds.

A sampler shall interpolate between different windows, not between two views of one. So it sees the
data in rounds: in each, every drawn window appears once, as one of its views, and the sampler adds
a share of what is missing. The normal class appears, too, for samplers that look for the border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from imblearn.over_sampling import ADASYN, SMOTE, BorderlineSMOTE
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray

from dlrsd.training.balance.dablain_deepsmote import train_autoencoder
from dlrsd.training.balance.mansourifar_deep_smote import (
    STEPS,
    MansourifarDeepSMOTE,
    PairRegressor,
    train_regressor,
)
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.pools import RealPool
from dlrsd.training.balance.training_set import Made
from dlrsd.training.base.progress import Progress, silent
from dlrsd.training.fitting.augment import views
from dlrsd.training.fitting.schedule import GENERATOR, Schedule

ROUNDS = 10
NEIGHBOURS = 5  # of SMOTE, as published; a class of n windows has n - 1


Rows = NDArray[np.float32]  # (n, d)
Labels = NDArray[np.int64]  # (n,)
New = dict[int, Rows | str]  # per class new rows, or why there are none
Sampler = Callable[[Rows, Labels, Mapping[int, int], int], New]  # (.., .., {label: how many}, seed)


def smote(materials: Materials, **how: Any) -> Made:
    """SMOTE of Chawla et al. (2002)."""
    return in_rounds(materials, each_class(_smote), **how)


def borderline_smote(materials: Materials, **how: Any) -> Made:
    """Borderline-SMOTE of Han et al. (2005): from windows whose neighbours mostly are others."""

    def make(k: int, rows: int, want: dict[int, int], seed: int) -> BaseOverSampler:
        near = min(10, rows - 1)
        return BorderlineSMOTE(
            sampling_strategy=want, random_state=seed, k_neighbors=k, m_neighbors=near
        )

    return in_rounds(materials, each_class(make), **how)


def adasyn(materials: Materials, **how: Any) -> Made:
    """ADASYN of He et al. (2008): more from windows with more neighbours of other classes."""
    return in_rounds(
        materials,
        each_class(
            lambda k, rows, want, seed: ADASYN(
                sampling_strategy=want, random_state=seed, n_neighbors=k
            )
        ),
        **how,
    )


def mansourifar_deep_smote(materials: Materials, *, steps: int = STEPS, **how: Any) -> Made:
    """Deep SMOTE of Mansourifar and Shi (2020), one network a round for all classes.

    Parameters
    ----------
    steps : int > 0
        Of each network's training.
    """

    def sampler(rows: Rows, labels: Labels, want: Mapping[int, int], seed: int) -> New:
        if not want:
            return {}
        goal = {label: int((labels == label).sum()) + count for label, count in want.items()}
        regressor = MansourifarDeepSMOTE(
            sampling_strategy=goal, random_state=seed, k_neighbors=NEIGHBOURS, steps=steps
        )
        new, new_labels = (part[len(rows) :] for part in regressor.fit_resample(rows, labels))
        return {label: new[new_labels == label] for label in want}

    return in_rounds(materials, sampler, **how)


def pair_regressor(materials: Materials, *, seed: int, steps: int = STEPS) -> PairRegressor:
    """Deep SMOTE's network for the box, which puts pairs of drawn windows together.

    `mansourifar_deep_smote` trains a network for every round, on one view of every window, and
    throws it away. This one sees the drawn windows themselves and what ten rounds see, in pairs of
    one round, for as many steps as those ten networks together. Classes of a single window are
    left out.
    """
    rng = np.random.default_rng([seed, 3])
    rounds = []
    for pool, members in zip(materials.pools, _members(materials), strict=True):
        if pool.n_drawn > 1:
            drawn = [_one_view_each(pool, members, rng) for _ in range(ROUNDS)]
            rounds.append(np.stack([pool.drawn, *drawn]))
    return train_regressor(rounds, k_neighbors=NEIGHBOURS, steps=ROUNDS * steps, seed=seed)


def dablain_deepsmote(
    materials: Materials,
    *,
    seed: int,
    schedule: Schedule = GENERATOR,
    progress: Progress = silent,
    **how: Any,
) -> Made:
    """DeepSMOTE of Dablain, Krawczyk and Chawla (2021): SMOTE between latents, decoded."""
    pools = [pool.heatmaps for pool in materials.pools]
    network = train_autoencoder(
        pools, materials.validation, seed=seed, schedule=schedule, progress=progress
    )
    between = each_class(_smote)

    def sampler(rows: Rows, labels: Labels, want: Mapping[int, int], seed: int) -> New:
        with torch.inference_mode():
            heatmaps = torch.from_numpy(rows).unflatten(1, pools[0].shape[1:])
            latents = between(network.encode(heatmaps).numpy(), labels, want, seed)
            return {
                label: new
                if isinstance(new, str)
                else network.decode(torch.from_numpy(new)).numpy()
                for label, new in latents.items()
            }

    return in_rounds(materials, sampler, seed=seed, progress=progress, **how)


def smote_waveform(
    materials: Materials, *, target: int, seed: int, progress: Progress = silent
) -> Made:
    """SMOTE between drawn waveforms; heatmaps of one view of each new waveform."""
    rng = np.random.default_rng([seed, 3])
    synthetic, counts = [], []
    show = progress("sampling", len(materials.windows))
    for label, windows in enumerate(materials.windows):
        n, missing = len(windows), max(0, target - len(windows))
        made = materials.pools[label].heatmaps[:0]
        if n > 1 and missing:
            # The sampler wants another class: any will do, as SMOTE does not look at it.
            rows = np.concatenate([windows, np.zeros_like(windows[:1])]).reshape(n + 1, -1)
            k = min(NEIGHBOURS, n - 1)
            sampler = _smote(k, n + 1, {0: target}, int(rng.integers(2**31)))
            new = sampler.fit_resample(rows, np.arange(n + 1) // n)[0][n + 1 :]
            shown, _ = views(new.reshape(-1, *windows.shape[1:]), missing, rng=rng)
            made = materials.frontend.heatmaps(shown)
        synthetic.append(made)
        counts.append(_neighbours(n))
        show(label + 1)
    return Made(synthetic, counts, lone_windows(materials))


def in_rounds(
    materials: Materials,
    sampler: Sampler,
    *,
    target: int | NDArray[np.int64],
    seed: int,
    progress: Progress = silent,
) -> Made:
    """What a sampler adds over all rounds, up to ``target`` windows of every class, or of each."""
    pools, drawn = materials.pools, materials.drawn
    shape = pools[0].heatmaps.shape[1:]
    members = _members(materials)
    labels = np.repeat(np.arange(len(pools)), drawn)
    missing = np.where(drawn > 1, np.maximum(target - drawn, 0), 0)
    rng = np.random.default_rng([seed, 3])
    found: list[list[NDArray[np.float32]]] = [[pool.heatmaps[:0]] for pool in pools]
    refused: dict[tuple[int, str], int] = {}
    show = progress("sampling", ROUNDS)
    for round_ in range(ROUNDS):
        rows = np.concatenate(
            [
                _one_view_each(pool, windows, rng).reshape(n, -1)
                for pool, windows, n in zip(pools, members, drawn, strict=True)
            ]
        )
        share = missing * (round_ + 1) // ROUNDS - missing * round_ // ROUNDS
        want = {int(label): int(share[label]) for label in np.flatnonzero(share)}
        for label, new in sampler(rows, labels, want, int(rng.integers(2**31))).items():
            if isinstance(new, str):
                refused[label, new] = refused.get((label, new), 0) + 1
            else:
                found[label].append(new.reshape(-1, *shape).astype(np.float32))
        show(round_ + 1)
    notes = lone_windows(materials) + [
        f"class {materials.data.classes[label]!r}: nothing made in {count} of {ROUNDS} rounds "
        f"({why}), its own windows' views instead"
        for (label, why), count in refused.items()
    ]
    return Made(
        [np.concatenate(parts) for parts in found], [_neighbours(int(n)) for n in drawn], notes
    )


def each_class(make: Callable[[int, int, dict[int, int], int], BaseOverSampler]) -> Sampler:
    """A sampler that runs one of imbalanced-learn's for every class, with its own neighbours.

    Parameters
    ----------
    make : function of the neighbours to use (at most n - 1), the rows there are, the sampling
        strategy and the seed
    """

    def sampler(rows: Rows, labels: Labels, want: Mapping[int, int], seed: int) -> New:
        made: New = {}
        for label, count in want.items():
            own = int((labels == label).sum())
            one = make(min(NEIGHBOURS, own - 1), len(rows), {label: own + count}, seed + label)
            try:
                new = one.fit_resample(rows, labels)[0][len(rows) :]
            except (RuntimeError, ValueError) as error:  # as ADASYN where no other class is near
                made[label] = " ".join(str(error).split(".")[0].split())
            else:
                made[label] = new if len(new) else "no window is near another class"
        return made

    return sampler


def lone_windows(materials: Materials) -> list[str]:
    """What is to be said of classes with a single drawn window."""
    return [
        f"class {name!r} has one window: views of it only, as interpolation needs a partner"
        for name, count in zip(materials.data.classes, materials.drawn, strict=True)
        if count == 1
    ]


def _members(materials: Materials) -> list[list[NDArray[np.int64]]]:
    """Of every class and drawn window, the places of its views."""
    return [
        [np.flatnonzero(pool.parent == i) for i in range(pool.n_drawn)] for pool in materials.pools
    ]


def _one_view_each(
    pool: RealPool, members: list[NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.float32]:
    return pool.heatmaps[[rng.choice(views) for views in members]]


def _smote(k: int, rows: int, want: dict[int, int], seed: int) -> BaseOverSampler:
    return SMOTE(sampling_strategy=want, random_state=seed, k_neighbors=k)


def _neighbours(n: int) -> dict[str, object]:
    return {"k_neighbors": min(NEIGHBOURS, n - 1)}
