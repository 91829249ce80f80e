"""The pictures of what the generator's encoder looks at: axial attention and receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dlrsd.training.base.plot_style import INK, STYLE, TICKS_HZ, WIDTH, as_svg, hertz
from dlrsd.training.evaluate.attention import reach
from dlrsd.training.report.sections.heatmaps import HeatmapScale

# Attention at even weights is the neutral middle of a diverging scale.
_ATTENTION: Any = {"cmap": "PuOr_r", "norm": LogNorm(1 / 4, 4)}
_FLOOR = 1e-3  # of the gradient's maximum: the low end of its colours


@rc_context(STYLE)
def attention_picture(
    heatmap: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any], scale: HeatmapScale
) -> Markup:
    """A heatmap beside the attention over its frequencies (above) and over its time (below).

    Of either axis the mean over heads and the head that looks farthest.

    Parameters
    ----------
    heatmap : array, shape (F, T)
    rows : array, shape (heads, f, f)
        Attention weights over frequencies; entry [:, i, j] is how much i looks at j.
    columns : array, shape (heads, t, t)
        As ``rows``, over time.
    scale : axes and colours of the heatmap
    """
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    grid = figure.subplots(2, 3)
    grid[0, 0].set_title("the heatmap")
    own = _heatmap(grid[0, 0], heatmap, scale, cmap="viridis", vmin=scale.low, vmax=scale.high)
    weights = own
    for panels, heads, size, name_axis, of in (
        (grid[0, 1:], rows, heatmap.shape[0], _frequency_axis, ("frequency", "Hz")),
        (grid[1, 1:], columns, heatmap.shape[1], _time_axis, ("time", "ms")),
    ):
        positions = heads.shape[-1]
        # Latent position i is centred on bin i size / positions, of which 1/2 is the middle.
        low = (1 - size / positions) / 2
        for axes, matrix, which in (
            (panels[0], heads.mean(axis=0), f"mean of {len(heads)} heads"),
            (panels[1], heads[reach(heads[None]).argmax()], "farthest head"),
        ):
            extent = (low, low + size, low, low + size)
            weights = axes.imshow(matrix * positions, origin="lower", extent=extent, **_ATTENTION)
            axes.set_title(f"over {of[0]}: {which}")
            axes.spines[:].set_visible(False)
            axes.tick_params(labelsize=7, length=2)
            name_axis(axes, "x", scale, size)
            name_axis(axes, "y", scale, size)
            axes.set_xlabel(f"looked at, {of[1]}", fontsize=8)
            axes.set_ylabel(f"looking, {of[1]}", fontsize=8)
    grid[1, 0].set_axis_off()
    _colour_bar(grid[1, 0], 0.7, own, "log amplitude, standard deviations")
    bar = _colour_bar(grid[1, 0], 0.3, weights, "attention, times an even share")
    bar.set_ticks([1 / 4, 1 / 2, 1, 2, 4], labels=["¼", "½", "1", "2", "4"])
    bar.ax.minorticks_off()
    return as_svg(figure, "attention", "Attention over frequencies and over time on one heatmap")


@rc_context(STYLE)
def field_picture(
    gradients: Mapping[str, NDArray[Any]], field: list[list[int]], scale: HeatmapScale
) -> Markup:
    """Gradient of the central latent unit, one panel for each map.

    Parameters
    ----------
    gradients : {title: array, shape (F, T)}
        At least 0.
    field : [[low, high], [low, high]]
        All that the convolutions can see, in bins along frequency and time.
    scale : axes
    """
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    (first, last), (start, end) = field
    panels = figure.subplots(1, len(gradients), sharey=True)
    image: Any = None
    for axes, (title, gradient) in zip(panels, gradients.items(), strict=True):
        share = gradient / (gradient.max() or 1.0)
        image = _heatmap(axes, share, scale, cmap="magma", norm=LogNorm(_FLOOR, 1))
        frame = Rectangle((start, first), end - start, last - first)
        frame.set(fill=False, edgecolor=INK, linewidth=1.2)
        axes.add_patch(frame)
        axes.set_title(title)
        axes.label_outer()
    bar = figure.colorbar(image, ax=panels, extend="min", aspect=30)
    bar.set_ticks([0.001, 0.01, 0.1, 1], labels=["0.1 %", "1 %", "10 %", "100 %"])
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    bar.set_label("gradient, of its maximum", fontsize=8)
    return as_svg(figure, "field", "Effective receptive field with and without the Seaformer block")


def _heatmap(axes: Axes, values: NDArray[Any], scale: HeatmapScale, **colours: Any) -> Any:
    image = axes.imshow(
        values,
        origin="lower",
        extent=(0, values.shape[1], 0, values.shape[0]),
        aspect="auto",
        interpolation="none",
        **colours,
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=7, length=2)
    _frequency_axis(axes, "y", scale, values.shape[0])
    _time_axis(axes, "x", scale, values.shape[1])
    axes.set_xlabel("ms", fontsize=8)
    axes.set_ylabel("Hz", fontsize=8)
    return image


def _colour_bar(panel: Axes, bottom: float, image: Any, label: str) -> Any:
    bar = panel.figure.colorbar(
        image,
        cax=panel.inset_axes((0.02, bottom, 0.9, 0.06)),
        orientation="horizontal",
        extend="both",
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(label, fontsize=8)
    return bar


def _frequency_axis(axes: Axes, axis: str, scale: HeatmapScale, n_rows: int) -> None:
    ticks = [f for f in TICKS_HZ if scale.frequencies[0] <= f <= scale.frequencies[-1]]
    positions = np.interp(np.log(ticks), np.log(scale.frequencies), np.arange(n_rows) + 0.5)
    axes.set(**{f"{axis}ticks": positions, f"{axis}ticklabels": [hertz(f) for f in ticks]})


def _time_axis(axes: Axes, axis: str, scale: HeatmapScale, n_blocks: int) -> None:
    ticks = np.asarray(MaxNLocator(4).tick_values(0, scale.duration_ms))
    ticks = ticks[(ticks >= 0) & (ticks <= scale.duration_ms)]
    positions = ticks / scale.duration_ms * n_blocks
    axes.set(**{f"{axis}ticks": positions, f"{axis}ticklabels": [f"{t:g}" for t in ticks]})
