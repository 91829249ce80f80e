"""A training on plants from end to end: what it leaves, resumed, finished, refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.balance.sequences import SEQUENCE_METHODS
from dlrsd.training.kinds.plants import fit as module
from dlrsd.training.kinds.plants import line
from dlrsd.training.kinds.plants.fit import fit_plants
from dlrsd.training.kinds.plants.run import load_plant_run

FILES = {
    "classifier.safetensors", "config.json", "curves.json", "metrics.json", "novelty.npz",
    "report.html", "states.npz",
}  # fmt: skip


def refuse_to_train(what, total):
    return lambda done: pytest.fail(f"{what} was trained again") if what == "classifier" else None


def test_a_run_read_again_says_the_same(plant_run, plant_settings):
    assert {path.name for path in plant_run.iterdir()} == FILES
    run = load_plant_run(plant_run)
    assert run.settings == plant_settings
    assert run.config.signal.channel_names == tuple(run.config.channels)
    data = line.prepare(plant_settings)
    metrics, states = line.evaluate(
        plant_settings, data, run.model, temperature=run.temperature, novelty=run.novelty
    )
    again = json.loads(json.dumps(metrics))  # tuples of the score as JSON has them
    assert again == {key: run.metrics[key] for key in again}
    with np.load(plant_run / "states.npz") as stored:
        assert set(stored.files) == set(states)
        for name, state in states.items():
            np.testing.assert_array_equal(stored[name], state)


def test_an_interrupted_run_ends_like_one_that_ran_through(
    plant_run, plant_settings, tmp_path, monkeypatch
):
    def stop(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_report", stop)
        with pytest.raises(KeyboardInterrupt):
            fit_plants(plant_settings, tmp_path / "run")
    fit_plants(plant_settings, tmp_path / "run")
    assert load_plant_run(tmp_path / "run").metrics == load_plant_run(plant_run).metrics
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    one, two = (load_file(run / "classifier.safetensors") for run in (plant_run, tmp_path / "run"))
    for name, weight in one.items():
        np.testing.assert_array_equal(weight, two[name])


def test_a_finished_run_is_returned_and_left_alone(plant_run, plant_settings):
    before = {path: path.stat().st_mtime_ns for path in plant_run.iterdir()}
    metrics = fit_plants(plant_settings, plant_run, progress=refuse_to_train)
    assert metrics == json.loads((plant_run / "metrics.json").read_text())
    assert {path: path.stat().st_mtime_ns for path in plant_run.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [{"epochs": 2}, {"steps": 3}, {"batch": 4}, {"learning_rate": 1e-3}, {"weight_decay": 0.0},
     {"patience": 5}],
)  # fmt: skip
def test_a_finished_run_is_not_taken_for_one_that_is_trained_otherwise(
    plant_run, plant_settings, change
):
    other = replace(plant_settings, training=replace(plant_settings.training, **change))
    with pytest.raises(InputError, match="a run with other settings: choose another --out"):
        fit_plants(other, plant_run, progress=refuse_to_train)


def test_what_cannot_be_trained_is_refused_before_anything_is_written(plant_settings, tmp_path):
    with pytest.raises(InputError, match="got method 'mixup' for sequences") as error:
        fit_plants(plant_settings, tmp_path / "run", method="mixup")
    assert all(name in str(error.value) for name in SEQUENCE_METHODS)
    with pytest.raises(InputError, match="9 or more"):
        fit_plants(replace(plant_settings, window=8), tmp_path / "run")
    assert not list(tmp_path.iterdir())
