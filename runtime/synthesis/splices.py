"""DLRSD-SMOTE on the box: new heatmaps of a class from splices of its anchors, then filtering.

An anchor is a training window as a latent and a texture, what the decoder leaves out of it. Splices
of two anchors of a class give a new latent and its texture, the bundle's decoder makes a
standardised log scalogram of them, and its auxiliary classifier says what it takes it for. What
fails MCF-SMOTE's filter is counted by reason and drawn again; what is still missing after eight
draws for each one asked for, or once hardly any passes, is topped up by SMOTE. All of it stays on
the device; only what is kept comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from dlrsd.runtime.synthesis.decoder import Decoder
from dlrsd.runtime.synthesis.filtering import Thresholds, judge, typical_distance
from dlrsd.runtime.synthesis.neighbours import Array, take, to_host
from dlrsd.runtime.synthesis.smote import smote
from dlrsd.runtime.synthesis.splice import random_runs, splice

_ROUND = 2048  # drawn at once
_DRAWS = 8  # at most for each one asked for
_LEAST_SHARE = 0.01  # of a first full round that is kept: with less, decoding leads nowhere


def from_splices(
    decode: Decoder,
    anchors: Sequence[NDArray[np.float32]],
    index: int,
    count: int,
    *,
    seed: int,
    thresholds: Thresholds,
    on_kept: Callable[[int], object],
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    """Decode splices of anchors, filter, and bring the number to ``count``.

    Parameters
    ----------
    decode : Decoder
        Of a bundle of DLRSD-SMOTE.
    anchors : latents and textures, arrays, shape (n >= 2, ...)
        Of one class.
    index : int
        The class, of the K that the auxiliary classifier knows.
    count : int > 0
    seed : int >= 0
        Of the splices, and of SMOTE.
    thresholds : Thresholds
    on_kept : callable
        Told after every round how many are made.

    Returns
    -------
    heatmaps : array, shape (count, channels, F, T)
    probabilities : array, shape (count, K)
        NaN for those that SMOTE made.
    counts : dict
        ``drawn``, ``decoded`` (of them kept), ``smote``, and ``rejected`` by reason.
    """
    latents, textures = map(decode.put, anchors)
    real, _ = decode(latents, textures)
    spacing = typical_distance(real)
    rng = np.random.default_rng(seed)
    kept: list[Array] = []
    posteriors: list[Array] = []
    rejected: dict[str, int] = {}
    drawn = n_kept = 0
    while n_kept < count and drawn < _DRAWS * count:
        if drawn >= _ROUND and n_kept < _LEAST_SHARE * drawn:
            break
        wanted = min(_ROUND, count - n_kept, _DRAWS * count - drawn)
        heatmaps, probabilities = decode(*_between(latents, textures, wanted, rng))
        reasons = judge(heatmaps, probabilities[:, index], real, thresholds, spacing=spacing)
        good = np.flatnonzero(~np.logical_or.reduce(list(reasons.values())))
        kept.append(take(heatmaps, good))
        posteriors.append(take(probabilities, good))
        drawn, n_kept = drawn + wanted, n_kept + len(good)
        for reason, failed in reasons.items():
            rejected[reason] = rejected.get(reason, 0) + int(failed.sum())
        on_kept(n_kept)
    xp = array_namespace(real)
    missing = count - n_kept
    if missing:
        kept.append(smote(xp.concat([real, *kept]), missing, random_state=seed))
        posteriors.append(xp.full((missing, probabilities.shape[1]), xp.nan, dtype=xp.float32))
    counts = {"drawn": drawn, "decoded": n_kept, "smote": missing, "rejected": rejected}
    return to_host(xp.concat(kept)), to_host(xp.concat(posteriors)), counts


def _between(
    latents: Array, textures: Array, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Random splices of random pairs of different anchors: latents and textures."""
    first = rng.integers(0, len(latents), count)
    second = (first + rng.integers(1, len(latents), count)) % len(latents)
    runs = random_runs(count, rng=rng)
    latent, texture = (splice(take(x, first), take(x, second), runs) for x in (latents, textures))
    return latent, texture
