"""Runs that meet the imbalance otherwise than by DLRSD-SMOTE: what they leave, and what not."""

from __future__ import annotations

import json

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.kinds.registry import load_run
from dlrsd.training.kinds.vibration import fit as fit_module
from dlrsd.training.kinds.vibration import line
from dlrsd.training.kinds.vibration.fit import fit

FILES = {
    "classifier.safetensors", "config.json", "curves.json", "metrics.json", "novelty.npz",
    "report.html",
}  # fmt: skip
NOT_OF_THESE = ("fidelity", "near_copies", "attention", "receptive_field")


@pytest.fixture(scope="module")
def runs(hurried_settings, tmp_path_factory):
    """A finished run of each of two methods."""
    folder = tmp_path_factory.mktemp("runs")
    for method in ("rus-weights", "smote"):
        fit(hurried_settings, folder / method, method=method)
    return folder


@pytest.mark.parametrize("method", ["rus-weights", "smote"])
def test_a_run_without_a_generator_keeps_none(runs, method):
    assert {path.name for path in (runs / method).iterdir()} == FILES
    run = load_run(runs / method)
    assert (run.kept, run.anchors) == (None, {})
    assert run.config.method == method
    assert run.config.generator is None
    assert not set(NOT_OF_THESE) & set(run.metrics)
    assert set(json.loads((runs / method / "curves.json").read_text())) == {"classifier"}


def test_its_counts_are_those_of_the_training_set(runs, hurried_settings):
    data = line.prepare(hurried_settings)
    materials = line.materials_for("none", hurried_settings, data)
    for method in ("rus-weights", "smote"):
        training = line.balance(hurried_settings, method, materials)
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


def test_it_is_trained_on_the_methods_own_set(runs, hurried_settings, tmp_path):
    """The weights of the two runs differ, and a run is the same again."""
    fit(hurried_settings, tmp_path / "again", method="smote")
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


def test_another_method_in_the_same_folder_is_refused(
    runs, tiny_run, tiny_settings, hurried_settings
):
    def refuse_to_train(what, total):
        raise AssertionError(f"{what} was trained again")

    for folder, settings, held, method in (
        (runs / "smote", hurried_settings, "smote", "rus-weights"),
        (runs / "smote", hurried_settings, "smote", "dlrsd-smote"),
        (tiny_run, tiny_settings, "dlrsd-smote", "smote"),
    ):
        said = f"holds a run of method '{held}', not '{method}': choose another --out"
        with pytest.raises(InputError, match=said):
            fit(settings, folder, method=method, progress=refuse_to_train)
    again = fit(hurried_settings, runs / "smote", method="smote", progress=refuse_to_train)
    assert again == load_run(runs / "smote").metrics


def test_an_interrupted_run_ends_like_one_that_ran_through(
    runs, hurried_settings, tmp_path, monkeypatch
):
    def stop(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "write_report", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(hurried_settings, tmp_path / "run", method="smote")
    with pytest.raises(InputError, match="holds a run of method 'smote'"):
        fit(hurried_settings, tmp_path / "run", method="none")
    assert (
        fit(hurried_settings, tmp_path / "run", method="smote") == load_run(runs / "smote").metrics
    )


@pytest.mark.parametrize("method", ["smoot", "dlrsd-smote/no-filter"])
def test_an_unknown_method_is_refused_before_anything_is_written(tiny_settings, tmp_path, method):
    with pytest.raises(InputError, match=f"got method '{method}': expected one of none, ") as error:
        fit(tiny_settings, tmp_path / "run", method=method)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
