"""Shared by the tests of training: data sets of the world, plants, and a quick training on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlrsd.training.data.plants.rig import simulate_plants, write_plants
from dlrsd.training.fitting.schedule import SEQUENCE
from dlrsd.training.kinds.plants.fit import fit_plants
from dlrsd.training.kinds.plants.settings import SequenceSettings

BESIDE = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def folder_of() -> Callable[[str], Path]:
    """The folder that holds a data set of bearing-datasets; a test without it is skipped."""
    root = Path(os.environ.get("DLRSD_TEST_DATA", BESIDE))

    def find(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"needs the data set {name}")
        return root

    return find


@pytest.fixture(scope="session")
def define() -> Callable[[Path, str, str], Path]:
    """Write a definition of a data set for bearing-datasets; returns the folder of its raw
    files."""

    def write(folder: Path, name: str, builder: str) -> Path:
        folder.mkdir()
        (folder / "builder.py").write_text(builder)
        (folder / "dataset.yaml").write_text(
            f"name: {name}\nlicense: none\ncitation: none\nsources:\n"
            f"  - {{type: local, path: {folder / 'raw'}, include: ['*']}}\n"
        )
        (folder / "raw").mkdir()
        return folder / "raw"

    return write


@pytest.fixture(scope="session")
def plant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated plants of ten weeks, one component and one zone each."""
    folder = tmp_path_factory.mktemp("data") / "plants"
    write_plants(simulate_plants(seed=3, n_plants=3, years=0.2, components=1, zones=1), folder)
    return folder


@pytest.fixture(scope="session")
def plant_settings(plant_folder: Path) -> SequenceSettings:
    """Enough to go through every part of a training on ``plant_folder``."""
    training = replace(SEQUENCE, epochs=1, steps=2, batch=3)
    return SequenceSettings(str(plant_folder), window=12, hop=12, training=training)


@pytest.fixture(scope="session")
def plant_run(plant_settings: SequenceSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``plant_settings``. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("runs") / "plants"
    fit_plants(plant_settings, folder)
    return folder
