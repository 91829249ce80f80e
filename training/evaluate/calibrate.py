"""What a probability and a novelty are worth: judged on windows that a network has not seen.

Where a class has five windows, none can be spared for validation, and the network is too sure of
those it was trained on. So a probe is trained besides, on real windows and their views, without
one window in five of every class: what it says of those left out sets the temperature and the
novelty threshold of the real one. Neither its weights nor the choice of its epoch see them.

Where the test is of bearings or loads that were not trained on, so is what a probe is judged by:
each of several probes is trained without one bearing (or load) of every class, until each was left
out of one, or six are trained. Windows of bearings that it knows would have it much too sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from dlrsd.training.balance.pools import RealPool
from dlrsd.training.base.progress import Progress
from dlrsd.training.evaluate.left_out import LeftOut, joined, told
from dlrsd.training.fitting.classifier import predict, train_classifier
from dlrsd.training.fitting.schedule import Schedule
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.novelty import Novelty, fit_novelty, scaled, threshold, traits

GROUP_PROBES, MOST_PROBES = 3, 6  # where bearings or loads are left out
LEFT_OUT = 5  # one window in so many, where a class has that many; one of fewer
_MAX_LEFT_OUT = 100  # heatmaps of a class that are enough to judge by


class Calibration(NamedTuple):
    """What calibration finds; ``left_out`` is what it was found by."""

    temperature: float
    novelty: Novelty
    left_out: LeftOut


def calibrate(
    classifier: Classifier,
    pools: list[RealPool],
    *,
    groups: list[NDArray[np.int64]] | None = None,
    make: Callable[[], Classifier],
    seed: int,
    schedule: Schedule,
    varied: bool,
    rows: bool,
    checkpoint: Path,
    progress: Progress,
) -> Calibration:
    """Temperature and novelty of a trained classifier.

    Parameters
    ----------
    classifier : Classifier
        The one to calibrate.
    pools : list of RealPool
        Every class's real windows and their views.
    groups : list of arrays [shape=(n_drawn,)], int, optional
        Of every class's drawn windows, which bearing or load each is of, to be left out as a whole.
    make : function
        Gives an untrained classifier of the same kind.
    schedule : Schedule
        Of each probe's training.
    varied : bool
        As it was trained.
    rows : bool
        Whether the rows of a heatmap count for the novelty: its columns must be times.
    """
    rng = np.random.default_rng([seed, 2])
    asides = choose_aside(pools, groups, rng, rounds_of(groups))
    show = progress("calibration", len(asides) * schedule.epochs)
    judged, units = [], []
    each = probes(
        pools, asides, make=make, seed=seed, schedule=schedule, varied=varied, rng=rng,
        checkpoint=checkpoint, on_epoch=show,
    )  # fmt: skip
    for aside, (probe, kept, left_out) in zip(asides, each, strict=True):
        said = [_said(probe, heatmaps, rows) for heatmaps in left_out]
        windows = list(map(windows_left_out, pools, aside))
        judged.append(told([logits for logits, _ in said], windows, groups))
        known = fit_novelty([_said(probe, heatmaps, rows)[1] for heatmaps in kept])
        units.append(threshold(known, [own for _, own in said]))
    n_windows = count_apart_of(asides, groups)
    all_left_out = joined(judged)
    temperature = fit_temperature(all_left_out.logits, all_left_out.label, n_windows=n_windows)
    novelty = fit_novelty([_said(classifier, pool.heatmaps, rows)[1] for pool in pools])
    novelty = scaled(novelty, max(float(np.mean(units)), 1e-6))
    return Calibration(temperature, novelty, all_left_out)


def rounds_of(groups: Sequence[NDArray[np.int64]] | None) -> int:
    """How many probes it takes to leave out every group once, within bounds; without any, one."""
    if groups is None:
        return 1
    most = max(len(np.unique(group)) for group in groups)
    return min(max(most, GROUP_PROBES), MOST_PROBES)


def probes(
    pools: Sequence[RealPool],
    asides: Sequence[Sequence[NDArray[np.int64]]],
    *,
    make: Callable[[], Classifier],
    seed: int,
    schedule: Schedule,
    varied: bool,
    rng: np.random.Generator,
    checkpoint: Path,
    on_epoch: Callable[[int], None],
) -> Iterator[tuple[Classifier, list[NDArray[np.float32]], list[NDArray[np.float32]]]]:
    """Train one classifier for each choice of windows to leave out, as of `choose_aside`.

    Parameters
    ----------
    make, seed, schedule, varied, checkpoint
        As of `calibrate`.
    on_epoch : function
        Told how many epochs of all probes are done.

    Yields
    ------
    the probe, and of every class the heatmaps it was trained on and those that were left out
    """
    for round_, aside in enumerate(asides):
        parts = (leave_out(*own, rng) for own in zip(pools, aside, strict=True))
        kept, checked, left_out = map(list, zip(*parts, strict=True))
        probe = make()
        train_classifier(
            probe,
            kept,
            (np.concatenate(checked), _labels(checked)),
            schedule=schedule,
            seed=seed,
            checkpoint=checkpoint.with_stem(f"{checkpoint.stem}{round_}"),
            on_epoch=_after(round_ * schedule.epochs, on_epoch),
            varied=varied,
        )
        yield probe, kept, left_out


def fit_temperature(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, n_windows: float
) -> float:
    """The temperature that makes probabilities honest, by likelihood, from 0.1 to 10.

    Classes weigh the same, as in training. Where every window is recognised, likelihood alone
    would ask for certainty: n windows support no more than (n + 1) / (n + 2).

    Sources: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017;
    the targets are Platt's, "Probabilistic Outputs for Support Vector Machines", 1999.

    Parameters
    ----------
    logits : array [shape=(n, classes)], with ``labels`` (n,)
    n_windows : float > 0
        Independent windows that they come from.
    """
    candidates = np.geomspace(0.1, 10.0, 100)
    x, y = torch.from_numpy(logits), torch.from_numpy(labels)
    weight = 1 / torch.bincount(y, minlength=x.shape[1]).clamp(min=1).float()
    n_classes = x.shape[1]
    smoothing = n_classes / ((n_classes - 1) * (n_windows + 2))
    loss = [
        float(F.cross_entropy(x / t, y, weight=weight, label_smoothing=smoothing))
        for t in candidates
    ]
    return float(candidates[int(np.argmin(loss))])


def choose_aside(
    pools: Sequence[RealPool],
    groups: Sequence[NDArray[np.int64]] | None,
    rng: np.random.Generator,
    rounds: int = GROUP_PROBES,
) -> list[list[NDArray[np.int64]]]:
    """For every probe and class, numbers of the drawn windows to leave out.

    One in five (one at least); with ``groups``, as of `calibrate`, another group for each of
    ``rounds`` probes as long as there is one, and one in five of a class that is all of one group.
    """
    if groups is None:
        return [[_some(pool, rng) for pool in pools]]
    order = [rng.permutation(np.unique(group)) for group in groups]
    return [
        [
            np.flatnonzero(group == kinds[round_ % len(kinds)])
            if len(kinds) > 1
            else _some(pool, rng)
            for pool, group, kinds in zip(pools, groups, order, strict=True)
        ]
        for round_ in range(rounds)
    ]


def leave_out(
    pool: RealPool, aside: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """A class's heatmaps without some of its windows and their views, and the heatmaps of those.

    Returns
    -------
    nine tenths of the others to train on, a tenth to stop by, and those of the windows left out
    """
    is_aside = np.isin(pool.parent, aside)
    kept = rng.permutation(pool.heatmaps[~is_aside])
    n_checked = max(1, len(kept) // 10)
    return kept[n_checked:], kept[:n_checked], pool.heatmaps[is_aside][:_MAX_LEFT_OUT]


def windows_left_out(pool: RealPool, aside: NDArray[np.int64]) -> NDArray[np.int64]:
    """The drawn window that each heatmap left out by `leave_out` is of."""
    return pool.parent[np.isin(pool.parent, aside)][:_MAX_LEFT_OUT]


def count_apart_of(
    asides: Sequence[Sequence[NDArray[np.int64]]], groups: Sequence[NDArray[np.int64]] | None
) -> float:
    """Independent things that a mean over classes is worth (Kish's effective size); views add
    none."""
    by_class = list(zip(*asides, strict=True))
    each = groups if groups is not None else [None] * len(by_class)
    counts = np.array([count_apart(*own) for own in zip(by_class, each, strict=True)])
    return len(counts) ** 2 / float((1 / counts).sum())


def count_apart(asides: Sequence[NDArray[np.int64]], group: NDArray[np.int64] | None) -> int:
    """Independent things among what was left out of a class: groups, or windows of one group."""
    left_out = np.unique(np.concatenate(asides))
    if group is None or len(np.unique(group)) == 1:
        return len(left_out)
    return len(np.unique(group[left_out]))


def _said(
    classifier: Classifier, heatmaps: NDArray[np.float32], rows: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits of heatmaps, and the traits that their novelty is of."""
    logits, embedding = predict(classifier, heatmaps)
    return logits, traits(embedding, heatmaps) if rows else embedding


def _after(before: int, show: Callable[[int], None]) -> Callable[[int], None]:
    """Progress of a probe that follows others."""
    return lambda done: show(before + done)


def _some(pool: RealPool, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permutation(pool.n_drawn)[: max(1, pool.n_drawn // LEFT_OUT)]


def _labels(groups: Sequence[NDArray[np.float32]]) -> NDArray[np.int64]:
    """The class of every heatmap, where each group holds those of one class."""
    return np.repeat(np.arange(len(groups)), [len(group) for group in groups])
