"""What the generator's encoder attends to: the axial attention of its Seaformer block."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dlrsd.training.evaluate.receptive_field import convolutions
from dlrsd.training.models.generator import Generator, to_unit
from dlrsd.training.models.seaformer import SeaformerBlock


@torch.inference_mode()
def attention(
    generator: Generator, heatmaps: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Attention over rows (frequencies) and over columns (time) of the encoder's latent map.

    Parameters
    ----------
    generator : Generator, in eval mode, with a Seaformer block in its encoder
    heatmaps : array [shape=(n, channels, F, T)], standardised

    Returns
    -------
    rows : array [shape=(n, heads, f, f)]
        Entry [..., i, j] is the weight with which latent row i looks at latent row j; the weights
        of a row sum to 1. Latent row i is centred on heatmap row i F / f.
    columns : array [shape=(n, heads, t, t)], likewise
    """
    (block,) = (layer for layer in generator.encoder if isinstance(layer, SeaformerBlock))
    latent = convolutions(generator.encoder)(to_unit(torch.from_numpy(heatmaps)))
    rows, columns = block.attention(latent)
    return rows.numpy(), columns.numpy()


def reach(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance, in positions, from a position to what it looks at; one value per head.

    Parameters
    ----------
    weights : array [shape=(n, heads, length, length)], rows summing to 1
    """
    position = np.arange(weights.shape[-1])
    distance = np.abs(position[:, None] - position)
    return (weights * distance).sum(-1, dtype=np.float64).mean((0, 2))


def positions_seen(weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Over how many positions a head spreads its attention, 1 to length: exp(entropy), mean.

    Parameters as in :func:`reach`.
    """
    entropy = -(weights * np.log(np.maximum(weights, 1e-30))).sum(-1, dtype=np.float64)
    return np.exp(entropy).mean((0, 2))


def attention_figures(weights: NDArray[np.float32], step: float) -> dict[str, object]:
    """Reach and spread of attention along one axis, JSON-ready.

    Parameters
    ----------
    weights : array [shape=(n, heads, length, length)]
    step : float
        From one position to the next, in the unit that ``reach`` shall have.
    """
    length = weights.shape[-1]
    even = np.full((1, 1, length, length), 1 / length, np.float32)
    return {
        "positions": length,
        "reach": (step * reach(weights)).tolist(),
        "reach_even": step * float(reach(even)[0]),
        "positions_seen": positions_seen(weights).tolist(),
    }
