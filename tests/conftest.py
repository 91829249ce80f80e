"""Shared by all tests: a simulated rig and plants as folders, tiny trainings, and a bundle.

Torch is imported by the fixtures that need it: tests/runtime and tests/box also run without it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

# Networks this small gain nothing from threads; where other work runs they cost eight times as
# much. Before NumPy is loaded, and for processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from dlrsd.training.base.scratch import leave_no_fonts

leave_no_fonts()  # for this process and those that tests start: none writes into the home folder
RATE = 12_000


@pytest.fixture
def small_disk(tmp_path: Path):
    """Runs a line of shell where ``small/`` is a file system of so many bytes.

    It stands in the test's folder, in a name space of its own; skips where the system forbids that.
    """

    def run(line: str, *, size: int, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        (tmp_path / "small").mkdir(exist_ok=True)
        mount = f"mount -t tmpfs -o size={size} tmpfs small && {{ {line}\n}}"
        return subprocess.run(
            [*_OWN_MOUNTS, mount], cwd=tmp_path, capture_output=True, text=True, timeout=timeout
        )

    try:
        allowed = run("true", size=65536).returncode == 0
    except OSError:  # there is no unshare
        allowed = False
    if not allowed:
        pytest.skip("this system mounts nothing for tests")
    run.folder = tmp_path
    return run


_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount", "sh", "-c")


@pytest.fixture(scope="session")
def learning():
    """Enough for a generator that decodes and a classifier that tells the rig's classes apart."""
    from msgspec.structs import replace

    from dlrsd.training.fitting.schedule import CLASSIFIER, GENERATOR
    from dlrsd.training.kinds.vibration.settings import Training

    return Training(
        generator=replace(GENERATOR, epochs=7, steps=25, batch=16),
        classifier=replace(CLASSIFIER, epochs=3, steps=20),
        probe_epochs=2,
        views=60,
    )


@pytest.fixture(scope="session")
def hurried(learning):
    """Enough to go through every part of a training in a second; what is trained has learned
    nothing."""
    from msgspec.structs import replace

    return replace(
        learning,
        generator=replace(learning.generator, epochs=2, steps=3),
        classifier=replace(learning.classifier, epochs=2, steps=3, batch=32),
        pair_steps=3,
    )


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
def tiny_settings(rig_folder: Path, learning):
    """Settings of ``tiny_run``."""
    from dlrsd.training.kinds.vibration.settings import Settings

    return Settings(str(rig_folder), n_normal=120, balance=6.0, training=learning)


@pytest.fixture(scope="session")
def hurried_settings(tiny_settings, hurried):
    """``tiny_settings``, hurried."""
    from msgspec.structs import replace

    return replace(tiny_settings, training=hurried)


@pytest.fixture(scope="session")
def tiny_run(tiny_settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``tiny_settings``. Not to be changed: copy it."""
    from dlrsd.training.kinds.vibration.fit import fit

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    fit(tiny_settings, folder)
    return folder


@pytest.fixture(scope="session")
def plant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated plants of ten weeks, one component and one zone each."""
    from dlrsd.training.data.plants.rig import simulate_plants, write_plants

    folder = tmp_path_factory.mktemp("data") / "plants"
    write_plants(simulate_plants(seed=3, n_plants=3, years=0.2, components=1, zones=1), folder)
    return folder


@pytest.fixture(scope="session")
def plant_settings(plant_folder: Path):
    """Enough to go through every part of a training on ``plant_folder``."""
    from msgspec.structs import replace

    from dlrsd.training.fitting.schedule import SEQUENCE
    from dlrsd.training.kinds.plants.settings import SequenceSettings

    training = replace(SEQUENCE, epochs=1, steps=2, batch=3)
    return SequenceSettings(str(plant_folder), window=12, hop=12, training=training)


@pytest.fixture(scope="session")
def plant_run(plant_settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of ``plant_settings``. Not to be changed: copy it."""
    from dlrsd.training.kinds.plants.fit import fit_plants

    folder = tmp_path_factory.mktemp("runs") / "plants"
    fit_plants(plant_settings, folder)
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
