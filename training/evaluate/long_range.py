"""How far the encoder looks: what a run keeps of its attention and its receptive field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlrsd.training.evaluate.attention import attention, attention_figures
from dlrsd.training.evaluate.receptive_field import (
    convolutions,
    encoder_gradients,
    field_figures,
    theoretical_field,
)
from dlrsd.training.frontends.front_end import HeatmapAxes
from dlrsd.training.models.generator import Generator

WINDOWS = 8  # of a class, over which figures are averaged


def long_range(
    generator: Generator,
    unseen: list[NDArray[np.float32]],
    axes: HeatmapAxes,
    *,
    classes: list[str],
    normal: str | None,
) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Attention and effective receptive field of a trained encoder on real heatmaps.

    Parameters
    ----------
    generator : Generator, trained
    unseen : list of arrays [shape=(n_c, channels, F, T)]
        Real heatmaps of every class, of at least one class.
    axes : HeatmapAxes
        Of the heatmaps.
    classes : list of str
    normal : str, optional
        The report shows the attention on the first heatmap of the first class but this.

    Returns
    -------
    figures : dict
        ``attention``: the ``class`` shown, and what ``attention_figures`` gives for ``rows`` (reach
        in octaves) and ``columns`` (in ms); ``receptive_field``: ``field`` of the convolutions in
        bins, and what ``field_figures`` gives for each map of ``encoder_gradients`` and for an
        ``even`` gradient.
    arrays : dict
        For the report: ``heatmap`` (F, T), ``rows`` (heads, f, f) and ``columns`` (heads, t, t)
        of the heatmap shown, and the maps (F, T) of ``encoder_gradients``.
    """
    octaves, ms = axes.octaves, axes.ms
    heatmaps = np.concatenate([spread(own) for own in unseen])
    rows, columns = attention(generator, heatmaps)
    tested = [label for label, own in enumerate(unseen) if len(own)]
    shown = min(tested, key=lambda label: classes[label] == normal)
    shown_rows, shown_columns = attention(generator, unseen[shown][:1])
    field, gradients = receptive_field(generator, heatmaps, axes)
    size, (f, t) = generator.size, generator.latent_shape[1:]
    figures = {
        "attention": {
            "class": classes[shown],
            "rows": attention_figures(rows, octaves * size[0] / f),
            "columns": attention_figures(columns, ms * size[1] / t),
        },
        "receptive_field": field,
    }
    arrays = {
        "heatmap": unseen[shown][0, 0],
        "rows": shown_rows[0],
        "columns": shown_columns[0],
        **{name: gradient.astype(np.float32) for name, gradient in gradients.items()},
    }
    return figures, arrays


def receptive_field(
    generator: Generator, heatmaps: NDArray[np.float32], axes: HeatmapAxes
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """The figures that :func:`long_range` calls ``receptive_field``, and the gradient maps.

    Parameters
    ----------
    generator : Generator, trained, with or without Seaformer blocks
    heatmaps : array [shape=(n, channels, F, T)]
    axes : HeatmapAxes
        Of the heatmaps.
    """
    octaves, ms = axes.octaves, axes.ms
    gradients = encoder_gradients(generator, heatmaps)
    f, t = generator.latent_shape[1:]
    field = theoretical_field(convolutions(generator.encoder), generator.size, (f // 2, t // 2))
    figures = {
        "heatmaps": len(heatmaps),
        "field": [[field.low[axis], field.high[axis]] for axis in (0, 1)],
        **{
            name: field_figures(gradient, field, octaves=octaves, ms=ms)
            for name, gradient in {**gradients, "even": np.ones(generator.size)}.items()
        },
    }
    return figures, gradients


def spread(heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most ``WINDOWS`` of them, evenly picked."""
    count = min(WINDOWS, len(heatmaps))
    return heatmaps[np.linspace(0, len(heatmaps) - 1, count).round().astype(int)]
