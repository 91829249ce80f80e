"""The balanced training set: views of the real windows, decoded synthetic ones, SMOTE's top-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.synthesis.filtering import Thresholds, mcf_smote, typical_distance
from dlrsd.training.fitting.augment import views
from dlrsd.training.fitting.generator import synthesize_class
from dlrsd.training.frontends.front_end import FrontEnd
from dlrsd.training.models.generator import Generator

VIEWS = 1000  # heatmaps of real windows that a class offers at least
_SPARE = 1.5  # decoded for each one wanted, since some are rejected


@dataclass(frozen=True)
class RealPool:
    """Heatmaps of one class's drawn windows and their views.

    ``heatmaps`` (n, channels, F, T) begins with the drawn windows themselves; ``parent`` (n,) is
    the drawn window each comes from.
    """

    heatmaps: NDArray[np.float32]
    parent: NDArray[np.int64]
    n_drawn: int

    @property
    def drawn(self) -> NDArray[np.float32]:
        return self.heatmaps[: self.n_drawn]


@dataclass(frozen=True)
class Balanced:
    """One class after MCF-SMOTE: synthetic heatmaps and where they come from."""

    synthetic: NDArray[np.float32]
    counts: dict[str, object]  # drawn, decoded, smote, rejected by reason


def real_pool(
    windows: NDArray[np.float32],
    frontend: FrontEnd,
    *,
    rng: np.random.Generator,
    machines: NDArray[np.float64] | None = None,
    least: int = VIEWS,
) -> RealPool:
    """The drawn windows (n, channels, window) of a class, of ``machines`` (n, 5) where the front
    end needs them, and views of them.

    At least ``least`` heatmaps, and at least one view of each window: a class of many windows
    without the views' noise would teach that noise means one of the others. Where views have
    neither shift nor noise there are none.
    """
    noise = frontend.view_noise
    differ = frontend.shift_invariant or noise > 0
    extra = max(least - len(windows), len(windows)) if differ else 0
    more, parent = views(windows, extra, rng=rng, shifted=frontend.shift_invariant, noise=noise)
    parent = np.concatenate([np.arange(len(windows)), parent])
    heatmaps = frontend.heatmaps(
        np.concatenate([windows, more]), None if machines is None else machines[parent]
    )
    return RealPool(heatmaps, parent, len(windows))


def balance_class(
    generator: Generator,
    real: RealPool,
    label: int,
    target: int,
    *,
    seed: int,
    thresholds: Thresholds | None = None,
    spliced: bool = True,
    textured: bool = True,
    top_up: bool = True,
) -> Balanced:
    """Bring a class from its drawn windows to ``target`` by decoding, filtering and SMOTE.

    Parameters
    ----------
    generator : Generator, trained
    real : RealPool
    label : int
        The class.
    target : int >= 0
        Windows the class shall have, drawn ones included.
    seed : int
    spliced, textured : bool
        As in :func:`dlrsd.training.fitting.generator.synthesize_class`.
    top_up : bool
        False: what decoding leaves missing stays missing.

    Raises
    ------
    InputError
        If samples are missing and the class has a single drawn window.
    """
    missing = max(0, target - real.n_drawn)
    if missing and real.n_drawn < 2:
        raise InputError(
            "got a class with a single window: expected two or more, between which others are "
            "made; record more of it, or leave it out"
        )
    rng = np.random.default_rng([seed, label])
    decoded = np.empty((0, *real.heatmaps.shape[1:]), np.float32)
    posterior = np.empty(0, np.float32)
    if missing:
        decoded, posterior = synthesize_class(
            generator,
            real.heatmaps,
            real.parent,
            label,
            int(_SPARE * missing),
            rng=rng,
            spliced=spliced,
            textured=textured,
        )
    result = mcf_smote(
        decoded,
        posterior,
        real.heatmaps,
        missing,
        thresholds=thresholds,
        spacing=typical_distance(real.drawn),
        random_state=int(rng.integers(2**31)),
    )
    counts: dict[str, object] = {
        "drawn": real.n_drawn,
        "decoded": result.decoded,
        "smote": result.smote if top_up else 0,
        "rejected": result.rejected,
    }
    return Balanced(result.samples if top_up else result.samples[: result.decoded], counts)
