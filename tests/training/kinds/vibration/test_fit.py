"""A training from end to end: what it leaves, what its figures say, and that it can be resumed."""

from __future__ import annotations

import json
import shutil

import bearing_datasets
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.bundle.certainty import Certainty
from dlrsd.training.data.vibration.rig import simulate_rig
from dlrsd.training.kinds.registry import load_run
from dlrsd.training.kinds.vibration import fit as fit_module
from dlrsd.training.kinds.vibration.fit import fit
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.settings import Settings

FILES = {
    "anchors.npz", "classifier.safetensors", "config.json", "curves.json", "generator.safetensors",
    "metrics.json", "novelty.npz", "report.html", "samples.npz",
}  # fmt: skip

# SEU's layout: 8 channels at 5120 Hz, in volts, one of them no acceleration.
SEU_BUILDER = """
import numpy as np

AXES = [f"{place}_{axis}" for place in ("planetary", "parallel") for axis in "xyz"]
CHANNELS = {
    name: {"sensor_location": "gearbox", "unit": "V", "fs": 5120,
           "quantity": "torque" if name == "motor_torque" else "acceleration"}
    for name in ["motor_vibration", *AXES[:3], "motor_torque", *AXES[3:]]
}

def recordings(raw_dir):
    for path in sorted(raw_dir.glob("*.npy")):
        yield {
            "recording_id": path.stem, "native_label": path.stem,
            "fault_type": "normal" if path.stem == "health" else "rolling_element",
            "fault_location": "none" if path.stem == "health" else "gearbox",
            "signals": dict(zip(CHANNELS, np.load(path))),
        }
"""
SEU_CHANNELS = (
    "motor_vibration", "planetary_x", "planetary_y", "planetary_z", "motor_torque",
    "parallel_x", "parallel_y", "parallel_z",
)  # fmt: skip


@pytest.fixture
def seu_root(define, tmp_path):
    raw = define(tmp_path / "definition", "seu_like", SEU_BUILDER)
    rng = np.random.default_rng(0)
    for state in ("health", "ball"):
        np.save(raw / f"{state}.npy", rng.standard_normal((8, 25_000)))
    bearing_datasets.build(tmp_path / "definition", root=tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def settings(hurried_settings):
    return replace(hurried_settings, n_normal=60, balance=5.0)


def silence(what, total):
    return lambda done: None


def interrupt_at(part, epoch):
    """Progress that is stopped by Ctrl-C once an epoch of a part is done."""

    def progress(what, total):
        def show(done):
            if (what, done) == (part, epoch):
                raise KeyboardInterrupt

        return show

    return progress


def refuse_to_train(what, total):
    raise AssertionError(f"{what} was trained again")


# ------------------------------------------------------------------ what a run leaves


def test_a_run_holds_all_its_files(tiny_run):
    assert {path.name for path in tiny_run.iterdir()} == FILES
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().startswith("<!DOCTYPE html>")


def test_sets_and_operating_points_are_stated_and_measured(tiny_run):
    config, metrics = (
        json.loads((tiny_run / name).read_text()) for name in ("config.json", "metrics.json")
    )
    stated = msgspec.convert(config["certainty"], Certainty)
    # One in five of those that are not held out for validation, each a group of its own.
    assert (stated.left_out, stated.windows) == ("window", [21, 3, 3, 3])
    assert stated.groups == stated.windows
    assert stated.points == []  # 30 windows are too few to show any
    assert all(0 < limit < 1 for limit in stated.limits)
    found = metrics["certainty"]
    assert found["coverage"][-1] == 1
    assert found["risk"][-1] == pytest.approx(1 - metrics["accuracy"])
    assert len(found["sets"]) == 8  # two bearings of each class
    assert sum(own["n"] for own in found["sets"].values()) == metrics["n"]
    assert 0 < np.mean([own["covered"] for own in found["sets"].values()]) <= 1
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    assert "How sure it is" in page
    assert "No risk can be stated" in page


def test_the_config_states_the_run(tiny_run, tiny_settings):
    config = json.loads((tiny_run / "config.json").read_text())
    assert msgspec.convert(config["settings"], Settings) == tiny_settings
    assert config["settings"]["training"] == msgspec.to_builtins(tiny_settings.training)
    assert (config["schema_version"], config["kind"]) == (2, "window")
    assert config["dataset"] == "small_rig"
    assert config["statement"] == "recordings of small_rig"
    assert config["signal"] == {
        "rate_hz": 12_000.0, "unit": "g", "channels": 1, "window": 1024, "hop": 512,
    }  # fmt: skip
    assert config["window_counts"]["train"] == {"Normal": 120, "ball": 20, "inner": 20, "outer": 20}
    # A quarter of 4 s, of two bearings.
    grid = 2 * ((12_000 - 1024) // 512 + 1)
    assert config["window_counts"]["test"] == dict.fromkeys(config["classes"], grid)
    assert (config["seed"], config["protocol"], config["balance_ratio"]) == (0, "block", 6.0)
    assert "quarter 1 of 4" in config["split_note"]
    front_end = config["front_end"]
    assert front_end["name"] == "scalogram"
    assert len(front_end["mean"]) == len(front_end["std"]) == 32


def test_the_figures_follow_from_the_confusion(tiny_run):
    metrics = json.loads((tiny_run / "metrics.json").read_text())
    confusion = np.array(metrics["confusion"])
    per_class, counts = metrics["per_class"], metrics["window_counts"]["test"]
    recall = np.diag(confusion) / confusion.sum(axis=1)
    precision = np.diag(confusion) / confusion.sum(axis=0)
    assert metrics["n"] == confusion.sum() == sum(counts.values())
    assert confusion.sum(axis=1).tolist() == list(counts.values())
    assert metrics["accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())
    assert metrics["macro_recall"] == pytest.approx(recall.mean())
    assert metrics["worst_recall"] == pytest.approx(recall.min())
    assert metrics["g_mean"] == pytest.approx(np.prod(recall) ** 0.25)
    for i, name in enumerate(metrics["classes"]):
        assert per_class[name]["support"] == counts[name]
        assert per_class[name]["recall"] == pytest.approx(recall[i])
        assert per_class[name]["precision"] == pytest.approx(precision[i])
    assert metrics["accuracy"] > 0.9  # chance: 0.25
    assert 0 <= metrics["novel_share"] < 0.5


def test_every_class_is_brought_to_the_largest(tiny_run):
    metrics = json.loads((tiny_run / "metrics.json").read_text())
    balance = metrics["balance"]
    # A tenth is held out for validation, of the faults' 20 as well.
    assert balance["Normal"]["drawn"] == 108
    for row in balance.values():
        assert row["drawn"] + row["decoded"] + row["smote"] == 108
    assert [balance[c]["drawn"] for c in ("ball", "inner", "outer")] == [18, 18, 18]
    assert metrics["near_copies"]["count"] == 0
    assert metrics["near_copies"]["n"] == 3 * 90
    assert set(metrics["near_copies"]["per_class"]) == {"ball", "inner", "outer"}


def test_curves_and_samples_are_there_for_the_report(tiny_run):
    curves = json.loads((tiny_run / "curves.json").read_text())
    assert len(curves["generator"]["validation_loss"]) == 7
    assert len(curves["classifier"]["validation_recall"]) == 3
    with np.load(tiny_run / "samples.npz", allow_pickle=False) as samples:
        kinds = {name.split("/")[0] for name in samples.files}
        assert kinds == {"real", "synthetic", "window", "long_range"}
        assert samples["window/2"].shape == (1, 1024)
        assert samples["synthetic/1"].shape == (64, 1, 32, 32)


def test_where_speed_and_orders_are_known_the_lines_stand_beside_the_network(
    rig_folder, settings, tmp_path
):
    data = tmp_path / "rig"
    shutil.copytree(rig_folder, data)
    facts = json.loads((data / "format.json").read_text())
    (recording,) = simulate_rig(seed=0, seconds=0.1, loads=(1,), n_bearings=1, classes=("outer",))
    facts |= {"speed_rpm": recording.speed_rpm, "orders": recording.fault_orders}
    (data / "format.json").write_text(json.dumps(facts))
    metrics = fit(replace(settings, data=str(data)), tmp_path / "run", method="ros")
    found = metrics["untrained"]
    assert {name: own["recordings"] for name, own in found.items()} == dict.fromkeys(
        ("Normal", "ball", "inner", "outer"), 2
    )
    # A quarter of 4 s, 30 turns: little, and yet enough for the races.
    assert found["outer"]["right"] == found["inner"]["right"] == found["Normal"]["right"] == 2
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.count("Agrees with the label.") >= 3


# ------------------------------------------------------------------ data of other kinds


def test_four_channels_at_20_khz(folder_of, hurried, tmp_path):
    """All of the gearbox, and the published SimpleCNN."""
    settings = Settings(
        "gearbox_gfd", root=str(folder_of("gearbox_gfd")), n_normal=40, balance=2.0, hop=2048,
        protocol="load", train_loads=(0.0, 30.0), classifier="simple_cnn", training=hurried,
    )  # fmt: skip
    metrics = fit(settings, tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert (run.config.signal.rate_hz, run.config.signal.channels) == (20_000.0, 4)
    assert run.config.channels == ["a1", "a2", "a3", "a4"]
    assert metrics["classes"] == ["normal", "gear"]
    # A window of the broken tooth holds a peak that stands as alone as a spike.
    assert metrics["window_counts"]["train"] == {"normal": 40, "gear": 19}
    assert metrics["left_out"] == {"gear": {"spike": 1}}
    assert run.anchors["texture/1"].shape[1:] == (4, 32, 32)


def test_eight_channels_of_5120_hz_in_volts(hurried, tmp_path, seu_root):
    settings = Settings(
        "seu_like", root=str(seu_root), channels=SEU_CHANNELS, n_normal=40, balance=4.0,
        training=hurried,
    )  # fmt: skip
    metrics = fit(settings, tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert msgspec.to_builtins(run.config.signal) == {
        "rate_hz": 5120.0, "unit": "V", "channels": 8, "window": 1024, "hop": 512,
    }  # fmt: skip
    assert run.config.channels == list(SEU_CHANNELS)
    assert run.frontend.config.f_max_hz == 0.375 * 5120
    assert metrics["n"] == 2 * ((25_000 // 4 - 1024) // 512 + 1)
    assert (tmp_path / "run" / "report.html").is_file()


# ------------------------------------------------------------------ interrupted, finished, foreign


def test_an_interrupted_run_ends_like_one_that_ran_through(settings, tmp_path, monkeypatch):
    through, stopped = tmp_path / "through", tmp_path / "stopped"
    metrics = fit(settings, through, progress=silence)
    stops = [("generator", 1), ("classifier", 1), ("classifier", 2), ("calibration", 1)]
    for part, epoch in stops:
        with pytest.raises(KeyboardInterrupt):
            fit(settings, stopped, progress=interrupt_at(part, epoch))
        assert not (stopped / "metrics.json").exists()
    with monkeypatch.context() as patch:
        # Even the report: a run without one is not finished.
        patch.setattr(fit_module, "write_report", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(settings, stopped)
    assert fit(settings, stopped) == metrics
    assert {path.name for path in stopped.iterdir()} == FILES
    for name in ("generator.safetensors", "classifier.safetensors"):
        one, two = load_file(through / name), load_file(stopped / name)
        assert one.keys() == two.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], two[key])
    for name in ("metrics.json", "curves.json"):
        assert (through / name).read_text() == (stopped / name).read_text()


def stop(folder):
    raise KeyboardInterrupt


def test_a_finished_run_is_returned_and_left_alone(tiny_run, tiny_settings):
    before = {path: path.stat().st_mtime_ns for path in tiny_run.iterdir()}
    metrics = fit(tiny_settings, tiny_run, progress=refuse_to_train)
    assert metrics == json.loads((tiny_run / "metrics.json").read_text())
    assert {path: path.stat().st_mtime_ns for path in tiny_run.iterdir()} == before


def test_other_settings_in_the_same_folder_are_refused(tiny_run, tiny_settings):
    said = r"a run with other settings \(seed 0 and not 1\): choose another --out"
    with pytest.raises(InputError, match=said):
        fit(replace(tiny_settings, seed=1), tiny_run, progress=refuse_to_train)


def test_all_settings_that_differ_are_named(tiny_run, tiny_settings):
    """A default may have changed since the run was begun."""
    other = replace(tiny_settings, seed=1, hop=300)
    said = rf"\(seed 0 and not 1, hop {tiny_settings.hop} and not 300\): choose another"
    with pytest.raises(InputError, match=said):
        fit(other, tiny_run, progress=refuse_to_train)


@pytest.mark.parametrize(
    "change",
    [
        lambda training: {"generator": replace(training.generator, epochs=8)},
        lambda training: {"generator": replace(training.generator, steps=26)},
        lambda training: {"generator": replace(training.generator, batch=20)},
        lambda training: {"generator": replace(training.generator, patience=9)},
        lambda training: {"classifier": replace(training.classifier, learning_rate=1e-3)},
        lambda training: {"classifier": replace(training.classifier, weight_decay=0.0)},
        lambda training: {"probe_epochs": 3},
        lambda training: {"pair_steps": 3},
        lambda training: {"views": 61},
    ],
)
def test_a_finished_run_is_not_taken_for_one_that_is_trained_otherwise(
    tiny_run, tiny_settings, change
):
    training = replace(tiny_settings.training, **change(tiny_settings.training))
    with pytest.raises(InputError, match="a run with other settings: choose another --out"):
        fit(replace(tiny_settings, training=training), tiny_run, progress=refuse_to_train)


def test_changed_recordings_in_the_same_folder_are_refused(tiny_run, tiny_settings, tmp_path):
    data, run = tmp_path / "small_rig", tmp_path / "run"
    shutil.copytree(tiny_settings.data, data)
    shutil.copytree(tiny_run, run)
    moved = replace(tiny_settings, data=str(data))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"settings": msgspec.to_builtins(moved)}))
    assert fit(moved, run, progress=refuse_to_train)["n"] == 176
    np.save(data / "outer" / "b.npy", np.load(data / "outer" / "outer_1" / "a.npy"))
    with pytest.raises(InputError, match="on these recordings before they were changed"):
        fit(moved, run, progress=refuse_to_train)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("holiday.jpg", "x", "is there and is no run"),
        ("config.json", '{"model_type": "bert"}', "is there and is no run"),
        ("config.json", "[]", "is there and is no run"),
        ("config.json", "{", r"config.json is damaged .*train it again"),
    ],
)
def test_a_foreign_folder_is_refused(tiny_settings, tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=said) as caught:
        fit(tiny_settings, tmp_path, progress=refuse_to_train)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(InputError, match="is there and is no run"):
        fit(tiny_settings, tmp_path / name, progress=refuse_to_train)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"classifier": "vgg19"},
            "got classifier 'vgg19' for the front end scalogram: expected ed",
        ),
        ({"preset": "huge"}, "got preset 'huge': expected one of paper, edge"),
        ({"window": 1000}, "1000 samples does not divide into 32 time blocks"),
        ({"rate": 200.0, "window": 128}, "frequencies 100 to 75 Hz do not fit a rate of 200 Hz"),
        ({"balance": 120.0}, "class 'ball' gets a single training window .* of 120: .* lower"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tiny_settings, tmp_path, changes, said
):
    with pytest.raises(InputError, match=said):
        fit(replace(tiny_settings, **changes), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_run_is_tested_on_another_rig(rig_folder, hurried, tmp_path):
    """The tested rig lacks a fault; what was trained on says so, and states no unit of a sensor."""
    other = tmp_path / "other"
    shutil.copytree(rig_folder, other)
    shutil.rmtree(other / "ball")
    settings = Settings(
        f"{rig_folder},{other}", protocol="rig", seed=1, n_normal=40, balance=4.0, training=hurried
    )
    metrics = fit(settings, tmp_path / "run")
    assert metrics["absent"] == ["rolling_element"]  # as the field calls a ball
    assert metrics["strata"] == {
        "rig other": {
            "accuracy": metrics["accuracy"],
            "worst_recall": metrics["worst_recall"],
            "n": metrics["n"],
        }
    }
    assert "rig other" in (tmp_path / "run" / "report.html").read_text()
    assert any(line.startswith("rig other: acc") for line in Vibration().summary(settings, metrics))
    config = load_run(tmp_path / "run").config
    assert config.dataset == "small_rig+other"
    assert config.split_note.startswith("trained on small_rig, tested on other; every recording is")
    assert (config.signal.unit, config.channels) == ("of its own RMS", ["sensor"])
