"""What the runs of ``deep_smote`` say: a line for every set, classifier and figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from benchmarks.accuracy.deep_smote_runs import CLASSIFIERS, FIGURES, KEPT, SAMPLERS
from dlrsd.training.evaluate.statistics import holm, interval, paired, paired_p

COLUMNS = [
    "set", "classifier", "figure", *SAMPLERS, "Deep SMOTE − SMOTE", "p (Holm)", "SD, SMOTE",
    "SD, Deep SMOTE", "p (Holm)", "SD, kept", "p (Holm)",
]  # fmt: skip


def compared(name: str, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line for every classifier and figure: means, difference, spreads, p-values."""
    lines = []
    for classifier in CLASSIFIERS:
        for figure in FIGURES:
            key = classifier, figure
            values = {s: [told[key] for told in found["splits"][s]] for s in SAMPLERS}
            spread = {s: [told[key] for told in found["spread"][s]] for s in found["spread"]}
            pair, spreads = ((of["Deep SMOTE"], of["SMOTE"]) for of in (values, spread))
            mean, half = paired(*pair)
            lines.append(
                {
                    "set": name,
                    "classifier": classifier,
                    "figure": figure,
                    "means": {s: interval(values[s])[0] for s in SAMPLERS},
                    "difference": {"mean": mean, "half_width": half, "p": paired_p(*pair)},
                    "spread": {
                        **{s: float(np.mean(spread[s])) for s in spread},
                        "p": paired_p(*spreads),
                        "kept_p": paired_p(spread[KEPT], spread["SMOTE"]),
                    },
                }
            )
    return lines


def with_holm(lines: list[dict[str, Any]]) -> None:
    """Add p-values corrected for all lines, of each claim apart."""
    for claim, name in (("difference", "p"), ("spread", "p"), ("spread", "kept_p")):
        for line, p in zip(lines, holm([line[claim][name] for line in lines]), strict=True):
            line[claim][f"{name}_holm"] = p


def row(line: Mapping[str, Any]) -> list[str]:
    difference, spread = line["difference"], line["spread"]
    return [
        line["set"],
        line["classifier"],
        line["figure"],
        *(f"{value:.3f}" for value in line["means"].values()),
        f"{difference['mean']:+.3f} ± {difference['half_width']:.3f}",
        f"{difference['p_holm']:.2g}",
        f"{spread['SMOTE']:.4f}",
        f"{spread['Deep SMOTE']:.4f}",
        f"{spread['p_holm']:.2g}",
        f"{spread[KEPT]:.4f}",
        f"{spread['kept_p_holm']:.2g}",
    ]


def note(lines: list[dict[str, Any]], *, splits: int, repeated: int, runs: int) -> str:
    """What the lines say, counted."""
    gaps = [line["difference"]["mean"] for line in lines]
    better, worse = _shown(gaps, [line["difference"]["p_holm"] for line in lines])
    return (
        f"Means over {splits} splits, the same for all. Difference: paired, 95 % interval "
        "(Student's t; splits overlap, so rather too narrow). SD: over "
        f"{runs} runs that differ in the sampler's seed alone, mean of {repeated} splits, tested "
        "against SMOTE's split by split; kept: one network for all runs of a split. Holm's "
        f"correction counts all {len(lines)} lines. Deep SMOTE is better than SMOTE in {better} of "
        f"them and worse in {worse}. {_steadier(lines, 'Deep SMOTE', 'p_holm')} "
        f"{_steadier(lines, KEPT, 'kept_p_holm')}"
    )


def _steadier(lines: list[dict[str, Any]], sampler: str, p_name: str) -> str:
    """In how many lines its spread differs from SMOTE's, and over sets for every figure."""
    gaps = [line["spread"][sampler] - line["spread"]["SMOTE"] for line in lines]
    more, less = _shown(gaps, [line["spread"][p_name] for line in lines])
    across = []
    for classifier in CLASSIFIERS:
        for figure in FIGURES:
            own = [
                gap
                for gap, line in zip(gaps, lines, strict=True)
                if (line["classifier"], line["figure"]) == (classifier, figure)
            ]
            p = float(wilcoxon(own).pvalue) if any(own) else 1.0
            smaller = sum(gap < 0 for gap in own)
            across.append(f"{classifier} {figure} {smaller} of {len(own)} (p {p:.2g})")
    return (
        f"{sampler}: SD smaller in {less} and larger in {more}; sets with the smaller SD, by "
        f"Wilcoxon's signed-rank test without correction: {'; '.join(across)}."
    )


def _shown(gaps: list[float], p: list[float]) -> tuple[int, int]:
    """Gaps above and below 0 with a corrected p below 0.05."""
    sure = [gap for gap, own in zip(gaps, p, strict=True) if own < 0.05]
    return sum(gap > 0 for gap in sure), sum(gap < 0 for gap in sure)
