"""What networks are trained on: heatmaps of drawn windows and their views, and what is held out.

The same for every method that is compared: the front end's constants, the augmentation, and the
windows that decide when to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.balance.pools import VIEWS, RealPool, real_pool
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.data.vibration.recording import Recording
from dlrsd.training.fitting.augment import views
from dlrsd.training.frontends.front_end import FrontEnd

# Validation windows are a tenth of a class's drawn ones, never trained on. A class with fewer than
# HOLD_FROM cannot spare any: fresh views of its windows stand in.
HOLD_FROM = 20
HELD_VIEWS = 40
#: What differs between training and test under a protocol, the widest first.
_FACTS = {"load": ("load",), "bearing": ("bearing_id",), "rig": ("rig", "bearing_id")}


@dataclass(frozen=True, eq=False)
class Materials:
    """What networks are trained on.

    Parameters
    ----------
    data : Prepared
    frontend : FrontEnd
    pools : list of RealPool
        Per class, heatmaps of the drawn windows that are trained on, and of their views.
    windows : list of arrays, shape (n_drawn, channels, window)
        Per class, those drawn windows, in the order of ``RealPool.drawn``.
    recordings : list of int arrays, shape (n_drawn,)
        Per class, the recording each of them is of.
    validation : (heatmaps, labels)
    """

    data: Prepared = field(repr=False)
    frontend: FrontEnd
    pools: list[RealPool] = field(repr=False)
    windows: list[NDArray[np.float32]] = field(repr=False)
    recordings: list[NDArray[np.int64]] = field(repr=False)
    validation: tuple[NDArray[np.float32], NDArray[np.int64]] = field(repr=False)

    @property
    def drawn(self) -> NDArray[np.int64]:
        """Drawn windows of every class that are trained on, shape (K,)."""
        return np.array([pool.n_drawn for pool in self.pools])

    @property
    def channels(self) -> int:
        return len(self.data.channels)

    def groups(self, by: str) -> list[NDArray[np.int64]]:
        """Per class, the rig, bearing or load (``by`` is a protocol) that each drawn window is of,
        as a number; where a class has but one rig, its bearing; where but one of these, the
        recording."""
        return groups_of(self.data.recordings, self.recordings, by)


def groups_of(
    recordings: Sequence[Recording], members: Sequence[NDArray[np.int64]], by: str
) -> list[NDArray[np.int64]]:
    """`Materials.groups` of any windows: of every class the recordings they are of."""
    kinds = []
    for fact in _FACTS[by]:
        names = [getattr(r, fact) for r in recordings]
        kinds.append(np.unique(np.array(names, dtype=str), return_inverse=True)[1])
    return [
        next((kind[own] for kind in kinds if len(np.unique(kind[own])) > 1), own) for own in members
    ]


def make_materials(
    data: Prepared,
    frontend: FrontEnd,
    *,
    windows: NDArray[np.float32] | None = None,
    n_views: int = VIEWS,
) -> Materials:
    """Heatmaps of the drawn windows and their views, and what is held out for validation.

    Parameters
    ----------
    data : Prepared
    frontend : FrontEnd
        Fitted to these windows.
    windows : array, shape (n, channels, window), optional
        The drawn windows, where they were changed since they were cut.
    n_views : int > 0
        Heatmaps of real windows that a class offers at least.
    """
    windows = data.cut(data.drawn) if windows is None else windows
    labels, machines = data.drawn.label, frontend.machines(data, data.drawn)
    rng = np.random.default_rng([data.seed, 1])
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
                windows[members],
                HELD_VIEWS,
                rng=rng,
                shifted=frontend.shift_invariant,
                noise=frontend.view_noise,
            )
            spared = members[parent]
        own = windows[members]
        pools.append(
            real_pool(own, frontend, rng=rng, machines=_of(machines, members), least=n_views)
        )
        kept.append(own)
        recordings.append(data.drawn.recording[members])
        held.append(frontend.heatmaps(aside, _of(machines, spared)))
        held_label.append(np.full(len(aside), label))
    validation = (np.concatenate(held), np.concatenate(held_label))
    return Materials(data, frontend, pools, kept, recordings, validation)


def _of(
    machines: NDArray[np.float64] | None, which: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    return None if machines is None else machines[which]
