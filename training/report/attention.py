"""The report's section on long-range dependency: attention and effective receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from statistics import fmean
from typing import Any

from numpy.typing import NDArray

from dlrsd.training.report import attention_plots
from dlrsd.training.report.html_parts import figure, percent, section, table
from dlrsd.training.report.plots import HeatmapScale

_MAPS = {
    "convolutions": "convolutions alone",
    "local": "+ block, attention held fixed",
    "encoder": "+ block with its attention",
}


def long_range(
    arrays: Mapping[str, NDArray], metrics: Mapping[str, Any], scale: HeatmapScale
) -> str:
    """How far the encoder looks, in two pictures and two tables.

    Parameters
    ----------
    arrays, metrics
        Arrays and figures of :func:`dlrsd.training.evaluate.long_range.long_range`.
    scale : axes and colours of the heatmaps
    """
    attention, field = metrics["attention"], metrics["receptive_field"]
    return section(
        "How far the generator looks",
        figure(
            attention_plots.attention_picture(
                arrays["heatmap"], arrays["rows"], arrays["columns"], scale
            )
        ),
        "<p class='note'>Attention of the Seaformer block in the generator's encoder, on the first "
        f"test window of {escape(attention['class'])}. Every line of a matrix is a position that "
        "looks: orange where it looks more than an even share, violet where less; on the diagonal "
        "it looks at itself. A head that sees all positions evenly is an average over the whole "
        "axis: long-range, but not selective.</p>",
        _attention_table(attention),
        figure(
            attention_plots.field_picture(
                {title: arrays[name] for name, title in _MAPS.items()}, field["field"], scale
            )
        ),
        "<p class='note'>Effective receptive field (Luo et al., 2016): how much each point of a "
        f"heatmap moves the central unit of the latent map, mean over {field['heatmaps']} real "
        "test heatmaps and random directions, in the trained encoder: without the Seaformer block, "
        "with it but no gradient through its attention (what is left is local), and whole. The "
        "frame is all that the convolutions can see: without the block the gradient beyond it is "
        "zero.</p>",
        _field_table(field),
    )


def _attention_table(attention: Mapping[str, Any]) -> str:
    rows = []
    for axis, name, unit in (("rows", "over frequency", "octaves"), ("columns", "over time", "ms")):
        own = attention[axis]
        far = max(own["reach"])
        rows.append(
            (
                name,
                [
                    f"{fmean(own['reach']):.3g} {unit}",
                    f"{far:.3g} {unit}",
                    f"{own['reach_even']:.3g} {unit}",
                    f"{fmean(own['positions_seen']):.1f} of {own['positions']}",
                ],
            )
        )
    head = ["attention", "mean reach", "farthest head", "even weights", "positions seen"]
    return table(head, rows, caption="Reach: mean distance from a position to what it looks at")


def _field_table(field: Mapping[str, Any]) -> str:
    rows = [
        (
            label,
            [
                percent(own["area"]),
                f"{own['bins']:.1f}",
                f"{own['octaves']:.2f}",
                f"{own['ms']:.1f}",
                percent(own["outside"]),
            ],
        )
        for name, label in {**_MAPS, "even": "an even gradient would have"}.items()
        for own in (field[name],)
    ]
    head = [
        "central unit", "area above 4.55 % of the maximum", "mean distance, bins", "octaves",
        "ms", "gradient beyond the frame",
    ]  # fmt: skip
    return table(head, rows, caption="Distances are weighted by the gradient")
