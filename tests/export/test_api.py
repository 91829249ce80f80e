"""What `dlrsd.export` promises, and that importing it does not load torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import dlrsd.export as api


def test_these_names_are_promised() -> None:
    assert api.__all__ == ["export_bundle"]
    assert api.export_bundle.__name__ == "export_bundle"
    assert "`export_bundle`" in str(api.__doc__)
    with pytest.raises(AttributeError, match="has no attribute 'import_bundle'"):
        _ = api.import_bundle  # type: ignore[attr-defined]


def test_importing_it_does_not_load_torch() -> None:
    program = "import sys, dlrsd.export; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize(
    "module", ["dlrsd.export", "dlrsd.export.verify.parity", "benchmarks.speed.settings"]
)
def test_telemetry_is_off_before_onnx_runtime_is_loaded(module: str) -> None:
    """Also where ONNX Runtime is the first thing that a module imports."""
    program = f"""
import os, sys
from importlib.abc import MetaPathFinder
class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            print("loaded with", os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
import {module}
import onnxruntime
"""
    others = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=others
    )
    assert (done.stdout, done.stderr) == ("loaded with 1\n", "")
