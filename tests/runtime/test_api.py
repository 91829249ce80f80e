"""What `dlrsd.runtime` promises: these names, and that importing it costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import dlrsd.runtime as api
from dlrsd.runtime.base.version import VERSION

PROMISE = {
    "Asked", "Bundle", "BundleError", "Change", "Chunk", "DeviceLostError", "DeviceMemoryError",
    "Diagnosis", "DlrsdError", "Engine", "Examined", "ExtraMissingError", "Finding", "Header",
    "InputError", "Kinematics", "Machine", "OrderMapConfig", "Output", "ParityError",
    "SampleStream", "ScalogramConfig", "SignalSpec", "StreamFormat", "Summary", "Synthesis",
    "Verdict", "WindowBatch", "WindowRecord", "Writer", "asked_of", "benchmark", "commission",
    "diagnose", "examine", "load_bundle", "open_diagnosis", "open_engine", "open_stream",
    "open_writer", "order_map", "read_baseline", "read_machine", "save_synthesis", "scalogram",
    "shipped_bundles", "synthesize",
}  # fmt: skip


def test_these_names_are_promised() -> None:
    assert set(api.__all__) == PROMISE
    for name in PROMISE:
        assert getattr(api, name).__name__ == name
        assert name in dir(api)
        assert f"`{name}`" in str(api.__doc__), f"the docstring does not tell of {name}"
    with pytest.raises(AttributeError, match="has no attribute 'undiagnose'"):
        _ = api.undiagnose  # type: ignore[attr-defined]


def test_type_checkers_are_told_the_same_homes() -> None:
    tree = ast.parse(Path(api.__file__).read_text(encoding="utf-8"))
    told = {
        alias.name: each.module
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom) and str(each.module).startswith("dlrsd.")
        for alias in each.names
    }
    assert set(told) == PROMISE
    for name, module in told.items():
        assert getattr(api, name) is getattr(sys.modules[str(module)], name)


def test_importing_it_imports_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import dlrsd.runtime; "
        "print(sorted(set(sys.modules) - before - {'dlrsd', 'dlrsd.runtime'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_recording_is_diagnosed_in_few_lines(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    samples = 0.1 * np.random.default_rng(0).standard_normal(12_000)
    samples.astype("<f4").tofile(tmp_path / "stream.bin")
    bundle = api.load_bundle("cwru-6205")
    with api.open_stream(tmp_path / "stream.bin", default=bundle.signal) as stream:
        header, *windows, summary = api.diagnose(stream, bundle, api.open_engine(bundle))
    assert isinstance(header, api.Header)
    assert isinstance(summary, api.Summary)
    assert len(windows) == summary.records == 23
    assert all(isinstance(window, api.WindowRecord) for window in windows)


def test_the_version_is_the_packages() -> None:
    assert metadata.version("dlrsd") == VERSION
