"""What fell and rose during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from dlrsd.training.base.plot_style import BLUE, GREEN, GREY, ORANGE, STYLE, WIDTH, as_svg
from dlrsd.training.report.parts import Picture, Section
from dlrsd.training.report.run_folder import Run

_GENERATOR_LINES = {
    "train_loss": ("total", BLUE),
    "mse": ("reconstruction (MSE)", GREEN),
    "ce": ("classification (CE)", GREY),
    "validation_loss": ("total, validation", ORANGE),
}
_CLASSIFIER_LINES = {"train_loss": ("training", BLUE), "validation_loss": ("validation", ORANGE)}
_RECALL_LINE = {"validation_recall": ("validation", BLUE)}


def training_curves(run: Run) -> Section | None:
    """Losses and validation recall over the epochs."""
    lines = [
        values for part in run.curves.values() for key, values in part.items() if key != "epoch"
    ]
    if not any(lines):
        return None
    return Section("Training curves", [Picture(loss_curves(run.curves))])


@rc_context(STYLE)
def loss_curves(curves: Mapping[str, Mapping[str, Sequence[float | None]]]) -> Markup:
    """Losses and recall over the epochs, one panel for each kind of figure.

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
