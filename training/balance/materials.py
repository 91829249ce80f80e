"""What networks are trained on: heatmaps of drawn windows and their views, and what is held out.

The same for every method that is compared: the front end's constants, the augmentation, and the
windows that decide when to stop.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.runtime.dsp.order_map import OrderMapConfig
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.balance.pools import RealPool, real_pool
from dlrsd.training.data.vibration.prepare import Prepared, require_classifier
from dlrsd.training.fitting.augment import views
from dlrsd.training.frontends.order_map import AnyFrontend, fit_order_frontend
from dlrsd.training.frontends.scalogram import AutoscaledFrontend, fit_frontend, unit_rms
from dlrsd.training.models.classifiers import Classifier, make_classifier
from dlrsd.training.models.generator import Generator, make_generator

# Validation windows are a tenth of a class's drawn ones, never trained on. A class with fewer than
# HOLD_FROM cannot spare any: fresh views of its windows stand in.
HOLD_FROM = 20
HELD_VIEWS = 40


@dataclass(frozen=True, eq=False)
class Materials:
    """What networks are trained on.

    Parameters
    ----------
    data : Prepared
    frontend : Frontend or OrderMapFrontend
    pools : list of RealPool
        Per class, heatmaps of the drawn windows that are trained on, and of their views.
    windows : list of arrays [shape=(n_drawn, channels, window)]
        Per class, those drawn windows, in the order of ``RealPool.drawn``.
    recordings : list of arrays [shape=(n_drawn,)], int
        Per class, the recording each of them is of.
    validation : (heatmaps, labels)
    """

    data: Prepared = field(repr=False)
    frontend: AnyFrontend
    pools: list[RealPool] = field(repr=False)
    windows: list[NDArray[np.float32]] = field(repr=False)
    recordings: list[NDArray[np.int64]] = field(repr=False)
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] = field(repr=False)

    @property
    def drawn(self) -> NDArray[np.int64]:
        """Drawn windows of every class that are trained on, (K,)."""
        return np.array([pool.n_drawn for pool in self.pools])

    @property
    def groups(self) -> list[NDArray[np.int64]] | None:
        """Per class, the bearing or load that each drawn window is of, by whichever the test part
        is elsewhere; where there is but one, the recording. None where the test is no such."""
        data = self.data
        if not data.settings.is_elsewhere:
            return None
        by_bearing = data.settings.protocol == "bearing"
        kinds = [r.bearing_id if by_bearing else r.load for r in data.recordings]
        _, kind = np.unique(np.array(kinds, dtype=str), return_inverse=True)
        return [own if len(np.unique(kind[own])) == 1 else kind[own] for own in self.recordings]

    @property
    def target(self) -> int:
        """Windows of a class after balancing: the settings', or those of the largest class."""
        return self.data.settings.target or int(self.drawn.max())


def make_materials(data: Prepared, *, autoscale: bool = False) -> Materials:
    """Heatmaps of the drawn windows and their views, and what is held out for validation.

    Parameters
    ----------
    data : Prepared
    autoscale : bool
        Bring every window to an RMS of 1 first, which throws its amplitude away.
    """
    windows, labels, machines = data.cut(data.drawn), data.drawn.label, data.machines(data.drawn)
    if autoscale:
        windows = unit_rms(windows)
    frontend: AnyFrontend
    if data.settings.has_order_map:
        frontend = fit_order_frontend(windows, labels, machines, order_map_config(data))
    else:
        frontend = fit_frontend(windows, labels, scalogram_config(data))
        if autoscale:
            frontend = AutoscaledFrontend(**vars(frontend))
    rng = np.random.default_rng([data.settings.seed, 1])
    pools, kept, recordings, held, held_label = [], [], [], [], []
    for label in range(len(data.classes)):
        (members,) = np.nonzero(labels == label)
        if len(members) >= HOLD_FROM:
            order = rng.permutation(len(members))
            n_held = len(members) // 10
            spared, members = members[order[:n_held]], members[order[n_held:]]
            aside = windows[spared]
        else:
            aside, parent = views(
                windows[members], HELD_VIEWS, rng=rng, shifted=frontend.shift_invariant
            )
            spared = members[parent]
        own = windows[members]
        pools.append(real_pool(own, frontend, rng=rng, machines=_of(machines, members)))
        kept.append(own)
        recordings.append(data.drawn.recording[members])
        held.append(frontend.heatmaps(aside, _of(machines, spared)))
        held_label.append(np.full(len(aside), label))
    validation = (np.concatenate(held), np.concatenate(held_label))
    return Materials(data, frontend, pools, kept, recordings, validation)


def scalogram_config(data: Prepared) -> ScalogramConfig:
    """The scalogram of the data's rate and windows."""
    return ScalogramConfig(rate_hz=data.rate_hz, window=data.settings.window)


def order_map_config(data: Prepared) -> OrderMapConfig:
    """The order map of the data's rate and windows."""
    return OrderMapConfig(rate_hz=data.rate_hz, window=data.settings.window)


def heatmap_size(data: Prepared) -> tuple[int, int]:
    """Rows and columns that the settings' front end gives."""
    if data.settings.has_order_map:
        return order_map_config(data).shape
    scalogram = scalogram_config(data)
    return scalogram.n_frequencies, scalogram.n_blocks


def new_generator(data: Prepared, *, seaformer: bool = True) -> Generator:
    """An untrained generator of the settings' preset, its weights drawn by the settings' seed."""
    torch.manual_seed(data.settings.seed)
    return make_generator(
        data.settings.preset,
        n_classes=len(data.classes),
        channels=len(data.channels),
        size=heatmap_size(data),
        seaformer=seaformer,
    )


def new_classifier(data: Prepared) -> Classifier:
    """An untrained classifier as the settings name it, its weights drawn by their seed."""
    require_classifier(data.settings)
    torch.manual_seed(data.settings.seed)
    return make_classifier(
        data.settings.classifier, channels=len(data.channels), n_classes=len(data.classes)
    )


def _of(machines: NDArray[np.float64] | None, which: NDArray[np.int64]) -> NDArray | None:
    return None if machines is None else machines[which]
