"""A map on which real and synthetic heatmaps that are alike lie side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import color_sequences, rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from dlrsd.training.base.plot_style import FAINT, GREY, INK, STYLE, WIDTH, as_svg, short_name
from dlrsd.training.report.parts import Note, Picture, Section
from dlrsd.training.report.run_folder import Run

_MAX_POINTS = 1000


def likeness_map(run: Run) -> Section | None:
    """t-SNE of real and synthetic heatmaps together."""
    groups = [
        (index, synthetic, heatmaps[name].reshape(len(heatmaps[name]), -1))
        for synthetic, heatmaps in ((False, run.real), (True, run.synthetic))
        for index, name in enumerate(run.classes)
        if name in heatmaps
    ]
    if not run.synthetic or not groups:
        return None
    quota = max(1, _MAX_POINTS // len(groups))
    groups = [(index, synthetic, x[:quota]) for index, synthetic, x in groups]
    x = np.concatenate([x for _, _, x in groups])
    if len(x) < 8:
        return None
    labels = np.concatenate([np.full(len(x), index) for index, _, x in groups])
    synthetic = np.concatenate([np.full(len(x), flag) for _, flag, x in groups])
    return Section(
        "Map of real and synthetic heatmaps",
        [
            Picture(tsne_map(_embed(x), labels, synthetic, run.classes)),
            Note(
                "t-SNE of the heatmaps, seeded. Neighbours on the map are alike; sizes of clusters "
                "and distances between them mean nothing."
            ),
        ],
    )


def _embed(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heatmaps, array, shape (n, values), as points, array, shape (n, 2)."""
    reduced = PCA(min(50, *x.shape), random_state=0).fit_transform(x)
    perplexity = min(30.0, (len(x) - 1) / 3)
    # Its OpenMP threads spin while they wait: on a busy machine one thread is ten times as fast.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=0)
        points: NDArray[np.float32] = tsne.fit_transform(reduced)
    return points


@rc_context(STYLE)
def tsne_map(
    points: NDArray[Any],
    labels: NDArray[np.intp],
    synthetic: NDArray[np.bool_],
    classes: Sequence[str],
) -> Markup:
    """A map of real and synthetic heatmaps: near on the map means alike.

    Parameters
    ----------
    points : array, shape (n, 2)
    labels : array, shape (n,)
        Class indices.
    synthetic : array, shape (n,)
        True for synthetic heatmaps.
    classes : list of K names
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
