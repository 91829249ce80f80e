"""What somebody did to a finished run's files is told in one line, whoever reads them."""

from __future__ import annotations

import json
import pickle
import shutil

import pytest
from msgspec.structs import replace

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.kinds.fit import fit
from dlrsd.training.kinds.registry import load_run
from dlrsd.training.report.page import write_report

RUNS = ["tiny_run", "plant_run"]


@pytest.fixture(params=RUNS)
def run(request, tmp_path):
    return shutil.copytree(request.getfixturevalue(request.param), tmp_path / "run")


def refused(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("text", ["{}", "null", "[]", '{"accuracy": 1}', "[" * 100_000, "{", "NaN"])
def test_damaged_metrics(run, text):
    (run / "metrics.json").write_text(text)
    assert "metrics.json" in refused(load_run, run)
    assert "metrics.json" in refused(write_report, run)


@pytest.mark.parametrize("text", ["{}", "null", "[]", "[" * 100_000, "{"])
def test_damaged_configs(run, text):
    (run / "config.json").write_text(text)
    assert "config.json" in refused(load_run, run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 99}, "upgrade dlrsd"),
        ({"seed": 1}, "got a seed that is not the settings'"),
        ({"protocol": "random"}, "got a protocol that is not the settings'"),
        ({"normal_class": "zzz"}, "got the normal class 'zzz', which is no class"),
        ({"channels": []}, "got 0 channels by name"),
        ({"seed": "0"}, "seed"),
        ({"unheard": 1}, "unheard"),
    ],
)
def test_contradictory_configs(run, change, said):
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert said in refused(load_run, run)


def test_a_run_that_states_no_temperature(run):
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "temperature": None}))
    assert "states no temperature" in refused(lambda: load_run(run).temperature)


@pytest.mark.parametrize("name", ["classifier.safetensors", "novelty.npz"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"\xff" * 8 + content[8:],  # a head of 2**64 bytes
        lambda content: content.replace(b"[", b"]", 1).replace(b"NUMPY", b"NUMPX", 1),
        lambda content: pickle.dumps({"weights": [1, 2]}),
    ],
)
def test_damaged_weights_and_arrays(run, name, damage):
    path = run / name
    path.write_bytes(damage(path.read_bytes()))
    assert str(run) in refused(load_run, run)


def test_a_folder_spelled_in_another_way_is_the_same_run(tiny_run, tiny_settings, tmp_path):
    run = shutil.copytree(tiny_run, tmp_path / "run")
    spelled = replace(tiny_settings, data=f"{tiny_settings.data}/", root="elsewhere")
    before = (run / "metrics.json").stat().st_mtime_ns
    fit(spelled, run, method=json.loads((run / "config.json").read_text())["method"])
    assert (run / "metrics.json").stat().st_mtime_ns == before
