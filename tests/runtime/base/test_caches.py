"""Where is written beyond what a command names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlrsd.runtime.base.caches import cache_folder, keep_kernels_here


def test_it_is_one_folder_that_can_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("CUPY_CACHE_DIR", raising=False)
    assert cache_folder() == tmp_path / "elsewhere" / "dlrsd"
    keep_kernels_here()
    assert os.environ["CUPY_CACHE_DIR"] == str(tmp_path / "elsewhere" / "dlrsd" / "cupy")
    assert list(tmp_path.iterdir()) == []


def test_what_a_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUPY_CACHE_DIR", "mine")
    keep_kernels_here()
    assert os.environ["CUPY_CACHE_DIR"] == "mine"
