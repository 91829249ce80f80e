"""The report page: valid, self-contained, escaped, complete, and honest where parts are missing."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.base.plot_style import ORANGE
from dlrsd.training.data.vibration.splits import PROTOCOLS
from dlrsd.training.evaluate.fidelity import fidelity
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.near_copies import near_copies
from dlrsd.training.report.page import write_report
from dlrsd.training.report.parts import Paragraph
from dlrsd.training.report.sections.diagnosis import confusion_matrix, recall_bars, wilson_interval
from dlrsd.training.report.words import percent

# What a user may call a class: markup, a formula, a stand-in colour, a very long name.
CLASSES = ["Normal", '<b>Ball & "co"</b>', "$x_{1", '#010203 id="y"', "outer race " * 5]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects what the tests ask for, and fails on tags that do not close."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _metrics(seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 5, 500)
    predicted = np.where(rng.random(500) < 0.8, true, rng.integers(0, 5, 500))
    return classification_metrics(true, predicted, CLASSES)


@pytest.fixture(scope="module")
def full_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "br & 400"
    folder.mkdir()
    rng = np.random.default_rng(0)
    real = {name: rng.normal(i, 1, (6, 2, 16, 8)) for i, name in enumerate(CLASSES)}
    synthetic = {name: x + rng.normal(0, 0.3, x.shape) for name, x in list(real.items())[1:]}
    metrics = _metrics()
    metrics["window_counts"] = {
        "train": {name: 2000 if name == "Normal" else 6 for name in CLASSES}
    }
    metrics["balance"] = {
        name: {"drawn": 6, "decoded": 1500, "smote": 494, "rejected": {"near_copy": 17}}
        for name in CLASSES[1:]
    }
    metrics["balance"]["Normal"] = {"drawn": 2000, "decoded": 0, "smote": 0, "rejected": {}}
    metrics["fidelity"] = fidelity(synthetic, real)
    metrics["near_copies"] = near_copies(synthetic, real)
    config = {
        "dataset": "cwru12k",
        "task": "cwru10",
        "protocol": "block",
        "balance_ratio": 400.0,
        "seed": 0,
        "method": "dlrsd-smote",
        "settings": {
            "preset": "edge",
            "n_normal": 2000,
            "task": "cwru10",
            "data": "/a/disk",
            "root": "/another/disk",
        },
        "split_note": "quarter 1 of 4",
        "note": "</table><script>alert(1)</script>",
        "signal": {"rate_hz": 12000.0, "window": 1024, "unit": "g"},
        "scalogram": {
            "n_frequencies": 16,
            "n_blocks": 8,
            "f_min_hz": 100.0,
            "f_max_hz": 6000.0,
            "bandwidth": 1.5,
            "center": 1.0,
            "eps": 1e-3,
            "mean": [0.0] * 16,
            "std": [1.0] * 16,
        },
    }
    epochs = list(range(1, 21))
    falling = [float(np.exp(-e / 5)) for e in epochs]
    curves = {
        "generator": {
            "epoch": epochs,
            "train_loss": falling,
            "mse": falling,
            "ce": falling,
            "validation_loss": [None, *falling[1:]],
        },
        "classifier": {
            "epoch": epochs,
            "train_loss": falling,
            "validation_loss": falling,
            "validation_recall": [1 - x for x in falling],
        },
    }
    for name, content in (("metrics", metrics), ("config", config), ("curves", curves)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    arrays: dict[str, Any] = {
        f"real/{i}": real[name].astype(np.float16) for i, name in enumerate(CLASSES)
    }
    arrays |= {
        f"synthetic/{i}": synthetic[name].astype(np.float16)
        for i, name in enumerate(CLASSES)
        if name in synthetic
    }
    np.savez_compressed(folder / "samples.npz", **arrays)
    return folder


@pytest.fixture(scope="module")
def html(full_run):
    path = write_report(full_run)
    assert path == full_run / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_well_formed_and_its_identifiers_are_unique(page):
    assert page.tags.count("main") == 1
    assert page.tags.count("svg") == 1 + 1 + 1 + 1 + 4 + 1 + 1  # a gallery for each of 4 classes
    assert len(page.ids) == len(set(page.ids))


def test_the_page_loads_nothing_and_runs_nothing(page, html):
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    for name, value in page.attributes:
        if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
            assert value.startswith(("#", "data:image/png;base64,")), (name, value)
        assert not name.startswith("on")
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []


def test_every_reference_within_the_page_has_its_target(page, html):
    targets = {
        value[1:] for name, value in page.attributes if name == "xlink:href" and value[0] == "#"
    }
    targets |= set(re.findall(r"url\(#([^)]+)\)", html))
    assert targets
    assert targets <= set(page.ids)


def test_class_names_and_settings_are_text(page, html):
    text = "\n".join(page.text)
    for name in CLASSES:
        assert name in text
    assert "<b>Ball" not in html
    assert "</table><script>alert(1)</script>" in text
    # In pictures too: a name is neither a formula nor changed by the recolouring of the tags.
    ticks = [data for data in page.text if data.strip() in {"$x_{1", '#010203 id="y"'}]
    assert len(ticks) >= 2 * 4


def test_the_verdict_gives_figures_counts_and_what_they_mean(page):
    metrics = _metrics()
    text = " ".join(" ".join(page.text).split())  # no-break spaces become spaces
    confusion = np.array(metrics["confusion"])
    assert f"{100 * metrics['accuracy']:.1f} % of 500 test windows diagnosed correctly" in text
    worst = CLASSES.index(metrics["worst_class"])
    assert f"{confusion[worst, worst]} of {confusion[worst].sum()} windows recognised" in text
    assert "2,000 windows of Normal, 6 of each of the 4 others" in text
    assert "the same physical bearings are on both sides" in text
    assert "balance ratio 1:400" in text
    assert "DLRSD-SMOTE" in text
    assert "This is one run." in text
    assert "n_normal 2000" in text
    assert "/a/disk" not in text
    assert "/another/disk" not in text


def test_the_tables_hold_the_figures(full_run, page):
    metrics = json.loads((full_run / "metrics.json").read_text())
    text = "\n".join(page.text)
    for name, value in metrics["fidelity"]["overall"].items():
        assert f"{value:#.3g}" in text, name
    assert "rejected: near copy" in text
    assert "1,500" in text
    assert "494" in text


def test_heatmaps_are_in_the_page_pixel_by_pixel(page):
    pictures = [
        value for name, value in page.attributes if name == "xlink:href" and value[0] != "#"
    ]
    # Four real and four synthetic ones of each of the four classes, and the colour bar.
    assert len(pictures) >= 2 * 4 * 4
    sizes = [imread(io.BytesIO(base64.b64decode(p.partition(",")[2]))).shape[:2] for p in pictures]
    assert sizes.count((16, 8)) == 2 * 4 * 4


def test_the_page_is_small_and_the_same_every_time(full_run, html):
    before = dict(matplotlib.rcParams)
    assert len(html.encode()) < 1_000_000
    assert write_report(full_run).read_text(encoding="utf-8") == html
    assert dict(matplotlib.rcParams) == before


def test_what_a_run_lacks_is_left_out(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(_metrics()))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("h2") == 2  # recall and confusion
    assert page.tags.count("svg") == 2
    assert "balance ratio" not in text


def test_a_class_without_test_windows_is_said(tmp_path):
    metrics = classification_metrics([0, 0, 1], [0, 1, 1], ["a", "b", "c"])
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "config.json").write_text(json.dumps({"protocol": "random"}))
    text = "".join(Page(write_report(tmp_path).read_text(encoding="utf-8")).text)
    assert "Without a test window, and so left out of all averages: c." in text
    assert "These figures leak" in text


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "time", "plant"])
def test_what_figures_of_each_protocol_mean_is_said(tmp_path, protocol):
    (tmp_path / "metrics.json").write_text(json.dumps(_metrics()))
    (tmp_path / "config.json").write_text(json.dumps({"protocol": protocol}))
    text = "".join(Page(write_report(tmp_path).read_text(encoding="utf-8")).text)
    assert "What these figures mean" in text
    assert "both sides" in text or "test windows share" in text or "different loads" in text


def test_perfect_and_nearly_perfect_are_told_apart(tmp_path, html_of):
    metrics = classification_metrics([0, 1], [0, 1], ["a", "b"])
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert "Every window of every class was recognised." in text
    assert f"fill: {ORANGE}" not in text  # nothing stands out as the worst
    assert percent(1.0) == "100.0\N{NO-BREAK SPACE}%"
    assert percent(0.9999) == "> 99.9\N{NO-BREAK SPACE}%"
    shown = html_of(Paragraph(percent(0.9999)))
    assert shown == "<p>&gt; 99.9\N{NO-BREAK SPACE}%</p>"


def test_runs_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InputError, match=r"has no metrics\.json"):
        write_report(tmp_path)
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json is damaged"):
        write_report(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(InputError, match="lacks accuracy, classes"):
        write_report(tmp_path)
    (tmp_path / "metrics.json").write_text(json.dumps(_metrics()))
    (tmp_path / "samples.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(InputError, match=r"samples\.npz is damaged"):
        write_report(tmp_path)
    pickled: dict[str, Any] = {"real/0": np.array([{}], dtype=object)}
    np.savez(tmp_path / "samples.npz", allow_pickle=True, **pickled)
    with pytest.raises(InputError, match=r"samples\.npz is damaged"):
        write_report(tmp_path)


def test_wilson_interval_equals_its_formula():
    found, total, z = 210, 245, 1.959963984540054
    share = found / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    reach = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    assert wilson_interval(found, total) == pytest.approx((centre - reach, centre + reach))
    assert wilson_interval(5, 5)[1] == 1.0


def test_counts_are_drawn_where_they_belong():
    drawn = Page(confusion_matrix([[31, 2], [0, 47]], ["a", "b"])).text
    numbers = [text for text in drawn if text.strip() in {"31", "2", "0", "47"}]
    assert numbers == ["31", "2", "47"]  # an empty cell stays empty
    bars = "".join(Page(recall_bars([[31, 2], [0, 47]], ["a", "b"])).text)
    assert "93.9 %  (31 of 33)" in bars
    assert "100.0 %  (47 of 47)" in bars
