"""What a report says, section by section; each is a piece of HTML, empty if the run lacks its data.

All text that comes from a run is escaped here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.evaluate.fidelity import DEFINITIONS
from dlrsd.training.report import plots
from dlrsd.training.report.attention import long_range
from dlrsd.training.report.html_parts import figure, maybe, percent, section, table
from dlrsd.training.report.orders import order_lines
from dlrsd.training.report.plants import events, states_over_time

_PROTOCOL_MEANING = {
    "random": (
        "Overlapping windows were dealt out at random, so test windows share samples with training "
        "windows. These figures leak: they serve to compare with published ones that were made "
        "the same way, and say nothing about a machine."
    ),
    "block": (
        "Every recording was cut in time and no test window shares a sample with the training "
        "part, but the same physical bearings are on both sides. The figures say how well the "
        "model knows these bearings on this rig, not how it will do on another machine."
    ),
    "load": (
        "Training and test are at different loads. The figures say how the model carries over to "
        "a load it has not seen, not to another machine."
    ),
    "bearing": (
        "No physical bearing is on both sides (a single healthy one excepted, which is then "
        "divided by load). Of the four protocols this one says most about a new machine of the "
        "same kind."
    ),
}
_PROTOCOL_MEANING |= {
    "time": (
        "Every plant was cut in time, three hours apart, and is on both sides. The figures say how "
        "well faults of these plants are found again later, not how it will do in another plant."
    ),
    "plant": (
        "No plant is on both sides. The figures say how the model carries over to a plant of the "
        "same layout that it has not seen."
    ),
}
_METHOD_NAMES = {"dlrsd-smote": "DLRSD-SMOTE"}
_MAX_POINTS = 1000
# Some 110 kB each: the page stays below 2 MB.
_MAX_GALLERY = 16
# Said elsewhere on the page, long lists of numbers, or where on a disk the data lies: the page
# may be mailed.
_NOT_SHOWN = {"classes", "scalogram", "order_map", "split_note", "window_counts", "data", "root"}


@dataclass(frozen=True)
class Run:
    """What a run folder holds, by what it is; heatmaps, a window (channels, samples) and lines
    (bands, lines) by class name."""

    name: str
    config: dict[str, Any]
    metrics: dict[str, Any]
    curves: dict[str, Any]
    real: dict[str, NDArray]
    synthetic: dict[str, NDArray]
    windows: dict[str, NDArray]
    lines: dict[str, NDArray]
    long_range: dict[str, NDArray]
    states: dict[str, NDArray]

    @property
    def is_plants(self) -> bool:
        """Whether these are slow signals of plants, not vibration."""
        return self.config.get("kind") == "sequence"

    @property
    def has_order_map(self) -> bool:
        return "order_map" in self.config

    @property
    def classes(self) -> list[str]:
        return self.metrics["classes"]


def sections(run: Run) -> list[str]:
    """All sections that the run has data for, in reading order: verdict, data, training."""
    made = (
        _verdict(run),
        _recall(run),
        _confusion(run),
        order_lines(run.lines, run.classes, run.config),
        _plants(run),
        _class_counts(run),
        _filter_counts(run),
        _gallery(run),
        _quality(run),
        _map(run),
        _long_range(run),
        _curves(run),
        _settings(run),
    )
    return [part for part in made if part]


def _verdict(run: Run) -> str:
    metrics = run.metrics
    total = sum(map(sum, metrics["confusion"]))
    headline = f"{percent(metrics['accuracy'])} of {total:,} test windows diagnosed correctly"
    if run.is_plants:  # nearly all windows are normal, and saying so is no diagnosis
        headline = (
            f"{percent(metrics['macro_recall'])} of a state's windows found, in the mean of "
            f"{len(run.classes)} states"
        )
    return "\n".join(
        [
            f'<p class="run">Run {escape(run.name)}</p>',
            f"<h1>{headline}</h1>",
            *(f"<p>{text}</p>" for text in (_how(run), _weakest(run)) if text),
            _meaning(run),
            _tiles(metrics),
        ]
    )


def _how(run: Run) -> str:
    config = run.config
    data = " / ".join(str(config[key]) for key in ("dataset", "task") if config.get(key))
    counts = run.metrics.get("window_counts", {}).get("train", {})
    parts = [f"Trained on {escape(data)}" if data else "Trained"]
    if config.get("balance_ratio"):
        parts[0] += f" at balance ratio 1:{config['balance_ratio']:g}"
    if counts:
        parts[0] += f" ({_range(counts)})"
    method = config.get("method")
    if method:
        parts.append(escape(_METHOD_NAMES.get(str(method), f"method {method}")))
    if config.get("classifier"):
        parts.append(f"classifier {escape(str(config['classifier']))}")
    if config.get("protocol"):
        parts.append(f"protocol <b>{escape(str(config['protocol']))}</b>")
    if config.get("seed") is not None:
        parts.append(f"seed {escape(str(config['seed']))}")
    return "" if parts == ["Trained"] else "; ".join(parts) + "."


def _range(counts: Mapping[str, int]) -> str:
    """The training windows in words: the largest class by name, the others as a range."""
    largest = max(counts, key=lambda name: counts[name])
    others = [count for name, count in counts.items() if name != largest]
    text = f"{counts[largest]:,} windows of {escape(largest)}"
    if not others:
        return text
    low, high = min(others), max(others)
    spread = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    each = "of the other" if len(others) == 1 else f"of each of the {len(others)} others"
    return f"{text}, {spread} {each}"


def _weakest(run: Run) -> str:
    metrics = run.metrics
    confusion = np.array(metrics["confusion"])
    index = run.classes.index(metrics["worst_class"])
    row = confusion[index]
    low, high = plots.wilson_interval(int(row[index]), int(row.sum()))
    text = f"Macro recall is {percent(metrics['macro_recall'])}. "
    if metrics["worst_recall"] == 1:
        return text + "Every window of every class was recognised."
    text += (
        f"The weakest class is <b>{escape(metrics['worst_class'])}</b>: {row[index]:,} of "
        f"{row.sum():,} windows recognised ({percent(metrics['worst_recall'])}, "
        f"95\N{NO-BREAK SPACE}% interval {percent(low)} to {percent(high)})"
    )
    errors = row.copy()
    errors[index] = 0
    mistaken = int(errors.argmax())
    return f"{text}, {errors[mistaken]:,} were taken for {escape(run.classes[mistaken])}."


def _meaning(run: Run) -> str:
    sentences = []
    if run.metrics.get("simulated"):
        sentences.append("These plants are simulated: no figure says anything about a real one.")
    protocol = str(run.config.get("protocol", ""))
    if protocol in _PROTOCOL_MEANING:
        sentences.append(_PROTOCOL_MEANING[protocol])
    if run.config.get("split_note"):
        sentences.append(f"This split: {run.config['split_note']}.")
    unchecked = [
        name
        for name, count in run.metrics.get("window_counts", {}).get("validation", {}).items()
        if not count
    ]
    if unchecked:
        sentences.append(
            f"Without a window in the validation part: {', '.join(unchecked)}. When to stop, and "
            "the probabilities' temperature, were chosen without them."
        )
    if run.metrics.get("absent"):
        sentences.append(
            f"Without a test window, and so left out of all averages: "
            f"{', '.join(run.metrics['absent'])}."
        )
    sentences.append(
        "This is one run. With few windows of a class, runs that differ in nothing but the seed "
        "differ by several points: quote means over seeds."
    )
    text = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    return f'<div class="meaning"><p><b>What these figures mean</b></p>{text}</div>'


def _tiles(metrics: Mapping[str, Any]) -> str:
    tiles = [
        ("", "accuracy", "accuracy", percent),
        ("", "macro_recall", "macro recall", percent),
        ("worst", "worst_recall", f"worst recall: {metrics.get('worst_class', '')}", percent),
        ("", "macro_precision", "macro precision", percent),
        ("", "macro_f1", "macro F1", percent),
        ("", "g_mean", "G-mean of recalls", percent),
        ("", "g_mean_paper", "G-mean, the paper's", percent),
        ("", "macro_auroc", "macro AUROC", lambda value: f"{value:.4f}"),
    ]
    shown = "".join(
        f'<div class="tile {kind}"><b>{show(metrics[key])}</b><span>{escape(label)}</span></div>'
        for kind, key, label, show in tiles
        if metrics.get(key) is not None
    )
    return f'<div class="tiles">{shown}</div>'


def _recall(run: Run) -> str:
    rows = []
    for name, row in run.metrics["per_class"].items():
        cells = [maybe(row[key], percent) for key in ("recall", "precision", "f1")]
        rows.append((name, [*cells, f"{row['support']:,}"]))
    return section(
        "Recall of each class",
        figure(plots.recall_bars(run.metrics["confusion"], run.classes)),
        "<p class='note'>Lines are Wilson 95 % intervals as if windows were independent. "
        "Overlapping windows of one recording are not: the true uncertainty is wider.</p>",
        table(["class", "recall", "precision", "F1", "test windows"], rows),
    )


def _confusion(run: Run) -> str:
    return section(
        "What was taken for what",
        figure(plots.confusion_matrix(run.metrics["confusion"], run.classes)),
        "<p class='note'>Counts of test windows; the depth of colour is the share of the true "
        "class. Blue is right, orange is wrong.</p>",
    )


def _plants(run: Run) -> str:
    if not run.is_plants:
        return ""
    signal = run.config["signal"]
    steps_a_day = 24 * 3600 * signal["rate_hz"] / signal["hop"]
    return states_over_time(run.states, run.classes, steps_a_day=steps_a_day) + events(
        run.metrics["events"]
    )


def _class_counts(run: Run) -> str:
    if run.is_plants:
        facts = run.metrics["sequences"]
        rows = [(name, [f"{counts[name]:,}" for counts in facts.values()]) for name in run.classes]
        return section(
            "Training windows and sequences",
            table(["class", *facts], rows),
            "<p class='note'>A sequence counts to the rarest class it holds; what is left is left "
            "by under-sampling.</p>",
        )
    drawn = run.metrics.get("window_counts", {}).get("train", {})
    balance = run.metrics.get("balance") or {name: {"drawn": n} for name, n in drawn.items()}
    if not balance:
        return ""
    return section(
        "Training windows",
        figure(plots.class_counts(balance)),
        _shares(balance),
        "<p class='note'>Windows held out for validation are not counted. Besides these the "
        f"classifier saw views of the real windows, {'' if run.has_order_map else 'shifted and '}"
        f"with noise added{_equal_shares(balance)}.</p>",
        *(f"<p class='note'>{escape(note)}</p>" for note in run.metrics.get("notes", ())),
    )


def _shares(balance: Mapping[str, Mapping[str, Any]]) -> str:
    """What a class is of a batch and weighs in the loss, where methods differ in it."""
    if not any("share" in row for row in balance.values()):
        return ""
    rows = [
        (name, [percent(row["share"]), f"{row['weight']:.3g}"]) for name, row in balance.items()
    ]
    return table(["class", "share of a batch", "weight in the loss"], rows)


def _equal_shares(balance: Mapping[str, Mapping[str, Any]]) -> str:
    stated = any("share" in row for row in balance.values())
    return "" if stated else "; every batch holds the classes in equal shares"


def _filter_counts(run: Run) -> str:
    balance = run.metrics.get("balance") or {}
    if not any(row.get("decoded") or row.get("rejected") for row in balance.values()):
        return ""
    reasons = list(dict.fromkeys(r for row in balance.values() for r in row.get("rejected", {})))
    copies = run.metrics.get("near_copies", {})
    rows = []
    for name, row in balance.items():
        counts = [row.get("rejected", {}).get(reason, 0) for reason in reasons]
        counts += [row.get("decoded", 0), row.get("smote", 0)]
        cells = [f"{count:,}" for count in counts]
        if copies:
            found = copies["per_class"].get(name, {})
            share = found.get("share")
            cells.append("–" if share is None else f"{found['count']:,} ({percent(share)})")
        rows.append((name, cells))
    head = ["class", *(f"rejected: {reason.replace('_', ' ')}" for reason in reasons)]
    head += ["decoded, kept", "SMOTE top-up"]
    note = ""
    if copies:
        head.append("near-copies left")
        note = (
            f"<p class='note'>A near-copy lies closer to a training window than "
            f"{copies['fraction']:g} times the median distance between a training window of the "
            f"class and its nearest neighbour. Of {copies['n']:,} synthetic heatmaps that could be "
            f"judged so, {copies['count']:,} lie that close.</p>"
        )
    return section("What the filter did", table(head, rows), note)


def _gallery(run: Run) -> str:
    shown = [name for name in run.classes if name in run.real and name in run.synthetic]
    if not shown or run.has_order_map:  # which has axes of its own
        return ""
    of_classes = f" First {_MAX_GALLERY} of {len(shown)} classes." * (len(shown) > _MAX_GALLERY)
    shown = shown[:_MAX_GALLERY]
    scale, config = _scale(run), _scalogram(run)
    cards = [
        f'<div class="card"><h3>{escape(name)}</h3>'
        + (
            plots.window_picture(run.windows[name][0], config, name=f"window{index}")
            if name in run.windows
            else ""
        )
        + plots.gallery(
            run.real[name][:, 0], run.synthetic[name][:, 0], scale, name=f"gallery{index}"
        )
        + "</div>"
        for index, name in enumerate(shown)
    ]
    channels = run.real[shown[0]].shape[1]
    of_channels = f" First of {channels} channels." if channels > 1 else ""
    return section(
        "Real and synthetic heatmaps",
        "<p class='note'>Four of each, picked evenly and not by looks; the real ones are of the "
        "test part. Frequency in Hz upwards, "
        f"time to the right, one colour scale for all heatmaps. Above them the first test window "
        f"in full: its samples, and its scalogram before it is averaged.{of_channels}"
        f"{of_classes}</p>",
        figure(plots.colour_bar(scale)),
        f'<div class="gallery">{"".join(cards)}</div>',
    )


def _scalogram(run: Run) -> ScalogramConfig:
    facts = {**run.config.get("signal", {}), **run.config.get("scalogram", {})}
    known = {field.name for field in fields(ScalogramConfig)}
    return ScalogramConfig(**{key: value for key, value in facts.items() if key in known})


def _scale(run: Run) -> plots.HeatmapScale:
    config = _scalogram(run)
    low, high = np.quantile(np.concatenate([x.ravel() for x in run.real.values()]), (0.02, 0.98))
    return plots.HeatmapScale(
        frequencies=config.frequencies,
        duration_ms=1000 * config.window / config.rate_hz,
        low=float(low),
        high=float(max(high, low + 1e-6)),
    )


def _quality(run: Run) -> str:
    fidelity = run.metrics.get("fidelity")
    if not fidelity or not fidelity["per_class"]:
        return ""
    own = [name for name in DEFINITIONS if not name.endswith("_paper")]
    paper = [name for name in DEFINITIONS if name.endswith("_paper")]
    return section(
        "How like the real ones they are",
        _quality_table(fidelity, own, "Field-standard definitions, each with its ideal value"),
        "<p class='note'>Real heatmaps are those of the test part, which the generator has not "
        "seen. “Real against real” compares one random half of the real heatmaps with "
        "the other, about what a perfect generator would score. Paired figures better than that "
        "usually mean heatmaps smoother than real ones, or very close to single ones.</p>",
        _definitions(own),
        _quality_table(fidelity, paper, "As the DLRSD-SMOTE paper computes them"),
        "<p class='note'>For comparison with its tables only. On pictures scaled to 0..1 even "
        "unrelated noise has a cosine similarity of about 0.9.</p>",
        _definitions(paper),
    )


def _quality_table(fidelity: Mapping[str, Any], names: Sequence[str], caption: str) -> str:
    def cells(row: Mapping[str, Any]) -> list[str]:
        return [maybe(row.get(name), lambda value: f"{value:#.3g}") for name in names]

    rows = [("mean over classes", cells(fidelity["overall"]))]
    if any(value is not None for value in fidelity.get("reference", {}).values()):
        rows.append(("real against real", cells(fidelity["reference"])))
    rows += [(name, cells(row)) for name, row in fidelity["per_class"].items()]
    head = [
        f"{DEFINITIONS[name].label} →\N{NO-BREAK SPACE}{DEFINITIONS[name].ideal}" for name in names
    ]
    return table(["", *head], rows, caption=caption, marked=["total", "reference"][: len(rows)])


def _definitions(names: Iterable[str]) -> str:
    items = "".join(
        f"<dt>{escape(DEFINITIONS[name].label)}</dt><dd>{escape(DEFINITIONS[name].text)}</dd>"
        for name in names
    )
    return f"<dl>{items}</dl>"


def _map(run: Run) -> str:
    groups = [
        (index, synthetic, heatmaps[name].reshape(len(heatmaps[name]), -1))
        for synthetic, heatmaps in ((False, run.real), (True, run.synthetic))
        for index, name in enumerate(run.classes)
        if name in heatmaps
    ]
    if not run.synthetic or not groups:
        return ""
    quota = max(1, _MAX_POINTS // len(groups))
    groups = [(index, synthetic, x[:quota]) for index, synthetic, x in groups]
    x = np.concatenate([x for _, _, x in groups])
    if len(x) < 8:
        return ""
    labels = np.concatenate([np.full(len(x), index) for index, _, x in groups])
    synthetic = np.concatenate([np.full(len(x), flag) for _, flag, x in groups])
    return section(
        "Map of real and synthetic heatmaps",
        figure(plots.tsne_map(_embed(x), labels, synthetic, run.classes)),
        "<p class='note'>t-SNE of the heatmaps, seeded. Neighbours on the map are alike; sizes "
        "of clusters and distances between them mean nothing.</p>",
    )


def _embed(x: NDArray) -> NDArray:
    reduced = PCA(min(50, *x.shape), random_state=0).fit_transform(x)
    perplexity = min(30.0, (len(x) - 1) / 3)
    # Its OpenMP threads spin while they wait: on a busy machine one thread is ten times as fast.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=0)
        return tsne.fit_transform(reduced)


def _long_range(run: Run) -> str:
    if not run.long_range:
        return ""
    return long_range(run.long_range, run.metrics, _scale(run))


def _curves(run: Run) -> str:
    lines = [
        values for part in run.curves.values() for key, values in part.items() if key != "epoch"
    ]
    if not any(lines):
        return ""
    return section("Training curves", figure(plots.loss_curves(run.curves)))


def _settings(run: Run) -> str:
    config = {**run.config, **run.config.get("settings", {})}
    rows = [
        (key, [escape(value if isinstance(value, str) else json.dumps(value))])
        for key, value in config.items()
        if key not in _NOT_SHOWN | {"settings"} and value is not None
    ]
    if not rows:
        return ""
    return section("How this run was made", table(["setting", ""], rows, kind="facts"))
