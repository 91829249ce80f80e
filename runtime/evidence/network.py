"""What a bundle's network says of a machine while it is healthy, and how far a signal is from that.

A network trained on other machines calls a foreign one novel, and now and then by the name of a
fault, however healthy it is. So what it says of the machine's own healthy signal is kept: the
novelty, where the embedding lies, and which classes it names.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from dlrsd.runtime.base.formats import Finite, Share, Spread, Text
from dlrsd.runtime.evidence.baseline import Level
from dlrsd.runtime.evidence.limit import Limit

Array = NDArray[np.floating]

# Spreads of single windows. A gain of 2 dB, as from one day to another, moved the mean of the ready
# bundle's embeddings by 0.9 to 2.0 on ten simulated machines, one of 6 dB by 2.8 to 8.6.
LEAST_DISTANCE = 3.0
LEAST_NOVELTY = 1.5  # times its healthy mean: the same gain of 2 dB moved it by up to 0.3 of it
OWN_SHARE = 0.05  # of the healthy windows that carry a class: it says nothing of a fault here
_LEAST_SCALE = 0.1  # of the mean scale: what hardly moves on this machine is not weighed more


class NetworkBaseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one bundle, for one sensor at one speed.

    Parameters
    ----------
    bundle, manifest_sha256 : str
        Which one.
    classes : dict of str to float
        Share of the healthy windows by class.
    novelty : Level
        Of medians over the seconds of a verdict; the bundle's own threshold is 1.
    novelty_limit : Limit
    centre, scale : lists of float, as many as the embedding has dimensions
        Middle of the embedding, and the spread of its single windows.
    distance_limit : Limit
        Of `distance`.

    Raises
    ------
    ValueError
        If centre and scale are not as many.
    """

    bundle: Text
    manifest_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    classes: dict[str, Share]
    novelty: Level
    novelty_limit: Limit
    centre: Annotated[list[Finite], Meta(min_length=1, max_length=4096)]
    scale: list[Spread]
    distance_limit: Limit

    def __post_init__(self) -> None:
        if len(self.centre) != len(self.scale):
            raise ValueError(f"{len(self.centre)} centres and {len(self.scale)} scales")


class Heard(Struct, frozen=True):
    """What the network says of the windows within the seconds of one verdict.

    Attributes
    ----------
    novelty : float
        Median.
    mean, spread : arrays, shape (E,)
        Of the embedding.
    labels : array of int, shape (n,)
        The most probable class of each window.
    """

    novelty: float
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    labels: NDArray[np.int64]


def scale_of(spreads: Array) -> NDArray[np.float64]:
    """Scale of an embedding from its spreads within verdicts, shape (n, E): shape (E,)."""
    pooled = np.sqrt(np.square(spreads, dtype=np.float64).mean(axis=0))
    least = max(_LEAST_SCALE * float(np.sqrt(np.mean(pooled**2))), 1e-6)
    return np.asarray(np.maximum(pooled, least))


def distance(mean: Array, centre: Array, scale: Array) -> NDArray[np.float64]:
    """Root mean square over the dimensions of how far an embedding lies from the healthy one.

    Parameters
    ----------
    mean : array, shape (..., E)
    centre, scale : arrays, shape (E,)

    Returns
    -------
    array, shape (...)
        In scales.
    """
    off = (np.asarray(mean, np.float64) - centre) / scale
    return np.asarray(np.sqrt(np.mean(off**2, axis=-1)))


def moved(heard: Heard, own: NetworkBaseline) -> str | None:
    """How a stretch differs from the healthy machine by the network; None: it is alike."""
    apart = float(distance(heard.mean, np.array(own.centre), np.array(own.scale)))
    if apart > own.distance_limit.value:
        return (
            f"{apart:.1f} spreads from this machine's healthy signal by the network, limit "
            f"{own.distance_limit.value:.1f}"
        )
    if heard.novelty > own.novelty_limit.value:
        return (
            f"a novelty of {heard.novelty:.2f}, {own.novelty.mean:.2f} on this machine's healthy "
            f"signal, limit {own.novelty_limit.value:.2f}"
        )
    return None
