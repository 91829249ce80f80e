"""The package as it is installed on a box: the wheel with the extras cpu and io, and no torch."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).resolve().parents[2]
PACKAGES = ("runtime", "training", "export")
COMMANDS = ("dlrsd-runtime", "dlrsd-train", "dlrsd-export")
SHIPPED = SOURCE / "runtime" / "bundle" / "ready" / "cwru-6205"

on_a_box = pytest.mark.skipif(
    find_spec("torch") is not None, reason="torch is installed: this is a development environment"
)


def command(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name(name))
    return subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def installed() -> set[str]:
    """Files of the installed package; a checkout's own metadata does not count."""
    (package,) = metadata.distributions(name="dlrsd", path=[sysconfig.get_path("purelib")])
    return {file.as_posix() for file in package.files or ()}


@on_a_box
def test_torch_cannot_be_imported() -> None:
    with pytest.raises(ModuleNotFoundError, match="torch"):
        importlib.import_module("torch")


def test_the_runtime_imports_nothing_of_training() -> None:
    paths = (path.relative_to(SOURCE) for path in (SOURCE / "runtime").rglob("*.py"))
    modules = sorted(".".join(path.with_suffix("").parts) for path in paths)
    assert "runtime.diagnosis.diagnose" in modules
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module('dlrsd.' + name)\n"
        "heavy = {'torch', 'onnx', 'sklearn', 'imblearn', 'matplotlib', 'bearing_datasets'}\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in heavy\n"
        "             or m.startswith(('dlrsd.training', 'dlrsd.export'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.skipif(
    any("__editable__" in name for name in installed()), reason="dlrsd is installed editable"
)
def test_the_wheel_holds_every_file_of_the_packages() -> None:
    wanted = {
        f"dlrsd/{package}/{path.relative_to(SOURCE / package).as_posix()}"
        for package in PACKAGES
        for pattern in ("*.py", "py.typed", "*.json", "*.csv", "templates/*", "ready/*/*")
        for path in (SOURCE / package).rglob(pattern)
    }
    page = SOURCE / "runtime" / "service" / "page"
    wanted |= {
        f"dlrsd/runtime/service/page/{path.relative_to(page).as_posix()}"
        for path in (page / "static").rglob("*")
        if path.is_file()
    }
    assert {
        "dlrsd/runtime/bundle/manifest.schema.json",
        "dlrsd/training/report/templates/page.html.j2",
        "dlrsd/runtime/diagnosis/records.schema.json",
        "dlrsd/runtime/service/sinks/message.schema.json",
        "dlrsd/runtime/service/page/static/vendor/uplot/LICENSE",
        "dlrsd/runtime/service/watching/watch.schema.json",
        "dlrsd/runtime/streams/sidecar.schema.json",
        "dlrsd/runtime/bundle/bearings/table.csv",
        "dlrsd/runtime/py.typed", "dlrsd/training/py.typed", "dlrsd/export/py.typed",
    } <= wanted  # fmt: skip
    held = {name for name in installed() if name.startswith("dlrsd/") and "__pycache__" not in name}
    assert held == wanted


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_are_there_and_answer_without_torch(name: str, tmp_path: Path) -> None:
    assert name in {entry.name for entry in metadata.entry_points(group="console_scripts")}
    done = command(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


@on_a_box
@pytest.mark.parametrize(
    ("name", "arguments", "extra"),
    [("dlrsd-train", ("fit", "rig"), "train"), ("dlrsd-export", (), "export")],
)
def test_what_needs_torch_says_how_to_get_it(
    name: str, arguments: tuple[str, ...], extra: str, tmp_path: Path
) -> None:
    done = command(name, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "needs the package 'torch'" in done.stderr
    assert f"pip install 'dlrsd[{extra}]'" in done.stderr
    assert not list(tmp_path.iterdir())


@on_a_box
def test_inspect_without_its_extra_says_how_to_get_it(tmp_path: Path) -> None:
    done = command("dlrsd-train", "inspect", "cwru", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'dlrsd[train]'" in done.stderr


def test_a_stream_can_be_simulated_on_a_box(tmp_path: Path) -> None:
    done = command("dlrsd-train", "simulate", "s.bin", "--seconds", "1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "s.bin").stat().st_size == 4 * 12_000


@pytest.mark.skipif(not SHIPPED.is_dir(), reason="no ready bundle in this checkout")
def test_the_ready_bundle_diagnoses_without_training(tmp_path: Path) -> None:
    # Of a spectrum that training windows had: white noise is none of these.
    tones = np.fft.rfft(np.random.default_rng(0).standard_normal(60_000))
    hz = np.fft.rfftfreq(60_000, 1 / 12_000)
    tones *= 0.05 + np.exp(-(((hz - 2900) / 600) ** 2)) + 0.4 * np.exp(-(((hz - 1100) / 500) ** 2))
    (0.2 * np.fft.irfft(tones)).astype("<f4").tofile(tmp_path / "stream.bin")
    done = command(
        "dlrsd-runtime", "diagnose", "stream.bin", "--bundle", "cwru-6205",
        "--output", "out.jsonl", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    header, *windows, summary = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert header["bundle"]["name"] == "cwru-6205"
    full = (60_000 - 1024) // 512 + 1
    assert summary["type"] == "summary"
    assert Counter(record["type"] for record in windows) == {"window": len(windows)}
    assert all(set(record["probabilities"]) == set(header["classes"]) for record in windows[:full])
    info = command("dlrsd-runtime", "info", "cwru-6205", cwd=tmp_path)
    assert info.returncode == 0
    assert "CWRU" in info.stdout


def test_the_readmes_python_diagnoses_a_stream(tmp_path: Path) -> None:
    readme = (SOURCE / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    rng = np.random.default_rng(0)
    (0.1 * rng.standard_normal(12_000)).astype("<f4").tofile(tmp_path / "stream.bin")
    shutil.copytree(SHIPPED, tmp_path / "bundle")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("Header(schema_version=1, ")
    assert last.startswith("Summary(windows=")
