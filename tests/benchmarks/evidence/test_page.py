"""The results page says what the table says, in both forms, whatever the table lacks."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
pytest.importorskip("imblearn")
pytest.importorskip("pyarrow")

from benchmarks import machine
from benchmarks.evidence import markdown
from benchmarks.evidence.__main__ import main
from benchmarks.evidence.page import marked
from benchmarks.evidence.render import render
from benchmarks.evidence.summary import met
from benchmarks.evidence.text import PROTOCOLS, commands, counts, duration, probability
from dlrsd.runtime.base.errors import InputError
from dlrsd.training import report
from dlrsd.training.balance.methods import METHODS
from dlrsd.training.baselines.classifiers import BASELINES
from dlrsd.training.compare.table import SCHEMA, write_table
from dlrsd.training.evaluate.statistics import holm
from dlrsd.training.fitting.schedule import CLASSIFIER
from dlrsd.training.kinds.vibration.settings import Settings
from dlrsd.training.report.parts import Paragraph, Span

CLASSES = ["Normal", "<b>ball</b>", "in|ner"]
FIGURES = ("accuracy", "macro_recall", "worst_recall", "g_mean", "g_mean_paper", "macro_f1")


def stated(settings):
    """Settings as a row has them."""
    facts = msgspec.to_builtins(settings)
    del facts["kind"]
    return facts


def row(method, seed, accuracy, *, balance=400.0, protocol="block", task="cwru10", **changes):
    right = round(100 * accuracy)
    settings = stated(Settings("cwru12k", task=task, protocol=protocol, balance=balance, seed=seed))
    known = {
        "kind": "window", "data": "cwru12k", "task": task,
        "protocol": protocol, "balance": balance, "seed": seed,
        "classifier": "edge", "method": method, "epochs": CLASSIFIER.epochs,
        **dict.fromkeys(FIGURES, accuracy), "macro_auroc": (1 + accuracy) / 2,
        "worst_class": CLASSES[1], "n_test": 300,
        "train_windows": {"Normal": 2000, CLASSES[1]: 5, CLASSES[2]: 5},
        "test_windows": dict.fromkeys(CLASSES, 100),
        "counts": {}, "notes": [], "strata": {}, "classes": CLASSES, "version": "9.9.9",
        "recall": dict.fromkeys(CLASSES, right / 100),
        "confusion": (np.eye(3, dtype=int) * right + (100 - right) // 2).tolist(),
        "settings": settings, "seconds": 30.0,
    }  # fmt: skip
    made = {**known, **changes}
    assert set(made) == set(SCHEMA.names)
    return made


def page_of(rows, folder, extras=()):
    write_table(folder / "t.parquet", rows)
    render([folder / "t.parquet"], extras=extras, out=folder / "out")
    texts = [(folder / "out" / f"evidence.{kind}").read_text("utf-8") for kind in ("md", "html")]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]


OWN = {400.0: [0.99, 0.98, 0.985], 5.0: [0.999, 0.9995, 1.0]}
ROS = {400.0: [0.93, 0.94, 0.92], 5.0: [0.999, 0.9990, 1.0]}
PLAIN = [0.80, 0.85, 0.90]
SHORT = [0.981, 0.979, 0.985]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    rows = [
        row(method, seed, value, balance=balance)
        for method, values in (("dlrsd-smote", OWN), ("ros", ROS))
        for balance in values
        for seed, value in enumerate(values[balance])
    ]
    rows += [row("none", seed, value) for seed, value in enumerate(PLAIN)]
    rows += [row("dlrsd-smote/no-filter", seed, value) for seed, value in enumerate(SHORT)]
    rows += [row("dlrsd-smote", s, v, protocol="bearing") for s, v in enumerate([0.6, 0.5, 0.7])]
    extra = {
        "title": "Long range", "command": "python -m benchmarks.long", "note": "of one window",
        "columns": ["part", "share"], "rows": [["rows", 0.25], ["columns", None]],
        "measured": {
            "bearing, multi-label, order map, macro AUROC": {
                "mean": 0.915, "half_width": 0.01, "n": 3
            },
            "bearing, cwru-both-ends 1:5, sets at 0.9, coverage of faulty bearings": {
                "mean": 0.88, "half_width": None, "n": 9
            },
        },
        "risk_coverage": {
            "all": {"coverage": [0.2, 1.0], "risk": [0.0, 0.3], "points": []},
            "fold 1": {
                "coverage": [0.5, 1.0], "risk": [0.1, 0.4],
                "points": [
                    {"risk": 0.05, "given": 0.5, "wrong": 0.1},
                    {"risk": 0.02, "given": 0.0, "wrong": None},
                ],
            },
        },
    }  # fmt: skip
    (folder / "extra.json").write_text(json.dumps(extra))
    return *page_of(rows, folder, [folder / "extra.json"]), folder / "out"


def test_numbers_are_those_of_the_table(page):
    markdown, html, _ = page
    result = ttest_1samp(OWN[400.0], 0).confidence_interval(0.95)
    own = f"{np.mean(OWN[400.0]):.4f} ± {(result.high - result.low) / 2:.4f}"
    assert f"| **dlrsd-smote** | {own} |" in markdown
    assert f'<th scope="row"><b>dlrsd-smote</b></th><td>{own}</td>' in html
    p = []
    for other in (ROS[400.0], PLAIN):
        test = ttest_rel(OWN[400.0], other)
        low, high = test.confidence_interval(0.95)
        p.append(test.pvalue)
        assert f"{(low + high) / 2:+.4f} ± {(high - low) / 2:.4f}" in markdown
        assert f"{(low + high) / 2:+.4f} ± {(high - low) / 2:.4f}" in html
    adjusted = [probability(value) for value in holm(p)]
    assert f"<b>better</b> (3; {adjusted[0]})" in html
    assert f"<b>better</b> (3; {adjusted[1]})" in html
    assert "not shown (3; " in html
    assert "2,000; others 5 each" in html
    assert "100 of each class" in html
    assert "| rows | 0.25 |\n| columns | – |" in markdown


def test_targets_are_met_by_the_mean(page):
    lines = [line for line in page[0].splitlines() if line.startswith(("| block", "| bearing"))]
    told = {tuple(line.split(" | ")[:3]): line.split(" | ")[-1] for line in lines}
    block, bearing = "| block, cwru10", "| bearing, cwru10"
    assert told[block, "1:400", "accuracy"] == "**met** |"  # 0.985, but its interval holds 0.98
    assert told[block, "1:400", "worst-class recall"] == "**met**, surely |"
    assert told[block, "1:100", "accuracy"] == "not measured |"
    assert told[bearing, "1:400", "macro AUROC"] == "**not met** |"
    ahead = told[block, "1:400", "accuracy minus each method's"]
    assert ahead == "**met** |"
    assert "| bearing, multi-label, order map | – | macro AUROC |" in page[0]
    assert "0.9150 ± 0.0100 | 3 | **met** |" in page[0]
    assert "coverage of faulty bearings | \\> 0.88 | 0.8800 | 9 | **not met** |" in page[0]


def test_a_curve_of_risk_stands_with_its_table(page):
    markdown, html, folder = page
    assert "](evidence-long-range-curve.svg)" in markdown
    svg = (folder / "evidence-long-range-curve.svg").read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"all", "fold 1", "fold 1, risk 0.05"} <= set(texts)
    assert 'id="long-range-curve-' in html


@pytest.mark.parametrize(
    ("mean", "half", "word"),
    [(0.99, 0.02, "**met**"), (0.99, 0.005, "**met**, surely"), (0.99, None, "**met**"),
     (0.979, 0.02, "**not met**")],
)  # fmt: skip
def test_met(mean, half, word):
    assert met({"mean": mean, "half_width": half}, 0.98) == word


def test_in_short_says_what_was_found(page):
    assert (
        "**block, 1:400** (cwru10): accuracy 0.9850 ± 0.0124, worst-class recall 0.9850 ± 0.0124, "
        "macro AUROC 0.9925 ± 0.0062 (3 seeds). In accuracy better than 2 of 2 methods"
    ) in page[0]
    assert "better than none of 1 method." in page[0]
    for protocol in ("block", "bearing"):
        assert PROTOCOLS[protocol] in page[0]
    assert PROTOCOLS["load"] not in page[0]


def test_the_page_is_whole_and_asks_for_nothing(page):
    markdown, html, folder = page
    linked = re.findall(r"\]\((evidence-[^)]*\.svg)\)", markdown)
    assert sorted(linked) == sorted(file.name for file in folder.glob("*.svg"))
    assert len(linked) == len(re.findall("<svg ", html)) == 8
    for file in folder.glob("*.svg"):
        text = file.read_text("utf-8")
        assert len(text) < 100_000
        assert "<text" in text
    assert "<script" not in html
    assert not re.search(r'(src|href)="(?!#)', html.replace("xlink:href", "href"))
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert "<b>ball</b>" not in html
    assert "\\<b\\>ball\\</b\\>" in markdown
    assert "in\\|ner" in markdown


def test_the_page_has_the_style_of_a_runs_report(page):
    style = (Path(report.__file__).with_name("templates") / "style.css").read_text("utf-8")
    assert style in page[1]


def test_marks_may_stand_in_each_other():
    text = "a < b `c ** d` and **`e`, f** * g"
    shown = markdown.page([Paragraph(marked(text))])
    assert shown == "a \\< b `c ** d` and **`e`, f** * g\n"
    assert marked("plain") == [Span("plain")]
    assert marked("**`e`, f**") == [Span([Span("e", "code"), Span(", f")], "b")]


class Balanced(HTMLParser):
    open: list[str]

    def reset(self):
        super().reset()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_table_without_dlrsd_smote(tmp_path):
    rows = [row(m, s, 0.9 + s / 100) for m in ("ros", "smote") for s in range(2)]
    markdown, html = page_of(rows, tmp_path)
    assert "The table has no cell of `dlrsd-smote`" in markdown
    assert "0.9050 ± 0.0635" in html  # 12.706 x 0.005, of one degree of freedom
    assert "minus" not in markdown


def test_what_limits_it_stands_there_in_words(tmp_path):
    write_table(tmp_path / "t.parquet", [row("dlrsd-smote", 0, 0.9)])
    limits = tmp_path / "limits.md"
    limits.write_text("**load**: the ball\nfault.\n\n**bearing**: all < of it.\n")
    render([tmp_path / "t.parquet"], extras=[], out=tmp_path, limits=limits)
    assert "- **load**: the ball fault.\n- **bearing**" in (tmp_path / "evidence.md").read_text()
    assert "<li><b>bearing</b>: all &lt; of it.</li>" in (tmp_path / "evidence.html").read_text()
    with pytest.raises(InputError, match=r"none\.md cannot be read"):
        render([tmp_path / "t.parquet"], extras=[], out=tmp_path, limits=tmp_path / "none.md")


def test_a_single_cell(tmp_path):
    markdown, _ = page_of([row("dlrsd-smote", 7, 0.75, macro_auroc=None)], tmp_path)
    assert "| **dlrsd-smote** | 0.7500 |" in markdown
    assert "(1 seed)" in markdown


def test_pictures_of_an_older_page_are_removed(tmp_path):
    rows = [row("dlrsd-smote", 0, 0.9)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "evidence-9-old.svg").write_text("")
    page_of(rows, tmp_path)
    assert not (tmp_path / "out" / "evidence-9-old.svg").exists()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no table"),
        (lambda path: write_table(path, []), "has no rows"),
        (lambda path: path.write_bytes(b"half a tab"), "damaged"),
        (
            lambda path: write_table(path, [{**row("none", 0, 0.9), "kind": "sequence"}]),
            "has rows of plants",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(make, said, tmp_path, monkeypatch, capsys):
    table = tmp_path / "t.parquet"
    make(table)
    monkeypatch.setattr(sys, "argv", ["evidence.py", str(table), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        machine.run(main)
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert said in text
    assert not (tmp_path / "out").exists()


def test_an_extra_of_another_form_is_refused(tmp_path):
    write_table(tmp_path / "t.parquet", [row("ros", 0, 0.9)])
    bad = tmp_path / "extra.json"
    for text, said in (("{", "cannot be read"), ("{}", "expected keys title")):
        bad.write_text(text)
        with pytest.raises(ValueError, match=said):
            render([tmp_path / "t.parquet"], extras=[bad], out=tmp_path / "out")


def test_the_command_makes_these_rows():
    methods = [*METHODS, *BASELINES]
    rows = [row(m, s, 0.9, balance=b) for m in methods for b in (400.0, 5.0) for s in range(3)]
    assert commands(rows) == [
        "dlrsd-train compare cwru12k --task cwru10 --protocols block --balance 400,5 --seeds 0-2 "
        "--methods all --out comparison.parquet"
    ]
    settings = Settings(data="rig", protocol="load", train_loads=(0.0, 1.0), n_normal=500)
    odd = {"data": "rig", "task": None, "settings": stated(settings)}
    rows = [row("ros", s, 0.9, protocol="load", classifier="vgg11", **odd) for s in (0, 3)]
    assert commands(rows) == [
        "dlrsd-train compare rig --protocols load --balance 400 --seeds 0,3 --methods ros "
        "--classifiers vgg11 --train-loads 0,1 --normal-windows 500 "
        "--front-end scalogram --out comparison.parquet"
    ]


def test_counts_over_seeds():
    rows = [{"w": {"a": 5, "b": n, "Normal": 2000}} for n in (5, 6)]
    assert counts(rows, "w") == "Normal 2,000; others 5 to 6 each"


def test_durations():
    assert [duration(x) for x in (61.4, 600, 7200)] == ["61 s", "10 min", "2.0 h"]
