"""How far the generator looks: its attention and its effective receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from dlrsd.training.report.parts import Note, Picture, Section, Table
from dlrsd.training.report.run_folder import Run
from dlrsd.training.report.sections.heatmaps import heatmap_scale
from dlrsd.training.report.sections.long_range_pictures import attention_picture, field_picture
from dlrsd.training.report.words import percent

_MAPS = {
    "convolutions": "convolutions alone",
    "local": "+ block, attention held fixed",
    "encoder": "+ block with its attention",
}


def long_range(run: Run) -> Section | None:
    """How far the encoder looks, in two pictures and two tables."""
    arrays = run.long_range
    if not arrays or not run.frontend or not run.frontend.axes:
        return None
    scale = heatmap_scale(run, run.frontend.axes)
    attention, field = run.metrics["attention"], run.metrics["receptive_field"]
    gradients = {title: arrays[name] for name, title in _MAPS.items()}
    return Section(
        "How far the generator looks",
        [
            Picture(attention_picture(arrays["heatmap"], arrays["rows"], arrays["columns"], scale)),
            Note(
                "Attention of the Seaformer block in the generator's encoder, on the first test "
                f"window of {attention['class']}. Every line of a matrix is a position that looks: "
                "orange where it looks more than an even share, violet where less; on the diagonal "
                "it looks at itself. A head that sees all positions evenly is an average over the "
                "whole axis: long-range, but not selective."
            ),
            _attention_table(attention),
            Picture(field_picture(gradients, field["field"], scale)),
            Note(
                "Effective receptive field (Luo et al., 2016): how much each point of a heatmap "
                f"moves the central unit of the latent map, mean over {field['heatmaps']} real "
                "test heatmaps and random directions, in the trained encoder: without the "
                "Seaformer block, with it but no gradient through its attention (what is left is "
                "local), and whole. The frame is all that the convolutions can see: without the "
                "block the gradient beyond it is zero."
            ),
            _field_table(field),
        ],
    )


def _attention_table(attention: Mapping[str, Any]) -> Table:
    rows = []
    for axis, name, unit in (("rows", "over frequency", "octaves"), ("columns", "over time", "ms")):
        own = attention[axis]
        far = max(own["reach"])
        rows.append(
            [
                name,
                f"{fmean(own['reach']):.3g} {unit}",
                f"{far:.3g} {unit}",
                f"{own['reach_even']:.3g} {unit}",
                f"{fmean(own['positions_seen']):.1f} of {own['positions']}",
            ]
        )
    head = ["attention", "mean reach", "farthest head", "even weights", "positions seen"]
    return Table(head, rows, caption="Reach: mean distance from a position to what it looks at")


def _field_table(field: Mapping[str, Any]) -> Table:
    rows = [
        [
            label,
            percent(own["area"]),
            f"{own['bins']:.1f}",
            f"{own['octaves']:.2f}",
            f"{own['ms']:.1f}",
            percent(own["outside"]),
        ]
        for name, label in {**_MAPS, "even": "an even gradient would have"}.items()
        for own in (field[name],)
    ]
    head = [
        "central unit", "area above 4.55 % of the maximum", "mean distance, bins", "octaves",
        "ms", "gradient beyond the frame",
    ]  # fmt: skip
    return Table(head, rows, caption="Distances are weighted by the gradient")
