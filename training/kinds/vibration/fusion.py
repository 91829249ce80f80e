"""The experts of a fusion: trained each for itself, then weighed by what none of them had seen.

The scalogram's network goes the usual line on windows of its own length, whatever the method
against imbalance makes of them. The other experts are linear, on windows of the fusion's length,
classes weighing the same. Then, as where one network is calibrated, everything is trained again
without some bearings, loads or windows: what experts say of those sets their weights, the
temperature and the novelty's threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from dlrsd.training.balance.materials import Materials
from dlrsd.training.base.progress import Progress
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.windows import in_batches, part_of
from dlrsd.training.evaluate import calibrate
from dlrsd.training.evaluate.calibrate import Calibration
from dlrsd.training.evaluate.left_out import LeftOut
from dlrsd.training.evaluate.pooling import fit_weights
from dlrsd.training.fitting.classifier import new_classifier
from dlrsd.training.frontends.fusion import KINDS, Fusion, numbers_of
from dlrsd.training.frontends.scalogram import Scalogram
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.left_aside import Groups, left_out_with, shared_groups
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.models.classifier import Classifier
from dlrsd.training.models.experts import Experts
from dlrsd.training.models.novelty import fit_novelty, scaled, threshold

PENALTY = 6.0  # inverse strength of the linear experts' L2 penalty, of the mean over windows
SHOWN = 60  # windows of a class that experts are weighed by
#: What the weights are pulled towards, of scalogram, order map, features and lines: alike. A
#: scalogram shows resonances, which no other rig has. Where a single load is trained on, none can
#: be left out to weigh by: these are the best of thirteen choices on CWRU's fan end (a trial that
#: is not kept), whose order maps say little of other loads.
TOWARDS = {"rig": (0.0, 1.0, 1.0, 1.0), "load": (0.5, 0.0, 1.0, 1.0)}
_ALIKE = (1.0, 1.0, 1.0, 1.0)
#: Protocols whose test is of other machines, where the amplitude says nothing.
_OTHER_MACHINES = ("bearing", "rig")


class Fused(NamedTuple):
    """A calibrated fusion."""

    frontend: Fusion
    experts: Experts
    calibration: Calibration


class _Round(NamedTuple):
    """What the experts say (experts, n, K) of left-out windows, which of those shown they are, and
    the novelty's threshold."""

    said: NDArray[np.float32]
    shown: NDArray[np.int64]
    unit: float


def of_parts(settings: Settings, data: Prepared) -> Settings:
    """The settings of the network that looks at scalograms."""
    return msgspec.structs.replace(
        settings,
        front_end=Scalogram.name,
        window=Scalogram.usual.window,
        hop=Scalogram.usual.hop,
        classifier=Scalogram.usual.classifier,
        rate=data.rate_hz,
    )


def fuse(
    settings: Settings,
    data: Prepared,
    network: Classifier,
    materials: Materials,
    *,
    checkpoint: Path,
    progress: Progress,
) -> Fused:
    """Train the linear experts and weigh all of them.

    Parameters
    ----------
    settings, data : of the fusion
    network, materials : of the scalograms
    checkpoint : Path
        Of the training of a network that only calibrates.
    """
    show = progress("lines and features", 1)
    frontend, numbers = _frontend(settings, data, materials)
    show(1)
    labels = data.drawn.label
    experts = _experts(settings, network, numbers, labels, data)
    rng = np.random.default_rng([settings.seed, 3])
    shown = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == k))[:SHOWN] for k in range(len(data.classes))]
    )
    heatmaps = _heatmaps(frontend, data, shown)
    groups = shared_groups(settings, data, materials)
    rounds = list(
        _rounds(
            settings, data, materials, groups, numbers, shown, heatmaps, rng=rng,
            checkpoint=checkpoint, progress=progress,
        )
    )  # fmt: skip
    said = np.concatenate([own.said for own in rounds], axis=1)
    window = shown[np.concatenate([own.shown for own in rounds])]
    left_out = LeftOut(
        np.empty((0, 0), np.float32),
        labels[window],
        groups.of_fusion[window],
        window,
    )
    start = np.array(TOWARDS.get(settings.protocol, _ALIKE))
    weights = fit_weights(said, left_out.label, left_out.weight(), start)
    experts.weight = torch.from_numpy(weights.astype(np.float32))
    left_out = left_out._replace(logits=np.tensordot(weights, said, axes=1).astype(np.float32))
    temperature = calibrate.fit_temperature(
        left_out.logits, left_out.label, n_windows=_apart(left_out)
    )
    embedding = _say(experts, heatmaps)[1]
    novelty = fit_novelty([embedding[labels[shown] == k] for k in range(len(data.classes))])
    novelty = scaled(novelty, max(float(np.mean([own.unit for own in rounds])), 1e-6))
    return Fused(frontend, experts, Calibration(temperature, novelty, left_out))


def _frontend(
    settings: Settings, data: Prepared, materials: Materials
) -> tuple[Fusion, NDArray[np.float32]]:
    """The front end, and the standardised numbers of the drawn windows."""
    assert isinstance(materials.frontend, Scalogram)  # noqa: S101 - of `of_parts`
    level = settings.protocol not in _OTHER_MACHINES
    config = Fusion.config_of(data.rate_hz, data.window)
    numbers = np.concatenate(
        [
            numbers_of(data.cut(own), data.machines(own), config, level=level)
            for own in in_batches(data.drawn)
        ]
    )
    frontend = Fusion.of_numbers(materials.frontend, config, numbers, data.drawn.label, level=level)
    return frontend, frontend.standardised(numbers)


def _heatmaps(frontend: Fusion, data: Prepared, shown: NDArray[np.int64]) -> NDArray[np.float32]:
    index = part_of(data.drawn, shown)
    return np.concatenate([frontend.of(data, own) for own in in_batches(index)])


def _experts(
    settings: Settings,
    network: Classifier,
    numbers: NDArray[np.float32],
    labels: NDArray[np.int64],
    data: Prepared,
) -> Experts:
    """Experts, weighing alike, with this network and linear ones of these numbers."""
    made = new_classifier(
        settings.classifier, channels=len(data.channels), n_classes=len(data.classes), seed=0
    )
    assert isinstance(made, Experts)  # noqa: S101 - of the settings
    made.scalogram = network
    at = 0
    for expert, count in zip(made.numbers, KINDS.values(), strict=True):
        own = numbers[:, :, at : at + count].reshape(len(numbers), -1)
        fitted = LogisticRegression(
            C=PENALTY / len(own), class_weight="balanced", max_iter=3000
        ).fit(own.astype(np.float64), labels)
        weight, bias = _softmax_weights(fitted)
        with torch.no_grad():
            expert.weight.copy_(torch.from_numpy(weight))  # type: ignore[operator]
            expert.bias.copy_(torch.from_numpy(bias))  # type: ignore[operator]
        at += count
    return made.eval()


def _softmax_weights(fitted: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and biases of every class; of two, scikit-learn keeps the difference alone."""
    weight, bias = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def _rounds(
    settings: Settings,
    data: Prepared,
    materials: Materials,
    groups: Groups,
    numbers: NDArray[np.float32],
    shown: NDArray[np.int64],
    heatmaps: NDArray[np.float32],
    *,
    rng: np.random.Generator,
    checkpoint: Path,
    progress: Progress,
) -> Iterator[_Round]:
    """Everything again without some windows, and what is then said of those."""
    labels, parts = data.drawn.label, of_parts(settings, data)
    rounds = calibrate.rounds_of(groups.of_network)
    asides = calibrate.choose_aside(materials.pools, groups.of_network, rng, rounds)
    schedule = msgspec.structs.replace(
        parts.training.classifier, epochs=parts.training.probe_epochs
    )
    probes = calibrate.probes(
        materials.pools,
        asides,
        make=lambda: line.untrained(parts, materials.data),
        seed=settings.seed,
        schedule=schedule,
        varied=parts.is_varied,
        rng=rng,
        checkpoint=checkpoint,
        on_epoch=progress("calibration", len(asides) * schedule.epochs),
    )
    for (probe, _, _), aside in zip(probes, asides, strict=True):
        left = left_out_with(aside, groups, labels, rng)
        experts = _experts(settings, probe.eval(), numbers[~left], labels[~left], data)
        said, embedding = _say(experts, heatmaps)
        out = left[shown]
        known = [embedding[~out & (labels[shown] == k)] for k in range(len(data.classes))]
        novel = [embedding[out & (labels[shown] == k)] for k in range(len(data.classes))]
        unit = threshold(fit_novelty(known), novel)
        yield _Round(said[:, out], np.flatnonzero(out), unit)


@torch.inference_mode()
def _say(
    experts: Experts, heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`Experts.say` of many heatmaps."""
    said = [experts.say(part) for part in torch.from_numpy(heatmaps).split(64)]
    told = torch.cat([own for own, _ in said], dim=1).numpy()
    return told, torch.cat([own for _, own in said]).numpy()


def _apart(left_out: LeftOut) -> float:
    """Independent things that a mean over classes is worth: its groups."""
    counts = [len(left_out.by_group(int(label))) for label in np.unique(left_out.label)]
    return len(counts) ** 2 / float((1 / np.array(counts)).sum())
