"""Plots of compared methods, as pieces of SVG in the style of a run's report.

The method that all are compared with stands out; the others are muted, of one hue a family and of
one marker each, so that they can be told apart in grey as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from dlrsd.training.base.plot_style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    STYLE,
    WIDTH,
    as_svg,
    name_rows,
    short_name,
)
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.report.sections.diagnosis import confusion_matrix

Estimate = Mapping[str, Any]  # {"mean": float, "half_width": float or None}
_SHARES = (0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
_LEAST, _MOST = 0.005, 0.9998  # ends of an axis of shares
_DIFFERENCES = (-0.5, -0.2, -0.1, -0.05, -0.02, -0.01, -0.005, 0, 0.005, 0.01, 0.02, 0.05, 0.1,
                0.2, 0.5)  # fmt: skip
# Weights and repeats grey, interpolation green, mixing violet, deep generators brown.
_LOOKS = {
    REFERENCE: (ORANGE, "o"),
    "none": ("#6b7078", "x"),
    "class-weights": ("#8a8f98", "s"),
    "ros": ("#8a8f98", "^"),
    "rus-weights": ("#a4a9b1", "v"),
    "smote": ("#3f8f74", "D"),
    "smote-waveform": ("#2c6b56", "d"),
    "borderline-smote": ("#5aa88e", "P"),
    "adasyn": ("#7dbba5", "X"),
    "mixup": ("#8d7bb5", "*"),
    "dablain-deepsmote": ("#5b8fbf", "<"),
    "mansourifar-deep-smote": ("#85add1", ">"),
}
_SPARE = "hp8"


def look(method: str) -> tuple[str, str]:
    """Colour and marker of a method, the same on every plot."""
    spare = _SPARE[sum(map(ord, method)) % len(_SPARE)]
    return _LOOKS.get(method, (GREY, spare))


@rc_context(STYLE)
def over_balance(
    series: Mapping[str, Mapping[float, Estimate]], *, label: str, name: str
) -> Markup:
    """A figure over two or more balance ratios, a line a method with 95 % intervals over seeds.

    Parameters
    ----------
    series : {method: {balance ratio: estimate}}
    label : the figure's name
    name : an identifier, unique on the page
    """
    ratios = sorted({ratio for line in series.values() for ratio in line})
    ranked = _ranked({method: line[max(line)] for method, line in series.items()})
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axes = figure.subplots()
    # All intervals of a ratio side by side, within a third of the way to the next ratio.
    positions = np.log(ratios)
    reach = min(0.17 * np.diff(positions).min(), 0.005 * np.ptp(positions) * (len(ranked) - 1))
    dodge = np.exp(np.linspace(-reach, reach, len(ranked)))
    for place, method in enumerate(ranked):
        line = series[method]
        x = np.array(sorted(line))
        own = method == REFERENCE
        means, reaches = zip(*(_extent(line[ratio]) for ratio in x), strict=True)
        axes.errorbar(
            x * dodge[place],
            means,
            yerr=np.transpose(reaches),
            **_mark(method),
            linewidth=2.2 if own else 0.9,
            elinewidth=1.6 if own else 0.8,
            zorder=4 if own else 2,
            label=f"{short_name(method)}  {line[x[-1]]['mean']:.4f}",
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ratios))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"1:{ratio:g}" for ratio in ratios])
    axes.set_xlabel("balance ratio")
    axes.set_ylabel(label)
    _share_scale(axes, "y", [e for line in series.values() for e in line.values()])
    axes.grid(axis="y")
    figure.legend(
        loc="outside right center", title=f"at 1:{ratios[-1]:g}", fontsize=8, title_fontsize=8
    )
    return as_svg(figure, name, f"{label} of each method over the balance ratio")


@rc_context(STYLE)
def estimates(panels: Mapping[str, Mapping[str, Estimate]], *, name: str) -> Markup:
    """Figures at one balance ratio: a row a method, a panel {label: {method: estimate}}."""
    ranked = _ranked(next(iter(panels.values())))
    figure, grid = _rows_figure(ranked, len(panels))
    for axes, (label, values) in zip(grid, panels.items(), strict=True):
        for y, method in enumerate(ranked):
            if method in values:
                _point(axes, y, values[method], method)
        _share_scale(axes, "x", list(values.values()))
        axes.set_xlabel(label)
        axes.grid(axis="x")
    return as_svg(figure, name, f"{', '.join(panels)} of each method")


@rc_context(STYLE)
def differences(panels: Mapping[str, Mapping[str, Estimate]], *, name: str) -> Markup:
    """Paired differences with 95 % intervals beside a line at 0: a row a method, a panel a figure.

    Coloured where the interval excludes 0, grey where it does not.
    """
    first = next(iter(panels.values()))
    ranked = sorted(first, key=lambda method: -first[method]["mean"])
    figure, grid = _rows_figure(ranked, len(panels))
    for axes, (label, values) in zip(grid, panels.items(), strict=True):
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=INK, linewidth=1.0)
        for y, method in enumerate(ranked):
            if method not in values:
                continue
            mean, half = values[method]["mean"], values[method]["half_width"]
            told = half is not None and abs(mean) > half
            colour = (ORANGE if mean > 0 else BLUE) if told else GREY
            axes.barh(y, mean, height=0.62, color=colour, alpha=0.85 if told else 0.4)
            axes.errorbar(mean, y, xerr=half or 0.0, color=INK, capsize=3, linewidth=1.1)
        # Straight up to a point, then logarithmic: a method far behind leaves the others apart.
        axes.set_xscale("symlog", linthresh=0.01, linscale=1.5)
        axes.xaxis.set_major_locator(FixedLocator(_DIFFERENCES))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))
        axes.tick_params(axis="x", labelrotation=45)
        axes.set_xlabel(label)
        axes.grid(axis="x")
        axes.margins(x=0.08)
    return as_svg(figure, name, f"Paired differences of {', '.join(panels)}")


@rc_context(STYLE)
def class_recall(
    recall: Mapping[str, Sequence[float | None]], classes: Sequence[str], *, name: str
) -> Markup:
    """Mean recall of each class (column) under each method (row), darker where more is missed."""
    ranked = sorted(
        recall, key=lambda method: -np.mean([x for x in recall[method] if x is not None])
    )
    size = (min(WIDTH, 2.3 + 0.62 * len(classes)), 1.5 + 0.3 * len(ranked))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    for y, method in enumerate(ranked):
        for x, value in enumerate(recall[method]):
            if value is None:
                continue
            axes.barh(y, 1, left=x - 0.5, height=1, color=ORANGE, alpha=0.9 * (1 - value))
            text = f"{value:.2f}" if value < 0.995 or value == 1 else ">.99"
            weight = "bold" if method == REFERENCE else "normal"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight)
    axes.set_xlim(-0.5, len(classes) - 0.5)
    axes.set_ylim(len(ranked) - 0.5, -0.5)
    axes.set_xticks(
        range(len(classes)),
        [short_name(c) for c in classes],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set_yticks(range(len(ranked)), [short_name(method) for method in ranked])
    _embolden(axes, ranked)
    axes.set_xticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(ranked) + 1) - 0.5, minor=True)
    axes.grid(which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    return as_svg(figure, name, "Mean recall of each class under each method")


def confusion(counts: ArrayLike, classes: Sequence[str], *, name: str) -> Markup:
    """Where the windows of each class went, in per cent of the class."""
    summed = np.asarray(counts)
    share = summed / np.maximum(summed.sum(axis=1, keepdims=True), 1)
    return confusion_matrix(np.round(100 * share, 1), classes, name=name)


@rc_context(STYLE)
def risk_coverage(curves: Mapping[str, Mapping[str, Any]], *, name: str) -> Markup:
    """Share of wrong diagnoses over the share of windows that are given one, the surest first.

    Parameters
    ----------
    curves : {name: {"coverage", "risk": lists; "points": [{"risk", "given", "wrong"}]}}
        The first stands out; points are those that were chosen beforehand for a stated risk.
    name : an identifier, unique on the page
    """
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, (label, curve) in enumerate(curves.items()):
        look_of = {"color": GREY, "linewidth": 1.2, "linestyle": ("--", ":", "-.")[place % 3]}
        if place == 0:
            look_of = {"color": ORANGE, "linewidth": 2.2}
        axes.plot(curve["coverage"], curve["risk"], label=label, **look_of)
        for point in curve["points"]:
            at = (point["given"], point["wrong"] or 0.0)
            axes.plot(*at, "o", color=BLUE, markersize=5, clip_on=False, zorder=3)
            axes.annotate(
                f"{label}, risk {point['risk']:g}", at, (4, 5), textcoords="offset points",
                fontsize=8, rotation=35,
            )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("share of the windows that get a diagnosis, the surest first")
    axes.set_ylabel("share of these that is wrong")
    axes.grid()
    figure.legend(loc="outside right center")
    return as_svg(figure, name, "Share of wrong diagnoses over the share given")


def _ranked(values: Mapping[str, Estimate]) -> list[str]:
    return sorted(values, key=lambda method: -values[method]["mean"])


def _mark(method: str) -> dict[str, Any]:
    colour, marker = look(method)
    own = method == REFERENCE
    return {
        "color": colour,
        "marker": marker,
        "markersize": 7 if own else 5.5,
        "markeredgecolor": INK if own else colour,
        "markeredgewidth": 0.6 if own else 1.0,
        "capsize": 2.5 if own else 1.5,
    }


def _rows_figure(methods: Sequence[str], panels: int) -> tuple[Figure, Any]:
    spacing = ConstrainedLayoutEngine(wspace=0.06)
    figure = Figure(figsize=(WIDTH, 0.85 + 0.27 * len(methods)), layout=spacing)
    grid = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    name_rows(grid[0], [method.removeprefix(f"{REFERENCE}/") for method in methods])
    _embolden(grid[0], methods)
    for axes in grid[1:]:
        axes.tick_params(axis="y", length=0)
    return figure, grid


def _embolden(axes: Any, methods: Sequence[str]) -> None:
    for label, method in zip(axes.get_yticklabels(), methods, strict=True):
        label.set_fontweight("bold" if method == REFERENCE else "normal")


def _point(axes: Any, y: float, estimate: Estimate, method: str) -> None:
    mean, reach = _extent(estimate)
    axes.errorbar(
        mean,
        y,
        xerr=np.reshape(reach, (2, 1)),
        **_mark(method),
        linewidth=1.8 if method == REFERENCE else 1.1,
    )


def _extent(estimate: Estimate) -> tuple[float, tuple[float, float]]:
    """Mean and reach of the interval below and above it, as far as a share's axis goes."""
    mean, half = estimate["mean"], estimate["half_width"] or 0.0
    low, at, high = np.clip([mean - half, mean, mean + half], _LEAST, _MOST)
    return at, (at - low, high - at)


def _share_scale(axes: Any, which: str, values: Sequence[Estimate]) -> None:
    """An axis on which 0.99 is as far from 0.9 as 0.999 is from 0.99."""
    ends = [(at - below, at + above) for at, (below, above) in map(_extent, values)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    axis = getattr(axes, f"{which}axis")
    getattr(axes, f"set_{which}scale")("logit")
    odds = np.log([low / (1 - low), high / (1 - high)]) + np.array([-0.25, 0.25])
    getattr(axes, f"set_{which}lim")(1 / (1 + np.exp(-odds)))
    axis.set_major_locator(FixedLocator([tick for tick in _SHARES if low <= tick <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g}"))
    if which == "x":
        axes.tick_params(axis="x", labelrotation=45)
