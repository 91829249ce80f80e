"""A window and its scalogram at full resolution, drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dlrsd.runtime.dsp.scalogram import full_scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.base.plot_style import BLUE, COLOUR_MAP, STYLE, TICKS_HZ, as_svg, hertz

_SAMPLES_PER_COLUMN = 8  # of a full scalogram: finer than a page shows


@rc_context(STYLE)
def window_picture(window: NDArray[Any], config: ScalogramConfig, *, name: str) -> Markup:
    """One window: its samples above its scalogram at full resolution, each on its own scale.

    Parameters
    ----------
    window : array, shape (length,)
    config : ScalogramConfig
    name : str
        An identifier, unique on the page.
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
