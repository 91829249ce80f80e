"""The pictures of a report, each as a piece of SVG that stands in an HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import color_sequences, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from dlrsd.runtime.dsp.scalogram import full_scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.base.plot_style import (
    BLUE,
    COLOUR_MAP,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    STYLE,
    TICKS_HZ,
    WIDTH,
    as_svg,
    hertz,
    name_rows,
    short_name,
)

_SAMPLES_PER_COLUMN = 8  # of a full scalogram: finer than a page shows


class HeatmapScale(NamedTuple):
    """What the axes and the colours of all heatmaps of a page mean.

    ``frequencies`` are the rows' in Hz, ascending; ``duration_ms`` is the length of a window;
    ``low`` and ``high`` are the values at the ends of the colour scale.
    """

    frequencies: NDArray[np.float64]
    duration_ms: float
    low: float
    high: float


def wilson_interval(found: int, total: int) -> tuple[float, float]:
    """95 % interval of a share, ``found`` of ``total`` > 0 (Wilson, JASA 22, 1927)."""
    interval = binomtest(found, total).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


@rc_context(STYLE)
def recall_bars(confusion: ArrayLike, classes: Sequence[str]) -> str:
    """Recall of each class with its 95 % Wilson interval and its counts; the worst stands out.

    Parameters
    ----------
    confusion : array [shape=(K, K)], int, rows true, columns predicted
    classes : K names
    """
    counts = np.asarray(confusion)
    total = counts.sum(axis=1)
    shown = np.flatnonzero(total)
    recall = np.diag(counts)[shown] / total[shown]
    worst = recall.min() if recall.min() < 1 else None
    figure, axes = _bars_figure(len(shown))
    for y, (row, value) in enumerate(zip(shown, recall, strict=True)):
        found, n = int(counts[row, row]), int(total[row])
        low, high = wilson_interval(found, n)
        axes.barh(y, 100 * value, height=0.62, color=ORANGE if value == worst else BLUE)
        axes.plot([100 * low, 100 * high], [y, y], color=INK, linewidth=1.2)
        for end in (low, high):
            axes.plot([100 * end] * 2, [y - 0.16, y + 0.16], color=INK, linewidth=1.2)
        axes.text(102, y, f"{100 * value:.1f} %  ({found:,} of {n:,})", va="center")
    name_rows(axes, [classes[int(row)] for row in shown])
    axes.set_xlim(0, 100)
    axes.set_xlabel("windows of the class that were recognised, %")
    axes.grid(axis="x")
    return as_svg(figure, "recall", "Recall of each class with its 95 % interval")


@rc_context(STYLE)
def confusion_matrix(confusion: ArrayLike, classes: Sequence[str]) -> str:
    """Counts, coloured by their share of the true class: blue where right, orange where wrong.

    Parameters as in :func:`recall_bars`.
    """
    counts = np.asarray(confusion)
    k = len(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(WIDTH - 0.6, 2.0 + 0.48 * k)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    for true, predicted in zip(*np.nonzero(counts), strict=True):
        value = share[true, predicted]
        colour = BLUE if true == predicted else ORANGE
        corner = (predicted - 0.5, true - 0.5)
        axes.add_patch(
            Rectangle(corner, 1, 1, facecolor=colour, alpha=0.15 + 0.85 * value, linewidth=0)
        )
        axes.text(
            predicted,
            true,
            f"{counts[true, predicted]}",
            ha="center",
            va="center",
            fontsize=9 if k <= 12 else 7,
            color="white" if value > 0.6 else INK,
        )
    axes.set_xlim(-0.5, k - 0.5)
    axes.set_ylim(k - 0.5, -0.5)
    axes.set_aspect("equal")
    names = [short_name(name) for name in classes]
    axes.set_xticks(range(k), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), names)
    axes.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    axes.grid(which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("diagnosed as")
    axes.set_ylabel("true class")
    return as_svg(figure, "confusion", "Confusion matrix with counts")


@rc_context(STYLE)
def class_counts(balance: Mapping[str, Mapping[str, int]]) -> str:
    """Training windows of each class before and after balancing.

    Parameters
    ----------
    balance : {class: {"drawn": n, "kept": n, "decoded": n, "smote": n, "synthetic": n}}
        Real windows, those of them that under-sampling kept, synthetic ones that passed the
        filter, SMOTE's top-up, or those of another method; all but the first may be missing: where
        nothing changes, there is no "after".
    """
    parts = {"drawn": BLUE, "kept": BLUE, "decoded": ORANGE, "smote": GREEN, "synthetic": ORANGE}
    labels = {"kept": "real", "decoded": "synthetic, decoded", "smote": "SMOTE top-up"}
    filled = [{"kept": row["drawn"], **row} for row in balance.values()]
    counts = {part: np.array([row.get(part, 0) for row in filled]) for part in parts}
    after = [part for part in parts if part != "drawn" and counts[part].any()]
    total = np.sum([counts[part] for part in after], axis=0)
    balanced = bool((total != counts["drawn"]).any())
    figure = Figure(figsize=(WIDTH, 1.1 + 0.27 * len(balance)), layout="constrained")
    panels = figure.subplots(1, 2 if balanced else 1, sharey=True, squeeze=False)[0]
    rows = np.arange(len(balance))
    for axes, stack in zip(panels, (["drawn"], after), strict=False):
        left = np.zeros(len(balance))
        for part in stack:
            label = labels.get(part, part)
            axes.barh(rows, counts[part], left=left, height=0.62, color=parts[part], label=label)
            left += counts[part]
        for row, value in enumerate(left):
            axes.text(value, row, f" {int(value):,}", va="center")
        axes.set_xlim(0, 1.15 * max(left.max(), 1))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("windows")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    name_rows(panels[0], list(balance))
    if balanced:
        panels[0].set_title("before: real windows")
        panels[1].set_title("after: the balanced set")
        handles, names = panels[1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    return as_svg(figure, "counts", "Training windows of each class before and after balancing")


@rc_context(STYLE)
def gallery(real: NDArray, synthetic: NDArray, scale: HeatmapScale, *, name: str) -> str:
    """Heatmaps of one class: real ones above, synthetic ones below.

    Parameters
    ----------
    real, synthetic : array [shape=(n, F, T)], at most 4 of each are shown, evenly picked
    scale : axes and colours, the same for all classes of a page
    name : an identifier, unique on the page
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
def window_picture(window: NDArray, config: ScalogramConfig, *, name: str) -> str:
    """One window: its samples above its scalogram at full resolution, each on its own scale.

    Parameters
    ----------
    window : array [shape=(length,)]
    config : ScalogramConfig
    name : an identifier, unique on the page
    """
    frequencies, magnitude = full_scalogram(window, config)
    columns = magnitude.shape[1] // _SAMPLES_PER_COLUMN
    magnitude = magnitude[:, : columns * _SAMPLES_PER_COLUMN]
    image = magnitude.reshape(len(frequencies), columns, _SAMPLES_PER_COLUMN).mean(axis=2)
    image = np.log(image + 0.03 * np.median(image) + np.finfo(np.float32).tiny)
    figure = Figure(figsize=(4.2, 2.0), layout="constrained")
    trace, axes = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.5))
    duration = 1000 * len(window) / config.rate_hz
    trace.plot(np.arange(len(window)) / config.rate_hz * 1000, window, color=BLUE, linewidth=0.6)
    trace.tick_params(labelsize=7, length=2)
    trace.yaxis.set_major_locator(MaxNLocator(2))
    axes.imshow(
        image,
        origin="lower",
        extent=(0, duration, 0, len(frequencies)),
        aspect="auto",
        interpolation="none",
        cmap=COLOUR_MAP,
        vmin=float(np.quantile(image, 0.02)),
    )
    ticks = [f for f in TICKS_HZ if frequencies[0] <= f <= frequencies[-1]]
    positions = np.interp(np.log(ticks), np.log(frequencies), np.arange(len(frequencies)) + 0.5)
    axes.set_yticks(positions, [hertz(f) for f in ticks])
    axes.set_xlim(0, duration)
    axes.tick_params(labelsize=7, length=2)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("ms", fontsize=7, labelpad=1)
    return as_svg(figure, name, "A window's samples above its scalogram, frequency in Hz over time")


@rc_context(STYLE)
def colour_bar(scale: HeatmapScale) -> str:
    """The colour scale of all heatmaps of a page."""
    figure = Figure(figsize=(4.2, 0.55), layout="constrained")
    axes = figure.subplots()
    mapping = ScalarMappable(Normalize(scale.low, scale.high), COLOUR_MAP)
    bar = figure.colorbar(mapping, cax=axes, orientation="horizontal", extend="both")
    bar.outline.set_visible(False)
    bar.set_label("log amplitude, standard deviations of the training part", fontsize=8)
    return as_svg(figure, "colours", "Colour scale of the heatmaps")


@rc_context(STYLE)
def loss_curves(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """What fell and rose during training, one panel per kind of figure.

    Parameters
    ----------
    curves : {"generator": {"epoch", "train_loss", "mse", "ce", "validation_loss"},
        "classifier": {"epoch", "train_loss", "validation_loss", "validation_recall"}}
        Lists of equal length; any part may be missing, single values may be null.
    """
    panels = [
        ("generator", "generator: loss", _GENERATOR_LINES),
        ("classifier", "classifier: loss", _CLASSIFIER_LINES),
        ("classifier", "classifier: recall on validation", _RECALL_LINE),
    ]
    panels = [
        panel for panel in panels if any(curves.get(panel[0], {}).get(line) for line in panel[2])
    ]
    figure = Figure(figsize=(WIDTH, 2.7), layout="constrained")
    for axes, (part, title, lines) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        values = {line: _numbers(curves[part].get(line) or []) for line in lines}
        for line, (label, colour) in lines.items():
            if values[line].size:
                epoch = curves[part].get("epoch") or np.arange(1, len(values[line]) + 1)
                marker = "o" if len(values[line]) < 3 else None
                axes.plot(
                    epoch, values[line], color=colour, label=label, marker=marker, linewidth=1.4
                )
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid()
        if lines is _RECALL_LINE:
            axes.set_ylim(top=1.0)
        else:
            _positive_log_scale(axes, np.concatenate(list(values.values())))
        if len(lines) > 1:
            axes.legend(fontsize=8)
    return as_svg(figure, "curves", "Training curves of generator and classifier")


_GENERATOR_LINES = {
    "train_loss": ("total", BLUE),
    "mse": ("reconstruction (MSE)", GREEN),
    "ce": ("classification (CE)", GREY),
    "validation_loss": ("total, validation", ORANGE),
}
_CLASSIFIER_LINES = {"train_loss": ("training", BLUE), "validation_loss": ("validation", ORANGE)}
_RECALL_LINE = {"validation_recall": ("validation", BLUE)}


@rc_context(STYLE)
def tsne_map(
    points: NDArray, labels: NDArray[np.intp], synthetic: NDArray[np.bool_], classes: Sequence[str]
) -> str:
    """A map of real and synthetic heatmaps: near on the map means alike.

    Parameters
    ----------
    points : array [shape=(n, 2)]
    labels : array [shape=(n,)], class indices
    synthetic : array [shape=(n,)]
    classes : K names
    """
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    palette = color_sequences["petroff10"]
    marks = "osD^v"
    handles = []
    for index in np.unique(labels):
        colour = palette[index % len(palette)]
        mark = marks[index // len(palette) % len(marks)]
        made = points[(labels == index) & synthetic]
        own = points[(labels == index) & ~synthetic]
        axes.scatter(
            made[:, 0], made[:, 1], s=16, marker="x", color=colour, linewidths=0.8, alpha=0.75
        )
        handles.append(
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=24,
                marker=mark,
                color=colour,
                edgecolors=INK,
                linewidths=0.5,
                zorder=3,
                label=short_name(classes[index]),
            )
        )
    handles += [
        axes.scatter([], [], s=24, marker="o", color=GREY, edgecolors=INK, label="real"),
        axes.scatter([], [], s=16, marker="x", color=GREY, label="synthetic"),
    ]
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(FAINT)
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(handles=handles, loc="outside right upper")
    return as_svg(figure, "tsne", "Map of real and synthetic heatmaps")


def _bars_figure(rows: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, 0.75 + 0.27 * rows), layout="constrained")
    return figure, figure.subplots()


def _positive_log_scale(axes: Axes, values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0:
        return
    axes.set_yscale("log")
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(plain)
    # Within one decade the major ticks alone may leave an axis without numbers.
    axes.yaxis.set_minor_formatter(plain if finite.max() < 8 * finite.min() else NullFormatter())


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
