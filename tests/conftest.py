"""Shared by all tests: one tiny training of the simulated rig, and its bundle.

Torch is imported by the fixtures that need it: tests/runtime and tests/box also run without it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

RATE = 12_000

# Enough for a generator that decodes and a classifier that tells the rig's classes apart.
LEARNS = {
    "balance.dlrsd_smote.GENERATOR_EPOCHS": 7,
    "kinds.vibration.fit.CLASSIFIER_EPOCHS": 3,
    "evaluate.calibrate.PROBE_EPOCHS": 2,
    "fitting.generator.STEPS": 25,
    "fitting.generator.BATCH": 16,
    "fitting.classifier.STEPS": 20,
    "balance.pools.VIEWS": 60,
}
# Enough to go through every part of a training.
HURRIES = {
    **LEARNS,
    "balance.dlrsd_smote.GENERATOR_EPOCHS": 2,
    "kinds.vibration.fit.CLASSIFIER_EPOCHS": 2,
    "fitting.generator.STEPS": 3,
    "fitting.classifier.STEPS": 3,
    "balance.pools.VIEWS": 30,
}


def patched(patch: pytest.MonkeyPatch, constants: Mapping[str, int]) -> None:
    for place, value in constants.items():
        module, _, name = place.rpartition(".")
        patch.setattr(importlib.import_module(f"dlrsd.training.{module}"), name, value)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, int]:
    """Trainings of this test learn nothing and take a few seconds."""
    patched(monkeypatch, HURRIES)
    return HURRIES


@pytest.fixture(scope="module")
def hurry() -> Iterator[pytest.MonkeyPatch]:
    """Trainings of this module learn nothing; the patch, to hurry more."""
    with pytest.MonkeyPatch.context() as patch:
        patched(patch, {**HURRIES, "balance.pools.VIEWS": 60})
        yield patch


@pytest.fixture(scope="module")
def materials(hurry: pytest.MonkeyPatch, tiny_settings):
    """What methods are given of ``tiny_settings``, with few views."""
    from dlrsd.training.balance.materials import make_materials
    from dlrsd.training.data.vibration.prepare import prepare

    return make_materials(prepare(tiny_settings))


@pytest.fixture(scope="session")
def rig_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated rig as a folder: four classes of two bearings, 4 s each."""
    from dlrsd.training.data.vibration.rig import simulate_rig

    folder = tmp_path_factory.mktemp("data") / "small_rig"
    for recording in simulate_rig(seed=0, seconds=4.0, loads=(1,), n_bearings=2):
        path = folder / recording.label / str(recording.bearing_id) / "a.npy"
        path.parent.mkdir(parents=True)
        np.save(path, recording.signal[0])
    (folder / "format.json").write_text(json.dumps({"rate": RATE, "unit": "g"}))
    return folder


@pytest.fixture(scope="session")
def tiny_settings(rig_folder: Path):
    from dlrsd.training.data.vibration.prepare import Settings

    return Settings(str(rig_folder), n_normal=120, balance=6.0)


@pytest.fixture(scope="session")
def tiny_run(tiny_settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``tiny_settings``. Not to be changed: copy it."""
    from dlrsd.training.kinds.vibration.fit import fit

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patched(patch, LEARNS)
        fit(tiny_settings, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny_run`` exported in every precision. Not to be changed: copy it."""
    from dlrsd.export.package.bundle import export_bundle
    from dlrsd.export.verify import parity

    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "WINDOWS", 1000)
        export_bundle(tiny_run, folder, fp16=True, int8=True)
    return folder
