"""Real and synthetic heatmaps side by side, and the scale that all heatmaps of a page share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dlrsd.training.base.plot_style import COLOUR_MAP, STYLE, TICKS_HZ, as_svg, hertz
from dlrsd.training.frontends.front_end import HeatmapAxes
from dlrsd.training.report.parts import Card, Gallery, Note, Picture, Section
from dlrsd.training.report.run_folder import Run

# Some 110 kB each: the page stays below 2 MB.
_MAX_CLASSES = 16


def real_and_synthetic(run: Run) -> Section | None:
    """A few heatmaps of each class, real ones above synthetic ones."""
    shown = [name for name in run.classes if name in run.real and name in run.synthetic]
    if not shown or not run.frontend or not run.frontend.axes:
        return None
    of_classes = f" First {_MAX_CLASSES} of {len(shown)} classes." * (len(shown) > _MAX_CLASSES)
    scale = heatmap_scale(run, run.frontend.axes)
    cards = []
    for index, name in enumerate(shown[:_MAX_CLASSES]):
        heatmaps = run.real[name][:, 0], run.synthetic[name][:, 0]
        svgs = [gallery(*heatmaps, scale, name=f"gallery{index}")]
        if name in run.windows:
            whole = run.frontend.window_picture(run.windows[name][0], f"window{index}")
            svgs = [whole, *svgs] if whole else svgs
        cards.append(Card(name, svgs))
    channels = run.real[shown[0]].shape[1]
    of_channels = f" First of {channels} channels." if channels > 1 else ""
    return Section(
        "Real and synthetic heatmaps",
        [
            Note(
                "Four of each, picked evenly and not by looks; the real ones are of the test part. "
                "Frequency in Hz upwards, time to the right, one colour scale for all heatmaps. "
                "Above them the first test window in full: its samples, and its scalogram before "
                f"it is averaged.{of_channels}{of_classes}"
            ),
            Picture(colour_bar(scale)),
            Gallery(cards),
        ],
    )


class HeatmapScale(NamedTuple):
    """What the axes and the colours of all heatmaps of a page mean.

    ``frequencies`` are the rows' in Hz, ascending; ``duration_ms`` is the length of a window;
    ``low`` and ``high`` are the values at the ends of the colour scale.
    """

    frequencies: NDArray[np.float64]
    duration_ms: float
    low: float
    high: float


def heatmap_scale(run: Run, axes: HeatmapAxes) -> HeatmapScale:
    """The scale of a run's heatmaps: the front end's axes, colours over most real values."""
    low, high = np.quantile(np.concatenate([x.ravel() for x in run.real.values()]), (0.02, 0.98))
    return HeatmapScale(
        frequencies=axes.frequencies,
        duration_ms=axes.duration_ms,
        low=float(low),
        high=float(max(high, low + 1e-6)),
    )


@rc_context(STYLE)
def gallery(
    real: NDArray[Any], synthetic: NDArray[Any], scale: HeatmapScale, *, name: str
) -> Markup:
    """Heatmaps of one class: real ones above, synthetic ones below.

    Parameters
    ----------
    real, synthetic : array, shape (n, F, T)
        At most 4 of each are shown, evenly picked.
    scale : HeatmapScale
        The same for all classes of a page.
    name : str
        An identifier, unique on the page.
    """
    columns = 4
    spacing = ConstrainedLayoutEngine(wspace=0.02, hspace=0.02, w_pad=0.02, h_pad=0.02)
    figure = Figure(figsize=(4.2, 2.3), layout=spacing)
    grid = figure.subplots(2, columns, sharex=True, sharey=True)
    n_rows = len(scale.frequencies)
    ticks = [f for f in TICKS_HZ if scale.frequencies[0] <= f <= scale.frequencies[-1]]
    positions = np.interp(np.log(ticks), np.log(scale.frequencies), np.arange(n_rows) + 0.5)
    for axes_row, heatmaps, label in zip(
        grid, (real, synthetic), ("real", "synthetic"), strict=True
    ):
        picked = np.unique(np.linspace(0, len(heatmaps) - 1, columns).round().astype(int))
        for column, axes in enumerate(axes_row):
            axes.spines[:].set_visible(False)
            axes.tick_params(labelsize=7, length=2)
            axes.tick_params(axis="y", left=column == 0)
            if column >= len(picked) or not len(heatmaps):
                axes.tick_params(length=0)
                continue
            axes.imshow(
                heatmaps[picked[column]].astype(np.float32),
                origin="lower",
                extent=(0, scale.duration_ms, 0, n_rows),
                aspect="auto",
                interpolation="none",
                cmap=COLOUR_MAP,
                vmin=scale.low,
                vmax=scale.high,
            )
        axes_row[0].set_ylabel(label, fontweight="bold")
    grid[0, 0].set_yticks(positions, [hertz(f) for f in ticks])
    grid[0, 0].set_ylim(0, n_rows)
    grid[0, 0].set_xlim(0, scale.duration_ms)
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(2))
    for axes in grid[1]:
        axes.set_xlabel("ms", fontsize=7, labelpad=1)
    return as_svg(figure, name, "Real heatmaps above synthetic ones, frequency in Hz over time")


@rc_context(STYLE)
def colour_bar(scale: HeatmapScale) -> Markup:
    """The colour scale of all heatmaps of a page."""
    figure = Figure(figsize=(4.2, 0.55), layout="constrained")
    axes = figure.subplots()
    mapping = ScalarMappable(Normalize(scale.low, scale.high), COLOUR_MAP)
    bar = figure.colorbar(mapping, cax=axes, orientation="horizontal", extend="both")
    bar.outline.set_visible(False)
    bar.set_label("log amplitude, standard deviations of the training part", fontsize=8)
    return as_svg(figure, "colours", "Colour scale of the heatmaps")
