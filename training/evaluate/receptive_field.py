"""The encoder's effective receptive field: what of a heatmap moves its central latent unit.

Source: Luo, Li, Urtasun, Zemel, "Understanding the Effective Receptive Field in Deep Convolutional
Neural Networks", NeurIPS 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dlrsd.training.models.generator import Generator, to_unit
from dlrsd.training.models.seaformer import AxialAttention, SeaformerBlock

DIRECTIONS = 8
# The paper counts a position as inside where the gradient exceeds 1 - 95.45 % of its maximum: for
# a Gaussian field, within two standard deviations.
INSIDE = 0.0455


class Field(NamedTuple):
    """A theoretical field in bins: ``low`` to ``high`` (exclusive, within the heatmap) along
    frequency and time, and the ``centre``."""

    low: tuple[int, int]
    high: tuple[int, int]
    centre: tuple[float, float]


def encoder_gradients(
    generator: Generator, heatmaps: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Gradient maps (F, T) of the central latent unit, with and without what looks far.

    Parameters
    ----------
    generator : Generator, in eval mode
    heatmaps : array [shape=(n, channels, F, T)], standardised

    Returns
    -------
    dict
        ``encoder``: the whole; ``local``: with what the attention returns held fixed, so that its
        gradient is left out; ``convolutions``: with the Seaformer block left out of the trained
        encoder, the unit being that of the last convolution.
    """
    # In double precision no fast convolution algorithm leaves rounding where a zero belongs.
    whole, local = (deepcopy(generator.encoder).double() for _ in range(2))
    for module in local.modules():
        if isinstance(module, AxialAttention):
            module.register_forward_hook(lambda module, inputs, output: output.detach())
    x = torch.from_numpy(heatmaps).double()

    def gradient(encoder: nn.Module) -> NDArray[np.float64]:
        return gradient_map(lambda heatmap: encoder(to_unit(heatmap)), x)

    return {
        "encoder": gradient(whole),
        "local": gradient(local),
        "convolutions": gradient(convolutions(whole)),
    }


def gradient_map(encode: Callable[[Tensor], Tensor], heatmaps: Tensor) -> NDArray[np.float64]:
    """Mean magnitude of the gradient of the central latent unit with respect to each input bin.

    The unit has many channels: the gradient is that of its projection on random directions
    (unit vectors, seeded), averaged over directions, heatmaps and input channels.

    Parameters
    ----------
    encode : function
        (n, channels, F, T) -> (n, c, f, t), each heatmap by itself; the unit is (f // 2, t // 2).
    heatmaps : Tensor [shape=(n, channels, F, T)]

    Returns
    -------
    array [shape=(F, T)]
    """
    x = heatmaps.clone().requires_grad_()
    latent = encode(x)
    unit = latent[:, :, latent.shape[2] // 2, latent.shape[3] // 2]
    rng = np.random.default_rng(0)
    directions = torch.from_numpy(rng.standard_normal((DIRECTIONS, unit.shape[1])))
    directions = (directions / directions.norm(dim=1, keepdim=True)).to(unit.dtype)
    total = torch.zeros(x.shape[2:], dtype=x.dtype)
    for direction in directions:
        (gradient,) = torch.autograd.grad((unit @ direction).sum(), x, retain_graph=True)
        total += gradient.abs().mean((0, 1))
    return (total / DIRECTIONS).double().numpy()


def convolutions(encoder: Iterable[nn.Module]) -> nn.Sequential:
    """The encoder's layers without its Seaformer block, which comes last."""
    return nn.Sequential(*(layer for layer in encoder if not isinstance(layer, SeaformerBlock)))


def theoretical_field(
    layers: Iterable[nn.Module], size: tuple[int, int], unit: tuple[int, int]
) -> Field:
    """All that a unit of a stack of convolutions can see of a heatmap.

    Parameters
    ----------
    layers : modules
        The convolutions among them count; the others must act on every position by itself.
    size : (int, int)
        F and T of the heatmap.
    unit : (int, int)
        Of the last layer's output.
    """
    low, high = list(unit), [position + 1 for position in unit]
    for layer in reversed([layer for layer in layers if isinstance(layer, nn.Conv2d)]):
        for axis in (0, 1):
            padding, stride = int(layer.padding[axis]), layer.stride[axis]
            low[axis] = low[axis] * stride - padding
            high[axis] = (high[axis] - 1) * stride - padding + layer.kernel_size[axis]
    return Field(
        (max(low[0], 0), max(low[1], 0)),
        (min(high[0], size[0]), min(high[1], size[1])),
        ((low[0] + high[0] - 1) / 2, (low[1] + high[1] - 1) / 2),
    )


def field_figures(
    gradient: NDArray[np.float64], field: Field, *, octaves: float, ms: float
) -> dict[str, float]:
    """A gradient map in numbers.

    Parameters
    ----------
    gradient : array [shape=(F, T)], >= 0
    field : Field
        Of the convolutions.
    octaves, ms : float
        From one bin to the next.

    Returns
    -------
    dict
        ``area``: share of the heatmap where the gradient exceeds 4.55 % of its maximum;
        ``bins``, ``octaves``, ``ms``: distance from the centre, weighted by the gradient, in
        the plane, along frequency and along time; ``outside``: share of the gradient outside
        the convolutions' field.
    """
    weight = gradient / (gradient.sum() or 1.0)
    rows = np.abs(np.arange(gradient.shape[0]) - field.centre[0])[:, None]
    columns = np.abs(np.arange(gradient.shape[1]) - field.centre[1])
    inside = np.zeros(gradient.shape, dtype=bool)
    inside[field.low[0] : field.high[0], field.low[1] : field.high[1]] = True
    return {
        "area": float((gradient > INSIDE * gradient.max()).mean()),
        "bins": float((weight * np.hypot(rows, columns)).sum()),
        "octaves": float((weight * rows).sum() * octaves),
        "ms": float((weight * columns).sum() * ms),
        "outside": float(weight[~inside].sum()),
    }
