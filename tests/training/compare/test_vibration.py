"""A comparison: its rows are right, none is lost or repeated, and what cannot be is refused."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.methods import (
    COMBINATIONS,
    METHODS,
    VARIANTS,
    materials_for,
    training_set,
)
from dlrsd.training.compare.standings import standings
from dlrsd.training.compare.vibration import Grid, compare, method_names
from dlrsd.training.data.vibration.prepare import Settings, prepare
from dlrsd.training.fitting.classifier import predict
from dlrsd.training.kinds.vibration import cell as cells
from dlrsd.training.kinds.vibration.cell import Cell, run_cell
from dlrsd.training.kinds.vibration.fit import fit_classifier
from dlrsd.training.runs.table import own_table, read_table, write_table

COMPARE = """
import sys
from pathlib import Path
from dlrsd.training.compare.vibration import Grid, compare
from dlrsd.training.data.vibration.prepare import Settings
grid = Grid(Settings(sys.argv[1], n_normal=40), ("none", "ros"), (4.0,), seeds=(0, 1), epochs=1)
compare(grid, Path(sys.argv[2]), jobs=2)
"""


@pytest.fixture(autouse=True)
def nothing_kept():
    """What cells keep from call to call was made with the constants of one test."""
    for kept in (cells._recordings, cells._ready, cells._training_set):
        kept.cache_clear()


def small(folder, *methods, **changes):
    settings = Settings(str(folder), n_normal=40)
    return Grid(settings, **{"methods": methods, "balances": (4.0,), "epochs": 1, **changes})


def facts(rows):
    """Rows by cell, without what differs from run to run."""
    named = {tuple(r[k] for k in ("protocol", "seed", "classifier", "method")): r for r in rows}
    assert len(named) == len(rows)
    return {name: {k: v for k, v in r.items() if k != "seconds"} for name, r in named.items()}


# ------------------------------------------------------------------ rows


def test_a_row_says_what_the_chain_without_it_says(hurried, rig_folder):
    settings = Settings(str(rig_folder), n_normal=40, balance=4.0, seed=2, protocol="bearing")
    row = run_cell(Cell(settings, "smote", 2))
    data = prepare(settings)
    materials = materials_for("smote", data)
    training = training_set("smote", materials, target=materials.target, seed=2)
    classifier, _ = fit_classifier(materials, training, epochs=2)
    test = data.test_index()
    logits, _ = predict(classifier, materials.frontend.heatmaps(data.cut(test)))
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (test.label, logits.argmax(1)), 1)
    recall = np.diag(confusion) / confusion.sum(1)
    assert json.loads(row["confusion"]) == confusion.tolist()
    assert json.loads(row["recall"]) == dict(zip(data.classes, recall.tolist(), strict=True))
    assert row["accuracy"] == np.trace(confusion) / len(test)
    assert row["macro_recall"] == pytest.approx(recall.mean())
    assert (row["worst_recall"], row["n_test"]) == (recall.min(), len(test))
    assert row["worst_class"] == data.classes[recall.argmin()]
    assert json.loads(row["train_windows"]) == {"Normal": 40, "ball": 10, "inner": 10, "outer": 10}
    assert list(json.loads(row["test_windows"]).values()) == confusion.sum(1).tolist()
    assert [c["drawn"] for c in json.loads(row["counts"])] == [36, 10, 10, 10]  # 4 held out
    assert Settings.from_json(json.loads(row["settings"])) == settings
    assert (row["data"], row["protocol"], row["seed"]) == ("small_rig", "bearing", 2)
    assert (row["balance"], row["classifier"], row["method"]) == (4.0, "edge", "smote")


def test_a_row_does_not_depend_on_the_cells_before_it(hurried, rig_folder):
    settings = Settings(str(rig_folder), n_normal=40, balance=4.0)
    other_seed, other_classifier = (
        replace(settings, seed=1),
        replace(settings, classifier="simple_cnn"),
    )
    order = [
        Cell(settings, "none", 1),
        Cell(other_seed, "none", 1),
        Cell(settings, "dlrsd-smote/autoscale", 1),
        Cell(settings, "dlrsd-smote", 1),
        Cell(other_classifier, "dlrsd-smote", 1),
        Cell(other_classifier, "none", 1),
    ]
    one = facts([run_cell(cell) for cell in order])
    other = facts([run_cell(cell) for cell in order[::-1]])
    assert one == other
    assert len({row["confusion"] for row in one.values()}) > 3  # they are told apart


# ------------------------------------------------------------------ the table


def test_every_combination_has_a_row_and_is_not_done_again(hurried, rig_folder, tmp_path):
    said, out = [], tmp_path / "t.csv"
    grid = small(rig_folder, "none", seeds=(0, 1, 1), protocols=("block", "bearing"))
    rows, failed = compare(grid, out, jobs=1, say=said.append)
    assert failed == []
    assert said[0] == "4 cells"
    assert len(said) == 5
    assert set(facts(rows)) == {
        (protocol, seed, "edge", "none") for protocol in ("block", "bearing") for seed in (0, 1)
    }
    assert facts(read_table(out)) == facts(rows)
    shown = []
    more = small(rig_folder, "ros", "none", seeds=(1,), protocols=("block", "bearing"))
    added, _ = compare(
        more, out, jobs=1, say=said.append, progress=lambda what, n: shown.append(n) or shown.append
    )
    assert said[5] == f"4 cells, 2 of them in {out} already"
    assert shown == [2, 1, 2]
    assert len(read_table(out)) == 6
    again = compare(more, out, jobs=1, progress=lambda what, n: pytest.fail("computed again"))
    assert again.rows == added


def test_parquet_holds_the_rows_of_csv(hurried, rig_folder, tmp_path):
    grid = small(rig_folder, "none", "mixup", classifiers=("edge", "simple_cnn"))
    rows, _ = compare(grid, tmp_path / "t.parquet", jobs=1)
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == read_table(tmp_path / "t.parquet")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_kill_9_costs_no_finished_cell_and_leaves_no_process(rig_folder, tmp_path):
    """Two processes before the kill, one after it: rows are those of one that ran through."""
    out = tmp_path / "t.parquet"
    running = subprocess.Popen(
        [sys.executable, "-c", COMPARE, rig_folder, out],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    while not out.exists() and running.poll() is None:
        time.sleep(0.02)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    running.kill()
    assert b"Traceback" not in running.communicate()[1]
    left = read_table(out)
    assert left
    deadline = time.monotonic() + 10
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(child) for child in children)
    grid = small(rig_folder, "none", "ros", seeds=(0, 1))
    said = []
    resumed, _ = compare(grid, out, jobs=1, say=said.append)
    assert said[0].startswith(f"4 cells, {len(left)} of them in")
    assert len(said) == 1 + 4 - len(left)
    assert [row for row in read_table(out) if row in left] == left  # with the seconds they took
    through, _ = compare(grid, tmp_path / "through.csv", jobs=1)
    assert facts(resumed) == facts(through) == facts(read_table(out))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_second_writer_is_refused_at_once(rig_folder, tmp_path):
    out = tmp_path / "t.csv"
    with own_table(out), pytest.raises(InputError, match=rf"{out} is being written by another"):
        compare(small(rig_folder, "none"), out, jobs=1)
    assert not out.exists()


def test_a_cell_that_fails_leaves_the_others(hurried, rig_folder, tmp_path):
    """Seed 3 tests the last quarter of a recording, where its sensor came off."""
    folder = tmp_path / "torn"
    shutil.copytree(rig_folder, folder)
    path = next(folder.glob("ball/*/a.npy"))
    samples = np.load(path)
    samples[-600:-590] = np.nan
    np.save(path, samples)
    said = []
    grid = small(folder, "none", "ros", seeds=(3, 1))
    rows, failed = compare(grid, tmp_path / "t.csv", jobs=1, say=said.append)
    assert {row["seed"] for row in rows} == {1}, failed
    assert len(rows) == len(failed) == 2
    assert all("values that are not finite" in line for line in failed)
    assert f"failed: {failed[0]}" in said
    assert failed[0].startswith("block 1:4 seed 3 edge ros: ")


# ------------------------------------------------------------------ bad input


def without_bearings(rig_folder, folder):
    """The same recordings, but nobody knows which bearing each is of."""
    for path in rig_folder.glob("*/*/a.npy"):
        (folder / path.parts[-3]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parts[-3] / f"{path.parts[-2]}.npy")
    shutil.copy(rig_folder / "format.json", folder)
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"protocols": ("block", "bearing")}, "^protocol bearing, .*1:4, seed 0: .* which bearing"),
        ({"protocols": ("load",)}, "^protocol load, .* state no load"),
        ({"protocols": ("blok",)}, "^got protocol 'blok': expected one of random, block"),
        ({"methods": ("smoot",)}, "^got method 'smoot': expected one of none, class-weights"),
        ({"classifiers": ("vgg",)}, "^got classifier 'vgg': expected one of edge"),
        ({"balances": (4.0, 0.5)}, "^protocol block, .*1:0.5, seed 0: a balance ratio is at least"),
        ({"seeds": ()}, "^got no seeds"),
        ({"seeds": (-1,)}, "got seed = -1: expected 0 or more"),
        ({"epochs": 0}, "^got epochs = 0: expected 1 or more"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(rig_folder, tmp_path, changes, said):
    folder = without_bearings(rig_folder, tmp_path / "data")
    lines = []
    with pytest.raises(InputError, match=said) as caught:
        compare(
            small(folder, **{"methods": ("none",), **changes}),
            tmp_path / "t.csv",
            jobs=1,
            say=lines.append,
        )
    assert "\n" not in str(caught.value)
    assert lines == []
    assert not (tmp_path / "t.csv").exists()


def test_a_class_with_a_single_window_is_told_once(hurried, rig_folder, tmp_path):
    said = []
    grid = small(rig_folder, "smote", "none", balances=(4.0, 40.0), seeds=(0, 1))
    rows, failed = compare(grid, tmp_path / "t.csv", jobs=1, say=said.append)
    assert failed == []
    assert len(rows) == 8
    (note,) = [line for line in said if line.startswith("note")]
    assert "1:40 leaves a single training window of ball, inner, outer" in note
    notes = {(row["method"], row["balance"]): json.loads(row["notes"]) for row in rows}
    assert notes["smote", 40.0]
    assert not notes["smote", 4.0]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_damaged_table_is_left_as_it_is(rig_folder, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"half a tab")
    with pytest.raises(InputError, match=f"{name} is damaged"):
        compare(small(rig_folder, "none"), path, jobs=1)
    assert path.read_bytes() == b"half a tab"


def test_rows_of_unknown_settings_are_left_as_they_are(hurried, rig_folder, tmp_path):
    out = tmp_path / "t.csv"
    (row,), _ = compare(small(rig_folder, "none"), out, jobs=1)
    write_table(out, [row | {"settings": '{"data": "rig", "shape": 3}'}])
    before = out.read_bytes()
    with pytest.raises(InputError, match="has a row whose settings are unknown to this version"):
        compare(small(rig_folder, "none"), out, jobs=1)
    assert out.read_bytes() == before


# ------------------------------------------------------------------ names and summary


def test_names_that_stand_for_several():
    assert method_names(["all"]) == tuple(METHODS)
    assert method_names(["combinations", "none"]) == (*COMBINATIONS, "none")
    assert method_names(["none", "ablations"]) == ("none", "dlrsd-smote", *VARIANTS)


def test_standings_fit_a_terminal_and_say_what_differs():
    settings = json.dumps(Settings("rig").to_json())
    accuracy = {"none": (0.80, 0.84, 0.82), "dlrsd-smote": (0.90, 0.92, 0.94)}
    accuracy["dlrsd-smote/no-ce-gradient"] = (0.90, 0.91, 0.96)
    rows = [
        dict.fromkeys(("accuracy", "macro_recall", "worst_recall", "g_mean", "macro_auroc"), value)
        | dict.fromkeys(("data", "task"), "rig")
        | {"method": method, "seed": seed, "settings": settings, "epochs": 20, "seconds": 1.0}
        | {"protocol": protocol, "balance": 400.0, "classifier": "edge"}
        for protocol in ("block", "bearing")
        for method, values in accuracy.items()
        for seed, value in enumerate(values)
    ]
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(standings(rows))
    lines = [line.strip() for line in console.export_text().splitlines()]
    assert max(map(len, lines)) < 100
    titles = [line for line in lines if "1:400" in line]
    assert titles == ["block, 1:400, edge", "bearing, 1:400, edge"]
    # Student's t with 2 degrees of freedom: 4.303 * 0.02 / sqrt(3) = 0.0497
    none = next(line for line in lines if line.startswith("none"))
    assert "82.00 ± 4.97" in none
    assert "+10.00 ± 4.97*" in none
    ablation = next(line for line in lines if "no-ce-gradient" in line)
    assert "*" not in ablation
    assert ablation.startswith("dlrsd-smote/no-ce-gradient ")
