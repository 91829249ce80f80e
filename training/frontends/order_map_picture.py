"""What the envelope's lines say, drawn: the mean order map of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dlrsd.runtime.dsp.order_map import LINES
from dlrsd.training.base.plot_style import COLOUR_MAP, STYLE, WIDTH, as_svg, hertz, short_name

_STRONGEST = 2.5  # end of the colour scale: e^2.5, twelve times what surrounds a line


@rc_context(STYLE)
def lines_picture(lines: Mapping[str, NDArray[Any]], band_edges_hz: NDArray[np.float64]) -> Markup:
    """One panel for each class: bands upwards, lines to the right.

    Parameters
    ----------
    lines : {class: array, shape (bands, 31)}
    band_edges_hz : array, shape (bands + 1,)
    """
    size = (WIDTH, 0.9 * len(lines) + 1.2)
    picture = Figure(figsize=size, layout="constrained")
    shown = np.arange(0, len(band_edges_hz), 2)
    ticks = [hertz(float(f"{edge:.2g}")) for edge in band_edges_hz[shown]]
    panels = picture.subplots(len(lines), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, contrast) in zip(panels, lines.items(), strict=True):
        image = axes.imshow(
            contrast, origin="lower", aspect="auto", interpolation="none", cmap=COLOUR_MAP,
            vmin=0, vmax=_STRONGEST,
        )  # fmt: skip
        axes.set_yticks(shown - 0.5, ticks, fontsize=7)
        axes.set_ylabel(short_name(name), fontweight="bold")
    panels[-1].set_xticks(np.arange(len(LINES)), list(LINES), rotation=90, fontsize=7)
    bar = picture.colorbar(image, ax=list(panels), extend="both", aspect=30, pad=0.01)
    bar.outline.set_visible(False)
    bar.set_label("log of line over surroundings", fontsize=8)
    return as_svg(picture, "orderlines", "Mean order map of each class")
