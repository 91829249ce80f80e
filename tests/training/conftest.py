"""Shared by the tests of training: data sets of the world."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
