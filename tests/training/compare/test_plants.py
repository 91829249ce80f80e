"""The grid on plants, and both commands as a user runs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.evidence import plants as page_of_plants
from dlrsd.runtime.base.errors import InputError
from dlrsd.training.cli.app import app
from dlrsd.training.compare import plants as module
from dlrsd.training.compare.plants import PlantGrid, compare_plants
from dlrsd.training.data.plants.rig import simulate_plants, write_plants
from dlrsd.training.data.plants.sequences import SequenceSettings
from dlrsd.training.fitting import sequence as fit_sequence
from dlrsd.training.kinds.plants import fit as fit_plants
from dlrsd.training.runs.table import read_table


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(fit_sequence, "STEPS", 2)
    monkeypatch.setattr(fit_sequence, "BATCH", 3)
    monkeypatch.setattr(fit_plants, "EPOCHS", 1)
    monkeypatch.setattr(module, "EPOCHS", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "plants"
    write_plants(simulate_plants(seed=3, n_plants=3, years=0.2, components=1, zones=1), folder)
    return folder


def grid_of(folder, **more):
    return PlantGrid(
        SequenceSettings(str(folder), window=12, hop=12),
        **{"methods": ("none", "rus-weights"), "epochs": 1, **more},
    )


def test_rows_say_what_was_trained_on_and_are_not_done_again(folder, tmp_path):
    out, lines = tmp_path / "table.parquet", []
    grid = grid_of(folder, classifiers=("deep_conv_lstm", "lrcn"))
    rows, failed = compare_plants(grid, out, jobs=1, say=lines.append)
    assert not failed
    assert {(row["method"], row["classifier"]) for row in rows} == {
        (method, name) for method in grid.methods for name in grid.classifiers
    }
    (note,) = (line for line in lines if "the rarest of" in line)
    assert "(simulated)" in note
    row = next(row for row in rows if row["method"] == "rus-weights")
    assert row["balance"] is None
    assert json.loads(row["notes"])[0] == "simulated"
    assert json.loads(row["notes"])[1].startswith("official score of plant_1: ")
    counts = json.loads(row["counts"])
    assert counts["sequences left"]["Normal"] < counts["sequences"]["Normal"]
    assert counts["windows"].keys() == json.loads(row["recall"]).keys()
    assert len(read_table(out)) == 4
    again = compare_plants(grid, out, jobs=1, say=lines.append)
    assert again.rows == rows
    assert lines[-1] == f"4 cells, 4 of them in {out} already"


def test_the_benchmark_pairs_seeds(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "table.parquet"
    compare_plants(grid_of(folder, seeds=(0, 1), classifiers=("lr_convlstm",)), out, jobs=1)
    monkeypatch.setattr(sys, "argv", ["plants.py", str(out), "--out", str(tmp_path)])
    page_of_plants.main()
    means, minus = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("plants", "plants-minus")
    )
    assert "SIMULATED" in means["note"]
    assert "SIMULATED" in minus["note"]
    rows = {(row["method"], row["seed"]): row for row in read_table(out)}
    line = next(line for line in minus["rows"] if line[0] == "macro F1")
    expected = sum(
        rows["rus-weights", seed]["macro_f1"] - rows["none", seed]["macro_f1"] for seed in (0, 1)
    )
    assert float(line[4].split()[0]) == pytest.approx(expected / 2, abs=6e-4)
    assert line[1:4] == ["lr_convlstm", "none", 2]


def test_the_benchmark_refuses_rows_that_are_not_comparable(folder, tmp_path, monkeypatch):
    out = tmp_path / "table.parquet"
    for epochs in (1, 2):
        compare_plants(grid_of(folder, methods=("none",), epochs=epochs), out, jobs=1)
    monkeypatch.setattr(sys, "argv", ["plants.py", str(out), "--out", str(tmp_path)])
    with pytest.raises(InputError, match="rows of 2 different settings"):
        page_of_plants.main()


def test_simulated_plants_are_not_inspected_but_written_first():
    done = CliRunner().invoke(app, ["inspect", "plant"])
    assert "simulate-plant FOLDER" in str(done.exception)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"methods": ("adasyn",)}, "got method 'adasyn': expected one of none, class-weights"),
        ({"protocols": ("block",)}, "got protocol 'block': expected one of time, plant"),
        ({"classifiers": ("edge",)}, "got classifier 'edge': expected one of lr_convlstm"),
        ({"seeds": ()}, "got no seeds"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder, tmp_path, more, said):
    with pytest.raises(InputError, match=said):
        compare_plants(grid_of(folder, **more), tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_fit_and_compare_take_a_folder_of_plants(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    how = ["--window", "12", "--hop", "12"]
    done = run(app, ["fit", str(folder), *how, "--classifier", "deep_conv_lstm"])
    assert done.exit_code == 0, done.output
    assert "simulated plants" in done.stdout
    assert "Fault4" in done.stdout
    run_folder = tmp_path / "runs/plants-time-deep_conv_lstm-seed0"
    assert (run_folder / "report.html").is_file()
    config = json.loads((run_folder / "config.json").read_text())
    assert Path(config["settings"]["data"]) == folder.resolve()  # for an export from elsewhere
    done = run(
        app,
        [
            "compare",
            str(folder),
            *how,
            "--out",
            "table.csv",
            "--methods",
            "rus-weights,smote",
            "--seeds",
            "0",
            "--classifiers",
            "deep_conv_lstm",
            "--jobs",
            "1",
        ],
    )
    assert done.exit_code == 0, done.output
    assert "time, deep_conv_lstm" in done.stdout
    assert "rus-weights −" in done.stdout
    assert "simulated plants: no figure" in done.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--balance", "5"], "got --balance for plant data"),
        (["--train-loads", "0"], "got --train-loads for plant data"),
        (["--method", "mixup"], "got method 'mixup' for sequences"),
        (["--window", "0"], "got window = 0"),
        (["--classifier", "edge"], "got classifier 'edge' for sequences"),
    ],
)
def test_fit_refuses_what_plants_do_not_have(folder, tmp_path, monkeypatch, more, said):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["fit", str(folder), *more])
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)
    assert list(tmp_path.iterdir()) == []
