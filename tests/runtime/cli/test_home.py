"""A diagnosis leaves nothing in the user's folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_the_home_stays_empty(command: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    home = tmp_path / "home"
    home.mkdir()
    np.zeros(4096, "<f4").tofile(tmp_path / "s.bin")
    names = ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
    others = {name: value for name, value in os.environ.items() if name not in names}
    done = command("diagnose", "s.bin", "--bundle", "cwru-6205", env={**others, "HOME": str(home)})
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
