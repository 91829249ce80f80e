"""The kinds of data: which one some data are of, and settings from what a user states."""

from __future__ import annotations

import json
import shutil

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.training.kinds.plants.kind import Plants
from dlrsd.training.kinds.plants.settings import SequenceSettings
from dlrsd.training.kinds.registry import (
    KINDS,
    kind_of,
    kind_of_run,
    kind_of_settings,
    load_run,
    make_settings,
)
from dlrsd.training.kinds.vibration.kind import Vibration
from dlrsd.training.kinds.vibration.settings import Settings


def test_what_data_are_is_seen_from_the_data(rig_folder, plant_folder, tmp_path, monkeypatch):
    assert kind_of(str(plant_folder)).source.tag == kind_of("plant").source.tag == "sequence"
    for data in (str(rig_folder), "rig", "cwru12k", "/nowhere"):
        assert kind_of(data).source.tag == "window"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plant" / "Normal").mkdir(parents=True)
    assert kind_of("plant").source.tag == "window"  # a folder of that name is what it holds


def test_settings_and_runs_say_their_kind(tiny_run, plant_run):
    assert (
        kind_of_settings(Settings("rig")).source.tag == kind_of_run(tiny_run).source.tag == "window"
    )
    assert (
        kind_of_settings(SequenceSettings("plant")).source.tag == kind_of_run(plant_run).source.tag
    )
    assert isinstance(load_run(plant_run).settings, SequenceSettings)
    assert isinstance(load_run(str(tiny_run)).settings, Settings)


@pytest.mark.parametrize("change", [{"kind": "spectrum"}, {"kind": None}, {"kind": ["window"]}])
def test_a_run_of_an_unknown_kind_is_one_line(plant_run, tmp_path, change):
    folder = shutil.copytree(plant_run, tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match="expected one of sequence, window; train it again"):
        load_run(folder)


def test_what_was_not_stated_is_left_to_the_settings():
    made = make_settings(Vibration(), "rig", balance=None, seed=3)
    assert made == Settings("rig", seed=3, front_end="auto")  # until the data are read
    made = make_settings(Vibration(), "rig", balance=None, seed=3, window=2048)
    assert made == Settings("rig", seed=3, window=2048)
    with pytest.raises(InputError, match=r"^got --normal-windows, of which plant data has no"):
        make_settings(Plants(), "plant", n_normal=5, balance=None)


def test_a_folder_of_plants_is_stated_by_its_whole_path(plant_folder, monkeypatch):
    """An export reads it again, maybe from elsewhere."""
    monkeypatch.chdir(plant_folder.parent)
    assert make_settings(Plants(), plant_folder.name).data == str(plant_folder.resolve())
    assert make_settings(Plants(), "plant").data == "plant"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_is_whole(kind):
    settings = kind.settings("somewhere")
    assert kind_of_settings(settings) is kind
    assert {*kind.methods} <= {*kind.compared}
    assert kind.reference in kind.methods
    assert {*kind.groups(settings)["all"]} <= {*kind.compared}
    assert {*kind.former_methods.values()} <= {*kind.compared}
    for name, axis in kind.axes.items():
        assert hasattr(settings, name)
        assert axis.known is None or {*axis.usual, getattr(settings, name)} <= {*axis.known}
    with pytest.raises(InputError, match="got method 'smoot': expected one of none, "):
        kind.require_method("smoot", settings)
