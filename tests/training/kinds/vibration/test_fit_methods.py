"""Runs that meet the imbalance otherwise than by DLRSD-SMOTE: what they leave, and what not."""

from __future__ import annotations

import json
import sys

import pytest
from typer.main import get_command

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.materials import make_materials
from dlrsd.training.balance.methods import COMBINATIONS, METHODS, training_set
from dlrsd.training.balance.sequences import SEQUENCE_METHODS
from dlrsd.training.cli.app import app, main
from dlrsd.training.data.vibration.prepare import prepare
from dlrsd.training.evaluate.statistics import REFERENCE
from dlrsd.training.kinds.plants.fit import METHOD as PLANT_METHOD
from dlrsd.training.kinds.vibration import fit as fit_module
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.runs.run import load_run

FILES = {
    "classifier.safetensors", "config.json", "curves.json", "metrics.json", "novelty.npz",
    "report.html",
}  # fmt: skip
NOT_OF_THESE = ("fidelity", "near_copies", "attention", "receptive_field")


@pytest.fixture(scope="module")
def runs(hurry, tiny_settings, tmp_path_factory):
    """A finished run of each of two methods."""
    folder = tmp_path_factory.mktemp("runs")
    for method in ("rus-weights", "smote"):
        fit(tiny_settings, folder / method, method=method)
    return folder


@pytest.mark.parametrize("method", ["rus-weights", "smote"])
def test_a_run_without_a_generator_keeps_none(runs, method):
    assert {path.name for path in (runs / method).iterdir()} == FILES
    run = load_run(runs / method)
    assert (run.generator, run.anchors) == (None, {})
    assert run.config["method"] == method
    assert "generator" not in run.config
    assert not set(NOT_OF_THESE) & set(run.metrics)
    assert set(json.loads((runs / method / "curves.json").read_text())) == {"classifier"}


def test_its_counts_are_those_of_the_training_set(runs, tiny_settings):
    materials = make_materials(prepare(tiny_settings))
    for method in ("rus-weights", "smote"):
        training = training_set(method, materials, target=materials.target, seed=0)
        balance = load_run(runs / method).metrics["balance"]
        for label, row in enumerate(balance.values()):
            shares = {"share": training.share[label], "weight": training.class_weight[label]}
            assert row == training.counts[label] | shares


def test_the_report_says_the_method_its_shares_and_its_weights(runs):
    page = (runs / "rus-weights" / "report.html").read_text(encoding="utf-8")
    assert "method rus-weights" in page
    assert "weight in the loss" in page
    assert "share of a batch" in page
    for absent in ("What the filter did", "How the generator", "How far the generator", "t-SNE"):
        assert absent not in page
    assert "in equal shares" not in page
    # 44 of 108 normal windows are kept, beside 18 of three classes.
    assert f"{100 * 44 / 98:.1f}" in page
    assert "after: the balanced set" in page
    assert "synthetic" in (runs / "smote" / "report.html").read_text(encoding="utf-8")


def test_it_is_trained_on_the_methods_own_set(runs, tiny_settings, hurry, tmp_path):
    """The weights of the two runs differ, and a run is the same again."""
    fit(tiny_settings, tmp_path / "again", method="smote")
    weights = {
        name: (folder / "classifier.safetensors").read_bytes()
        for name, folder in (
            ("smote", runs / "smote"),
            ("again", tmp_path / "again"),
            ("rus-weights", runs / "rus-weights"),
        )
    }
    assert weights["smote"] == weights["again"]
    assert weights["smote"] != weights["rus-weights"]


def test_another_method_in_the_same_folder_is_refused(runs, tiny_run, tiny_settings):
    def refuse_to_train(what, total):
        raise AssertionError(f"{what} was trained again")

    for folder, held, method in (
        (runs / "smote", "smote", "rus-weights"),
        (runs / "smote", "smote", "dlrsd-smote"),
        (tiny_run, "dlrsd-smote", "smote"),
    ):
        said = f"holds a run of method '{held}', not '{method}': choose another --out"
        with pytest.raises(InputError, match=said):
            fit(tiny_settings, folder, method=method, progress=refuse_to_train)
    again = fit(tiny_settings, runs / "smote", method="smote", progress=refuse_to_train)
    assert again == load_run(runs / "smote").metrics


def test_an_interrupted_run_ends_like_one_that_ran_through(
    runs, tiny_settings, hurry, tmp_path, monkeypatch
):
    def stop(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "write_report", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(tiny_settings, tmp_path / "run", method="smote")
    with pytest.raises(InputError, match="holds a run of method 'smote'"):
        fit(tiny_settings, tmp_path / "run", method="none")
    assert fit(tiny_settings, tmp_path / "run", method="smote") == load_run(runs / "smote").metrics


@pytest.mark.parametrize("method", ["smoot", "dlrsd-smote/no-filter"])
def test_an_unknown_method_is_refused_before_anything_is_written(tiny_settings, tmp_path, method):
    with pytest.raises(InputError, match=f"got method '{method}': expected one of none, ") as error:
        fit(tiny_settings, tmp_path / "run", method=method)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_command_names_the_run_by_its_method(hurry, rig_folder, tmp_path, monkeypatch, capsys):
    arguments = ["fit", str(rig_folder), "--balance", "6", "--normal-windows", "60"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dlrsd-train", *arguments, "--method", "ros"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("runs/small_rig-block-br6-seed0-ros: protocol block")
    assert load_run("runs/small_rig-block-br6-seed0-ros").config["method"] == "ros"


def test_the_command_names_every_method():
    (option,) = [p for p in get_command(app).commands["fit"].params if p.name == "method"]
    windows, plants = (
        part.partition(": ")[2].rstrip(".").replace(" or ", ", ").split(", ")
        for part in option.help.split(". ")
    )
    assert sorted(windows) == sorted([*METHODS, *COMBINATIONS])
    assert sorted(plants) == sorted(SEQUENCE_METHODS)
    assert (windows[0], plants[0]) == (REFERENCE, PLANT_METHOD)
