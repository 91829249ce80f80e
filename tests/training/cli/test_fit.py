"""The command ``dlrsd-train fit`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.main import get_command

from dlrsd.training.balance.methods import COMBINATIONS, METHODS
from dlrsd.training.balance.sequences import SEQUENCE_METHODS
from dlrsd.training.cli.app import app
from dlrsd.training.evaluate.statistics import PLANT_REFERENCE, REFERENCE
from dlrsd.training.kinds.registry import load_run


def test_it_trains_says_how_well_and_can_be_repeated(command, rig_folder, tmp_path):
    arguments = ("fit", rig_folder, "--balance", "6", "--normal-windows", "60", "--seed", "3")
    done = command(tmp_path, *arguments, hurried=True)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "small_rig-block-br6-seed3"
    metrics = json.loads((folder / "metrics.json").read_text())
    where, figures, report = done.stdout.splitlines()
    assert where == (
        "runs/small_rig-block-br6-seed3: protocol block, balance ratio 1:6, 176 test windows"
    )
    assert f"accuracy {metrics['accuracy']:.4f}, macro recall" in figures
    assert f"({metrics['worst_class']}, 44 windows)" in figures
    assert report == "report: runs/small_rig-block-br6-seed3/report.html"
    assert (tmp_path / report.split()[1]).is_file()
    for part in ("generator", "classifier", "calibration"):
        assert part in done.stderr
    assert metrics["window_counts"]["train"]["outer"] == 10
    again = command(tmp_path, *arguments, hurried=True)
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")


def test_a_run_is_named_by_its_method_and_a_former_name_still_works(command, rig_folder, tmp_path):
    arguments = ("fit", rig_folder, "--balance", "6", "--normal-windows", "60")
    done = command(tmp_path, *arguments, "--method", "deepsmote", hurried=True)
    assert done.returncode == 0, done.stderr
    name = "runs/small_rig-block-br6-seed0-dablain-deepsmote"
    assert done.stdout.startswith(f"{name}: protocol block")
    assert load_run(tmp_path / name).config.method == "dablain-deepsmote"
    assert done.stderr.startswith("note: method deepsmote is called dablain-deepsmote now\n")


def test_it_takes_a_folder_of_plants(command, plant_folder, tmp_path):
    how = ("--window", "12", "--hop", "12", "--classifier", "deep_conv_lstm")
    done = command(
        plant_folder.parent, "fit", "plants", *how, "--out", tmp_path / "run", hurried=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'run'}: protocol time, ")
    assert "simulated plants" in done.stdout
    assert "Fault4" in done.stdout
    assert (tmp_path / "run" / "report.html").is_file()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    # For an export from elsewhere.
    assert Path(config["settings"]["data"]) == plant_folder.resolve()
    done = command(tmp_path, "fit", plant_folder, *how, "--method", "rus", hurried=True)
    assert done.returncode == 0, done.stderr
    name = "runs/plants-time-deep_conv_lstm-seed0-light-rus"
    assert done.stdout.startswith(f"{name}: ")
    assert load_run(tmp_path / name).config.method == "light-rus"
    assert "note: method rus is called light-rus now\n" in done.stderr


def test_the_command_names_every_method():
    (option,) = [p for p in get_command(app).commands["fit"].params if p.name == "method"]
    windows, plants = (
        part.partition(": ")[2].rstrip(".").replace(" or ", ", ").split(", ")
        for part in option.help.split(". ")
    )
    default = " (the default)"
    for names in (windows, plants):
        assert [name for name in names if name.endswith(default)] == names[:1]
        names[0] = names[0].removesuffix(default)
    assert sorted(windows) == sorted([*METHODS, *COMBINATIONS])
    assert sorted(plants) == sorted(SEQUENCE_METHODS)
    assert (windows[0], plants[0]) == (REFERENCE, PLANT_REFERENCE)
