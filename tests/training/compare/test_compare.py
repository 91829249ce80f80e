"""A comparison: no row is lost or repeated, and what cannot be is refused before it begins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.compare.compare import Grid, compare_methods
from dlrsd.training.compare.table import own_table, read_table, write_table
from dlrsd.training.fitting.schedule import CLASSIFIER
from dlrsd.training.kinds.vibration.settings import Settings

COMPARE = """
import sys
from pathlib import Path
import msgspec
from dlrsd.training import Grid, Settings, compare_methods
settings = msgspec.json.decode(sys.argv[1], type=Settings)
grid = Grid(settings, ("none", "ros"), {"balance": (4.0,), "seed": (0, 1)})
compare_methods(grid, Path(sys.argv[2]), jobs=2)
"""


@pytest.fixture
def small(rig_folder, hurried):
    """A grid on few windows of the rig, or of another folder."""

    def grid(*methods, folder=rig_folder, training=hurried, **axes):
        settings = Settings(str(folder), n_normal=40, training=training)
        return Grid(settings, methods, {"balance": (4.0,), **axes})

    return grid


def facts(rows):
    """Rows by cell, without what differs from run to run."""
    named = {tuple(r[k] for k in ("protocol", "seed", "classifier", "method")): r for r in rows}
    assert len(named) == len(rows)
    return {name: {k: v for k, v in r.items() if k != "seconds"} for name, r in named.items()}


# ------------------------------------------------------------------ the table


def test_every_combination_has_a_row_and_is_not_done_again(small, tmp_path):
    said, out = [], tmp_path / "t.csv"
    grid = small("none", seed=(0, 1, 1), protocol=("block", "bearing"))
    rows, failed = compare_methods(grid, out, jobs=1, say=said.append)
    assert failed == []
    assert said[0] == "4 cells"
    assert len(said) == 5
    assert set(facts(rows)) == {
        (protocol, seed, "edge", "none") for protocol in ("block", "bearing") for seed in (0, 1)
    }
    assert facts(read_table(out)) == facts(rows)
    shown = []
    more = small("ros", "none", seed=(1,), protocol=("block", "bearing"))
    added, _ = compare_methods(
        more, out, jobs=1, say=said.append, progress=lambda what, n: shown.append(n) or shown.append
    )
    assert said[5] == f"4 cells, 2 of them in {out} already"
    assert shown == [2, 1, 2]
    assert len(read_table(out)) == 6
    again = compare_methods(
        more, out, jobs=1, progress=lambda what, n: pytest.fail("computed again")
    )
    assert again.rows == added


def test_parquet_holds_the_rows_of_csv(small, tmp_path):
    grid = small("none", "mixup", classifier=("edge", "simple_cnn"))
    rows, _ = compare_methods(grid, tmp_path / "t.parquet", jobs=1)
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == read_table(tmp_path / "t.parquet")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_kill_9_costs_no_finished_cell_and_leaves_no_process(small, hurried, tmp_path):
    """Two processes before the kill, one after it: rows are those of one that ran through."""
    # Not too fast: the kill shall come while some are left.
    slower = replace(hurried, classifier=replace(CLASSIFIER, epochs=1, steps=25))
    grid = small("none", "ros", training=slower, seed=(0, 1))
    out = tmp_path / "t.parquet"
    running = subprocess.Popen(
        [sys.executable, "-c", COMPARE, msgspec.json.encode(grid.settings), out],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )
    while not out.exists() and running.poll() is None:
        time.sleep(0.02)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    running.kill()
    assert b"Traceback" not in running.communicate()[1]
    left = read_table(out)
    assert 1 <= len(left) < 4
    deadline = time.monotonic() + 10
    while any(alive(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(child) for child in children)
    said = []
    resumed, _ = compare_methods(grid, out, jobs=1, say=said.append)
    assert said[0].startswith(f"4 cells, {len(left)} of them in")
    assert len(said) == 1 + 4 - len(left)
    assert [row for row in read_table(out) if row in left] == left  # with the seconds they took
    through, _ = compare_methods(grid, tmp_path / "through.csv", jobs=1)
    assert facts(resumed) == facts(through) == facts(read_table(out))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_second_writer_is_refused_at_once(small, tmp_path):
    out = tmp_path / "t.csv"
    with own_table(out), pytest.raises(InputError, match=rf"{out} is being written by another"):
        compare_methods(small("none"), out, jobs=1)
    assert not out.exists()


def test_a_cell_that_fails_leaves_the_others(small, rig_folder, tmp_path):
    """Seed 3 tests the last quarter, where the sensor had come off in all recordings of a class."""
    folder = tmp_path / "torn"
    shutil.copytree(rig_folder, folder)
    for path in folder.glob("ball/*/a.npy"):
        samples = np.load(path)
        samples[int(0.7 * len(samples)) :] = np.nan
        np.save(path, samples)
    said = []
    grid = small("none", "ros", folder=folder, seed=(3, 1))
    rows, failed = compare_methods(grid, tmp_path / "t.csv", jobs=1, say=said.append)
    assert {row["seed"] for row in rows} == {1}, failed
    assert len(rows) == len(failed) == 2
    assert all("class 'ball': all" in line and "unfit for diagnosis" in line for line in failed)
    assert f"failed: {failed[0]}" in said
    assert failed[0].startswith("protocol block, balance ratio 1:4, seed 3, edge, ros: ")


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
        ({"protocol": ("block", "bearing")}, "^protocol bearing, .*1:4, seed 0: .* which bearing"),
        ({"protocol": ("load",)}, "^protocol load, .* state no load"),
        ({"protocol": ("blok",)}, "^got protocol 'blok': expected one of random, block"),
        ({"methods": ("smoot",)}, "^got method 'smoot': expected one of none, class-weights"),
        ({"classifier": ("vgg",)}, "^got classifier 'vgg': expected one of edge"),
        ({"balance": (4.0, 0.5)}, "^protocol block, .*1:0.5, seed 0: a balance ratio is at least"),
        ({"seed": ()}, "^got no seeds"),
        ({"seed": (-1,)}, "got seed = -1: expected 0 or more"),
        ({"methods": ()}, "^got no methods"),
        ({"window": (1024,)}, "^got --window, of which vibration has no use"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(
    small, rig_folder, tmp_path, changes, said
):
    folder = without_bearings(rig_folder, tmp_path / "data")
    lines = []
    axes = dict(changes)
    methods = axes.pop("methods", ("none",))
    with pytest.raises(InputError, match=said) as caught:
        compare_methods(
            small(*methods, folder=folder, **axes),
            tmp_path / "t.csv",
            jobs=1,
            say=lines.append,
        )
    assert "\n" not in str(caught.value)
    assert lines == []
    assert not (tmp_path / "t.csv").exists()


def test_a_class_with_a_single_window_is_told_once(small, tmp_path):
    said = []
    grid = small("smote", "none", balance=(4.0, 40.0), seed=(0, 1))
    rows, failed = compare_methods(grid, tmp_path / "t.csv", jobs=1, say=said.append)
    assert failed == []
    assert len(rows) == 8
    (note,) = [line for line in said if line.startswith("note")]
    assert "1:40 leaves a single training window of ball, inner, outer" in note
    notes = {(row["method"], row["balance"]): row["notes"] for row in rows}
    assert notes["smote", 40.0]
    assert not notes["smote", 4.0]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_damaged_table_is_left_as_it_is(small, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"half a tab")
    with pytest.raises(InputError, match=f"{name} is damaged"):
        compare_methods(small("none"), path, jobs=1)
    assert path.read_bytes() == b"half a tab"


def test_rows_of_unknown_settings_are_left_as_they_are(small, tmp_path):
    out = tmp_path / "t.csv"
    (row,), _ = compare_methods(small("none"), out, jobs=1)
    write_table(out, [row | {"settings": {"data": "rig", "shape": 3}}])
    before = out.read_bytes()
    with pytest.raises(InputError, match="has a row whose settings are unknown to this version"):
        compare_methods(small("none"), out, jobs=1)
    assert out.read_bytes() == before


# ------------------------------------------------------------------ front ends, plants


@pytest.mark.parametrize(
    ("method", "classifier", "why"),
    [
        ("smote-waveform", "bands", "method smote-waveform for the front end order-map: a blend"),
        ("ros", "edge", "'edge' for the front end order-map"),
    ],
)
def test_a_grid_refuses_what_does_not_suit_its_front_end(tmp_path, method, classifier, why):
    settings = Settings("rig", front_end="order-map")
    grid = Grid(settings, [method], {"classifier": [classifier]})
    with pytest.raises(InputError, match=why):
        compare_methods(grid, tmp_path / "table.parquet", jobs=1)
    assert list(tmp_path.iterdir()) == []


def test_the_classifier_is_that_of_the_settings_where_none_is_named(tmp_path, hurried):
    settings = Settings(
        "rig", n_normal=20, balance=2.0, hop=12288, front_end="order-map", training=hurried
    )
    (row,), failed = compare_methods(Grid(settings, ["none"]), tmp_path / "t.csv", jobs=1)
    assert failed == []
    assert (row["classifier"], row["balance"], row["seed"]) == ("bands", 100.0, 0)


def test_rows_of_plants_say_what_was_trained_on_and_are_not_done_again(plant_settings, tmp_path):
    out, lines = tmp_path / "table.parquet", []
    classifiers, methods = ("deep_conv_lstm", "lrcn"), ("none", "rus-weights")
    grid = Grid(plant_settings, methods, {"classifier": classifiers})
    rows, failed = compare_methods(grid, out, jobs=1, say=lines.append)
    assert not failed
    assert {(row["method"], row["classifier"]) for row in rows} == {
        (method, name) for method in methods for name in classifiers
    }
    (note,) = (line for line in lines if "the rarest of" in line)
    assert "(simulated)" in note
    row = next(row for row in rows if row["method"] == "rus-weights")
    assert (row["kind"], row["balance"], row["task"]) == ("sequence", None, None)
    assert row["notes"][0] == "simulated"
    assert row["notes"][1].startswith("official score of plant_1: ")
    counts = row["counts"]
    assert counts["Normal"]["sequences left"] < counts["Normal"]["sequences"]
    assert counts.keys() == row["recall"].keys()
    assert len(read_table(out)) == 4
    again = compare_methods(grid, out, jobs=1, say=lines.append)
    assert again.rows == rows
    assert lines[-1] == f"4 cells, 4 of them in {out} already"


@pytest.mark.parametrize(
    ("methods", "axes", "said"),
    [
        (("adasyn",), {}, "got method 'adasyn': expected one of none, class-weights"),
        (("none",), {"protocol": ("block",)}, "got protocol 'block': expected one of time, plant"),
        (("none",), {"classifier": ("edge",)}, "got classifier 'edge': expected one of lr_convlst"),
        (("none",), {"seed": ()}, "got no seeds"),
        (("none",), {"balance": (5.0,)}, "got --balance, of which plant data has no use: leave it"),
    ],
)
def test_what_cannot_be_compared_on_plants_is_refused(
    plant_settings, tmp_path, methods, axes, said
):
    with pytest.raises(InputError, match=said):
        compare_methods(Grid(plant_settings, methods, axes), tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_front_end_that_the_data_decided_is_said_once_a_protocol(tmp_path):
    settings = Settings("rig", n_normal=20, front_end="auto")
    axes = {"balance": (5.0,), "protocol": ("block", "bearing"), "seed": (0, 1)}
    said: list[str] = []
    rows, _ = compare_methods(
        Grid(settings, methods=("logistic",), axes=axes), tmp_path / "t.csv", jobs=1,
        say=said.append,
    )  # fmt: skip
    assert [line for line in said if "front end" in line] == [
        "protocol bearing: front end fusion, windows of 24576 samples: all recordings state the "
        "shaft's speed and the bearing's orders"
    ]
    assert {(row["protocol"], row["settings"]["front_end"]) for row in rows} == {
        ("block", "scalogram"),
        ("bearing", "fusion"),
    }


def test_where_a_class_has_a_single_window_no_fusion_is_weighed(tmp_path):
    axes = {"balance": (20.0,), "protocol": ("bearing",)}
    said: list[str] = []
    settings = Settings("rig", n_normal=20, front_end="auto")
    grid = Grid(settings, methods=("logistic",), axes=axes)
    (row,), failed = compare_methods(grid, tmp_path / "t.csv", jobs=1, say=said.append)
    assert not failed
    assert row["settings"]["front_end"] == "scalogram"
    assert said[0] == (
        "protocol bearing: front end scalogram, not fusion: at a balance ratio of 20, 20 normal "
        "windows leave a single one of every other class, and its experts need two"
    )
    grid = Grid(Settings("rig", n_normal=20, front_end="fusion"), methods=("ros",), axes=axes)
    with pytest.raises(InputError, match=r"class 'ball' gets a single training window .* of 20"):
        compare_methods(grid, tmp_path / "t.csv", jobs=1)
