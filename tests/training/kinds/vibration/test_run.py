"""A run folder read again: the same model, and one line where a file is damaged."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.kinds.registry import load_run
from dlrsd.training.kinds.vibration import line


@pytest.fixture
def copy(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "copy")


def test_a_run_read_again_says_the_same(tiny_run, tiny_settings):
    run = load_run(tiny_run)
    assert run.settings == tiny_settings
    assert run.classes == ["Normal", "ball", "inner", "outer"]
    assert 0.5 <= run.temperature <= 10
    data = line.prepare(run.settings)
    again = line.evaluate(
        run.settings, data, run.frontend, run.classifier, run.novelty, run.temperature
    )
    stored = json.loads((tiny_run / "metrics.json").read_text())
    assert again["confusion"] == stored["confusion"]
    assert again["macro_auroc"] == pytest.approx(stored["macro_auroc"], abs=1e-6)
    assert again["novel_share"] == stored["novel_share"]
    assert run.metrics == stored


def test_anchors_are_latents_and_textures_of_drawn_windows(tiny_run, tiny_settings):
    import torch

    run, data = load_run(tiny_run), line.prepare(tiny_settings)
    drawn = run.frontend.heatmaps(data.cut(data.drawn))
    for label in range(4):
        latent, texture = (
            torch.from_numpy(run.anchors[f"{kind}/{label}"].astype(np.float32))
            for kind in ("latent", "texture")
        )
        assert latent.shape[1:] == run.kept.network.latent_shape
        with torch.inference_mode():
            heatmaps = (run.kept.network.decode(latent) + texture).numpy()
        own = drawn[data.drawn.label == label]
        for heatmap in heatmaps:
            assert np.abs(own - heatmap).max(axis=(1, 2, 3)).min() < 0.05


@pytest.mark.parametrize(
    "name",
    ["config.json", "metrics.json", "generator.safetensors", "classifier.safetensors",
     "novelty.npz", "anchors.npz"],
)  # fmt: skip
@pytest.mark.parametrize("damage", ["cut off", "garbage", "empty"])
def test_a_damaged_file_is_one_line(copy, name, damage):
    path = copy / name
    whole = path.read_bytes()
    path.write_bytes({"cut off": whole[:-20], "garbage": b"\xffgarbage" * 9, "empty": b""}[damage])
    with pytest.raises(InputError, match="train it again") as caught:
        load_run(copy)
    assert "\n" not in str(caught.value)
    assert str(copy) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("classes"),
        lambda config: config.pop("front_end"),
        lambda config: config.pop("kind"),
        lambda config: config.update(kind="sequence"),
        lambda config: config.update(kind=["window"]),
        lambda config: config.update(schema_version=3),
        lambda config: config["front_end"].update(name="of tomorrow"),
        lambda config: config["classes"].append("one more"),
        lambda config: config["settings"].update(option_of_tomorrow=1),
        lambda config: config["front_end"].update(window=7),
    ],
)
def test_a_config_of_another_version_is_one_line(copy, change):
    config = json.loads((copy / "config.json").read_text())
    change(config)
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="train it again") as caught:
        load_run(copy)
    assert "\n" not in str(caught.value)


def test_pickled_objects_are_never_loaded(copy, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "attacked"),)

    np.savez(copy / "novelty.npz", whiten=np.array([Attack()], dtype=object), centres=np.zeros(3))
    with pytest.raises(InputError, match="train it again"):
        load_run(copy)
    assert not (tmp_path / "attacked").exists()


def test_what_is_no_finished_run_is_refused(tmp_path, copy):
    (copy / "metrics.json").unlink()
    for folder in (copy, tmp_path / "nowhere", tmp_path, str(tmp_path)):
        with pytest.raises(InputError, match=r"holds no finished run .*`dlrsd-train fit`"):
            load_run(folder)
