"""The section on the lines: its pictures, its table, and what it says where they disagree."""

from __future__ import annotations

import json
import re

import msgspec
import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.data.vibration.prepared import Divided
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.data.vibration.splits import Span, Split
from dlrsd.training.evaluate.metrics import classification_metrics
from dlrsd.training.evaluate.untrained import ClassEvidence, untrained
from dlrsd.training.report.page import write_report
from dlrsd.training.report.run_folder import read_run
from dlrsd.training.report.sections.untrained import spectrum
from dlrsd.training.report.sections.untrained import untrained as section

CLASSES = ["Normal", "outer <b>", "inner"]


@pytest.fixture(scope="module")
def judged():
    recordings = simulate_rig(
        seed=3, seconds=4.0, loads=(0,), classes=("Normal", "outer", "inner"), n_bearings=1
    )
    split = Split("block", [], [Span(i, 0, r.n_samples) for i, r in enumerate(recordings)], "")
    figures, arrays = untrained(Divided(recordings, [], "Normal", split, 1024, 512))
    assert figures == arrays == {}  # no class is asked for
    names = ["Normal", "outer", "inner"]
    return untrained(Divided(recordings, names, "Normal", split, 1024, 512))


@pytest.fixture
def folder(tmp_path, judged):
    """Four windows of each class, of the outer race one that the network calls normal."""
    figures, arrays = judged
    found = dict(zip(CLASSES, figures["untrained"].values(), strict=True))
    true = np.repeat([0, 1, 2], 4)
    said = [0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 2]
    metrics = classification_metrics(true, said, CLASSES) | {"untrained": found}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    np.savez_compressed(tmp_path / "samples.npz", allow_pickle=False, **arrays)
    return tmp_path


def changed(folder, name, **facts):
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["untrained"][name] |= facts
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return section(read_run(folder))


def test_every_class_has_its_place_its_counts_and_the_networks(folder):
    _, table, _, gallery = section(read_run(folder)).parts
    rows = [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows]
    assert rows == [
        ["Normal", "healthy", "1 of 1", "–", "0", "0", "100.0 %"],
        ["outer <b>", "outer race", "1 of 1", "0", "0", "0", "75.0 %"],
        ["inner", "inner race", "1 of 1", "0", "0", "0", "100.0 %"],
    ]
    assert [card.title for card in gallery.cards] == CLASSES
    assert all(card.text[0].text == "Agrees with the label." for card in gallery.cards)
    assert gallery.cards[1].text[1].text.startswith(" Outer race: BPFO 1x to ")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("undecided", "Undecided."),
        ("healthy", "Misses the label's fault."),
        ("ball", "Contradicts the label."),
    ],
)
def test_where_the_lines_do_not_agree_it_is_said(folder, verdict, said):
    gallery = changed(folder, "inner", verdict=verdict).parts[-1]
    assert gallery.cards[2].text[0].text == said


def test_classes_of_one_place_are_one_to_the_network(folder):
    """A network that mistakes one size of a fault for another names the right place."""
    table = changed(folder, "Normal", place="outer").parts[1]
    assert table.rows[1][-1].startswith("100.0")


def test_the_page_has_it_in_its_own_colours_and_without_styles_that_leak(folder):
    text = write_report(folder).read_text("utf-8")
    assert "What the lines say, with nothing trained</h2>" in text
    cards = text[text.index('<div class="gallery">') :]
    assert cards.count("<svg") == 3
    assert "<style" not in cards
    assert "currentColor" in cards
    assert "outer <b>" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert len(text) < 300_000


def test_a_run_that_states_no_kinematics_or_is_of_plants_lacks_it(folder):
    (folder / "config.json").write_text(json.dumps({"kind": "sequence"}))
    assert "What the lines say" not in write_report(folder).read_text("utf-8")
    (folder / "config.json").unlink()
    (folder / "samples.npz").unlink()
    assert section(read_run(folder)) is None
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["untrained"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert section(read_run(folder)) is None


@pytest.mark.parametrize("facts", [{"place": "roof"}, {"lines": 3}, {"right": "all"}])
def test_figures_that_are_damaged_are_refused_by_name(folder, facts):
    with pytest.raises(InputError, match=r"metrics\.json of .* is damaged .* train it again"):
        changed(folder, "inner", **facts)


def test_lines_that_stand_out_are_full_and_numbered(judged):
    figures, arrays = judged
    found = ClassEvidence(**{**figures["untrained"]["outer"], "lines": []})
    level = arrays["envelope/1"].astype(float)
    bare = spectrum(level, found, 40.0, "bare", "outer")
    assert "1x" not in re.findall(r">([^<]*)</text>", bare)
    whole = msgspec.convert(figures["untrained"]["outer"], ClassEvidence)
    drawn = spectrum(level, whole, 40.0, "whole", "outer")
    numbers = [text.strip() for text in re.findall(r">([^<]*)</text>", drawn) if "x" in text]
    standing = [
        line.name.split()[1]
        for line in whole.lines
        if line.place == "outer" and line.name.endswith("x")
        and line.probability < 0.01 and line.shaft is None
    ]  # fmt: skip
    assert {"1x", "2x"} <= set(standing)
    assert sorted(numbers) == sorted(standing)
