"""Which windows of a fusion are left out along with those that a network's probe is spared.

The network looks at windows of another length, so its drawn windows are another draw than the
fusion's. A bearing, load or rig is left out of both at once. Where single windows are left out,
under `block`, `random` and of a class that is all of one recording, a probe may have seen samples
of them: the network is then judged too well beside the linear experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.balance.materials import Materials, groups_of
from dlrsd.training.data.vibration.prepared import Prepared
from dlrsd.training.evaluate.calibrate import LEFT_OUT
from dlrsd.training.kinds.vibration.settings import Settings


class Groups(NamedTuple):
    """Bearings, loads or rigs as numbers, the same in both draws.

    Parameters
    ----------
    of_network : list of arrays, shape (n_drawn,), int
        Of every class's windows that the network is trained on; None under protocols that leave
        out none.
    of_fusion : array, shape (n,), int
        Of every drawn window of the fusion; of a class that is all of one group in one of the
        draws, and under those protocols, each window is a group of its own, below 0.
    """

    of_network: list[NDArray[np.int64]] | None
    of_fusion: NDArray[np.int64]


def shared_groups(settings: Settings, data: Prepared, materials: Materials) -> Groups:
    """Groups of a fusion's drawn windows, ``data``, and of its network's, ``materials``.

    A class may have windows of fewer bearings in one draw: what kind of group it is, is decided on
    both together, or the same number would be a bearing here and a recording there.
    """
    labels = data.drawn.label
    of_fusion = -1 - np.arange(len(labels))
    if not settings.is_elsewhere:
        return Groups(None, of_fusion)
    both = [
        np.concatenate([network, data.drawn.recording[labels == k]])
        for k, network in enumerate(materials.recordings)
    ]
    of_network = []
    shared = groups_of(data.recordings, both, settings.protocol)
    for k, (own, network) in enumerate(zip(shared, materials.recordings, strict=True)):
        here, there = own[: len(network)], own[len(network) :]
        of_network.append(here)
        if len(np.unique(here)) > 1 and len(np.unique(there)) > 1:
            of_fusion[labels == k] = there
    return Groups(of_network, of_fusion)


def left_out_with(
    aside: Sequence[NDArray[np.int64]],
    groups: Groups,
    labels: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which of a fusion's drawn windows are left out in a round.

    Parameters
    ----------
    aside : K arrays, int
        Of every class, the network's windows that its probe does not see.
    labels : array, shape (n,), int
        Of the fusion's drawn windows.

    Returns
    -------
    array, shape (n,), bool
        Those of the same groups; of a class of one group one in five. Each class keeps one.
    """
    left = np.zeros(len(labels), bool)
    for k, own in enumerate(aside):
        members = np.flatnonzero(labels == k)
        out = members[:0]
        if groups.of_network is not None:
            out = members[np.isin(groups.of_fusion[members], groups.of_network[k][own])]
        if not len(out):
            out = rng.permutation(members)[: max(1, len(members) // LEFT_OUT)]
        left[out[: len(members) - 1]] = True
    return left
